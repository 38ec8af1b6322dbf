"""How a decoded picture is turned and mirrored before it is shown."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

_Pixel = TypeVar("_Pixel", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Orientation:
    """Coded picture to shown picture: transpose first, then mirror in shown coordinates."""

    transposed: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def upright(self) -> bool:
        """Whether the coded picture is the shown one."""
        return not (self.transposed or self.flip_x or self.flip_y)

    @property
    def rotation(self) -> int:
        """Degrees clockwise (0, 90, 180, 270) the coded picture is turned, mirroring left out."""
        if self.transposed:
            return 90 if self.flip_x else 270
        return 180 if self.flip_y else 0

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height as shown of a coded picture of `width` x `height`."""
        return (height, width) if self.transposed else (width, height)

    def coded_box(
        self, box: tuple[int, int, int, int], width: int, height: int
    ) -> tuple[int, int, int, int]:
        """The box (left, top, right, bottom) as shown, in a coded picture of `width` x `height`."""
        left, top, right, bottom = box
        shown_width, shown_height = self.shown_size(width, height)
        if self.flip_x:
            left, right = shown_width - right, shown_width - left
        if self.flip_y:
            top, bottom = shown_height - bottom, shown_height - top
        return (top, left, bottom, right) if self.transposed else (left, top, right, bottom)

    def turn(self, coded: NDArray[_Pixel]) -> NDArray[_Pixel]:
        """The coded pixels (h, w, ...) as shown: a view, with strides of any sign."""
        if self.transposed:
            coded = coded.swapaxes(0, 1)
        return coded[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]


def orientation_of(frame: VideoFrame) -> Orientation:
    """What the frame's display matrix asks for, to the nearest quarter turn."""
    try:
        # PyAV's types know one kind of side data only, and its buffers not as buffers.
        side_data = cast("Mapping[Type, bytes]", frame.side_data)
        matrix = np.frombuffer(side_data[Type.DISPLAYMATRIX], np.int32)[:9].tolist()
    except KeyError:
        return Orientation()
    except ValueError:
        # PyAV does not know every kind of side data and then lists none; the angle is still there.
        return _ROTATIONS[round(-frame.rotation / 90) % 4]
    # A pixel at (x, y) is shown at (a x + c y, b x + d y), apart from a shift.
    a, b, _, c, d = matrix[:5]
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(transposed=True, flip_x=c < 0, flip_y=b < 0)
    return Orientation(flip_x=a < 0, flip_y=d < 0)


_ROTATIONS = (
    Orientation(),
    Orientation(transposed=True, flip_x=True),
    Orientation(flip_x=True, flip_y=True),
    Orientation(transposed=True, flip_y=True),
)
