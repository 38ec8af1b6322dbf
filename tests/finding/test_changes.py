"""How lines come, stay and go."""

import pytest
from benchmarks.render.spec import Background, Style
from tests.finding.conftest import Watch
from tests.finding.judging import assert_found, lines, make_clip

pytestmark = pytest.mark.slow


def test_lines_that_follow_each_other_at_once(watch: Watch) -> None:
    """With no frame between them two lines are two events, the border on its frame."""
    track = lines(
        "Where have you been?", "At the harbour.", "All night long?", "Yes.", "With whom?",
        gaps=(0.0,), duration=(1.2, 1.2),
    )  # fmt: skip
    found = watch(make_clip(track, seconds=8.0))
    assert_found(found)
    for one, next_one in zip(found.events, found.events[1:], strict=False):
        assert one.end == pytest.approx(next_one.start, abs=0.041)


def test_the_same_line_twice_with_a_gap(watch: Watch) -> None:
    """What is said twice is two events, though the gap is but eight frames."""
    track = lines("Stop it!", "Stop it!", "No, never!", "No, never!", gaps=(0.32,))
    assert_found(watch(make_clip(track, seconds=8.5)))


def test_a_line_shorter_than_half_a_second(watch: Watch) -> None:
    """An outcry of eight to eleven frames is read like any other line."""
    track = lines("Wait!", "What is it?", "Down!", "Now run!", duration=(0.32, 0.44), gaps=(0.8,))
    assert_found(watch(make_clip(track, seconds=6.0)))


@pytest.mark.xfail(reason="letters 16 pixels high: the line is taken for standing text")
def test_a_line_that_stands_for_a_minute(watch: Watch) -> None:
    """It is one event, whatever happens behind it, and not taken for a title."""
    style = Style(size=0.09)
    long = lines("I have nothing more to say.", style=style, duration=(60, 60), first=2.0)
    later = lines("Is that so?", "It is.", style=style, first=62.6)
    clip = make_clip(
        long, later, width=320, height=180, rate="10", seconds=67.0,
        background=Background(shot=(5, 9)),
    )  # fmt: skip
    assert_found(watch(clip))


def test_a_cut_behind_a_line(watch: Watch) -> None:
    """Another shot behind a line that stands on neither ends it nor spoils its words."""
    track = lines("Who is there?", "It is only me.", "Come in!", style=Style(size=0.09))
    background = Background(shot=(2, 3))
    assert_found(watch(make_clip(track, width=384, height=216, seconds=6.0, background=background)))


@pytest.mark.parametrize(
    "texts",
    [
        ("I saw him at six.", "I saw him at ten."),
        ("They are here.", "They were here."),
        ("我知道你是谁。", "我知道他是谁。"),
        ("这里有三个人。", "这里有五个人。"),
    ],
)
def test_nearly_the_same_line_at_once(watch: Watch, texts: tuple[str, ...]) -> None:
    """Lines that differ in a letter, a word or a sign and follow at once are not one event."""
    assert_found(watch(make_clip(lines(*texts, gaps=(0.0,)), seconds=1.7 + 1.4 * len(texts))))


def test_lines_that_differ_in_a_sign_alone(watch: Watch) -> None:
    """Over a still picture, where nothing else changes, a sign at the end is enough."""
    track = lines("谢谢你陪着我。", "谢谢你陪着我？", gaps=(0.0,))
    background = Background(shot=(20, 20), speed=0)
    assert_found(watch(make_clip(track, seconds=4.5, background=background)))


def test_fades(watch: Watch) -> None:
    """A line that fades in and out is one event; its borders lie within the fades."""
    track = lines(
        "Once upon a time", "there was a lighthouse", "far out in the bay.",
        fade_in=0.3, fade_out=0.3, duration=(2.0, 2.0), gaps=(0.5,),
    )  # fmt: skip
    assert_found(watch(make_clip(track, seconds=9.0)))


def test_the_last_line_at_the_end_of_the_file(watch: Watch) -> None:
    """It ends when its last frame does."""
    track = lines("We are nearly there.", "Good night.", until_end=True)
    found = watch(make_clip(track, seconds=5.0))
    assert_found(found)
    assert found.events[-1].end == pytest.approx(5.0, abs=0.001)


def test_a_line_from_the_first_frame_on(watch: Watch) -> None:
    """A film may begin in the middle of a sentence: that begins at 0."""
    found = watch(make_clip(lines("and so we left.", "Forever.", first=0.0), seconds=5.0))
    assert_found(found)
    assert found.events[0].start == 0.0


def test_each_event_names_the_pictures_it_came_from(watch: Watch) -> None:
    """Nothing is without a trace: pictures, boxes and confidences are kept, and survive JSON."""
    found = watch(make_clip(lines("We are nearly there.", "Good night."), seconds=5.0))
    for event in found.events:
        assert event.pictures
        assert all(event.start - 0.05 <= p.time <= event.end for p in event.pictures)
        assert all(0.5 < line.confidence <= 1 for line in event.lines)
        assert all(180 < line.box.top < line.box.bottom <= 360 for line in event.lines)
    assert type(found.subtitles).from_json(found.subtitles.to_json()) == found.subtitles
