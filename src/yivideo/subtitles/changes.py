"""What changes in a band: ink that appears or vanishes for good, told from the background's.

Counts of ink are pixels at the working scale of `ink.InkScale`, where letters are some 18 high.
"""

from collections import deque
from dataclasses import dataclass
from statistics import median

import numpy as np

from yivideo.subtitles.ink import Mask, densest, near

# How much ink a word's rectangle (rows, columns) holds at least.
WORD = 80
WORD_WINDOW = (20, 60)
# Less ink than this is not even a comma.
LEAST_INK = 10
# A letter's square, and the least ink that another letter in it changes.
_LETTER = 20
_LEAST_LETTER = 12
# Where one side of a letter's change is so plain, the other may be this part of the usual.
_PLAIN_LETTER = 40
_SHARED = 0.65
# A stretch must be so many samples long before its single letters can be told to change, and so
# many before that is easy.
_LETTER_SAMPLES = 5
_SETTLED_SAMPLES = 8
# Samples over which the usual is taken.
_LATELY = 25


@dataclass(slots=True)
class Change:
    """What differs between the stretch so far and the samples after it.

    ``vanished``, ``appeared`` and what ``stayed`` are masks; ``gone``, ``come`` and ``stays`` say
    how much ink a word's rectangle of each holds at most.
    """

    vanished: Mask
    appeared: Mask
    gone: int
    come: int
    stayed: int

    @classmethod
    def between(cls, ink: Mask, bare: Mask, after: list[Mask]) -> "Change":
        """Compare the stretch so far with the samples after it.

        ``ink`` is what nearly all of its samples had, ``bare`` what hardly any had.
        """
        always, ever = after[0].copy(), after[0].copy()
        for mask in after[1:]:
            always &= mask
            ever |= mask
        vanished, appeared = ink & ~ever, bare & always
        gone, come = _word(vanished), _word(appeared)
        # Text that goes within the samples to come is still there in the first of them. Where
        # hardly anything changed nobody asks what stayed.
        stayed = _word(ink & after[0]) if max(gone, come) >= LEAST_INK else 0
        return cls(vanished, appeared, gone, come, stayed)

    @property
    def stays(self) -> bool:
        """Whether something like a word stands on through the change."""
        return self.stayed >= 2 * WORD

    def letter(self) -> int:
        """How much ink changed on both sides within one letter's square, at most."""
        left = self.vanished & near(self.appeared, _LETTER // 2)
        right = self.appeared & near(self.vanished, _LETTER // 2)
        return min(densest(left, _LETTER, _LETTER), densest(right, _LETTER, _LETTER))


def _word(mask: Mask) -> int:
    """The most ink in a word's rectangle; 0 where all of it together is too little to matter."""
    if np.count_nonzero(mask) < LEAST_INK:
        return 0
    return densest(mask, *WORD_WINDOW)


class Noise:
    """Tells a change of text from what the background does all the time.

    Where text stands on, ink still comes and goes around it: little over a still picture, a lot
    over foliage. A change is what exceeds the usual of the last seconds.
    """

    def __init__(self) -> None:
        self._least: deque[int] = deque(maxlen=_LATELY)
        self._most: deque[int] = deque(maxlen=_LATELY)
        self._letter: deque[int] = deque(maxlen=_LATELY)

    def judge(self, change: Change, samples: int) -> tuple[bool, bool]:
        """Whether text went, and whether text came, after a stretch of so many samples."""
        most, least = max(change.gone, change.come), min(change.gone, change.come)
        if samples < 2:
            # One sample's ink is mostly noise: only what is far more than that counts.
            far_more = most >= 2 * change.stayed or (
                change.gone >= 2 * WORD and most >= 1.5 * change.stayed
            )
            clear = change.come >= 2 * WORD and (not change.stays or far_more)
            return clear and change.gone >= 2 * WORD, clear
        letter = change.letter() if least >= LEAST_INK else 0
        if change.stays:
            answer = self._judge_standing(change, most, least, letter, samples)
        elif most < WORD:
            answer = False, False
        else:
            answer = change.gone >= min(WORD, 0.3 * most), change.come >= min(WORD, 0.3 * most)
        if samples >= 3:
            self._least.append(least)
            self._most.append(most)
            self._letter.append(letter)
        return answer

    def _judge_standing(
        self, change: Change, most: int, least: int, letter: int, samples: int
    ) -> tuple[bool, bool]:
        much = most >= max(0.6 * change.stayed, 1.4 * _usual(self._most))
        both = least >= max(0.2 * change.stayed, 1.4 * _usual(self._least))
        if much or both:
            return change.gone >= 0.3 * most, change.come >= 0.3 * most
        needed = max(_LEAST_LETTER, 2.5 * _usual(self._letter) + 6)
        if samples < _SETTLED_SAMPLES:
            needed = 1.7 * needed if samples >= _LETTER_SAMPLES else float("inf")
        if letter >= needed:
            return True, True
        # One sign for another may add or leave hardly anything: "?" and "!" share their places, and
        # "。" is hardly ink. What the other side does is then far more than usual.
        usual = _usual(self._most)
        if letter >= _SHARED * needed and most >= max(_PLAIN_LETTER, 4 * usual):
            return True, True
        if samples >= _SETTLED_SAMPLES and most >= max(WORD, 8 * usual):
            return change.gone >= 0.3 * most, change.come >= 0.3 * most
        return False, False


def _usual(values: deque[int]) -> float:
    return median(values) if values else 0.0
