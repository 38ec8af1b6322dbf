"""Signs that a line's box cut off, dashes that recognition overlooked, dots."""

import cv2
import numpy as np

from yivideo.ocr.detection import TextBox
from yivideo.ocr.recognition import Reading
from yivideo.subtitles.ellipses import spread_over_dots, with_ellipses
from yivideo.subtitles.ends import with_dash, with_sign_behind
from yivideo.subtitles.ink import Gray

HEIGHT = 40


def row(*letters: int) -> Gray:
    """A dark row with letters, upright bars, that begin at these columns."""
    picture = np.full((HEIGHT, 300), 40, np.uint8)
    for left in letters:
        picture[10:32, left : left + 4] = 230
    return picture


def read_as(text: str, sure: float = 0.95) -> Reading:
    """A reading with letters from column 20 to column 160 of 300."""
    places = np.linspace(20, 160, len(text)) / 300
    return Reading(text, (sure,) * len(text), tuple(float(place) for place in places))


def test_a_sign_behind_the_box_is_read() -> None:
    """A stroke at the box's end has the line read again, wider."""
    picture = row(20, 60, 100, 140, 165)
    widths: list[int] = []

    def read(line: Gray) -> Reading:
        widths.append(line.shape[1])
        return read_as("wait!")

    right, reading = with_sign_behind(picture, (10, 160), (0, HEIGHT), read_as("wait"), read)
    assert reading.text == "wait!"
    assert right > 169
    assert widths == [right - 10]


def test_only_signs_are_taken_over() -> None:
    """A second reading that changes letters, or adds one, is thrown away."""
    picture = row(20, 60, 100, 140, 165)
    for other in ("waits", "wail!", "wait"):
        right, reading = with_sign_behind(
            picture, (10, 160), (0, HEIGHT), read_as("wait"), lambda _, text=other: read_as(text)
        )
        assert (right, reading.text) == (160, "wait")


def test_nothing_behind_the_box_costs_nothing() -> None:
    """Without a stroke there the line is not read again."""

    def read(_: Gray) -> Reading:
        raise AssertionError

    picture = row(20, 60, 100, 140)
    assert with_sign_behind(picture, (10, 160), (0, HEIGHT), read_as("wait"), read)[0] == 160


def test_a_dash_before_the_line_is_added() -> None:
    """A flat stroke at half height before the first letter is a speaker's dash."""
    picture = row(60, 100, 140)
    picture[20:24, 30:42] = 230
    places = (62 / 300, 102 / 300, 142 / 300)
    assert with_dash(picture, Reading("Yes", (0.9,) * 3, places)).text == "- Yes"
    assert with_dash(row(30, 60, 100, 140), Reading("Yes", (0.9,) * 3, places)).text == "Yes"


def dotted(count: int) -> Gray:
    """Letters, and behind them so many dots on the base line."""
    picture = row(20, 60, 100, 140)
    for i in range(count):
        cv2.rectangle(picture, (178 + 12 * i, 28), (181 + 12 * i, 31), 230, -1)
    return picture


def test_a_box_is_spread_over_an_ellipsis() -> None:
    """Three dots beside a line belong to it; two do not make an ellipsis."""
    box = TextBox(10, 0, 160, HEIGHT, 0.9)
    assert spread_over_dots(dotted(3), box)[1] >= 206
    assert spread_over_dots(dotted(2), box)[1] == 160


def test_feet_of_the_line_above_hide_no_ellipsis() -> None:
    """Where lines stand close, their letters reach into each other's pictures."""
    picture = dotted(3)
    picture[:3, 170:250:20] = 230
    picture[:3, 171:250:20] = 230
    assert spread_over_dots(picture, TextBox(10, 0, 160, HEIGHT, 0.9))[1] >= 206
    assert with_ellipses(picture, read_as("wait")).text == "wait..."


def test_an_ellipsis_is_written_as_its_script_has_it() -> None:
    """Three dots in Latin script, six in Chinese; none where the picture has none."""
    assert with_ellipses(dotted(3), read_as("wait")).text == "wait..."
    assert with_ellipses(dotted(3), read_as("等等")).text == "等等……"
    assert with_ellipses(dotted(0), read_as("wait")).text == "wait"
