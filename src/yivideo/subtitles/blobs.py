"""Connected strokes of a row of text."""

from dataclasses import dataclass

import cv2
import numpy as np

from yivideo.subtitles.ink import Gray, square


@dataclass(frozen=True, slots=True)
class Blob:
    """Connected pixels: the rectangle around them, and how many they are."""

    left: int
    top: int
    width: int
    height: int
    area: int

    @property
    def right(self) -> int:
        """The first column after it."""
        return self.left + self.width

    @property
    def middle(self) -> float:
        """The row of its middle."""
        return self.top + self.height / 2


def blobs_of(row: Gray, left: int, right: int) -> list[Blob]:
    """Connected strokes of a row that are as strong as those between two columns."""
    height = row.shape[0]
    kernel = max(3, round(0.3 * height)) | 1
    response = cv2.morphologyEx(np.ascontiguousarray(row), cv2.MORPH_TOPHAT, square(kernel))
    inside = response[:, left:right]
    if not inside.size:
        return []
    strong = response > 0.5 * float(np.percentile(inside, 98))
    # Dots are as bright as the letters; sparks in the background seldom are.
    strong &= row > 0.85 * float(np.percentile(row[:, left:right][strong[:, left:right]], 60))
    count, _, stats, _ = cv2.connectedComponentsWithStats(strong.astype(np.uint8), connectivity=8)
    return [Blob(*(int(value) for value in stats[i][:5])) for i in range(1, count)]
