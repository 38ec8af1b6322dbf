"""Draw one subtitle as an RGBA layer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.render.fonts import load_font
from benchmarks.render.spec import Colour, Language, Style
from benchmarks.render.timeline import Parts

LINE_STEP = 1.3
UNSPACED = ("zh", "ja")


@dataclass(frozen=True)
class Row:
    """One visual line with its font."""

    text: str
    font: ImageFont.FreeTypeFont
    size: int


@dataclass(frozen=True)
class Layer:
    """RGBA pixels (h, w, 4) uint8 to be laid over the frame at ``top``; full width."""

    pixels: NDArray[np.uint8]
    top: int
    text: str

    def over(self, frame: NDArray[np.uint8], opacity: float = 1.0) -> None:
        """Blend into ``frame`` (h, w, 3) uint8 in place."""
        a, b = self.top, self.top + self.pixels.shape[0]
        alpha = self.pixels[..., 3:].astype(np.float32) * (opacity / 255)
        frame[a:b] = (frame[a:b] * (1 - alpha) + self.pixels[..., :3] * alpha + 0.5).astype(
            np.uint8
        )


def _fits(font: ImageFont.FreeTypeFont, text: str, width: float) -> bool:
    return font.getlength(text) <= width


def wrap(text: str, font: ImageFont.FreeTypeFont, width: float, language: Language) -> list[str]:
    """Break into lines no wider than ``width`` pixels; a newline in the text always breaks."""
    if "\n" in text:
        return [line for part in text.split("\n") for line in wrap(part, font, width, language)]
    spaced = language not in UNSPACED
    words = text.split(" ") if spaced else list(text)
    lines = [words[0]]
    for word in words[1:]:
        trial = lines[-1] + (" " if spaced else "") + word
        # Closing marks never start a Chinese or Japanese line.
        if _fits(font, trial, width) or (not spaced and word in "，。！？、；：”…）」"):
            lines[-1] = trial
        else:
            lines.append(word)
    return lines


def _slanted(layer: Image.Image, shear: float, base: float) -> Image.Image:
    return layer.transform(
        layer.size,
        Image.Transform.AFFINE,
        (1, shear, -shear * base, 0, 1, 0),
        Image.Resampling.BICUBIC,
    )


def _top(style: Style, height: int, block: int) -> int:
    anchor = (
        {"bottom": 0.95, "top": 0.05, "middle": 0.5}[style.place] if style.at is None else style.at
    )
    offset = {"bottom": block, "top": 0, "middle": block / 2}[style.place]
    return int(height * anchor - offset)


def rows_of(parts: Parts, style: Style, scale: float, size: tuple[int, int]) -> list[Row]:
    """Wrapped lines of all languages, the first at full size and the others at ``scale``."""
    width, height = size
    rows: list[Row] = []
    for i, (text, language) in enumerate(parts):
        pixels = max(8, round(height * style.size * (scale if i else 1)))
        font = load_font(style.font, pixels)
        rows += [
            Row(line, font, pixels) for line in wrap(text, font, width * style.width, language)
        ]
    return rows


def _draw_row(
    draw: ImageDraw.ImageDraw, row: Row, at: tuple[float, float], style: Style, fill: Colour
) -> None:
    x, y = at
    size, length = row.size, row.font.getlength(row.text)
    if style.box:
        draw.rectangle(
            (x - size * 0.3, y - size * 0.02, x + length + size * 0.3, y + size * 1.28),
            fill=style.box,
        )
    if style.shadow:
        off = max(1, round(size * style.shadow))
        draw.text((x + off, y + off), row.text, font=row.font, fill=(0, 0, 0, 190))
    edge = max(1, round(size * style.outline)) if style.outline else 0
    draw.text((x, y), row.text, font=row.font, fill=fill, stroke_width=edge, stroke_fill=style.edge)


def typeset(
    parts: Parts,
    style: Style,
    size: tuple[int, int],
    *,
    scale: float = 0.75,
    speaker: int = 0,
) -> Layer:
    """The layer of one subtitle for pictures of ``size`` (width, height) pixels."""
    width, height = size
    rows = rows_of(parts, style, scale, size)
    fill = style.speakers[speaker % len(style.speakers)] if style.speakers else style.fill
    steps = [round(row.size * LINE_STEP) for row in rows]
    # Antialiased borders mix with the transparent ground, so it has the colour next to the letters.
    ground = style.edge if style.outline else (style.box or fill)
    image = Image.new("RGBA", (width, height), (*ground[:3], 0))
    draw = ImageDraw.Draw(image)
    y = _top(style, height, sum(steps))
    for row, step in zip(rows, steps, strict=True):
        x = width * 0.08 if style.align == "left" else (width - row.font.getlength(row.text)) / 2
        _draw_row(draw, row, (x, y), style, fill)
        y += step
    if style.shear:
        image = _slanted(image, style.shear, y)
    pixels = np.asarray(image)
    used = np.flatnonzero(pixels[..., 3].any(axis=1))
    top, bottom = int(used[0]), int(used[-1]) + 1
    return Layer(pixels[top:bottom].copy(), top, "\n".join(row.text for row in rows))
