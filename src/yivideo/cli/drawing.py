"""Draws bands and lines into a frame."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from yivideo.files import ensure_folder, write_atomic

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    from yivideo.engine.options import Preview
    from yivideo.subtitles.model import Band, Box, Line

_BAND = (255, 196, 0)
_LINE = (0, 224, 120)
_PLATE = (0, 0, 0)
# Fonts with Chinese letters that systems carry; Pillow finds them by their file names.
_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "STHeiti Medium.ttc",
    "msyh.ttc",
    "simsun.ttc",
)


def write_picture(seen: "Preview", path: Path) -> None:
    """Write the frame with its bands and lines drawn in to `path`, as PNG.

    Raises:
        OutputError: it cannot be written.
    """
    from PIL import Image, ImageDraw

    image = Image.fromarray(seen.image)
    draw = ImageDraw.Draw(image)
    # Visible on a frame of 4K as well as on a small one.
    width = max(1, round(image.height / 360))
    font, everything = _font(max(12, image.height // 36))
    for band in seen.bands:
        _draw_band(draw, band, width)
    for number, line in enumerate(seen.lines, 1):
        label = line.text if everything or line.text.isascii() else f"[{number}]"
        _draw_line(draw, line, f"{label}  {line.confidence:.2f}", font, width)
    data = io.BytesIO()
    image.save(data, "PNG")
    ensure_folder(path.parent)
    write_atomic(path, data.getvalue())


def _draw_band(draw: "ImageDraw", band: "Band", width: int) -> None:
    draw.rectangle(_inside(band.box), outline=_BAND, width=width)


def _draw_line(
    draw: "ImageDraw", line: "Line", label: str, font: "FreeTypeFont | ImageFont", width: int
) -> None:
    """A frame around the line, and what was read above it, or below where there is no room."""
    draw.rectangle(_inside(line.box), outline=_LINE, width=width)
    left, top, right, bottom = draw.textbbox((0, 0), label, font=font)
    height = bottom - top + 4 * width
    above = line.box.top - height
    place = above if above >= 0 else line.box.bottom
    plate = (line.box.left, place, line.box.left + right - left + 4 * width, place + height)
    draw.rectangle(plate, fill=_PLATE)
    text_at = (plate[0] + 2 * width - left, plate[1] + 2 * width - top)
    draw.text(text_at, label, fill=_LINE, font=font)


def _inside(box: "Box") -> tuple[int, int, int, int]:
    """The box as Pillow draws it: its last column and row belong to it."""
    return box.left, box.top, max(box.left, box.right - 1), max(box.top, box.bottom - 1)


def _font(size: int) -> "tuple[FreeTypeFont | ImageFont, bool]":
    """A font, and whether it has Chinese letters; without one, lines are numbered instead."""
    from PIL import ImageFont

    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size), True
        except OSError:
            continue
    return ImageFont.load_default(size), False
