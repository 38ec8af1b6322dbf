"""Standing letters are told from changed ones, whatever moves behind them."""

import cv2
import numpy as np
import pytest

from yivideo.subtitles.ink import Gray, InkScale, Mask
from yivideo.subtitles.sameletters import same_letters

SCALE = InkScale.for_text(56)


def shown(text: str, ground: int = 60, bar: int | None = None) -> tuple[Gray, Mask]:
    """A white line with a dark outline, and its ink; ``bar``: column of something behind it."""
    picture = np.full((120, 640), ground, np.uint8)
    if bar is not None:
        picture[:, bar : bar + 6] = 190
    where, font = (20, 80), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(picture, text, where, font, 1.8, 10, 12, cv2.LINE_AA)
    cv2.putText(picture, text, where, font, 1.8, 235, 5, cv2.LINE_AA)
    return picture, SCALE.mask(SCALE.small(picture))


def test_a_background_that_moves_does_not_change_the_letters() -> None:
    """Its strokes are not as bright as the text's."""
    one, other = shown("Nobody knows 18", bar=30), shown("Nobody knows 18", bar=560)
    assert np.count_nonzero(one[1] ^ other[1]) > 50
    assert same_letters(one, other, SCALE.shrink)


@pytest.mark.parametrize(
    "changed", ["Nobody knows 13", "Nobody knows 18.", "Nobody know 18", "The last ferry left"]
)
def test_letters_that_differ_are_seen(changed: str) -> None:
    """A digit, a sign more, a letter less, another line."""
    one, other = shown("Nobody knows 18", bar=30), shown(changed, bar=560)
    assert not same_letters(one, other, SCALE.shrink)


def test_other_words_on_a_bright_ground_are_not_taken_for_the_same() -> None:
    """Nothing is dark there where letters were."""
    one, other = shown("Nobody knows 18", ground=185), shown("Has the ferry left?", ground=185)
    assert not same_letters(one, other, SCALE.shrink)


def test_no_text_is_nothing_to_go_by() -> None:
    """Two empty pictures are not the same text."""
    assert not same_letters(shown(""), shown(""), SCALE.shrink)
