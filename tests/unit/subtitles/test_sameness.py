"""When two readings are of the same words."""

import pytest
from tests.unit.subtitles.making import line, reading

from yivideo.subtitles.sameness import contains, same_text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('The password is "blue".', "The password is 'blue'."),
        ("The lift; it is broken.", "The lift: it is broken."),
        ("Let me see your hands", "Let me see your hands."),
        ("We could be home by now.", "could be home by now."),
        ("ICH MÖCHTE BROT", "ich möchte brot"),
    ],
)
def test_what_recognition_overlooks_makes_no_difference(one: str, other: str) -> None:
    """Quotation marks, a stop, case, and a letter or two at an end of a line."""
    assert same_text(reading(0, 1, line(one)), reading(1, 2, line(other)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("They owe me $249, remember?", "They owe me $245, remember?"),
        ("It's 202 miles, at least.", "It's 202 miles, at least?"),
        ("真相只有一个。", "真相只有三个。"),
        ("It smells like burnt", "It smells like burnt sugar"),
    ],
)
def test_what_was_read_for_sure_makes_a_difference(one: str, other: str) -> None:
    """A letter or a sign that both readings are sure of is another one; so is another word."""
    assert not same_text(reading(0, 1, line(one)), reading(1, 2, line(other)))


def test_a_doubtful_letter_makes_no_difference() -> None:
    """Where one reading is unsure, the other may be right."""
    unsure = reading(1, 2, line("They owe me $245, remember?", sure=0.7))
    assert same_text(reading(0, 1, line("They owe me $249, remember?")), unsure)


def test_a_lost_beginning_is_told_from_growing_text() -> None:
    """Letters missing before a line that ends where it ended were lost; those behind were not."""
    whole = line("Il y a du pain dans la maison.", left=100)
    lost = line("a du pain dans la maison.", left=200)
    assert same_text(reading(0, 1, lost), reading(1, 2, whole))
    shorter = line("Il y a du pain dans la mai", left=100)
    assert not same_text(reading(0, 1, shorter), reading(1, 2, whole))


def test_a_short_line_that_was_not_seen_makes_no_difference() -> None:
    """Detection overlooks brief second lines, which the standing text had all along."""
    first, second = line("There were 37 candles, and every one was"), line("lit.", top=350)
    assert same_text(reading(0, 1, first, second), reading(1, 2, first))
    assert same_text(reading(0, 1, first), reading(1, 2, first, second))
    assert not same_text(reading(0, 1, first), reading(1, 2, first, line("lit at dusk.", top=350)))


def test_contains_counts_letters_in_order() -> None:
    """All of it, half of it, and nothing at all."""
    assert contains("Keep going.", "keep") == 1.0
    assert contains("ab", "abcd") == 0.5
    assert contains("anything", "") == 1.0
