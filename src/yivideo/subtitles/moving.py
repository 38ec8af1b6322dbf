"""Text that scrolls up or down the picture: credits, pages."""

from dataclasses import dataclass, field
from difflib import SequenceMatcher

from yivideo.subtitles.cleaning import comparable
from yivideo.subtitles.model import Line
from yivideo.subtitles.stretch_reading import StretchReading, picked

# A line goes on moving where it is seen again within so many seconds.
_GAP = 0.6
# A smaller step, in line heights, is an uncertain box; a larger one is a roll-up caption's.
_LEAST_STEP = 0.12
_MOST_STEP = 0.8
# Words are misread while they move; so much of them must be alike, and the ends of the line as
# near, in line heights.
_ALIKE = 0.4
_ENDS = 0.6
# So many steps one way that lead so far, in line heights, make a movement.
_STEPS = 2
_TRAVEL = 0.6
# A wide line is of the same page where it begins and ends as one that moves does (line heights)
# so many seconds before or after it.
_WIDE = 6
_SAME_ENDS = 0.3
_NEAR = 5.0
# What stands for longer at one height, in seconds, does not move.
_STANDS = 1.0


@dataclass(slots=True, eq=False)
class _Course:
    """A line on its way through the picture."""

    line: Line
    text: str
    end: float
    since: float
    direction: int = 0
    steps: int = 0
    travel: float = 0.0
    moving: bool = False
    members: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def follows(self, line: Line, text: str) -> bool:
        """Whether the line may be this one, a little later."""
        height = max(self.line.box.height, line.box.height)
        left = abs(self.line.box.left - line.box.left)
        right = abs(self.line.box.right - line.box.right)
        if max(left, right) > _ENDS * height or abs(self._step(line)) > _MOST_STEP * height:
            return False
        return SequenceMatcher(None, self.text, text, autojunk=False).ratio() >= _ALIKE

    def go_on(self, line: Line, text: str, start: float, end: float) -> None:
        """The line was seen again."""
        step = self._step(line)
        if abs(step) >= _LEAST_STEP * line.box.height:
            direction = 1 if step > 0 else -1
            if direction != self.direction:
                self.steps, self.travel = 0, 0.0
            self.direction, self.since = direction, start
            self.steps += 1
            self.travel += abs(step) / line.box.height
        elif end - self.since > _STANDS:
            self.steps, self.travel = 0, 0.0
        self.moving |= self.steps >= _STEPS and self.travel >= _TRAVEL
        self.line, self.text, self.end = line, text, end

    def _step(self, line: Line) -> float:
        return (line.box.top + line.box.bottom - self.line.box.top - self.line.box.bottom) / 2


def without_moving_text(
    readings: list[StretchReading],
) -> tuple[list[StretchReading], list[StretchReading]]:
    """The readings (by time) without lines that scroll up or down, and those lines alone."""
    moving = _moving(readings)
    kept: list[StretchReading] = []
    moved: list[StretchReading] = []
    for number, reading in enumerate(readings):
        moves = [(number, row) in moving for row in range(len(reading.lines))]
        kept.append(picked(reading, [not yes for yes in moves]))
        if any(moves):
            moved.append(picked(reading, moves))
    return kept, moved


def _moving(readings: list[StretchReading]) -> set[tuple[int, int]]:
    """Numbers of the readings and of their lines that scroll."""
    under_way: list[_Course] = []
    courses: list[_Course] = []
    for number, reading in enumerate(readings):
        under_way = [c for c in under_way if reading.start - c.end <= _GAP]
        free = list(under_way)
        for row, line in enumerate(reading.lines):
            text = comparable(line.text)
            course = next((c for c in reversed(free) if c.follows(line, text)), None)
            if course is None:
                course = _Course(line, text, reading.end, reading.start)
                courses.append(course)
                under_way.append(course)
            else:
                free.remove(course)
                course.go_on(line, text, reading.start, reading.end)
            course.members.append((number, row))
    moving = {member for course in courses if course.moving for member in course.members}
    return moving | _alongside(readings, moving)


def _alongside(
    readings: list[StretchReading], moving: set[tuple[int, int]]
) -> set[tuple[int, int]]:
    """Wide lines that begin and end where those do that scroll at about the same time."""
    found: set[tuple[int, int]] = set()
    for number, reading in enumerate(readings):
        for row, line in enumerate(reading.lines):
            if line.box.width < _WIDE * line.box.height:
                continue
            for other, place in moving:
                near = abs(readings[other].start - reading.start) <= _NEAR
                if near and _same_ends(readings[other].lines[place], line):
                    found.add((number, row))
                    break
    return found


def _same_ends(one: Line, other: Line) -> bool:
    reach = _SAME_ENDS * max(one.box.height, other.box.height)
    left, right = abs(one.box.left - other.box.left), abs(one.box.right - other.box.right)
    return max(left, right) <= reach
