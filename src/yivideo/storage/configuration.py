"""The configuration in Redis: a copy for those without a ledger, news of changes, who runs what.

Losing it loses nothing: the ledger has the truth, and whoever follows looks there from time to
time anyway.
"""

import contextlib
import json
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from yivideo.storage.redis import connect, with_database

if TYPE_CHECKING:
    import redis

DATABASE = 3
CURRENT = "config:current"
CHANNEL = "config:changed"
_PROCESS = "config:process:"
# Who has not been heard of for so long runs no more.
PROCESS_LIFE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """A process that follows the configuration.

    Attributes:
        version: the version it runs, 0 for defaults.
        canary: the version it tries on a part of the workflows; None for none.
        revision: of the configuration's state, which grows with each change.
        at: when it was last heard of, in seconds since 1970.
    """

    host: str
    name: str
    pid: int
    version: int
    canary: int | None
    revision: int
    at: float


class Board:
    """The configuration's keys on one server. All methods raise `redis.RedisError`."""

    def __init__(self, url: str) -> None:
        self._url = with_database(url, DATABASE)
        self._client: redis.Redis = connect(self._url)

    def publish(self, record: Mapping[str, Any]) -> None:
        """Show what rules, and tell all who follow."""
        with self._client.pipeline(transaction=True) as pipe:
            pipe.set(CURRENT, json.dumps(record, ensure_ascii=False))
            pipe.publish(CHANNEL, str(record["revision"]))
            pipe.execute()

    def shown(self) -> dict[str, Any] | None:
        """What is shown to rule; None for nothing."""
        text = cast("str | None", self._client.get(CURRENT))
        return None if text is None else json.loads(text)

    def report(self, one: Following) -> None:
        """Say which version a process runs."""
        self._client.set(
            _process_key(one.host, one.name), json.dumps(asdict(one)), ex=PROCESS_LIFE_S
        )

    def withdraw(self, host: str, name: str) -> None:
        """Say that a process has ended."""
        self._client.delete(_process_key(host, name))

    def processes(self) -> Sequence[Following]:
        """Who follows, by host and name."""
        keys = sorted(self._client.scan_iter(match=f"{_PROCESS}*", count=1000))
        texts = cast("list[str | None]", self._client.mget(keys)) if keys else []
        return [Following(**json.loads(text)) for text in texts if text]

    def listen(self) -> "Listening":
        """Wait for news, on a connection of its own."""
        return Listening(self._url)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class Listening:
    """News of changes, one after the other."""

    def __init__(self, url: str) -> None:
        self._client = connect(url, blocking=True)
        self._pubsub: Any = self._client.pubsub(ignore_subscribe_messages=True)
        self._pubsub.subscribe(CHANNEL)

    def wait(self, seconds: float) -> bool:
        """Wait for news for so long; whether there was some."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._pubsub.get_message(timeout=left) is not None:
                return True
        return False

    def interrupt(self) -> None:
        """Have the one who waits, in another thread, end with an error."""
        held: Any = self._pubsub.connection
        stream = None if held is None else held._sock  # noqa: SLF001 - redis-py has no other way
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening."""
        self._pubsub.close()
        self._client.close()


def _process_key(host: str, name: str) -> str:
    return f"{_PROCESS}{host}:{name}"
