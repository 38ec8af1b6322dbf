"""Text that scrolls, told from text that stands and from captions that roll up."""

from tests.unit.subtitles.making import line, reading

from yivideo.subtitles.moving import without_moving_text
from yivideo.subtitles.stretch_reading import StretchReading


def texts(readings: list[StretchReading]) -> list[str]:
    """The lines of all readings, by time."""
    return [one.text for found in readings for one in found.lines]


def scrolling(text: str, step: int, times: int = 4) -> list[StretchReading]:
    """A line that is ``step`` pixels further up every quarter of a second."""
    return [reading(0.25 * i, 0.25 * (i + 1), line(text, top=340 - step * i)) for i in range(times)]


def test_credits_are_not_kept() -> None:
    """A line seen at four heights, one above the other, scrolls."""
    kept, moved = without_moving_text(scrolling("WRITTEN BY", step=14))
    assert texts(kept) == []
    assert texts(moved) == ["WRITTEN BY"] * 4


def test_a_subtitle_over_credits_is_kept() -> None:
    """A line that stands where it is stays, whatever scrolls above it."""
    found = [
        reading(0.25 * i, 0.25 * (i + 1), line("WRITTEN BY", top=200 - 14 * i), line("Look out!"))
        for i in range(4)
    ]
    assert texts(without_moving_text(found)[0]) == ["Look out!"] * 4


def test_captions_that_roll_up_by_rows_are_kept() -> None:
    """A caption that jumps by its whole height is read at each place."""
    kept, moved = without_moving_text(scrolling("It was a dark night.", step=44))
    assert len(texts(kept)) == 4
    assert not moved


def test_an_uncertain_box_is_no_movement() -> None:
    """A line whose box wobbles by a few pixels stands."""
    tops = (300, 306, 299, 305, 301)
    found = [reading(0.25 * i, 0.25 * (i + 1), line("No.", top=top)) for i, top in enumerate(tops)]
    assert texts(without_moving_text(found)[0]) == ["No."] * 5


def test_a_line_of_the_same_page_goes_with_it() -> None:
    """A wide line that was seen only once, but ends where scrolling ones do, is of their page."""
    page = scrolling("the keeper of the bell", step=14)
    page.append(reading(1.2, 1.4, line("a woman of seventy who")))
    kept, _ = without_moving_text([*page, reading(1.5, 2.5, line("Who are you?"))])
    assert texts(kept) == ["Who are you?"]
