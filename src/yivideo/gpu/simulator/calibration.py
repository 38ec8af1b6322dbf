"""Estimates of waits against the waits that came of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yivideo.gpu.estimates import Estimate, PoolHistory, estimate
from yivideo.gpu.flow import Flow
from yivideo.gpu.simulator.engine import simulate
from yivideo.gpu.simulator.load import Load
from yivideo.gpu.simulator.scripted import Scripted, server

# More waiters than any estimate is asked for.
_ALL = 100_000


@dataclass(frozen=True, slots=True)
class Told:
    """An estimate, and what came of it: seconds from then to the start."""

    estimate: Estimate
    at: float
    waited: float


def told(
    load: Load,
    *,
    url: str | None = None,
    every: float = 2.0,
    skip: float = 0.2,
    seed: int = 0,
    watched: bool = True,
) -> tuple[Sequence[Told], float]:
    """The first estimate of each waiter that was seen in the queue, and milliseconds per estimate.

    Args:
        load: what comes.
        url: a server; an embedded one when None.
        every: simulated seconds between two snapshots.
        skip: the part of the arrivals that is only watched, for the history to fill.
        seed: of the estimates' dice.
        watched: whether the estimates know of arrivals.
    """
    first: dict[str, tuple[float, Estimate]] = {}
    costs: list[float] = []
    flow = Flow() if watched else None
    begin = load.workflows[int(skip * len(load.workflows))].at
    with server(url) as address:
        policy = Scripted(address, load)
        history = PoolHistory(policy.pool.client, policy.pool.prefix)

        def look(now: float) -> None:
            snapshot = policy.snapshot(now, _ALL)
            if flow is not None:
                flow.see(snapshot)
            new = [w for w in snapshot.waiters if w.request not in first]
            if now < begin or not new:
                return
            begun = time.perf_counter()
            estimates = estimate(snapshot, history, flow=flow, seed=seed + round(now))
            costs.append(time.perf_counter() - begun)
            for waiter in new:
                first[waiter.request] = now, estimates[waiter.request]

        try:
            outcome = simulate(load, policy, look, every)
        finally:
            policy.close()
    starts = {task.id: task.started for task in outcome.tasks}
    found = [Told(one, at, starts[name] - at) for name, (at, one) in first.items()]
    return found, float(np.median(costs)) * 1000 if costs else 0.0


def calibration(estimates: Sequence[Told]) -> dict[str, Any]:
    """How good estimates were: the share within the bound, and the error over the wait."""
    known = [
        (one.estimate.median, one.estimate.bound, one.waited)
        for one in estimates
        if one.estimate.median is not None and one.estimate.bound is not None
    ]
    if not known:
        return {"estimates": len(estimates), "unknown": len(estimates)}
    medians, bounds, waits = np.array(known).T
    errors = np.abs(medians - waits) / np.maximum(waits, 1e-3)
    return {
        "estimates": len(estimates),
        "unknown": len(estimates) - len(known),
        "within_bound": float((waits <= bounds).mean()),
        "within_median": float((waits <= medians).mean()),
        "median_error": float(np.median(errors)),
        "median_error_of_longer_half": float(np.median(errors[waits >= np.median(waits)])),
        "median_wait_s": float(np.median(waits)),
        "median_bound_over_wait": float(np.median(bounds / np.maximum(waits, 1e-3))),
    }


def calibrate(load: Load, *, url: str | None = None) -> dict[str, Any]:
    """Run a load and compare each waiter's first estimate with what came of it."""
    estimates, cost = told(load, url=url)
    return {**calibration(estimates), "median_cost_ms": round(cost, 1)}
