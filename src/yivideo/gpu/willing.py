"""What a task's `gpu_lock` goes by where its application does not say: the system's settings.

They are read from the copy in Redis at most once a second, so that a change of the configuration
acts on the next task. How long a task is willing to wait may follow the load.
"""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from yivideo.errors import ServerUnavailable
from yivideo.gpu.amounts import Demand
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.records import MICROSECONDS, Waiter
from yivideo.gpu.settings import GpuLockSettings
from yivideo.gpu.transitions import AWAY
from yivideo.storage.configuration import Board

logger = logging.getLogger(__name__)
_LOOK_S = 1.0
# So many waiters are looked at: those behind them have nobody in a hurry.
_WAITERS = 1000
_ASKING = "asking"


class SystemSettings:
    """The `gpu_lock` section of the system behind a pool; may be shared by threads."""

    def __init__(self, pool: GpuPool) -> None:
        self._board = Board(pool.url)
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._section: Mapping[str, Any] = {}

    def section(self) -> Mapping[str, Any]:
        """As a document; empty where no system has shown any, or nobody answers."""
        with self._lock:
            if time.monotonic() - self._looked >= _LOOK_S:
                try:
                    shown = self._board.shown()
                except AWAY as error:
                    # The pool will say so, or answer by then.
                    logger.debug("%s", error)
                else:
                    self._section = known(shown["settings"]["gpu_lock"]) if shown else {}
                self._looked = time.monotonic()
            return self._section


def known(section: Mapping[str, Any]) -> dict[str, Any]:
    """Without what a newer system may have, and this program does not know."""
    return {name: value for name, value in section.items() if name in GpuLockSettings.model_fields}


def longest_wait(
    pool: GpuPool, settings: GpuLockSettings, demand: Demand, *, what: str, group: str
) -> float:
    """How long a task is willing to wait for a device, in seconds.

    With ``adaptive_wait`` so many times what nine in ten such waits are estimated to stay within,
    between two bounds; otherwise, and where nothing is known, what its retries add up to.

    Raises:
        ServerUnavailable: the server does not answer.
    """
    adaptive = settings.adaptive_wait
    if not adaptive.enabled:
        return settings.longest_wait
    bound = expected_bound(pool, demand, what=what, group=group)
    wanted = settings.longest_wait if bound is None else adaptive.factor * bound
    return min(max(wanted, adaptive.shortest), adaptive.longest)


def expected_bound(pool: GpuPool, demand: Demand, *, what: str, group: str) -> float | None:
    """Seconds that nine in ten waits of one who asks now would stay within; None for unknown.

    Raises:
        ServerUnavailable: the server does not answer.
    """
    # NumPy, which tasks without this setting need not load.
    from yivideo.gpu.estimates import PoolHistory, estimate

    snapshot = pool.snapshot(waiters=_WAITERS)
    now = snapshot.now * MICROSECONDS
    last = max((waiter.key for waiter in snapshot.waiters), default=now)
    asking = Waiter(
        request=_ASKING,
        demand=demand,
        position=len(snapshot.waiters) + 1,
        group=group,
        weight=1.0,
        key=max(now, last + 1),
        asked=now,
        expected=0.0,
        what=what,
        workflow="",
        reserved="",
    )
    joined = replace(snapshot, waiters=(*snapshot.waiters, asking))
    try:
        found = estimate(joined, PoolHistory(pool.client, pool.prefix))
    except AWAY as error:
        raise ServerUnavailable(f"The pool does not answer: {error}.") from error
    return found[_ASKING].bound
