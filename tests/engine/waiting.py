"""Waiting for what real processes bring about."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Far beyond what anything takes, for a machine that is busy with other things.
PATIENCE_S = 60.0


def until(what: Callable[[], T]) -> T:
    """Wait for something, and return it."""
    end = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
    return found
