"""What a scene is, and the plain ones: a camera over a still, stripes, a fence, one colour."""

import math
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Picture = NDArray[np.uint8]
Size = tuple[int, int]


class Scene(ABC):
    """One shot. ``frame(t)`` is the RGB picture (h, w, 3) uint8 at ``t`` seconds into it."""

    @abstractmethod
    def frame(self, t: float) -> Picture:
        """A picture the caller may draw on."""


def fractal(rng: np.random.Generator, size: Size, octaves: int = 6) -> NDArray[np.float32]:
    """Cloud-like texture (h, w) in 0..1: what a camera sees is mostly smooth, with some detail."""
    width, height = size
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = 2 ** (octave + 2)
        grid = Image.fromarray((rng.random((cells, cells * 2)) * 255).astype(np.uint8))
        layer = grid.resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(layer, np.float32) / 255 / 1.8**octave
    total -= total.min()
    return total / total.max()


def random_colour(rng: np.random.Generator) -> tuple[int, int, int]:
    """Any colour."""
    r, g, b = (int(c) for c in rng.integers(0, 255, 3))
    return r, g, b


def paint(rng: np.random.Generator, size: Size, mood: str) -> Picture:
    """A still with clouds, solid shapes and thin lines."""
    width, height = size
    bounds = {
        "dark": ((5, 8, 15), (70, 75, 90)),
        "bright": ((150, 150, 140), (255, 255, 250)),
        "mixed": (random_colour(rng), (230, 225, 215)),
    }
    low, high = (np.array(c, np.float32) for c in bounds[mood])
    still = low + fractal(rng, size)[..., None] * (high - low)
    canvas = Image.fromarray(still.astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    for _ in range(14):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        side = int(rng.integers(height // 20, height // 3))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x, y, x + side, y + side * 0.7), fill=random_colour(rng))
    for _ in range(40):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        dx, dy = (int(v) for v in rng.integers(-200, 200, 2))
        draw.line((x, y, x + dx, y + dy), fill=random_colour(rng), width=2)
    return np.asarray(canvas)


class Pan(Scene):
    """A camera that moves over a still larger than the picture, to and fro, with grain."""

    def __init__(
        self, rng: np.random.Generator, still: Picture, size: Size, speed: float, grain: float = 3
    ) -> None:
        self._still, self._width, self._height = still, *size
        self._heading = rng.uniform(0, 2 * math.pi)
        self._speed = speed * size[1] / 10 * rng.uniform(0.5, 1.5)
        self._grain = rng.normal(0, grain, (size[1], size[0], 1)).astype(np.int16)

    def frame(self, t: float) -> Picture:
        """See `Scene.frame`."""
        room_y, room_x = self._still.shape[0] - self._height, self._still.shape[1] - self._width
        way = self._speed * t
        y = int(abs((room_y / 2 + math.sin(self._heading) * way) % (2 * room_y or 1) - room_y))
        x = int(abs((room_x / 2 + math.cos(self._heading) * way) % (2 * room_x or 1) - room_x))
        view = self._still[y : y + self._height, x : x + self._width].astype(np.int16)
        k = round(t * 1000)
        view += np.roll(self._grain, (k * 37 % self._height, k * 91 % self._width), (0, 1))
        return np.clip(view, 0, 255).astype(np.uint8)


def photo(path: Path, size: Size, margin: float = 1.5) -> Picture:
    """A photograph scaled to cover ``margin`` times the picture."""
    image = Image.open(path).convert("RGB")
    scale = max(size[0] * margin / image.width, size[1] * margin / image.height)
    wide = (round(image.width * scale), round(image.height * scale))
    return np.asarray(image.resize(wide, Image.Resampling.BICUBIC))


class Stripes(Scene):
    """A striped shirt that sways: high contrast edges of the width of letters."""

    def __init__(self, rng: np.random.Generator, size: Size) -> None:
        width, height = size
        self._size = size
        y, x = np.mgrid[0:height, 0 : width + 200]
        wave = (x * 0.25 + y * 1.0 + 12 * np.sin(x / 40)) / (height / 28)
        stripes = np.where((wave.astype(int) % 2)[..., None] == 0, (235, 235, 230), (30, 40, 90))
        shade = 0.7 + 0.3 * fractal(rng, (width + 200, height))[..., None]
        self._still = (stripes * shade).astype(np.uint8)

    def frame(self, t: float) -> Picture:
        """See `Scene.frame`."""
        x = int(100 + 90 * math.sin(t * 1.1))
        return self._still[:, x : x + self._size[0]].copy()


def locked_still(rng: np.random.Generator, size: Size) -> Picture:
    """A fence, railings and bricks with hard edges where the subtitles will stand."""
    width, height = size
    image = Image.fromarray(paint(rng, size, "mixed"))
    draw = ImageDraw.Draw(image)
    step = max(10, width // 50)
    for x in range(0, width, step):
        draw.rectangle((x, height * 0.72, x + step // 3, height), fill=(240, 238, 230))
    for y in (0.76, 0.9):
        draw.rectangle((0, height * y, width, height * (y + 0.018)), fill=(250, 248, 240))
    return np.asarray(image)


class Still(Scene):
    """One colour."""

    def __init__(self, colour: tuple[int, int, int], size: Size) -> None:
        self._picture = np.full((size[1], size[0], 3), colour, np.uint8)

    def frame(self, t: float) -> Picture:  # noqa: ARG002 - nothing moves
        """See `Scene.frame`."""
        return self._picture.copy()
