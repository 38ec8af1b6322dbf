"""Plans of subtitles: order, gaps, repeats and near-identical lines."""

import random
from fractions import Fraction
from itertools import pairwise

import pytest
from benchmarks.render.sentences import nearly, sentence_pool, sentences
from benchmarks.render.spec import Clip, Track
from benchmarks.render.timeline import Planned, plan_track


def plan(track: Track, seconds: float = 60) -> list[Planned]:
    clip = Clip(name="t", kinds=(), seed=5, seconds=seconds, tracks=(track,))
    return plan_track(clip, track, random.Random(5), int(seconds * Fraction(clip.rate)))


def test_events_follow_each_other_inside_the_clip() -> None:
    """Within a track nothing overlaps, and nothing reaches past the last frame but one."""
    events = plan(Track())
    assert len(events) > 10
    assert all(a.last_frame < b.first_frame for a, b in pairwise(events))
    assert all(e.first_frame <= e.last_frame <= 60 * 25 - 2 for e in events)


def test_no_gap_means_the_next_frame() -> None:
    """With gap 0 a line begins on the frame after the last of the one before."""
    events = plan(Track(gaps=(0,)))
    assert all(a.last_frame + 1 == b.first_frame for a, b in pairwise(events))


def test_repeats_have_a_gap() -> None:
    """The same line twice without a gap would be one event."""
    pairs = list(pairwise(plan(Track(repeat=0.7, gaps=(0,)))))
    same = [(a, b) for a, b in pairs if a.parts == b.parts]
    assert same
    assert all(5 <= b.first_frame - a.last_frame - 1 <= 25 for a, b in same)


def test_near_identical_lines_touch_and_differ() -> None:
    """They are the hard case only if no frame lies between."""
    pairs = list(pairwise(plan(Track(near=0.9, gaps=(2,)))))
    touching = [(a, b) for a, b in pairs if a.last_frame + 1 == b.first_frame]
    assert len(touching) > 5
    assert all(a.parts != b.parts for a, b in touching)


def test_until_end_reaches_the_last_frame() -> None:
    """The last line ends with the file."""
    assert plan(Track(until_end=True), seconds=20)[-1].last_frame == 20 * 25 - 1


def test_a_growing_line_keeps_its_beginning() -> None:
    """Karaoke: each stage begins with the words of the one before."""
    stages = plan(Track(grow=True, texts=("one two three four",), duration=(3, 3)))
    assert [s.parts[0][0] for s in stages][:2] == ["one", "one two"]
    assert all(a.last_frame + 1 == b.first_frame for a, b in pairwise(stages))


def test_own_lines_come_in_order_and_once() -> None:
    """A track's texts are not drawn by chance."""
    assert [e.parts[0][0] for e in plan(Track(texts=("a", "b", "c")))] == ["a", "b", "c"]


def test_two_languages_make_two_parts() -> None:
    """The first language stands above the second."""
    events = plan(Track(languages=("zh",), second="en"))
    assert {tuple(language for _, language in e.parts) for e in events} == {("zh", "en")}


def test_no_line_again_before_all_were_used() -> None:
    """Sentences are dealt like cards."""
    pool = sentence_pool("fr", "dev")
    stream = sentences(random.Random(1), "fr", "dev")
    assert len({next(stream) for _ in pool}) == len(pool)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("split", ["dev", "held-out"])
def test_nearly_changes_little(language: str, split: str) -> None:
    """A near-identical line stays within a few letters of the original, and most lines have one."""
    lines = sentence_pool(language, split)  # type: ignore[arg-type]
    changed = [(line, nearly(random.Random(2), line, language)) for line in lines]  # type: ignore[arg-type]
    assert sum(new is not None for _, new in changed) > len(lines) / 2
    assert all(
        new is None or (new != old and abs(len(new) - len(old)) <= 3) for old, new in changed
    )
