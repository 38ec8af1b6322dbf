"""Tells streams that something happened: one look into the ledger for all of them."""

import asyncio
import logging

from starlette.concurrency import run_in_threadpool

from yivideo.api.services import Services
from yivideo.errors import YiVideoError

logger = logging.getLogger(__name__)
_LOOK_S = 0.2


class Pulse:
    """The id of the ledger's last event, watched while anybody waits for it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._last = -1
        self._waiting = 0
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    @property
    def last(self) -> int:
        """The last event's id, as far as looked."""
        return self._last

    async def beyond(self, known: int, patience: float) -> bool:
        """Wait until there are events after ``known``; False when none came in time."""
        self._waiting += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout(patience), self._moved:
                await self._moved.wait_for(
                    lambda: self._last > known or self._services.stopping.is_set()
                )
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return self._last > known

    async def _watch(self) -> None:
        while self._waiting and not self._services.stopping.is_set():
            try:
                last = await run_in_threadpool(self._services.last_event)
            except YiVideoError as error:
                logger.warning("%s", error)
                last = self._last
            if last != self._last:
                async with self._moved:
                    self._last = last
                    self._moved.notify_all()
            await asyncio.sleep(_LOOK_S)
        async with self._moved:
            self._moved.notify_all()
