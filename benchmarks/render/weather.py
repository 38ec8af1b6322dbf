"""Snow, rain, glitter on water and electronic noise: small bright things that are no text."""

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.render.scenes import Picture, Scene, Size, paint
from benchmarks.render.spec import Background


class Weather(Scene):
    """Snow, rain, glitter on water or electronic static over a painted still."""

    def __init__(self, rng: np.random.Generator, background: Background, size: Size) -> None:
        self._rng, self._kind, self._size = rng, background.kind, size
        width, height = size
        self._still = paint(rng, size, background.mood)
        count = {"snow": 500, "rain": 350, "glitter": 1800, "static": 0}[background.kind]
        self._x = rng.uniform(0, width, count)
        self._y = rng.uniform(0, height * 1.2, count)
        self._depth = rng.uniform(0.4, 1.6, count)
        self._speed = background.speed * height

    def frame(self, t: float) -> Picture:
        """See `Scene.frame`."""
        if self._kind == "static":
            noise = np.random.default_rng(round(t * 1000)).integers(
                0, 255, self._still.shape[:2], np.uint8
            )
            return (self._still // 3 * 2 + noise[..., None] // 3).astype(np.uint8)
        if self._kind == "glitter":
            return self._glitter(t)
        return self._falling(t)

    def _glitter(self, t: float) -> Picture:
        view = self._still.copy()
        phase = np.sin(t * 9 * self._depth + self._x) > 0.75
        for x, y, d in zip(self._x[phase], self._y[phase], self._depth[phase], strict=True):
            r = 1 + int(d > 1.2)
            view[int(y) : int(y) + r, int(x) : int(x) + 2 * r] = 255
        return view

    def _falling(self, t: float) -> Picture:
        image = Image.fromarray(self._still)
        draw = ImageDraw.Draw(image)
        rain, height = self._kind == "rain", self._size[1]
        fall = self._speed * t * (2.5 if rain else 0.25)
        ys = (self._y + fall * self._depth) % (height * 1.2) - height * 0.1
        xs = (self._x + 20 * np.sin(t + self._depth * 9)) if not rain else self._x
        for x, y, d in zip(xs, ys, self._depth, strict=True):
            if rain:
                draw.line((x, y, x + 2, y + height * 0.05 * d), fill=(225, 230, 240), width=1)
            else:
                draw.ellipse((x, y, x + 3.2 * d, y + 3.2 * d), fill=(250, 250, 255))
        return np.asarray(image).copy()
