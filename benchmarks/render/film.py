"""Real films as backgrounds: played to and fro, cropped to cover the picture."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.render.spec import Background

MEMORY_LIMIT = 900_000_000


class FootageMissing(RuntimeError):
    """A film of the spec is not in the footage folder."""


class Film:
    """Decoded pictures (h, w, 3) uint8 of one or more files, at the film's own frame rate."""

    def __init__(
        self, files: list[Path], size: tuple[int, int], background: Background, seconds: float
    ) -> None:
        self._rate = 25.0
        self._frames: list[NDArray[np.uint8]] = []
        for path in files:
            if not path.is_file():
                raise FootageMissing(
                    f"{path.name} is not in {path.parent}: see benchmarks/FOOTAGE.md"
                )
            self._read(path, size, background, seconds)

    def _read(
        self, path: Path, size: tuple[int, int], background: Background, seconds: float
    ) -> None:
        width, height = size
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            self._rate = float(stream.average_rate or stream.guessed_rate or 25)
            shape = stream.sample_aspect_ratio or 1
            scale = max(width / (stream.width * shape), height / stream.height) * background.zoom
            wide = max(width, round(stream.width * float(shape) * scale / 2) * 2)
            high = max(height, round(stream.height * scale / 2) * 2)
            left, top = (wide - width) // 2, int((high - height) * background.crop_top)
            for k, frame in enumerate(container.decode(stream)):
                if (
                    k > seconds * self._rate
                    or len(self._frames) * width * height * 3 > MEMORY_LIMIT
                ):
                    return
                view = np.asarray(
                    frame.to_ndarray(format="rgb24", width=wide, height=high), np.uint8
                )
                self._frames.append(view[top : top + height, left : left + width].copy())

    def frame(self, t: float) -> NDArray[np.uint8]:
        """The picture at ``t`` seconds, a copy."""
        k, n = int(t * self._rate + 1e-6), len(self._frames)
        k %= max(2 * n - 2, 1)
        return self._frames[k if k < n else 2 * n - 2 - k].copy()
