"""Charts as SVG, drawn by hand: axes, lines, points and bars, readable on light and dark pages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

_WIDTH, _HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 52, 52
_BEGIN = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
    'font-family="system-ui, DejaVu Sans, sans-serif" fill="#222" role="img">'
)
COLOURS = ("#1f77b4", "#d95f02", "#7570b3", "#4d9221")


@dataclass(frozen=True, slots=True)
class Axis:
    """A direction: its name, its ends, its marks with what is written there."""

    name: str
    low: float
    high: float
    marks: Sequence[tuple[float, str]]
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies, from 0 to 1."""
        if self.log:
            value = max(value, self.low)
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(slots=True)
class Chart:
    """A chart under construction; `svg` gives the whole file."""

    title: str
    across: Axis
    up: Axis
    _parts: list[str] = field(default_factory=list[str])
    _names: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])

    def line(
        self, name: str, points: Sequence[tuple[float, float]], colour: str, *, dash: str = ""
    ) -> None:
        """A line through points, marked where there are few of them; "" is not in the legend."""
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        style = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{style}/>'
        )
        if len(points) <= 12 and not dash:
            for x, y in points:
                self._dot(x, y, 3.5, colour, 1.0)
        if name:
            self._names.append((name, colour, dash))

    def points(self, name: str, points: Sequence[tuple[float, float]], colour: str) -> None:
        """A cloud of points."""
        for x, y in points:
            self._dot(x, y, 2.2, colour, 0.35)
        if name:
            self._names.append((name, colour, ""))

    def bar(self, at: float, width: float, height: float, colour: str, told: str = "") -> None:
        """A bar from the axis up, with words above it."""
        left, right = self._x(at - width / 2), self._x(at + width / 2)
        top, ground = self._y(height), self._y(self.up.low)
        self._parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
            f'height="{max(0.0, ground - top):.1f}" fill="{colour}"/>'
        )
        if told:
            self._parts.append(_words((left + right) / 2, top - 5, told, "middle", 11))

    def legend(self, name: str, colour: str) -> None:
        """A name that nothing drawn has brought along."""
        self._names.append((name, colour, ""))

    def svg(self) -> str:
        """The file."""
        right, ground = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        parts = [
            _BEGIN,
            f"<title>{escape(self.title)}</title>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
            _words(_LEFT, 20, self.title, "start", 15, weight="600"),
        ]
        for value, told in self.up.marks:
            y = self._y(value)
            parts.append(_rule(_LEFT, y, right, y, "#ddd"))
            parts.append(_words(_LEFT - 8, y + 4, told, "end", 12))
        for value, told in self.across.marks:
            x = self._x(value)
            parts.append(_rule(x, ground, x, ground + 4, "#888"))
            parts.append(_words(x, ground + 18, told, "middle", 12))
        parts.append(_rule(_LEFT, ground, right, ground, "#888"))
        parts.append(_words((_LEFT + right) / 2, _HEIGHT - 12, self.across.name, "middle", 12))
        parts.append(
            f'<g transform="translate(16 {(_TOP + ground) / 2:.0f}) rotate(-90)">'
            f"{_words(0, 0, self.up.name, 'middle', 12)}</g>"
        )
        return "\n".join([*parts, *self._parts, *self._legend(), "</svg>", ""])

    def _legend(self) -> list[str]:
        parts: list[str] = []
        x = float(_LEFT)
        for name, colour, dash in self._names:
            style = f' stroke-dasharray="{dash}"' if dash else ""
            parts.append(
                f'<line x1="{x:.0f}" y1="37" x2="{x + 18:.0f}" y2="37" stroke="{colour}" '
                f'stroke-width="4"{style}/>'
            )
            parts.append(_words(x + 24, 41, name, "start", 12))
            x += 44 + 6.8 * len(name)
        return parts

    def _dot(self, x: float, y: float, size: float, colour: str, opacity: float) -> None:
        self._parts.append(
            f'<circle cx="{self._x(x):.1f}" cy="{self._y(y):.1f}" r="{size}" fill="{colour}" '
            f'fill-opacity="{opacity}"/>'
        )

    def _x(self, value: float) -> float:
        part = min(1.0, max(0.0, self.across.at(value)))
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * part

    def _y(self, value: float) -> float:
        part = min(1.0, max(0.0, self.up.at(value)))
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * part


def _words(x: float, y: float, text: str, anchor: str, size: int, *, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def _rule(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'
