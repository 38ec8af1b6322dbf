"""Places for labels beside the lines they tell about."""

from collections.abc import Sequence

from yivideo.subtitles.model import Box


def place_labels(
    lines: Sequence[Box], sizes: Sequence[tuple[int, int]], height: int
) -> tuple[Box, ...]:
    """Where each line's label goes: above, else below, hiding no line and no other label.

    Args:
        lines: boxes of the lines, top to bottom, in pixels.
        sizes: width and height of each line's label.
        height: rows of the picture. Where it has no room the label lies over its own line.
    """
    taken = list(lines)
    labels: list[Box] = []
    # From the lowest up: labels that are stacked above the lines then stand in the lines' order.
    for line, (wide, high) in reversed(list(zip(lines, sizes, strict=True))):
        above = sorted((box.top - high for box in taken if box.top <= line.top), reverse=True)
        below = sorted(box.bottom for box in taken if box.bottom >= line.bottom)
        rows = [row for row in (*above, *below) if 0 <= row <= height - high]
        places = [_at(line.left, row, wide, high) for row in rows]
        free = (place for place in places if not any(_touch(place, box) for box in taken))
        labels.append(next(free, _at(line.left, max(0, line.top), wide, high)))
        taken.append(labels[-1])
    return tuple(reversed(labels))


def _at(left: int, top: int, wide: int, high: int) -> Box:
    return Box(left=left, top=top, right=left + wide, bottom=top + high)


def _touch(one: Box, other: Box) -> bool:
    across = min(one.right, other.right) > max(one.left, other.left)
    return across and min(one.bottom, other.bottom) > max(one.top, other.top)
