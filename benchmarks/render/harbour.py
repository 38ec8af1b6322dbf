"""A drawn harbour with boats, clouds and waves: the scene of the sample video."""

import math

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.render.scenes import Picture, Scene, Size


class Harbour(Scene):
    """A drawn harbour: sun, clouds, hills, boats that pass and waves that glitter."""

    def __init__(self, rng: np.random.Generator, size: Size) -> None:
        self._size, height = size, size[1]
        self._sky = np.linspace((96, 156, 210), (246, 220, 180), int(height * 0.55)).astype(
            np.uint8
        )
        self._hills = rng.uniform(0.36, 0.5, 12)
        self._waves = rng.uniform(0, 1, (90, 2))

    def frame(self, t: float) -> Picture:
        """See `Scene.frame`."""
        width, height = self._size
        sea_top = self._sky.shape[0]
        ground = np.empty((height, width, 3), np.uint8)
        ground[:sea_top] = self._sky[:, None]
        ground[sea_top:] = (38, 84, 112)
        image = Image.fromarray(ground)
        draw = ImageDraw.Draw(image)
        self._far(draw, t)
        draw.rectangle((0, sea_top, width, height), fill=(38, 84, 112))
        for u, v in self._waves:
            y = sea_top + v * (height - sea_top)
            x = (u * width + t * (10 + 40 * v)) % (width + 40) - 40
            length = (8 + 30 * v) * (0.6 + 0.4 * math.sin(3 * t + 20 * u))
            draw.line((x, y, x + length, y), fill=(120, 168, 190), width=1 + int(v * 2))
        self._boat(
            draw,
            (width * (0.1 + 0.05 * t) % (width * 1.3) - width * 0.15),
            sea_top + height * 0.16,
            1.0,
            t,
        )
        self._boat(draw, width * (1.1 - 0.035 * t), sea_top + height * 0.05, 0.55, t)
        return np.asarray(image).copy()

    def _far(self, draw: ImageDraw.ImageDraw, t: float) -> None:
        width, height = self._size
        draw.ellipse(
            (width * 0.72, height * 0.1, width * 0.72 + height * 0.13, height * 0.23),
            fill=(255, 244, 200),
        )
        for i in range(3):
            x = (width * (0.1 + 0.37 * i) + 6 * t) % (width * 1.3) - width * 0.2
            for j in range(4):
                r = height * (0.03 + 0.015 * (j % 2))
                draw.ellipse(
                    (
                        x + j * r,
                        height * (0.1 + 0.05 * i) - r,
                        x + (j + 2) * r,
                        height * (0.1 + 0.05 * i) + r,
                    ),
                    fill=(250, 248, 244),
                )
        points = [(width * i / 11, height * y) for i, y in enumerate(self._hills)]
        draw.polygon([(0, height * 0.56), *points, (width, height * 0.56)], fill=(92, 120, 104))
        for i in range(9):
            x = width * (0.05 + 0.028 * i)
            top = height * (0.47 + 0.012 * (i * 7 % 4))
            draw.rectangle(
                (x, top, x + width * 0.024, height * 0.56),
                fill=(206 - 12 * (i % 3), 150 + 9 * (i % 4), 120),
            )

    def _boat(self, draw: ImageDraw.ImageDraw, x: float, y: float, scale: float, t: float) -> None:
        u = self._size[1] * 0.1 * scale
        y += 3 * math.sin(1.7 * t + scale)
        draw.polygon(
            [(x, y), (x + 4 * u, y), (x + 3.4 * u, y + u), (x + 0.5 * u, y + u)], fill=(132, 40, 36)
        )
        draw.line(
            (x + 1.9 * u, y, x + 1.9 * u, y - 3 * u), fill=(60, 44, 32), width=max(2, int(u / 8))
        )
        draw.polygon(
            [(x + 2 * u, y - 2.9 * u), (x + 2 * u, y - 0.4 * u), (x + 3.7 * u, y - 0.4 * u)],
            fill=(238, 232, 220),
        )
        draw.polygon(
            [(x + 1.8 * u, y - 2.6 * u), (x + 1.8 * u, y - 0.4 * u), (x + 0.6 * u, y - 0.4 * u)],
            fill=(226, 214, 196),
        )
