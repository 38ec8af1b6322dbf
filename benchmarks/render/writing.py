"""Scenes full of writing that is no subtitle: book pages, closing credits, shop signs."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.render.fonts import load_font
from benchmarks.render.scenes import Picture, Scene, Size, random_colour

DATA = Path(__file__).parents[1] / "data" / "scenery.json"


@cache
def scenery() -> dict[str, Any]:
    """The words of scenes and overlays: ``prose`` by language, ``credits``, ``signs``, ``news``."""
    return json.loads(DATA.read_text(encoding="utf-8"))


def page(size: Size, language: str) -> Picture:
    """A sheet of book text in ``en`` or ``zh``."""
    width, height = size
    image = Image.new("RGB", (width, height), (236, 228, 208))
    draw = ImageDraw.Draw(image)
    pixels = max(12, int(height / (22 if height < 2 * width else 44)))
    font = load_font("serif-thin" if language == "zh" else "dejavu-serif", pixels)
    text = scenery()["prose"][language] * 50
    tokens = list(text) if language == "zh" else text.split(" ")
    joiner, line, y = ("" if language == "zh" else " "), "", height * 0.04
    for token in tokens:
        if font.getlength(line + joiner + token) > width * 0.84:
            draw.text((width * 0.08, y), line, font=font, fill=(40, 34, 30))
            line, y = token, y + pixels * 1.5
            if y > height * 0.98:
                break
        else:
            line = line + (joiner if line else "") + token
    return np.asarray(image)


def closing_credits(size: Size) -> Picture:
    """A tall sheet of names, white on black."""
    width, height = size
    image = Image.new("RGB", size, (8, 8, 10))
    draw = ImageDraw.Draw(image)
    font = load_font("dejavu-thin", max(12, width // 36))
    step, rows = width / 20, scenery()["credits"]
    for i in range(int(height / step)):
        draw.text(
            (width / 2, i * step),
            rows[i % len(rows)],
            font=font,
            fill=(235, 235, 235),
            anchor="mt",
        )
    return np.asarray(image)


class Scroll(Scene):
    """A tall sheet that moves up (a page or closing credits), or stands still at speed 0."""

    def __init__(self, sheet: Picture, size: Size, speed: float) -> None:
        self._sheet, self._height = sheet, size[1]
        self._speed = speed * size[1] / 10

    def frame(self, t: float) -> Picture:
        """See `Scene.frame`."""
        top = int(self._speed * t) % max(1, self._sheet.shape[0] - self._height + 1)
        return self._sheet[top : top + self._height].copy()


class Street(Scene):
    """A street of house fronts with shop signs: still at speed 0, else the camera walks along."""

    def __init__(self, rng: np.random.Generator, size: Size, speed: float) -> None:
        width, height = size
        self._size, self._speed = size, speed * height / 10
        image = Image.new("RGB", (width * 3, height), (150, 170, 190))
        draw = ImageDraw.Draw(image)
        x = 0
        while x < width * 3:
            wide = int(rng.integers(width // 5, width // 3))
            draw.rectangle(
                (x, height * 0.1, x + wide, height),
                fill=random_colour(rng),
                outline=(20, 20, 20),
                width=3,
            )
            for i in range(4):
                left, up = x + wide * (0.15 + 0.4 * (i % 2)), height * (0.18 + 0.2 * (i // 2))
                draw.rectangle(
                    (left, up, left + wide * 0.25, up + height * 0.13),
                    fill=(220, 225, 200),
                    outline=(30, 30, 30),
                )
            sign, font = (
                str(rng.choice(scenery()["signs"])),
                load_font("bold", max(14, height // 16)),
            )
            y = height * rng.uniform(0.6, 0.86)
            draw.rectangle(
                (x + 8, y, x + 24 + font.getlength(sign), y + height * 0.09), fill=(245, 240, 225)
            )
            draw.text((x + 16, y), sign, font=font, fill=(160, 20, 20))
            x += wide
        self._still = np.asarray(image)

    def frame(self, t: float) -> Picture:
        """See `Scene.frame`."""
        room = self._still.shape[1] - self._size[0]
        x = int(abs((self._speed * t) % (2 * room) - room))
        return self._still[:, x : x + self._size[0]].copy()
