"""Decide which text stands on which frames, before anything is drawn."""

import random
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from benchmarks.render.sentences import nearly, sentences
from benchmarks.render.spec import Clip, Language, Track

if TYPE_CHECKING:
    from collections.abc import Iterator

Parts = tuple[tuple[str, Language], ...]
"""The words of an event by language line, the first above the others."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One subtitle; its frames are inclusive."""

    parts: Parts
    first_frame: int
    last_frame: int
    speaker: int = 0


@dataclass
class _Source:
    """Where a track's words come from."""

    rng: random.Random
    track: Track
    clip: Clip

    def __post_init__(self) -> None:
        self._pools: dict[Language, Iterator[str]] = {}
        self._own = iter(self.track.texts)

    def _line(self, language: Language) -> str:
        if language not in self._pools:
            self._pools[language] = sentences(self.rng, language, self.clip.split)
        return next(self._pools[language])

    def next(self) -> Parts | None:
        """The words of the next event; None when the track's own lines are used up."""
        language = self.rng.choice(self.track.languages)
        if self.track.texts:
            text = next(self._own, None)
            return None if text is None else ((text, language),)
        text, second = self._line(language), self.track.second
        if second is None:
            return ((text, language),)
        # Two languages in two lines: a dialogue of two people would make four.
        below = self._line(second).replace("\n", " ")
        return ((text.replace("\n", " "), language), (below, second))


def _near(rng: random.Random, event: Planned) -> Parts | None:
    text, language = event.parts[0]
    changed = nearly(rng, text, language)
    return ((changed, language), *event.parts[1:]) if changed and changed != text else None


def _grow(event: Planned, fps: float) -> list[Planned]:
    """The same event word by word; each stage is an event of its own."""
    text, language = event.parts[0]
    words = (
        text.split(" ") if language != "zh" else [text[i : i + 2] for i in range(0, len(text), 2)]
    )
    joiner = "" if language == "zh" else " "
    step = max(2, int(fps * 0.3))
    stages: list[Planned] = []
    for i in range(len(words)):
        first = event.first_frame + i * step
        last = event.last_frame if i == len(words) - 1 else first + step - 1
        if first > event.last_frame:
            break
        part = (joiner.join(words[: i + 1]), language)
        stages.append(
            Planned(parts=(part,), first_frame=first, last_frame=min(last, event.last_frame))
        )
    return stages


def plan_track(clip: Clip, track: Track, rng: random.Random, frames: int) -> list[Planned]:
    """All events of a track in order; they never overlap inside it."""
    fps = float(Fraction(clip.rate))
    source = _Source(rng, track, clip)
    events: list[Planned] = []
    k = int(fps * track.first)
    pending: Parts | None = None
    while k < frames - fps * 0.5 and (track.at_most is None or len(events) < track.at_most):
        parts = pending or source.next()
        if parts is None:
            break
        length = max(2, round(fps * rng.uniform(*track.duration)))
        last = min(k + length - 1, frames - 2)
        events.append(
            Planned(parts=parts, first_frame=k, last_frame=last, speaker=rng.randrange(1 << 16))
        )
        pending, gap = None, round(fps * rng.choice(track.gaps))
        if rng.random() < track.near:
            pending = _near(rng, events[-1])
            gap = 0 if pending else gap
        elif rng.random() < track.repeat:
            pending, gap = parts, max(1, int(fps * rng.uniform(*track.repeat_gap)))
        k = last + 1 + gap
    if track.until_end and events:
        end = events.pop()
        events.append(replace(end, last_frame=frames - 1))
    if track.grow:
        events = [stage for event in events for stage in _grow(event, fps)]
    return events
