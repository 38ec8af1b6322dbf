"""Times always move forward."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yivideo.media.timing import Clock


def _times(stamps: list[int | None], zero: float = 0.0) -> list[float]:
    clock = Clock(1 / 1000, zero, 0.04)
    return [clock.time_of(stamp) for stamp in stamps]


def test_good_stamps_are_kept() -> None:
    """Stamps that move forward are only scaled and moved to the zero."""
    assert _times([500, 540, 700], zero=0.5) == [0.0, 0.04, 0.2]


def test_missing_stamps_are_a_period_apart() -> None:
    """A frame without a stamp is shown one period after the one before."""
    assert _times([None, None, 80, None]) == [0.0, 0.04, 0.08, 0.12]


def test_duplicate_does_not_push_what_follows() -> None:
    """After a duplicate the next good stamp is kept."""
    assert _times([0, 40, 40, 80]) == [0.0, 0.04, 0.06, 0.08]


def test_splice_goes_on_from_where_it_was() -> None:
    """A clock that jumps back by much is moved so that time goes on."""
    assert _times([9960, 10000, 0, 40]) == pytest.approx([9.96, 10.0, 10.04, 10.08])


@given(st.lists(st.none() | st.integers(-(10**7), 10**7), max_size=60))
def test_strictly_increasing(stamps: list[int | None]) -> None:
    """Whatever the stamps are, each frame is later than the one before."""
    times = _times(stamps)
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
