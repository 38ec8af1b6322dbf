"""Ink: the pixels of a band that look like strokes of letters.

A band is watched at a small *working scale*, at which its letters are some 18 pixels high. Text
that is darker than its surroundings is inverted first, so that from here on ink is always bright.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

# Height of a detected line at the working scale, in pixels; its letters have two thirds of it.
WORKING_TEXT_HEIGHT = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class InkScale:
    """How a band's picture becomes a mask of ink.

    ``shrink`` divides the picture's sides; ``kernel`` is wider than a stroke at the working scale;
    ``threshold`` is the least contrast, in levels of 0..255, of a stroke with what surrounds it,
    ``floor`` the darkest level that it may have.
    """

    shrink: int
    kernel: int
    threshold: int
    floor: int = 0

    @classmethod
    def for_text(cls, height: float, contrast: float = 120, floor: int = 0) -> "InkScale":
        """For lines ``height`` pixels high whose strokes stand out by ``contrast`` levels.

        ``floor`` is the darkest that strokes may be.
        """
        shrink = max(1, round(height / WORKING_TEXT_HEIGHT))
        kernel = max(5, 2 * round(0.13 * height / shrink) + 1)
        threshold = int(min(48, max(14, contrast * 0.35)))
        return cls(shrink=shrink, kernel=kernel, threshold=threshold, floor=floor)

    def small(self, picture: Gray) -> Gray:
        """The picture at the working scale, without what is left over at its edges."""
        if self.shrink == 1:
            return picture
        height, width = picture.shape[0] // self.shrink, picture.shape[1] // self.shrink
        whole = picture[: height * self.shrink, : width * self.shrink]
        small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8)

    def strokes(self, small: Gray) -> Gray:
        """How much each pixel stands out of its surroundings as part of something thin."""
        return np.asarray(cv2.morphologyEx(small, cv2.MORPH_TOPHAT, square(self.kernel)), np.uint8)

    def mask(self, small: Gray) -> Mask:
        """Where the strokes are."""
        return (self.strokes(small) > self.threshold) & (small >= self.floor)


@cache
def square(size: int) -> npt.NDArray[np.uint8]:
    """The structuring element of that many pixels each way."""
    return np.ones((size, size), np.uint8)


def densest(mask: Mask, rows: int, columns: int) -> int:
    """The most pixels of the mask that any rectangle of that size holds."""
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    if not width:
        return 0
    inner = mask.view(np.uint8)[top : top + height, left : left + width]
    # Isolated: what lies beside the part is empty, and taking it for such spares looking at it.
    border = cv2.BORDER_CONSTANT | cv2.BORDER_ISOLATED
    size = (columns, rows)
    sums = cv2.boxFilter(inner, cv2.CV_16U, size, normalize=False, borderType=border)
    return int(sums.max())


def despeckled(mask: Mask) -> Mask:
    """The mask without pixels that have hardly any others beside them in their row."""
    sums = cv2.boxFilter(
        mask.view(np.uint8), cv2.CV_8U, (15, 5), normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    return mask & (sums >= 8)


def near(mask: Mask, reach: int) -> Mask:
    """The mask and what lies up to ``reach`` pixels from it."""
    return cv2.dilate(mask.view(np.uint8), square(2 * reach + 1)).view(np.bool_)


def surroundings(mask: Mask, reach: int = 3) -> Mask:
    """The pixels around a mask, up to ``reach`` away, without it."""
    return near(mask, reach) & ~mask
