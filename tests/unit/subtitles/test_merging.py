"""Readings made events: joined, healed, or turned down with a reason."""

import pytest
from tests.unit.subtitles.making import line, reading

from yivideo.subtitles.merging import merge
from yivideo.subtitles.model import Band, Box, Event, Line, RejectedEvent
from yivideo.subtitles.stretch_reading import StretchReading

BAND = Band(
    box=Box(left=0, top=240, right=640, bottom=360),
    anchor="bottom",
    polarity="bright",
    text_height=40,
    source="found",
)
LONG = "The last ferry leaves at ten."


def merged(*readings: StretchReading) -> tuple[list[Event], list[RejectedEvent]]:
    """Events of one band that is centred in a picture of 640 columns."""
    return merge(readings, [BAND], frame=0.04, centres=[320.0], width=640)


def reasons(rejected: list[RejectedEvent]) -> list[tuple[str, str]]:
    """What was turned down, and why."""
    return [(one.event.text, one.reason) for one in rejected]


def test_stretches_that_show_the_same_are_one_event() -> None:
    """It lasts from the first to the last, and the surest reading is taken."""
    events, rejected = merged(
        reading(1, 2, line("The last fery leaves at ten.", sure=0.7)), reading(2, 4, line(LONG))
    )
    assert [(e.start, e.end, e.text) for e in events] == [(1, 4, LONG)]
    assert not rejected


def test_another_text_is_another_event() -> None:
    """What was read for sure and differs is kept apart."""
    events, _ = merged(reading(1, 2, line("Room 245?")), reading(2, 3, line("Room 249?")))
    assert [e.text for e in events] == ["Room 245?", "Room 249?"]


def test_an_unreadable_moment_does_not_part_a_text() -> None:
    """A stretch of noise within a line that stands on goes to what was turned down."""
    events, rejected = merged(
        reading(1, 2, line(LONG)),
        reading(2, 2.24, line("Th la1t fe", sure=0.5)),
        reading(2.24, 4, line(LONG)),
    )
    assert [(e.start, e.end) for e in events] == [(1, 4)]
    assert reasons(rejected) == [("Th la1t fe", "low-confidence")]


def test_the_same_words_after_two_frames_are_one_event() -> None:
    """At the same place, though nothing seemed to stand on; other words, or elsewhere, are not."""
    no = reading(1, 2, line("No.", left=290), stays=False)
    events, _ = merged(no, reading(2.08, 3, line("No.", left=290)))
    assert [(e.start, e.end) for e in events] == [(1, 3)]
    events, _ = merged(no, reading(2.08, 3, line("No!", left=290)))
    assert len(events) == 2
    events, _ = merged(no, reading(2.12, 3, line("No.", left=290)))
    assert len(events) == 2


def test_the_same_words_after_a_pause_are_another_event() -> None:
    """Where nothing stood on in between, a line came twice."""
    events, _ = merged(
        reading(1, 2, line("No.", left=290), stays=False), reading(2.2, 3, line("No.", left=290))
    )
    assert [(e.start, e.end) for e in events] == [(1, 2), (2.2, 3)]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (reading(1, 1.1, line(LONG)), "too-brief"),
        (reading(1, 1.5, line(LONG, sure=0.7)), "too-brief"),
        (reading(1, 3, line(LONG, sure=0.4)), "low-confidence"),
        (reading(1, 3, line("l", left=310, sure=0.9)), "low-confidence"),
        (reading(1, 3, line("ab", left=10)), "off-centre"),
    ],
)
def test_noise_is_turned_down_with_a_reason(found: StretchReading, reason: str) -> None:
    """Too brief, too doubtful, or beside all others."""
    events, rejected = merged(found)
    assert not events
    assert [why for _, why in reasons(rejected)] == [reason]


def test_small_print_beside_a_subtitle_is_turned_down() -> None:
    """A handle in a corner is not the first line of what is said."""
    events, rejected = merged(
        reading(1, 3, line("@harbour", left=10, top=260, height=25), line(LONG, left=30))
    )
    assert [e.text for e in events] == [LONG]
    assert reasons(rejected) == [("@harbour", "small-print")]


def test_a_doubtful_scrap_beside_a_sure_line_is_turned_down() -> None:
    """What is left of a page above a subtitle's plate is no line of it."""
    events, rejected = merged(
        reading(1, 3, line("x7y", left=290, top=270, height=24, sure=0.7), line(LONG, left=30))
    )
    assert [e.text for e in events] == [LONG]
    assert reasons(rejected) == [("x7y", "low-confidence")]


def test_scenery_beside_a_sure_line_is_turned_down() -> None:
    """What is higher and in its row is no part of it; a line of another language is."""
    said = line("Go!", left=290, top=310, height=34)
    events, rejected = merged(
        reading(1, 3, line("COC+", left=400, top=290, height=45, sure=0.7), said)
    )
    assert [e.text for e in events] == ["Go!"]
    assert reasons(rejected) == [("COC+", "low-confidence")]
    events, _ = merged(
        reading(1, 3, line("我们现在走吧", left=290, top=262, height=45, sure=0.7), said)
    )
    assert [e.text for e in events] == ["我们现在走吧\nGo!"]


@pytest.mark.parametrize(
    "part",
    [
        line("The last ferry", left=100),
        line("aves at ten.", left=440),
        line("Thelastfery leaves a ten.", left=100),
    ],
)
def test_a_text_that_fades_is_one_event(part: Line) -> None:
    """What is read while it comes or goes is where it will be, or was."""
    whole = reading(1.5, 3, line(LONG), stays=False)
    events, _ = merged(reading(1, 1.4, part, stays=False), whole)
    assert [(e.start, e.end, e.text) for e in events] == [(1, 3, LONG)]
    events, _ = merged(whole, reading(3.08, 3.5, part, stays=False))
    assert [(e.start, e.end, e.text) for e in events] == [(1.5, 3.5, LONG)]


@pytest.mark.parametrize(
    ("start", "end", "part"),
    [
        (1, 1.48, line("ferry leaves", left=270)),
        (1, 1.48, line("Room 12?", left=310)),
        (0.8, 1.48, line("The last ferry", left=100)),
        (0.9, 1.3, line("The last ferry", left=100)),
    ],
)
def test_a_short_line_is_no_remnant(start: float, end: float, part: Line) -> None:
    """One that is centred for itself, says something else, stands longer, or ends before."""
    events, _ = merged(
        reading(start, end, part, stays=False), reading(1.5, 3, line(LONG), stays=False)
    )
    assert [e.text for e in events] == [part.text, LONG]


def test_a_misread_moment_does_not_part_a_text() -> None:
    """Nobody changes a letter for half a second, and then changes it back."""
    wrong = line(LONG.replace("last", "l4st"))
    events, _ = merged(
        reading(1, 3, line(LONG)), reading(3, 3.5, wrong), reading(3.5, 5, line(LONG))
    )
    assert [(e.start, e.end, e.text) for e in events] == [(1, 5, LONG)]
    events, _ = merged(reading(1, 3, line(LONG)), reading(3, 4, wrong), reading(4, 5, line(LONG)))
    assert len(events) == 3


def test_credits_are_turned_down() -> None:
    """Text that scrolls is no subtitle, however well it was read."""
    found = [
        reading(0.3 * i, 0.3 * (i + 1), line("WRITTEN BY", left=220, top=330 - 14 * i))
        for i in range(4)
    ]
    events, rejected = merged(*found)
    assert not events
    assert {why for _, why in reasons(rejected)} == {"moving-text"}


def test_dashes_are_even_in_a_whole_film() -> None:
    """A dash read without its space gets it where others have it."""
    events, _ = merged(
        reading(1, 2, line("- Coffee?", left=230)), reading(3, 4, line("-Two sugars.", left=200))
    )
    assert [e.text for e in events] == ["- Coffee?", "- Two sugars."]
