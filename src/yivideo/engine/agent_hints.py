"""Hints for steps whose devices became free by what an agent did."""

from collections.abc import Callable, Iterable

from yivideo.gpu.pool import GpuPool
from yivideo.gpu.records import Grant


class AgentHints:
    """Sends them; an agent of a pool that serves no engine never loads Celery for it.

    Args:
        pool: the agent's.
        address: of its server, which carries the hints too.
    """

    def __init__(self, pool: GpuPool, address: str) -> None:
        self._pool = pool
        self._address = address
        self._hint: Callable[[Iterable[Grant]], None] | None = None

    def __call__(self, grants: Iterable[Grant]) -> None:
        """Send the hints for those grants that are steps'."""
        steps = [grant for grant in grants if grant.request.startswith("step:")]
        if not steps:
            return
        if self._hint is None:
            from yivideo.engine.dispatch import Dispatcher
            from yivideo.engine.hints import celery_app

            self._hint = Dispatcher(celery_app(self._address), self._pool).hint
            # The dispatcher took our place.
            self._pool.on_grants = self
        self._hint(steps)
