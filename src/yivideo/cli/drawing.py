"""Draws bands and lines into a frame."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from yivideo.files import ensure_folder, write_atomic

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    from yivideo.engine.options import Preview
    from yivideo.subtitles.model import Band, Box

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
    labels: list[str] = []
    for number, line in enumerate(seen.lines, 1):
        draw.rectangle(_inside(line.box), outline=_LINE, width=width)
        text = line.text if everything or line.text.isascii() else f"[{number}]"
        labels.append(f"{text}  {line.confidence:.2f}")
    _draw_labels(draw, labels, [line.box for line in seen.lines], font, width)
    data = io.BytesIO()
    image.save(data, "PNG")
    ensure_folder(path.parent)
    write_atomic(path, data.getvalue())


def _draw_band(draw: "ImageDraw", band: "Band", width: int) -> None:
    draw.rectangle(_inside(band.box), outline=_BAND, width=width)


def _draw_labels(
    draw: "ImageDraw",
    labels: list[str],
    lines: "list[Box]",
    font: "FreeTypeFont | ImageFont",
    width: int,
) -> None:
    """What was read, on dark plates beside the lines."""
    from yivideo.cli.labels import place_labels

    extents = [draw.textbbox((0, 0), label, font=font) for label in labels]
    edge = 2 * width
    sizes = [
        (round(right - left) + 2 * edge, round(bottom - top) + 2 * edge)
        for left, top, right, bottom in extents
    ]
    plates = place_labels(lines, sizes, draw.im.size[1])
    for label, plate, (left, top, _, _) in zip(labels, plates, extents, strict=True):
        draw.rectangle(_inside(plate), fill=_PLATE)
        draw.text((plate.left + edge - left, plate.top + edge - top), label, _LINE, font)


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
