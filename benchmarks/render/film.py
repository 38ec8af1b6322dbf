"""Real films as backgrounds, cropped to cover the picture."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from benchmarks.render.spec import Background

MEMORY_LIMIT = 900_000_000
Picture = NDArray[np.uint8]
Size = tuple[int, int]


class FootageMissing(RuntimeError):
    """A film of the spec is not in the footage folder."""


class Film(Protocol):
    """Footage as a background."""

    def frame(self, t: float) -> Picture:
        """The picture (h, w, 3) uint8 at ``t`` seconds; the caller may draw on it."""
        ...


def _cropped(frame: VideoFrame, shape: float, size: Size, background: Background) -> Picture:
    """The frame scaled to cover ``size``; ``shape`` is the width of its pixels in their height."""
    width, height = size
    scale = max(width / (frame.width * shape), height / frame.height) * background.zoom
    wide = max(width, round(frame.width * shape * scale / 2) * 2)
    high = max(height, round(frame.height * scale / 2) * 2)
    left, top = (wide - width) // 2, int((high - height) * background.crop_top)
    view = np.asarray(frame.to_ndarray(format="rgb24", width=wide, height=high), np.uint8)
    return view[top : top + height, left : left + width].copy()


def _pictures(path: Path, size: Size, background: Background) -> Iterator[tuple[Picture, float]]:
    """All pictures of a file with the file's frame rate."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        shape = float(stream.sample_aspect_ratio or 1)
        for frame in container.decode(stream):
            yield _cropped(frame, shape, size, background), rate


class PingPong:
    """Short films kept in memory and played to and fro, so that no cut comes at the seam."""

    def __init__(
        self, files: Sequence[Path], size: Size, background: Background, seconds: float
    ) -> None:
        self._rate = 25.0
        self._frames: list[Picture] = []
        for path in files:
            for k, (picture, rate) in enumerate(_pictures(path, size, background)):
                self._rate = rate
                if k > seconds * rate or len(self._frames) * picture.nbytes > MEMORY_LIMIT:
                    break
                self._frames.append(picture)

    def frame(self, t: float) -> Picture:
        """See `Film.frame`."""
        k, n = int(t * self._rate + 1e-6), len(self._frames)
        k %= max(2 * n - 2, 1)
        return self._frames[k if k < n else 2 * n - 2 - k].copy()


class Reel:
    """Films decoded as they are shown, one after the other and again: for long clips."""

    def __init__(self, files: Sequence[Path], size: Size, background: Background) -> None:
        self._files, self._size, self._background = files, size, background
        self._stream = self._endless()
        self._picture, self._until = next(self._stream)

    def _endless(self) -> Iterator[tuple[Picture, float]]:
        """Pictures with the time until which each is shown."""
        until = 0.0
        while True:
            for path in self._files:
                for picture, rate in _pictures(path, self._size, self._background):
                    until += 1 / rate
                    yield picture, until

    def frame(self, t: float) -> Picture:
        """See `Film.frame`; times must not go back."""
        while t >= self._until - 1e-6:
            self._picture, self._until = next(self._stream)
        return self._picture.copy()


def open_film(background: Background, size: Size, seconds: float, footage: Path) -> Film:
    """The footage of a background; raises `FootageMissing`."""
    files = [footage / name for name in background.files]
    for path in files:
        if not path.is_file():
            raise FootageMissing(f"{path.name} is not in {footage}: see benchmarks/FOOTAGE.md")
    if background.loop == "restart":
        return Reel(files, size, background)
    return PingPong(files, size, background, seconds)
