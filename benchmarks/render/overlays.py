"""Writing in the picture that is no subtitle: logos, watermarks, tickers, titles, signs."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.render.fonts import load_font
from benchmarks.render.spec import Overlay
from benchmarks.render.writing import scenery


class Drawn:
    """One overlay of a clip of ``size`` (width, height) pixels."""

    def __init__(self, overlay: Overlay, size: tuple[int, int]) -> None:
        self._overlay, (self._width, self._height) = overlay, size
        self._font = load_font("bold", max(10, round(size[1] * overlay.size)))

    def over(self, frame: NDArray[np.uint8], t: float) -> NDArray[np.uint8]:
        """The picture with this overlay as it is at ``t`` seconds."""
        o = self._overlay
        if t < o.start or (o.end is not None and t >= o.end):
            return frame
        image = Image.fromarray(frame)
        draw = ImageDraw.Draw(image, "RGBA")
        self._draw(draw, t)
        return np.asarray(image).copy()

    def _draw(self, draw: ImageDraw.ImageDraw, t: float) -> None:
        match self._overlay.kind:
            case "logo":
                self._logo(draw, t)
            case "watermark":
                self._watermark(draw, t)
            case "ticker":
                self._ticker(draw, t)
            case "title":
                self._title(draw)
            case "sign":
                self._sign(draw, t)
            case "clock":
                self._clock(draw, t)
            case "scoreboard":
                self._scoreboard(draw, t)

    def _place(self) -> tuple[float, float]:
        return self._overlay.at[0] * self._width, self._overlay.at[1] * self._height

    def _alpha(self, t: float) -> int:
        pulse = 0.6 + 0.4 * math.sin(t * 2.1) if self._overlay.animated else 1
        return int(255 * self._overlay.opacity * pulse)

    def _logo(self, draw: ImageDraw.ImageDraw, t: float) -> None:
        x, y = self._place()
        unit = self._font.size
        draw.ellipse((x, y, x + unit * 1.2, y + unit * 1.2), fill=(220, 30, 40, self._alpha(t)))
        draw.text(
            (x + unit * 1.5, y - unit * 0.1),
            self._overlay.text,
            font=self._font,
            fill=(255, 255, 255, self._alpha(t)),
        )

    def _watermark(self, draw: ImageDraw.ImageDraw, t: float) -> None:
        x, y = self._place()
        if self._overlay.animated:
            x += self._width * 0.25 * (1 + math.sin(t * 0.4))
        draw.text((x, y), self._overlay.text, font=self._font, fill=(255, 255, 255, self._alpha(t)))

    def _ticker(self, draw: ImageDraw.ImageDraw, t: float) -> None:
        y, length = self._overlay.at[1] * self._height, self._font.getlength(scenery()["news"])
        x = self._width - (t * self._width * 0.12) % (self._width + length)
        draw.rectangle(
            (0, y - 2, self._width, y + self._font.size * 1.35), fill=(20, 30, 90, self._alpha(t))
        )
        draw.text(
            (x, y - self._font.size * 0.1),
            scenery()["news"],
            font=self._font,
            fill=(255, 240, 160, 255),
        )

    def _title(self, draw: ImageDraw.ImageDraw) -> None:
        x, y = self._place()
        draw.text(
            (x, y),
            self._overlay.text,
            font=self._font,
            fill=(255, 255, 255, 255),
            stroke_width=2,
            stroke_fill=(0, 0, 0, 255),
            anchor="mm",
            align="center",
        )

    def _sign(self, draw: ImageDraw.ImageDraw, t: float) -> None:
        x, y = self._place()
        x = (x + t * self._width * 0.06) % (self._width * 1.3) - self._width * 0.2
        y += 6 * math.sin(t * 3)
        length, unit = self._font.getlength(self._overlay.text), self._font.size
        draw.rectangle(
            (x - unit / 2, y - unit / 4, x + length + unit / 2, y + unit * 1.4),
            fill=(0, 90, 60, 255),
            outline=(240, 240, 240, 255),
            width=3,
        )
        draw.text(
            (x, y - unit * 0.1), self._overlay.text, font=self._font, fill=(245, 245, 245, 255)
        )

    def _clock(self, draw: ImageDraw.ImageDraw, t: float) -> None:
        text = f"REC 00:{int(t // 60):02}:{int(t % 60):02}:{int(t % 1 * 25):02}"
        draw.text(self._place(), text, font=self._font, fill=(255, 255, 255, self._alpha(t)))

    def _scoreboard(self, draw: ImageDraw.ImageDraw, t: float) -> None:
        x, y = self._place()
        text = f"TRI {int(t // 14)} : {int(t // 23)} BER   {int(t // 60) + 63}:{int(t % 60):02}"
        draw.rectangle(
            (x, y, x + self._font.getlength(text) + self._font.size, y + self._font.size * 1.5),
            fill=(10, 20, 60, 220),
        )
        draw.text((x + self._font.size / 2, y), text, font=self._font, fill=(255, 255, 255, 255))
