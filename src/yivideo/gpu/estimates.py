"""How long those who wait will wait: a median, and a bound that nine in ten stay within.

The queue is taken as a snapshot and played forward many times at once, each time with other
durations from the history and, where a `Flow` has watched, with other arrivals: see
[forecast](forecast.py).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from yivideo.gpu.flow import Flow
from yivideo.gpu.forecast import MOST, Forecast, play
from yivideo.gpu.history import History, PoolHistory, WaitsFor, WorkHistory
from yivideo.gpu.records import Snapshot

SAMPLES = 100


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
