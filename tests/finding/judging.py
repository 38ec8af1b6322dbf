"""Comparing what was extracted with what was drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.render.encode import frame_times
from benchmarks.render.spec import Background, Clip, Encoding, Style, Track
from benchmarks.score import distance, normal

from yivideo.subtitles.model import Event, Subtitles

SMALL = {"preset": "veryfast", "crf": "23"}


@dataclass(frozen=True)
class Shown:
    """A subtitle that was drawn: times in seconds, and the number of its track."""

    text: str
    start: float
    end: float
    track: int


@dataclass(frozen=True)
class Found:
    """What was drawn into a clip, and what was extracted from it."""

    clip: Clip
    shown: tuple[Shown, ...]
    subtitles: Subtitles

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that were found."""
        return self.subtitles.events

    @property
    def texts(self) -> list[str]:
        """Their words."""
        return [event.text for event in self.events]

    @property
    def rejected(self) -> str:
        """All words that were seen and not taken for subtitles."""
        return "\n".join(r.event.text for r in self.subtitles.rejected)

    def frame(self, time: float) -> int:
        """The number of the frame that is shown from that time on."""
        times = frame_times(self.clip)
        return min(range(len(times)), key=lambda k: abs(float(times[k]) - time))


def make_clip(*tracks: Track, name: str = "clip", **changes: object) -> Clip:
    """Ten seconds of painted scenes, 640x360 at 25 frames per second, with `tracks` drawn in."""
    parts: dict[str, object] = {
        "name": name,
        "kinds": ("test",),
        "seed": 5,
        "seconds": 10.0,
        "background": Background(shot=(2, 4)),
        "tracks": tracks,
        "encoding": Encoding(options=SMALL),
    }
    return Clip.model_validate(parts | changes)


def lines(*texts: str, style: Style | None = None, **how: object) -> Track:
    """A track of these texts, each for 1.4 s and after a gap of 0.4 s, unless `how` differs."""
    parts: dict[str, object] = {
        "texts": texts,
        "style": style or Style(),
        "first": 0.8,
        "duration": (1.4, 1.4),
        "gaps": (0.4,),
    }
    return Track.model_validate(parts | how)


def assert_words(events: Sequence[Event], shown: Sequence[Shown], wrong: int = 0) -> None:
    """The same letters in as many lines, but for `wrong` characters of each event.

    One mark of punctuation may differ: at this size a full stop is two pixels wide.
    """
    assert [len(event.lines) for event in events] == [s.text.count("\n") + 1 for s in shown]
    for event, wanted in zip(events, shown, strict=True):
        got, want = normal(event.text), normal(wanted.text)
        assert distance(got, want) <= max(1, wrong), (event.text, wanted.text)
        assert distance(_letters(got), _letters(want)) <= wrong, (event.text, wanted.text)


def _letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())


def assert_times(found: Found, events: Sequence[Event], shown: Sequence[Shown]) -> None:
    """Each event begins and ends on its frame or one beside it, or within the clip's fade."""
    fade = max(max(track.fade_in, track.fade_out) for track in found.clip.tracks)
    for event, wanted in zip(events, shown, strict=True):
        for got, want in ((event.start, wanted.start), (event.end, wanted.end)):
            frames = abs(found.frame(got) - found.frame(want))
            assert frames <= 1 or abs(got - want) <= fade, (event.text, got, want)


def assert_found(found: Found, wrong: int = 0) -> None:
    """Every subtitle was found, nothing else, with its words and times."""
    assert found.subtitles.readable_until is None
    in_order = sorted(found.shown, key=lambda s: s.start)
    assert len(found.events) == len(in_order), found.texts
    assert_words(found.events, in_order, wrong)
    assert_times(found, found.events, in_order)
