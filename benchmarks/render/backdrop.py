"""The whole background of a clip: shots one after the other, cross-fades, flashes, brightness."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.render.film import Film, open_film
from benchmarks.render.harbour import Harbour
from benchmarks.render.scenes import (
    Pan,
    Scene,
    Size,
    Still,
    Stripes,
    locked_still,
    paint,
    photo,
)
from benchmarks.render.spec import Background
from benchmarks.render.weather import Weather
from benchmarks.render.writing import Scroll, Street, closing_credits, page

UNCUT = (
    "snow",
    "rain",
    "glitter",
    "static",
    "page",
    "credits",
    "stripes",
    "locked",
    "harbour",
    "plain",
    "city-signs",
)


def _pan(rng: np.random.Generator, background: Background, size: Size, footage: Path) -> Scene:
    if background.kind == "photos":
        still = photo(footage / str(rng.choice(list(background.files))), size)
    else:
        still = paint(rng, (int(size[0] * 1.4), int(size[1] * 1.4)), background.mood)
    return Pan(rng, still, size, background.speed)


def _sheet(rng: np.random.Generator, background: Background, size: Size) -> Scene:
    width, height = size
    if background.kind == "credits":
        return Scroll(closing_credits((width, height * 6)), size, background.speed)
    tall = (width, height * 4 if background.speed else height)
    return Scroll(page(tall, str(rng.choice(["en", "zh"]))), size, background.speed)


def _pattern(rng: np.random.Generator, background: Background, size: Size) -> Scene:
    match background.kind:
        case "stripes":
            return Stripes(rng, size)
        case "locked":
            return Pan(rng, locked_still(rng, size), size, 0, grain=2)
        case "harbour":
            return Harbour(rng, size)
        case "city-signs":
            return Street(rng, size, background.speed)
        case _:
            return Still(background.colour, size)


def make_scene(
    rng: np.random.Generator, background: Background, size: Size, footage: Path
) -> Scene:
    """A scene of the wanted kind; film is not a scene but `Film`."""
    match background.kind:
        case "painted" | "photos":
            return _pan(rng, background, size, footage)
        case "snow" | "rain" | "glitter" | "static":
            return Weather(rng, background, size)
        case "page" | "credits":
            return _sheet(rng, background, size)
        case _:
            return _pattern(rng, background, size)


class Backdrop:
    """Call ``frame(t)`` with growing times; it gives (h, w, 3) uint8 pictures to draw on."""

    def __init__(
        self,
        seed: int,
        background: Background,
        size: tuple[int, int],
        seconds: float,
        footage: Path,
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._background, self._size, self._footage = background, size, footage
        self._film: Film | None = None
        if background.kind == "footage":
            self._film = open_film(background, size, seconds, footage)
        self._scene: Scene | None = None
        self._old: Scene | None = None
        self._start = self._old_start = self._until = 0.0

    def frame(self, t: float) -> NDArray[np.uint8]:
        """The background at ``t`` seconds."""
        view = self._film.frame(t) if self._film else self._shot(t)
        b = self._background
        gain = b.gain * (1.5 if b.flash and int(t * b.flash * 2) % 2 else 1.0)
        if gain != 1 or b.lift:
            view = np.clip(view.astype(np.float32) * gain + b.lift, 0, 255).astype(np.uint8)
        return view

    def _shot(self, t: float) -> NDArray[np.uint8]:
        b = self._background
        if self._scene is None or t >= self._until:
            self._old, self._old_start = self._scene, self._start
            self._scene = make_scene(self._rng, b, self._size, self._footage)
            self._start = t
            self._until = float("inf") if b.kind in UNCUT else t + self._rng.uniform(*b.shot)
        view = self._scene.frame(t - self._start)
        if self._old and t - self._start < b.crossfade:
            part = (t - self._start) / b.crossfade
            view = (view * part + self._old.frame(t - self._old_start) * (1 - part)).astype(
                np.uint8
            )
        return view
