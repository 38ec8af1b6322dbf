"""What a request may say, and what is refused in one sentence before anything is sent."""

import math
from typing import Any

import pytest

from yivideo.errors import BadDemand
from yivideo.gpu.amounts import Demand
from yivideo.gpu.records import Holder, Request, seconds


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"id": ""}, "1 to 400 characters"),
        ({"id": "x" * 401}, "1 to 400 characters"),
        ({"priority": -1}, "Priority -1 is out of range: 0 to 9"),
        ({"priority": 10}, "Priority 10 is out of range: 0 to 9"),
        ({"weight": 0}, "weight lies between"),
        ({"weight": math.nan}, "weight lies between"),
        ({"expected": -1}, "expected is a number of seconds"),
        ({"longest_wait": 1e10}, "longest_wait is a number of seconds"),
        ({"limit": math.nan}, "limit is a number of seconds"),
        ({"payload": "x" * (2**20 + 1)}, "over 1 MiB"),
    ],
)
def test_a_malformed_request_is_refused(wish: dict[str, Any], says: str) -> None:
    """It is not even made."""
    with pytest.raises(BadDemand, match=says) as caught:
        Request(**{"id": "r", "demand": Demand(memory=1), **wish})
    assert str(caught.value).endswith(".")


def test_all_priorities_from_0_to_9_are_taken() -> None:
    """5 is the usual one."""
    demand = Demand(memory=1)
    assert Request(id="r", demand=demand).priority == 5
    assert [Request(id="r", demand=demand, priority=p).priority for p in range(10)] == [*range(10)]


def test_a_holder_comes_back_from_its_record() -> None:
    """As scripts and journals keep it."""
    holder = Holder("h", 1, 2, "ns", "boot")
    assert Holder.of(holder.record()) == holder


def test_microseconds_become_seconds() -> None:
    """And nothing stays nothing."""
    assert seconds("1500000") == 1.5
    assert seconds("") is None
    assert seconds(None) is None
