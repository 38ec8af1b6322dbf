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
from itertools import pairwise

import numpy as np

from yivideo.subtitles.ink import Gray, InkScale, Mask, densest, despeckled, near, surroundings

# Seconds between samples. A line must stand for `_WINDOW` of them to be seen.
SAMPLE_EVERY = 0.08
_WINDOW = 3
# Seconds of frames kept for timing a change.
_MEMORY = 1.0
# A change is at least so many pixels of ink within one letter's square.
_LETTER = 20
# A stretch must be so many samples long before its single letters can be told to change, and so
# many before that is easy.
_LETTER_SAMPLES = 5
_SETTLED_SAMPLES = 8
_LEAST_INK = 14
_WORD = 80
_WORD_WINDOW = (20, 60)
_LONGEST_FADE = 0.7
_MOST_PICTURES = 8
# Samples by which a change may be put off because it is still growing.
_LONGEST_WAIT = 2
# Levels of 0..255 by which the pixels of a change must step to time it.
_LEAST_STEP = 10
# The part of its full strength at which fading text counts as seen.
_FAINT = 0.2


@dataclass(slots=True)
class Shot:
    """One frame of a band: presentation time in seconds, and its picture (inverted if dark)."""

    time: float
    picture: Gray


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
    keeps bright text and washes a moving background out.
    """

    start: float
    end: float
    ink: Mask
    picture: Gray
    frames: int
    times: tuple[float, ...]
    before: "Change | None" = None
    change: "Change | None" = None

    @property
    def stays(self) -> bool:
        """Whether something like text stood on through the end of the stretch."""
        return self.change is not None and self.change.stays

    def text_rows(self) -> tuple[int, int] | None:
        """First row of ink and the row after the last, at the working scale; None without text."""
        if densest(self.ink, *_WORD_WINDOW) < 0.65 * _WORD:
            return None
        rows = np.flatnonzero(despeckled(self.ink).any(axis=1))
        return (int(rows[0]), int(rows[-1]) + 1) if rows.size else None


@dataclass(slots=True)
class _Growing:
    """The stretch that is under way."""

    start: float
    count: np.ndarray
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

    def ink(self) -> Mask:
        return self.count >= max(1, 0.8 * self.samples)

    def bare(self) -> Mask:
        return self.count <= 0.2 * self.samples


class StretchFinder:
    """Cuts one band's frames into stretches."""

    def __init__(self, scale: InkScale) -> None:
        self._scale = scale
        self._memory: deque[Shot] = deque()
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
        self._memory.append(shot)
        while self._memory[0].time < shot.time - _MEMORY:
            self._memory.popleft()
        if shot.time < self._next_sample:
            return
        self._next_sample = shot.time + SAMPLE_EVERY * 0.99
        ink = self._scale.mask(self._scale.small(shot.picture))
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
        if growing.samples > 2 * _WINDOW and max(self._flips) < _LEAST_INK - 4:
            # Nothing moved lately: over a still picture that is most of the time.
            return
        after = [sample.ink for sample in self._pending]
        ink, bare = growing.ink(), growing.bare()
        change = Change.between(ink, bare, after[:_WINDOW])
        gone, come = self._noise.judge(change, growing.samples)
        if not (gone or come):
            self._waited = 0
            return
        clear = not change.stays and max(change.gone, change.come) >= 2 * _WORD
        if len(after) > _WINDOW and self._waited < _LONGEST_WAIT and not clear:
            later = Change.between(ink, bare, after[1:])
            if later.gone + later.come > 1.25 * (change.gone + change.come):
                self._waited += 1
                return
        self._waited = 0
        end, start = self._borders(change, gone=gone, come=come)
        start, end = max(start, growing.start), max(end, growing.start)
        stretch = self._close(growing, end)
        stretch.before, stretch.change = self._before, change
        self._before = change
        yield from self._emit(stretch)
        self._growing = _Growing(start, np.zeros(ink.shape, np.uint16))

    def _borders(self, change: "Change", *, gone: bool, come: bool) -> tuple[float, float]:
        """When the old text was last seen (exclusive), and when the new one is first seen."""
        after = self._pending[0].shot.time
        if change.stays and max(change.gone, change.come) < 0.6 * change.stayed:
            # A word of a standing line changed: that happens from one frame to the next.
            border = self._time_word(change, after)
            return border, border
        end = self._time_end(change.vanished, after) if gone else None
        start = self._time_start(change.appeared, after) if come else None
        if end is None or start is None:
            border = end if start is None else start
            assert border is not None
            return border, border
        if end > start:
            end = start = end if change.gone > change.come else start
        return end, start

    def _emit(self, stretch: Stretch) -> Iterator[Stretch]:
        """Hold a stretch back until the next is known: a fade's end belongs to what it fades."""
        last = self._last
        if last is None:
            self._last = stretch
        elif stretch.start <= last.end and _fades_out(stretch, last):
            last.end, last.change = stretch.end, stretch.change
        elif stretch.start <= last.end and _fades_in(last, stretch):
            stretch.start, stretch.before = last.start, last.before
            self._last = stretch
        else:
            yield last
            self._last = stretch

    def _time_word(self, change: "Change", after: float) -> float:
        """The frame at which some letters were replaced, not before the last sample."""
        before = max((s.time for s in self._memory if s.time <= after - SAMPLE_EVERY), default=after)
        if change.gone > change.come:
            border = self._time_end(change.vanished, after)
        else:
            border = self._time_start(change.appeared, after)
        return min(after, max(before, border))

    def _levels(self, pixels: Mask, after: float) -> list[tuple[float, float]]:
        """How far the pixels stand out of their surroundings in every frame around a change."""
        rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        top, left = max(0, int(rows[0]) - 4), max(0, int(columns[0]) - 4)
        bottom, right = int(rows[-1]) + 5, int(columns[-1]) + 5
        inner = pixels[top:bottom, left:right]
        around = surroundings(inner)
        shrink = self._scale.shrink
        levels: list[tuple[float, float]] = []
        for shot in self._memory:
            if shot.time < after - _LONGEST_FADE:
                continue
            part = shot.picture[top * shrink : bottom * shrink, left * shrink : right * shrink]
            small = self._scale.small(part)
            height, width = small.shape
            on, off = inner[:height, :width], around[:height, :width]
            levels.append((shot.time, float(small[on].mean()) - float(small[off].mean())))
        return levels

    def _time_start(self, pixels: Mask, after: float) -> float:
        """The first frame that shows the pixels that were seen on at ``after``."""
        levels = self._levels(pixels, after)
        earlier = [(time, level) for time, level in levels if time < after]
        on = float(np.median([level for time, level in levels if time >= after]))
        off = float(np.median([level for _, level in earlier[:-2]])) if earlier[:-2] else 0.0
        found = _last_change(earlier[::-1], after, on, off)
        return found if found is not None else after

    def _time_end(self, pixels: Mask, after: float) -> float:
        """The first frame that no longer shows the pixels that were seen off at ``after``."""
        levels = self._levels(pixels, after)
        earlier = [(time, level) for time, level in levels if time < after]
        # Only what follows at once: the next text may already stand there a few frames later.
        off = float(np.median([level for time, level in levels if time >= after][:3]))
        on = float(np.percentile([level for _, level in earlier], 70)) if earlier else 0.0
        if on - off < _LEAST_STEP:
            return after
        # Back to a frame that surely shows it, then forward to the first that does not.
        surely = max((i for i, (_, level) in enumerate(levels[: len(earlier)])
                      if level >= on - 0.5 * (on - off)), default=0)
        rest = levels[surely:]
        for (_, level), (time, following) in pairwise(rest):
            sudden = level - following >= 0.4 * (on - off)
            if sudden or following < off + _FAINT * (on - off):
                return time
        return after

    def _close(self, growing: _Growing, end: float) -> Stretch:
        ink = growing.ink()
        total = max(1, int(ink.sum()))
        scores = [(sample.ink & ink).sum() / total for sample in growing.kept]
        best = max(scores)
        chosen = [s for s, score in zip(growing.kept, scores, strict=True) if score >= 0.95 * best]
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


def _last_change(
    backwards: list[tuple[float, float]], after: float, on: float, off: float
) -> float | None:
    """Walk back from a frame that shows the text to the first that does."""
    if on - off < _LEAST_STEP:
        return None
    start, above = after, on
    for time, level in backwards:
        sudden = above - level >= 0.4 * (on - off) and level < on - 0.5 * (on - off)
        if sudden or level < off + _FAINT * (on - off):
            break
        start, above = time, level
    return start


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
    if part.end - part.start > _LONGEST_FADE:
        return False
    ink, shared = int(part.ink.sum()), int((part.ink & whole.ink).sum())
    return ink < 0.9 * whole.ink.sum() and shared >= 0.8 * ink


@dataclass(slots=True)
class Change:
    """What differs between the stretch so far and the samples after it.

    ``vanished``, ``appeared`` and what ``stayed`` are masks; ``gone``, ``come`` and ``stays`` say
    how much ink a word's rectangle of each holds at most.
    """

    vanished: Mask
    appeared: Mask
    gone: int
    come: int
    stayed: int

    @classmethod
    def between(cls, ink: Mask, bare: Mask, after: list[Mask]) -> "Change":
        """Compare the stretch so far with the samples after it."""
        always, ever = after[0].copy(), after[0].copy()
        for mask in after[1:]:
            always &= mask
            ever |= mask
        vanished, appeared = ink & ~ever, bare & always
        gone, come = _word(vanished), _word(appeared)
        # Where hardly anything changed nobody asks what stayed.
        # Text that goes within the samples to come is still there in the first of them.
        stayed = _word(ink & after[0]) if max(gone, come) >= _LEAST_INK - 4 else 0
        return cls(vanished, appeared, gone, come, stayed)

    @property
    def stays(self) -> bool:
        """Whether something like a word stands on through the change."""
        return self.stayed >= 2 * _WORD

    def letter(self) -> int:
        """How much ink changed on both sides within one letter's square, at most."""
        left = self.vanished & near(self.appeared, _LETTER // 2)
        right = self.appeared & near(self.vanished, _LETTER // 2)
        return min(densest(left, _LETTER, _LETTER), densest(right, _LETTER, _LETTER))


def _word(mask: Mask) -> int:
    """The most ink in a word's rectangle; 0 where all of it together is too little to matter."""
    if np.count_nonzero(mask) < _LEAST_INK - 4:
        return 0
    return densest(mask, *_WORD_WINDOW)


class Noise:
    """Tells a change of text from what the background does all the time.

    Where text stands on, ink still comes and goes around it: little over a still picture, a lot
    over foliage. A change is what exceeds the usual of the last seconds.
    """

    def __init__(self) -> None:
        self._least: deque[int] = deque(maxlen=25)
        self._most: deque[int] = deque(maxlen=25)
        self._letter: deque[int] = deque(maxlen=25)

    def judge(self, change: Change, samples: int) -> tuple[bool, bool]:
        """Whether text went, and whether text came, after a stretch of so many samples."""
        most, least = max(change.gone, change.come), min(change.gone, change.come)
        if samples < 2:
            # One sample's ink is mostly noise: only what is far more than that counts.
            clear = change.come >= 2 * _WORD and (
                not change.stays or (change.gone >= 2 * _WORD and most >= 1.5 * change.stayed)
            )
            return clear and change.gone >= 2 * _WORD, clear
        letter = change.letter() if least >= _LEAST_INK - 4 else 0
        if change.stays:
            answer = self._judge_standing(change, most, least, letter, samples)
        elif most < _WORD:
            answer = False, False
        else:
            answer = change.gone >= min(_WORD, 0.3 * most), change.come >= min(_WORD, 0.3 * most)
        if samples >= 3:
            self._least.append(least)
            self._most.append(most)
            self._letter.append(letter)
        return answer

    def _judge_standing(
        self, change: Change, most: int, least: int, letter: int, samples: int
    ) -> tuple[bool, bool]:
        if most >= max(0.6 * change.stayed, 2 * _usual(self._most)) or least >= max(
            0.2 * change.stayed, 2 * _usual(self._least)
        ):
            return change.gone >= 0.3 * most, change.come >= 0.3 * most
        needed = max(_LEAST_INK - 2, 2.5 * _usual(self._letter) + 6)
        if samples < _SETTLED_SAMPLES:
            needed = 1.7 * needed if samples >= _LETTER_SAMPLES else float("inf")
        changed = letter >= needed
        return changed, changed


def _usual(values: deque[int]) -> float:
    return float(np.median(values)) if values else 0.0
