"""How long those who wait will wait: a median, and a bound that nine in ten stay within.

The queue is taken as a snapshot and played forward many times at once, each time with other
durations from the history and, where a `Flow` has watched, with other arrivals: see
[forecast](forecast.py).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

import numpy as np

from yivideo.gpu.flow import Flow
from yivideo.gpu.forecast import MOST, Forecast, play
from yivideo.gpu.records import MICROSECONDS, Snapshot

if TYPE_CHECKING:
    import redis

SAMPLES = 100
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


@dataclass(frozen=True, slots=True)
class Estimate:
    """One waiter's prospects.

    Attributes:
        request: its id.
        position: its place among those it competes with, counted from 1.
        waits_for: what it waits for; None where that is not known.
        median: seconds until its start, as likely less as more; None for unknown.
        bound: seconds that nine starts in ten come within; None for unknown.
        extrapolated: it stands so far behind that only the rate of those before it was played.
    """

    request: str
    position: int
    waits_for: WaitsFor | None
    median: float | None
    bound: float | None
    extrapolated: bool = False


def estimate(
    snapshot: Snapshot,
    history: History,
    *,
    flow: Flow | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Mapping[str, Estimate]:
    """An estimate for each waiter of a snapshot, by its request's id.

    Args:
        snapshot: with as many waiters as are to be told.
        history: how long things take; what it does not know makes "unknown" of what follows.
        flow: what was seen of arrivals; without it nobody else is expected to come.
        samples: how many times the queue is played.
        seed: of the dice.
    """
    waiters = snapshot.waiters
    if not waiters:
        return {}
    dice = np.random.default_rng(seed)
    forecast = play(snapshot, history, flow, samples=samples, dice=dice)
    known = len(forecast.names)
    # An infinite sample is one in which something that nobody knows the length of must end first.
    ordered = np.sort(forecast.starts, axis=0)
    medians, bounds = ordered[int(0.5 * samples)], ordered[int(0.9 * samples)]
    found: dict[str, Estimate] = {}
    for at, waiter in enumerate(waiters):
        if at < known:
            found[waiter.request] = Estimate(
                waiter.request,
                waiter.position,
                _waits_for(forecast, at),
                _known(medians[at]),
                _known(bounds[at]),
            )
        else:
            # Beyond what is played the queue moves on at the rate at which it moved so far.
            far = (at + 1) / known
            found[waiter.request] = Estimate(
                waiter.request,
                waiter.position,
                None,
                _known(float(np.max(medians)) * far),
                _known(float(np.max(bounds)) * far),
                extrapolated=True,
            )
    return found


def _known(seconds: float) -> float | None:
    return float(seconds) if np.isfinite(seconds) else None


def _waits_for(forecast: Forecast, at: int) -> WaitsFor | None:
    pairs = Counter(
        zip(
            forecast.devices[:, at].tolist(),
            forecast.after[:, at].tolist(),
            strict=True,
        )
    )
    pairs = Counter({pair: times for pair, times in pairs.items() if pair[0] >= 0})
    if not pairs:
        return forecast.stuck_on(at)
    (device, after), _ = pairs.most_common(1)[0]
    return forecast.told(device, after)


__all__ = [
    "MOST",
    "SAMPLES",
    "Estimate",
    "Flow",
    "History",
    "PoolHistory",
    "WaitsFor",
    "WorkHistory",
    "estimate",
]
