"""One load under several policies, side by side."""

import time
from collections.abc import Sequence
from typing import Any

from yivideo.gpu.simulator.engine import Outcome, simulate
from yivideo.gpu.simulator.load import Load
from yivideo.gpu.simulator.measures import lower_bound, measures
from yivideo.gpu.simulator.others import FirstCome, original_lock
from yivideo.gpu.simulator.scripted import Scripted, server

POLICIES = ("pool", "fcfs", "original")


def outcome_of(load: Load, policy: str, url: str) -> Outcome:
    """What comes of a load under the policy of that name."""
    if policy == "original":
        return original_lock(load)
    if policy == "fcfs":
        return simulate(load, FirstCome(load))
    scripted = Scripted(url, load)
    try:
        return simulate(load, scripted)
    finally:
        scripted.close()


def compare(
    load: Load, policies: Sequence[str] = POLICIES, *, url: str | None = None
) -> dict[str, Any]:
    """The figures of each policy on the same load, and what no policy could do better.

    Args:
        load: what comes.
        policies: of ``pool``, ``fcfs`` and ``original``.
        url: a server for the pool's scripts; an embedded one when None.
    """
    results: dict[str, Any] = {"lower_bound": lower_bound(load)}
    with server(url) as address:
        for policy in policies:
            begun = time.perf_counter()
            outcome = outcome_of(load, policy, address)
            wall = time.perf_counter() - begun
            results[policy] = {**measures(outcome), "wall_s": round(wall, 2)}
    return {
        "hosts": len({device.host for device in load.devices}),
        "devices": len(load.devices),
        "workflows": len(load.workflows),
        "requests": sum(s.demand is not None for f in load.workflows for s in f.steps),
        "policies": results,
    }
