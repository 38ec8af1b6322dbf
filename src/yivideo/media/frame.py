"""One decoded frame: when it is shown, and its pixels as they are shown."""

import re
from typing import Any, Protocol

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from yivideo.media.orientation import Orientation, orientation_of

Pixels = NDArray[np.uint8]
BoxTuple = tuple[int, int, int, int]


class BoxLike(Protocol):
    """A region of the picture as shown, in pixels; right and bottom are exclusive."""

    @property
    def left(self) -> int: ...  # noqa: D102
    @property
    def top(self) -> int: ...  # noqa: D102
    @property
    def right(self) -> int: ...  # noqa: D102
    @property
    def bottom(self) -> int: ...  # noqa: D102


# Formats whose first plane holds nothing but luma, one sample after the other.
_LUMA_8 = re.compile(r"(yuva?j?4\d\dp|gray|nv(12|21|16|24|42))$")
_LUMA_DEEP = re.compile(r"(?:yuva?4\d\dp|gray)(9|10|12|14|16)le$")
# The same with the bits at the top of 16: the upper byte is the 8-bit luma.
_LUMA_TOP = re.compile(r"p[024]1[026]le$")

# swscale's threads now and then spoil a few pixels where their slices meet.
_THREADS = 1

# ITU-R BT.709 in FFmpeg's numbering, and swscale's names for the two matrices in use.
_BT709 = 1


class Layout:
    """How to find the luma of frames of one size and pixel format; made once, used for many."""

    __slots__ = (
        "coded_height",
        "coded_width",
        "deep",
        "direct",
        "format",
        "height",
        "offset",
        "orientation",
        "pixel",
        "shift",
        "width",
    )

    def __init__(self, width: int, height: int, pixel_format: str, turned: Orientation) -> None:
        self.coded_width, self.coded_height = width, height
        self.width, self.height = turned.shown_size(width, height)
        self.format = pixel_format
        self.orientation = turned
        deep = _LUMA_DEEP.match(pixel_format)
        top = _LUMA_TOP.match(pixel_format)
        # Bytes from one luma sample to the next, and to the byte that is wanted of the first.
        self.pixel = 2 if deep or top else 1
        self.offset = 1 if top else 0
        self.shift = int(deep[1]) - 8 if deep else 0
        self.deep = deep is not None
        self.direct = bool(deep or top or _LUMA_8.match(pixel_format))

    @classmethod
    def of(cls, picture: VideoFrame) -> "Layout":
        """The layout of this picture, turned as its display matrix asks."""
        turned = orientation_of(picture)
        return cls(picture.width, picture.height, picture.format.name, turned)

    def fits(self, picture: VideoFrame) -> bool:
        """Whether the picture has the size and pixel format this layout was made for."""
        return (
            picture.width == self.coded_width
            and picture.height == self.coded_height
            and picture.format.name == self.format
        )


class Frame:
    """A decoded frame in presentation order.

    Attributes:
        time: seconds from the beginning of the film at which it is shown.
        index: how many frames came before it in this reading, or in this part of it.
        picture: PyAV's frame, as coded (not turned).
    """

    __slots__ = ("_gray", "_layout", "index", "picture", "time")

    def __init__(self, picture: VideoFrame, time: float, index: int, layout: Layout) -> None:
        self.picture = picture
        self.time = time
        self.index = index
        self._layout = layout
        self._gray: VideoFrame | None = None

    @property
    def width(self) -> int:
        """Width as shown, in pixels, before the pixel aspect is applied."""
        return self._layout.width

    @property
    def height(self) -> int:
        """Height as shown, in pixels."""
        return self._layout.height

    def luma(self, box: BoxLike | BoxTuple | None = None, step: int = 1) -> Pixels:
        """Luma of a region as shown, 8 bits, in the range the file has (limited stays limited).

        Planar YUV, NV12 and its relatives and gray are read where they lie; deeper samples lose
        their lower bits; other formats (RGB, packed YUV, palettes) are converted once per frame.

        Args:
            box: region as shown, cut to the picture; the whole picture if None.
            step: take every `step`-th pixel in both directions, from the top left one.

        Returns:
            (h, w) uint8, read-only where it is a view: it then keeps the decoder's picture in
            memory for as long as it lives, so copy what is kept for long.
        """
        layout = self._layout
        picture = self.picture
        if not layout.direct:
            return self._converted_luma(box, step)
        if box is None:
            left, top, right, bottom = 0, 0, layout.coded_width, layout.coded_height
        else:
            left, top, right, bottom = self._coded(box)
        plane = picture.planes[0]
        line = plane.line_size
        if line < 0:
            # Stored bottom up: PyAV's buffer starts with the last row.
            return self._converted_luma(box, step)
        pixel = layout.pixel
        pixels = np.ndarray(
            (bottom - top, right - left),
            np.uint16 if layout.deep else np.uint8,
            plane,  # type: ignore[arg-type]  # PyAV's planes have the buffer protocol
            top * line + left * pixel + layout.offset,
            (line, pixel),
        )
        pixels.flags.writeable = False
        return self._finished(pixels, step)

    def rgb(self, box: BoxLike | BoxTuple | None = None) -> Pixels:
        """The region as shown in colour, (h, w, 3) uint8 RGB: for previews, not for every frame."""
        matrix = "ITU709" if self.picture.colorspace == _BT709 else None
        coloured = self.picture.reformat(
            format="rgb24", src_colorspace=matrix, threads=_THREADS
        ).to_ndarray()
        left, top, right, bottom = self._coded(box or (0, 0, self.width, self.height))
        region = coloured[top:bottom, left:right].astype(np.uint8, copy=False)
        return np.ascontiguousarray(self._layout.orientation.turn(region))

    def _finished(self, pixels: NDArray[Any], step: int) -> Pixels:
        layout = self._layout
        upright = layout.orientation.upright
        if not upright:
            pixels = layout.orientation.turn(pixels)
        if step != 1:
            pixels = pixels[::step, ::step]
        if layout.deep:
            return (pixels >> layout.shift).astype(np.uint8, order="C")
        # OpenCV takes neither negative strides nor samples with gaps without copying.
        return pixels if upright and layout.pixel == 1 else np.ascontiguousarray(pixels)

    def _converted_luma(self, box: BoxLike | BoxTuple | None, step: int) -> Pixels:
        if self._gray is None:
            self._gray = self.picture.reformat(format="gray", threads=_THREADS)
        layout = self._layout
        gray = Layout(layout.coded_width, layout.coded_height, "gray", layout.orientation)
        return Frame(self._gray, self.time, self.index, gray).luma(box, step)

    def _coded(self, box: BoxLike | BoxTuple) -> BoxTuple:
        """The box cut to the picture, in coded coordinates."""
        layout = self._layout
        if isinstance(box, tuple):
            left, top, right, bottom = box
        else:
            left, top, right, bottom = box.left, box.top, box.right, box.bottom
        left, top = max(left, 0), max(top, 0)
        right = max(min(right, layout.width), left)
        bottom = max(min(bottom, layout.height), top)
        if layout.orientation.upright:
            return left, top, right, bottom
        return layout.orientation.coded_box(
            (left, top, right, bottom), layout.coded_width, layout.coded_height
        )
