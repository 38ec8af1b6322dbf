"""Stretches: runs of frames over which the text of a band does not change.

Every frame of a band is kept for a second; every few frames one is *sampled* and its ink compared.
A change is ink that appears or vanishes *for good*: it was there in nearly all samples of the
stretch so far and is absent from all of the next few, or the reverse. Backgrounds move and flicker,
so their ink comes and goes; text stays until it goes.

The change is then timed on the frames themselves, with the pixels that changed.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, floor

import cv2
import numpy as np
import numpy.typing as npt

from yivideo.subtitles.borders import LONGEST_FADE, SAMPLE_EVERY, Borders, Shot
from yivideo.subtitles.changes import LEAST_INK, WORD, WORD_WINDOW, Change, Noise
from yivideo.subtitles.ink import Gray, InkScale, Mask, densest, despeckled
from yivideo.subtitles.sameletters import same_letters

# Samples after a change that must agree: a line must stand for so many to be seen.
_WINDOW = 3
# Levels by which text that is still coming or already going is weaker than it was or will be.
_FADED = 10
# Pictures of which a stretch's own is made, at most twice as many.
_MOST_PICTURES = 8
# Samples by which a change may be put off because it is still growing.
_LONGEST_WAIT = 4
# After so many samples the older half counts half.
_LONG = 2000


@dataclass(slots=True)
class Sample:
    """A shot whose ink was taken."""

    shot: Shot
    ink: Mask


@dataclass(slots=True)
class Stretch:
    """A run of frames with unchanged text.

    ``start`` and ``end`` are presentation times: of the first frame of the run and of the first
    after it. ``ink`` is what stood all the while; ``picture`` is the least of several frames, which
    keeps bright text and washes a moving background out. ``before`` and ``change`` are the changes
    at its start and at its end.
    """

    start: float
    end: float
    ink: Mask
    picture: Gray
    frames: int
    times: tuple[float, ...]
    before: Change | None = None
    change: Change | None = None

    @property
    def stays(self) -> bool:
        """Whether something like text stood on through the end of the stretch."""
        return self.change is not None and self.change.stays

    def absorb(self, following: "Stretch") -> None:
        """Take in the stretch that follows at once and shows the same text."""
        if following.end - following.start > self.end - self.start:
            self.ink = following.ink
        self.end, self.change = following.end, following.change
        self.picture = np.minimum(self.picture, following.picture)
        self.frames += following.frames
        self.times += following.times

    def text_rows(self) -> tuple[int, int] | None:
        """First row of ink and the row after the last, at the working scale; None without text."""
        if densest(self.ink, *WORD_WINDOW) < 0.65 * WORD:
            return None
        rows = np.flatnonzero(despeckled(self.ink).any(axis=1))
        return (int(rows[0]), int(rows[-1]) + 1) if rows.size else None


@dataclass(slots=True)
class _Growing:
    """The stretch that is under way."""

    start: float
    count: npt.NDArray[np.uint16]
    samples: int = 0
    stride: int = 1
    kept: list[Sample] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        self.count += sample.ink
        if self.samples % self.stride == 0:
            self.kept.append(sample)
            if len(self.kept) > 2 * _MOST_PICTURES:
                self.kept = self.kept[::2]
                self.stride *= 2
        self.samples += 1
        if self.samples >= _LONG:
            self.count >>= 1
            self.samples //= 2

    def ink(self) -> Mask:
        # Whole numbers: NumPy would turn every count into a float to compare it with one.
        return self.count >= max(1, ceil(0.8 * self.samples))

    def bare(self) -> Mask:
        return self.count <= floor(0.2 * self.samples)


class StretchFinder:
    """Cuts one band's frames into stretches."""

    def __init__(self, scale: InkScale) -> None:
        self._scale = scale
        self._borders = Borders()
        self._pending: deque[Sample] = deque()
        self._growing: _Growing | None = None
        self._last: Stretch | None = None
        self._noise = Noise()
        self._waited = 0
        self._flips: deque[int] = deque(maxlen=3 * _WINDOW)
        self._before: Change | None = None
        self._next_sample = -1e9

    def push(self, shot: Shot) -> Iterator[Stretch]:
        """Take the next frame; yields the stretch that its arrival proved to have ended."""
        self._borders.remember(shot)
        if shot.time < self._next_sample:
            return
        self._next_sample = shot.time + SAMPLE_EVERY * 0.99
        ink = self._scale.mask(shot.small)
        if self._pending:
            self._flips.append(int(np.count_nonzero(ink ^ self._pending[-1].ink)))
        self._pending.append(Sample(shot, ink))
        # One more than is compared: a change may be clearer a sample later.
        if len(self._pending) > _WINDOW + 1:
            sample = self._pending.popleft()
            # What was taken while a change is under way belongs to neither side.
            if not self._waited or self._growing is None:
                self._grow(sample)
            yield from self._split()

    def finish(self, end: float) -> Iterator[Stretch]:
        """No more frames come; the last one is shown until ``end``."""
        while self._pending:
            self._grow(self._pending.popleft())
            if len(self._pending) >= 2:
                yield from self._split()
        if self._growing is not None:
            stretch = self._close(self._growing, end)
            stretch.before = self._before
            yield from self._emit(stretch)
        self._growing = None
        if self._last is not None:
            yield self._last
        self._last = None

    def _grow(self, sample: Sample) -> None:
        if self._growing is None:
            self._growing = _Growing(sample.shot.time, np.zeros(sample.ink.shape, np.uint16))
        self._growing.add(sample)

    def _split(self) -> Iterator[Stretch]:
        growing = self._growing
        if growing is None:
            return
        if growing.samples > 2 * _WINDOW and max(self._flips) < LEAST_INK:
            # Nothing moved lately: over a still picture that is most of the time.
            return
        after = [sample.ink for sample in self._pending]
        ink, bare = growing.ink(), growing.bare()
        change = Change.between(ink, bare, after[:_WINDOW])
        gone, come = self._noise.judge(change, growing.samples)
        if not (gone or come):
            self._waited = 0
            return
        clear = not change.stays and max(change.gone, change.come) >= 2 * WORD
        if len(after) > _WINDOW and self._waited < _LONGEST_WAIT and not clear:
            later = Change.between(ink, bare, after[1:])
            growth = (later.gone + later.come) / (change.gone + change.come)
            if growth > (1.25 if self._waited < 2 else 2.0):
                self._waited += 1
                return
        self._waited = 0
        end, start = self._borders.of(change, self._pending[0].shot.time, gone=gone, come=come)
        start, end = max(start, growing.start), max(end, growing.start)
        stretch = self._close(growing, end)
        stretch.before, stretch.change = self._before, change
        self._before = change
        yield from self._emit(stretch)
        self._growing = _Growing(start, np.zeros(ink.shape, np.uint16))

    def _emit(self, stretch: Stretch) -> Iterator[Stretch]:
        """Hold a stretch back until the next is known: is that a part of it, or its fade's end?"""
        last = self._last
        if last is None:
            self._last = stretch
        elif stretch.start <= last.end and _fades_out(stretch, last):
            last.end, last.change = stretch.end, stretch.change
        elif stretch.start <= last.end and _fades_in(last, stretch):
            stretch.start, stretch.before = last.start, last.before
            self._last = stretch
        elif stretch.start <= last.end and last.stays and self._goes_on(last, stretch):
            last.absorb(stretch)
        else:
            yield last
            self._last = stretch

    def _goes_on(self, last: Stretch, stretch: Stretch) -> bool:
        """Whether it was the background that changed between the two, and not the text."""
        one, other = (last.picture, last.ink), (stretch.picture, stretch.ink)
        return same_letters(one, other, self._scale.shrink)

    def _close(self, growing: _Growing, end: float) -> Stretch:
        ink = growing.ink()
        chosen = _clearest(growing.kept, ink)
        picture = chosen[0].shot.picture
        for sample in chosen[1:]:
            picture = np.minimum(picture, sample.shot.picture)
        return Stretch(
            start=growing.start,
            end=end,
            ink=ink,
            picture=picture,
            frames=len(chosen),
            times=tuple(sample.shot.time for sample in chosen),
        )


def _clearest(samples: list[Sample], ink: Mask) -> list[Sample]:
    """Those that show most of a stretch's ink, and of a brief one those in its full strength."""
    total = max(1, int(ink.sum()))
    shares = [float((sample.ink & ink).sum()) / total for sample in samples]
    clear = [s for s, share in zip(samples, shares, strict=True) if share >= 0.95 * max(shares)]
    if samples[-1].shot.time - samples[0].shot.time > LONGEST_FADE:
        return clear
    levels = [cv2.mean(sample.shot.small, ink.view(np.uint8))[0] for sample in clear]
    # A flash of the scene shines through: what most of the samples reach is full strength.
    weakest = float(np.percentile(levels, 75)) - _FADED
    return [s for s, level in zip(clear, levels, strict=True) if level >= weakest]


def _fades_out(part: Stretch, whole: Stretch) -> bool:
    """Whether ``part`` is what is left of ``whole`` on its way out: what it has left goes too."""
    if part.change is None or whole.change is None or not _is_faint(part, whole):
        return False
    return part.change.gone >= 0.3 * whole.change.gone


def _fades_in(part: Stretch, whole: Stretch) -> bool:
    """Whether ``part`` is the first of ``whole`` to be seen: what it has came as well."""
    if part.before is None or part.change is None or not _is_faint(part, whole):
        return False
    return part.before.come >= 0.3 * part.change.come


def _is_faint(part: Stretch, whole: Stretch) -> bool:
    """Whether ``part`` is brief and has no ink that ``whole`` has not."""
    if part.end - part.start > LONGEST_FADE:
        return False
    ink, shared = int(part.ink.sum()), int((part.ink & whole.ink).sum())
    return ink < 0.9 * whole.ink.sum() and shared >= 0.8 * ink
