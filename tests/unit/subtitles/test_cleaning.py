"""Repairs of what recognition writes."""

import pytest

from yivideo.subtitles.cleaning import comparable, even_dashes, letters_only, tidy, tidy_lines


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("  two   words ", "two words"),
        ("我 们 走", "我们走"),
        ("我们用 GPS 走", "我们用 GPS 走"),
        ("Wait....", "Wait..."),
        ("等等…", "等等……"),
        ("等等·", "等等……"),
        ("°°°", "…"),
    ],
)
def test_lines_are_tidied(read: str, written: str) -> None:
    """Spaces and ellipses as the script writes them."""
    assert tidy(read) == written


def test_an_ellipsis_broken_in_two_has_its_halves() -> None:
    """Three dots end the first line, three begin the second."""
    assert tidy_lines(["我不知道…", "…"]) == ["我不知道…", "…"]


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (["- Coffee?", "-Two sugars."], ["- Coffee?", "- Two sugars."]),
        (["-Oui.", "-Non.", "-Si."], ["-Oui.", "-Non.", "-Si."]),
        (["-Oui.", "-Non.", "-Si.", "-Bon.", "- Ah."], ["-Oui.", "-Non.", "-Si.", "-Bon.", "-Ah."]),
        (["- Cold?", "-5 degrees."], ["- Cold?", "-5 degrees."]),
        (["- A", "-你好"], ["- A", "-你好"]),
    ],
)
def test_dashes_are_written_alike(read: list[str], written: list[str]) -> None:
    """One way in a whole film; numbers and Chinese keep theirs."""
    assert even_dashes(read) == written


def test_texts_are_compared_without_what_looks_the_same() -> None:
    """Width, case and spaces do not count; for letters alone, nor does punctuation."""
    assert comparable("Ａ b！") == "ab!"
    assert letters_only("Ａ b！") == "ab"
