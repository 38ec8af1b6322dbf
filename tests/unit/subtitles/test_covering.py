"""Lines of a page that subtitles cover in part."""

import numpy as np

from yivideo.ocr.recognition import Reading
from yivideo.subtitles.covering import Pages

PAGE = "lit before the tide had turned, and so"


def read_as(text: str) -> Reading:
    """A reading whose letters are spread evenly over the line."""
    places = (np.arange(len(text)) + 0.5) / len(text)
    return Reading(text, (0.99,) * len(text), tuple(float(place) for place in places))


def test_a_cover_is_told_from_the_line_beneath() -> None:
    """The page's words at both ends stay; what hides the others is between them."""
    pages = Pages()
    assert pages.cover(40, 420, 30, read_as(PAGE)) is None
    cover = pages.cover(42, 419, 30, read_as("lit before tWHO ARE YOU?turned, and so"))
    assert cover is not None
    assert cover.beneath.text == PAGE
    assert 130 < cover.left < 180
    assert 250 < cover.right < 320


def test_lines_that_differ_by_a_letter_cover_nothing() -> None:
    """A misread letter is no cover."""
    pages = Pages()
    pages.cover(40, 420, 30, read_as(PAGE))
    assert pages.cover(40, 420, 30, read_as(PAGE.replace("tide", "tlde"))) is None


def test_a_line_elsewhere_is_another_line() -> None:
    """Where the ends are not those of the page's line, nothing is covered."""
    pages = Pages()
    pages.cover(40, 420, 30, read_as(PAGE))
    assert pages.cover(140, 520, 30, read_as("lit before tWHO ARE YOU?turned, and so")) is None
