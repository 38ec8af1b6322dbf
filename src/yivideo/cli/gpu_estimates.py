"""When waiters may start, as far as the pool's estimates can say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yivideo.gpu.pool import GpuPool
    from yivideo.gpu.records import Snapshot


@dataclass(frozen=True)
class Guess:
    """What is known of a waiter's start; None stands for unknown.

    Attributes:
        waits_for: the request whose lease it waits for.
        median: seconds to the start, as likely too long as too short.
        bound90: seconds within which it starts nine times in ten.
    """

    waits_for: str | None
    median: float | None
    bound90: float | None


def guesses(pool: "GpuPool", snapshot: "Snapshot") -> Mapping[str, Guess]:
    """Estimates by request; those that nobody can make are missing."""
    del pool, snapshot
    return {}
