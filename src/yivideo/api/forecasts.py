"""How the pool's queue stands and will move: one look a second at most, whoever asks."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from yivideo.gpu.estimates import Estimate, PoolHistory, estimate
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.records import Snapshot, Waiter

_FRESH_S = 1.0
# So many waiters are told of; those behind them have a position in a queue that long.
MOST_WAITERS = 1000


@dataclass(frozen=True, slots=True)
class Forecast:
    """The pool, those who wait by their request, and what is expected for them."""

    snapshot: Snapshot
    waiters: Mapping[str, Waiter]
    estimates: Mapping[str, Estimate] = field(default_factory=dict[str, Estimate])

    def seconds(self, request: str) -> tuple[float | None, float | None]:
        """Until a request's start: a median, and what nine in ten stay within; None: unknown."""
        found = self.estimates.get(request)
        return (None, None) if found is None else (found.median, found.bound)


class Forecasts:
    """Keeps the latest forecast of a pool."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: Forecast | None = None
        self._at = 0.0

    def look(self, pool: GpuPool) -> Forecast:
        """The pool as it was within the last second.

        Raises:
            ServerUnavailable: the pool's server does not answer.
        """
        with self._lock:
            now = time.monotonic()
            if self._latest is None or now - self._at > _FRESH_S:
                snapshot = pool.snapshot(MOST_WAITERS)
                waiters = {waiter.request: waiter for waiter in snapshot.waiters}
                self._latest = Forecast(snapshot, waiters, _estimates(pool, snapshot))
                self._at = now
            return self._latest


def _estimates(pool: GpuPool, snapshot: Snapshot) -> Mapping[str, Estimate]:
    return estimate(snapshot, PoolHistory(pool.client, pool.prefix))
