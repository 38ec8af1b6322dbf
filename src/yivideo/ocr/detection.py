"""Finds lines of text in a picture with a differentiable-binarization network (PP-OCR)."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from yivideo.ocr.runtime import Session, Tensor

Gray = npt.NDArray[np.uint8]

# The network halves its input five times.
_STRIDE = 32
# Every new input shape costs a compilation, so widths are rounded up to a few sizes.
_WIDTH_BUCKET = 64


@dataclass(frozen=True, slots=True)
class TextBox:
    """A found line: pixels of the picture given (floats), and the network's mean confidence."""

    left: float
    top: float
    right: float
    bottom: float
    score: float

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left


class Detector:
    """Upright boxes around the lines of a picture."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(
        self,
        picture: Gray,
        *,
        scale: float = 1.0,
        pixel_threshold: float = 0.3,
        box_threshold: float = 0.5,
        unclip: float = 1.6,
    ) -> list[TextBox]:
        """The lines of ``picture`` (h, w) or (h, w, 3), top to bottom, left to right.

        ``scale`` shrinks the picture first: the network needs letters of some 14 pixels, and its
        cost is its area.
        """
        probability, shrink = self._probability(picture, scale)
        mask = (probability > pixel_threshold).astype(np.uint8)
        mask = cv2.dilate(mask, np.ones((2, 2), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        height, width = picture.shape[:2]
        boxes: list[TextBox] = []
        for index in range(1, count):
            x, y, w, h, _ = (int(v) for v in stats[index])
            if min(w, h) < 3:
                continue
            inside = labels[y : y + h, x : x + w] == index
            score = float(probability[y : y + h, x : x + w][inside].mean())
            if score < box_threshold:
                continue
            grow = w * h * unclip / (2 * (w + h))
            boxes.append(
                TextBox(
                    max(0.0, (x - grow) * shrink[0]),
                    max(0.0, (y - grow) * shrink[1]),
                    min(float(width), (x + w + grow) * shrink[0]),
                    min(float(height), (y + h + grow) * shrink[1]),
                    score,
                )
            )
        return sorted(boxes, key=lambda box: (box.top + box.bottom, box.left))

    def _probability(self, picture: Gray, scale: float) -> tuple[Tensor, tuple[float, float]]:
        height, width = picture.shape[:2]
        inner_w, inner_h = max(8, round(width * scale)), max(8, round(height * scale))
        # Averaging areas blurs where it hardly shrinks, and short words are lost then.
        small = cv2.resize(picture, (inner_w, inner_h), interpolation=cv2.INTER_CUBIC)
        outer_w = -(-inner_w // _WIDTH_BUCKET) * _WIDTH_BUCKET
        outer_h = -(-inner_h // _STRIDE) * _STRIDE
        batch = np.zeros((1, 3, outer_h, outer_w), np.float32)
        values = small.astype(np.float32) * (2 / 255) - 1
        batch[0, :, :inner_h, :inner_w] = values if values.ndim == 2 else values.transpose(2, 0, 1)
        answer = self._session(batch)[0, 0, :inner_h, :inner_w]
        return answer, (width / inner_w, height / inner_h)
