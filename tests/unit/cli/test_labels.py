"""Labels of a preview stand beside lines, not on them."""

from itertools import combinations

from yivideo.cli.labels import place_labels
from yivideo.subtitles.model import Box


def box(left: int, top: int, right: int, bottom: int) -> Box:
    return Box(left=left, top=top, right=right, bottom=bottom)


def apart(one: Box, other: Box) -> bool:
    across = min(one.right, other.right) > max(one.left, other.left)
    return not (across and min(one.bottom, other.bottom) > max(one.top, other.top))


def test_two_lines_at_the_bottom_are_both_seen() -> None:
    """Both labels go above, in the lines' order."""
    lines = [box(225, 286, 414, 322), box(173, 312, 466, 350)]
    labels = place_labels(lines, [(125, 16), (175, 16)], 360)
    assert all(apart(*pair) for pair in combinations([lines[0], *labels], 2))
    assert all(apart(lines[1], label) for label in labels)
    assert labels[0].bottom <= labels[1].top
    assert [label.left for label in labels] == [225, 173]


def test_at_the_top_they_go_below() -> None:
    """Nothing leaves the picture."""
    lines = [box(200, 4, 400, 34), box(200, 36, 400, 66)]
    labels = place_labels(lines, [(125, 16), (175, 16)], 360)
    assert all(apart(*pair) for pair in combinations([*lines, *labels], 2))
    assert all(label.top >= 66 for label in labels)


def test_a_picture_without_room() -> None:
    """The label lies over its own line, and inside the picture."""
    (label,) = place_labels([box(0, 0, 100, 20)], [(90, 16)], 20)
    assert label == box(0, 0, 90, 16)
