"""Dark plates behind subtitles, over pages full of other text."""

import cv2
import numpy as np

from yivideo.subtitles.ink import Gray
from yivideo.subtitles.plates import only_plates


def page() -> Gray:
    """Dark writing on a bright page."""
    picture = np.full((120, 640), 215, np.uint8)
    for top in (30, 65, 100):
        cv2.putText(picture, "the boats came home at dusk", (30, top), 0, 1.0, 40, 2)
    return picture


def test_a_page_alone_has_no_plate() -> None:
    """Its letters are dark, but not like plates."""
    assert only_plates(page(), 36) is None


def test_only_what_stands_on_the_plate_is_left() -> None:
    """White letters stay, the page around them goes."""
    picture = page()
    picture[50:90, 200:440] = 45
    cv2.putText(picture, "Who are you?", (215, 78), 0, 1.0, 240, 2)
    left = only_plates(picture, 36)
    assert left is not None
    assert int(left[:, :190].max()) < 100
    assert int(left[:, 450:].max()) < 100
    written = np.count_nonzero(picture[60:80, 215:420] > 200)
    assert np.count_nonzero(left[60:80, 215:420] > 200) >= 0.8 * written


def test_a_bar_across_the_picture_is_no_plate() -> None:
    """Black bars and dark scenery reach the sides."""
    picture = page()
    picture[60:, :] = 30
    assert only_plates(picture, 36) is None
