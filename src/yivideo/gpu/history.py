"""How long things took, and what is waited for: what estimates are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from yivideo.gpu.records import MICROSECONDS

if TYPE_CHECKING:
    import redis

# How many of the newest durations are looked at; the pool keeps no more.
_RECENT = 200


class History(Protocol):
    """What is known of how long things take."""

    def durations(self, what: str, model: str) -> Sequence[float]:
        """Seconds that ``what`` took on devices of that model, newest first; empty for unknown."""
        ...


@runtime_checkable
class WorkHistory(History, Protocol):
    """A history that also knows durations per unit of work."""

    def ratios(self, what: str, model: str) -> Sequence[float]:
        """What ``what`` took on that model over what was expected, newest first."""
        ...


class PoolHistory:
    """The history that the pool itself keeps of the releases it has seen."""

    def __init__(self, client: "redis.Redis", prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def durations(self, what: str, model: str) -> Sequence[float]:
        """See `History`."""
        return [float(text) / MICROSECONDS for text in self._list("durations", what, model)]

    def ratios(self, what: str, model: str) -> Sequence[float]:
        """See `WorkHistory`."""
        return [float(text) for text in self._list("ratios", what, model)]

    def _list(self, kind: str, what: str, model: str) -> Sequence[str]:
        key = f"{self._prefix}{kind}:{what}:{model}"
        return cast("Any", self._client.lrange(key, 0, _RECENT - 1))


@dataclass(frozen=True, slots=True)
class WaitsFor:
    """What is expected to end last before a waiter starts; "" for what is not here yet."""

    request: str
    what: str
    workflow: str
    device: str
