"""The model of subtitles: what it derives, what it refuses, and that JSON keeps all of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from yivideo.subtitles.model import (
    Band,
    Box,
    Event,
    Line,
    Picture,
    RejectedEvent,
    Subtitles,
    Video,
)

pixels = st.integers(min_value=0, max_value=10_000)
seconds = st.floats(min_value=0, max_value=1e6, allow_nan=False)
fractions = st.floats(min_value=0, max_value=1, allow_nan=False)
words = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
boxes = st.builds(
    lambda left, top, width, height: Box(
        left=left, top=top, right=left + width, bottom=top + height
    ),
    *[pixels] * 4,
)
lines = st.builds(Line, text=words, box=boxes, confidence=fractions)
pictures = st.builds(
    Picture, file=st.none() | words, time=seconds, frames=st.integers(min_value=1, max_value=99)
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    start = draw(seconds)
    return Event(
        start=start,
        end=start + draw(seconds),
        lines=tuple(draw(st.lists(lines, max_size=3))),
        band=draw(st.integers(min_value=0, max_value=3)),
        pictures=tuple(draw(st.lists(pictures, max_size=2))),
        language=draw(st.none() | st.sampled_from(["zh", "en"])),
        note=draw(st.none() | words),
    )


bands = st.builds(Band, box=boxes, text_height=seconds)
videos = st.builds(
    Video,
    path=words,
    width=st.integers(1, 9999),
    height=st.integers(1, 9999),
    codec=words,
    duration=st.none() | seconds,
)
subtitles = st.builds(
    Subtitles,
    video=videos,
    language=st.none() | words,
    bands=st.lists(bands, max_size=2).map(tuple),
    events=st.lists(events(), max_size=4).map(tuple),
    rejected=st.lists(st.builds(RejectedEvent, event=events(), reason=words), max_size=2).map(
        tuple
    ),
    readable_until=st.none() | seconds,
    notes=st.lists(words, max_size=2).map(tuple),
)


@given(subtitles)
def test_json_keeps_everything(value: Subtitles) -> None:
    """What was written reads back equal, and writes the same bytes again."""
    text = value.to_json()
    again = Subtitles.from_json(text)
    assert again == value
    assert again.to_json().encode() == text.encode()


@given(subtitles)
def test_every_format_can_write_everything(value: Subtitles) -> None:
    """No content makes a writer fail, and each shows one cue for every event with words."""
    shown = len(value.in_order())
    assert value.to_srt().count(" --> ") == shown
    assert value.to_vtt().count(" --> ") == shown
    assert value.to_ass().count("\nDialogue: ") == shown
    assert value.to_txt().endswith("\n") or shown == 0


def line(text: str, confidence: float, left: int = 0, top: int = 0) -> Line:
    area = Box(left=left, top=top, right=left + 10, bottom=top + 5)
    return Line(text=text, box=area, confidence=confidence)


def test_an_event_sums_up_its_lines() -> None:
    """Text, box and confidence of an event come from all of its lines."""
    event = Event(start=1, end=2, lines=(line("abc", 1.0), line("d", 0.2, left=30, top=7)))
    assert event.text == "abc\nd"
    assert event.box == Box(left=0, top=0, right=40, bottom=12)
    assert (event.box.width, event.box.height) == (40, 12)
    assert event.confidence == pytest.approx(0.8)


def test_an_event_without_lines_has_no_box_and_no_confidence() -> None:
    """Nothing was read: nothing is claimed."""
    empty = Event(start=1, end=2, lines=())
    assert (empty.text, empty.box, empty.confidence) == ("", None, 0.0)


def test_records_cannot_be_changed_and_refuse_unknown_fields() -> None:
    """A result is a value: it is replaced, not edited, and a misspelling is not swallowed."""
    area = Box(left=0, top=0, right=1, bottom=1)
    with pytest.raises(ValidationError, match="frozen"):
        area.left = 3  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValidationError, match="colour"):
        Box.model_validate({"left": 0, "top": 0, "right": 1, "bottom": 1, "colour": "red"})


def test_an_event_of_a_band_that_is_not_told_stands_at_the_bottom() -> None:
    """A file whose bands were edited away still writes."""
    event = Event(start=1, end=2, lines=(line("a", 1.0),), band=3)
    value = Subtitles(video=Video(path="a", width=4, height=4, codec="h264"), events=(event,))
    assert value.anchor(event) == "bottom"
