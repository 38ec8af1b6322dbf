"""What the API works with: connected when first needed, so that it answers while parts are away."""

import threading
from collections.abc import Iterable, Mapping
from typing import Any, cast

import redis
from fastapi import Request

from yivideo.api.sending import Sender
from yivideo.config.schema import Runtime
from yivideo.engine.hints import BROKER_DATABASE
from yivideo.engine.ledger.records import ReadyStep
from yivideo.engine.ledger.store import Ledger
from yivideo.engine.parts import assemble
from yivideo.engine.settings import EngineSettings
from yivideo.errors import PoolError, ServerUnavailable
from yivideo.gpu.pool import GpuPool
from yivideo.storage.files import FileStore
from yivideo.storage.redis import connect, with_database


class Services:
    """The parts of a system, for one API process.

    Args:
        settings: the system's settings.
        key_needed: refuse every request without a key, even while no key exists.
    """

    def __init__(self, settings: EngineSettings, *, key_needed: bool = False) -> None:
        self.settings = settings
        self.key_needed = key_needed
        # Set when the server is to end: streams end themselves.
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._migrated = False
        self.parts = assemble(settings, "api")
        # The database of the queues.
        self.queues = connect(with_database(settings.redis_url, BROKER_DATABASE))
        self.sender = Sender()

    @property
    def ledger(self) -> Ledger:
        """The ledger, its tables made or brought up to date at first.

        Raises:
            LedgerUnavailable: the database does not answer.
        """
        if not self._migrated:
            with self._lock:
                if not self._migrated:
                    self.parts.ledger.migrate()
                    self._migrated = True
        return self.parts.ledger

    @property
    def configured(self) -> Runtime:
        """The settings that rule now."""
        return self.parts.follower.now().settings

    @property
    def pool(self) -> GpuPool:
        """The GPU pool."""
        return self.parts.pool

    @property
    def store(self) -> FileStore:
        """Where results lie."""
        return self.parts.store

    def last_event(self) -> int:
        """The id of the ledger's last event.

        Raises:
            LedgerUnavailable: the database does not answer.
        """
        return self.ledger.last_event()

    def has_key(self) -> bool:
        """Whether there is an API key that has not been revoked.

        Raises:
            LedgerUnavailable: the database does not answer.
        """
        keys = self.ledger.keys()
        return any(key.revoked_at is None for key in keys)

    def send(self, ready: Iterable[ReadyStep]) -> None:
        """Send hints for steps that became ready, after the answer."""
        steps = tuple(ready)
        if steps:
            self.sender.soon(lambda: self._send(steps))

    def _send(self, steps: Iterable[ReadyStep]) -> None:
        # What could not be sent, the reconciler comes back to.
        self.parts.dispatcher.send(steps)

    def withdraw(self, requests: Iterable[str], then: Iterable[ReadyStep] = ()) -> None:
        """Take requests out of the pool's queue, and ask anew for steps, after the answer."""
        wanted, steps = tuple(requests), tuple(then)

        def task() -> None:
            for request in wanted:
                try:
                    self.pool.cancel(request)
                except ServerUnavailable:
                    raise
                except PoolError:
                    # It holds a device by now, or never asked.
                    continue
            self.parts.dispatcher.send(steps)

        if wanted or steps:
            self.sender.soon(task)

    def discard(self, workflow_id: str, places: Iterable[str]) -> None:
        """Remove the results of a workflow that is gone, after the answer."""
        gone = tuple(places)

        def task() -> None:
            self.store.remove_workflow(workflow_id)
            # Until it is told, the ledger remembers them, and the reconciler sees to them.
            self.ledger.note_removed(gone)

        if gone:
            self.sender.soon(task)

    def queue_length(self, queue: str) -> int:
        """How many hints stand in a queue.

        Raises:
            ServerUnavailable: Redis does not answer.
        """
        try:
            return cast("Any", self.queues.llen(queue))
        except redis.RedisError as error:
            raise ServerUnavailable(f"Redis does not answer: {error}.") from error

    def check_room(self) -> None:
        """See whether Redis would take a hint.

        Raises:
            ServerUnavailable: it does not answer, or is full.
        """
        try:
            told = cast("Mapping[str, Any]", self.queues.info("memory"))
        except redis.RedisError as error:
            raise ServerUnavailable(f"Redis does not answer: {error}.") from error
        if 0 < told["maxmemory"] <= told["used_memory"]:
            raise ServerUnavailable("Redis has no room: what is accepted waits; raise `maxmemory`.")

    def close(self) -> None:
        """Send what waits, and let go of everything."""
        self.stopping.set()
        self.parts.follower.stop()
        self.sender.close()
        self.queues.close()
        self.pool.close()
        self.parts.ledger.close()


def services_of(request: Request) -> Services:
    """The services of the application that a request came to."""
    return cast("Services", request.app.state.services)
