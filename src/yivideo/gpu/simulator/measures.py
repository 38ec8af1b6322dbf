"""What came of a simulation, in figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from yivideo.gpu.simulator.engine import Outcome
from yivideo.gpu.simulator.load import Load, share


def jain(amounts: Sequence[float]) -> float:
    """Jain's index of fairness: 1 when all are equal, 1/n when one has everything."""
    values = np.asarray(amounts, float)
    squares = float((values**2).sum())
    return float(values.sum()) ** 2 / (len(values) * squares) if squares else 1.0


def measures(outcome: Outcome) -> dict[str, Any]:
    """Busy shares, waits by priority, fairness, makespan and completions of one policy."""
    load = outcome.load
    busy, while_waiting = _busy(outcome)
    spans = {flow.id: flow.at for flow in load.workflows}
    lasted = [end - spans[name] for name, end in outcome.completions.items()]
    return {
        "busy": busy,
        "busy_while_anyone_waits": while_waiting,
        "waits_s": _waits(outcome),
        "jain": fairness(outcome),
        "makespan_s": max(outcome.completions.values(), default=0.0),
        "mean_completion_s": float(np.mean(lasted)) if lasted else None,
        "completed": len(outcome.completions),
        "failed": outcome.failed,
    }


def lower_bound(load: Load) -> dict[str, Any]:
    """What no policy can do better: all device work spread evenly, and nobody ever waiting."""
    speed = sum(device.speed for device in load.devices)
    fastest = max(device.speed for device in load.devices)
    alone = [
        sum(s.seconds / (fastest if s.demand else 1.0) for s in flow.steps)
        for flow in load.workflows
    ]
    ends = [flow.at + time for flow, time in zip(load.workflows, alone, strict=True)]
    return {
        "makespan_s": max(load.device_work / speed, max(ends, default=0.0)),
        "mean_completion_s": float(np.mean(alone)) if alone else None,
    }


def fairness(outcome: Outcome) -> float | None:
    """Jain's index over the groups' device time per weight, while all of them had work left.

    Over the middle half of that time; None when it is no time at all.
    """
    last = {flow.group: 0.0 for flow in outcome.load.workflows}
    first = dict.fromkeys(last, np.inf)
    weights = {flow.group: flow.weight for flow in outcome.load.workflows}
    for task in outcome.tasks:
        last[task.workflow.group] = max(last[task.workflow.group], task.started)
        first[task.workflow.group] = min(first[task.workflow.group], task.asked)
    start, end = max(first.values(), default=0.0), min(last.values(), default=0.0)
    if not end > start:
        return None
    window = start + (end - start) / 4, end - (end - start) / 4
    used = dict.fromkeys(last, 0.0)
    for task in outcome.tasks:
        overlap = min(task.ended, window[1]) - max(task.started, window[0])
        if overlap > 0:
            used[task.workflow.group] += overlap * _share(outcome, task.at, task.workflow.steps)
    return jain([time / weights[group] for group, time in used.items()])


def _share(outcome: Outcome, at: int, steps: Sequence[Any]) -> float:
    demand = steps[at].demand
    return share(demand, outcome.load.devices[0]) if demand else 0.0


def _waits(outcome: Outcome) -> Mapping[str, Mapping[str, float]]:
    by_priority: dict[str, list[float]] = {"all": []}
    for task in outcome.tasks:
        wait = task.started - task.asked
        by_priority["all"].append(wait)
        by_priority.setdefault(str(task.workflow.priority), []).append(wait)
    return {
        priority: {
            "mean": float(np.mean(waits)),
            "p50": float(np.percentile(waits, 50)),
            "p90": float(np.percentile(waits, 90)),
            "p99": float(np.percentile(waits, 99)),
            "most": float(np.max(waits)),
        }
        for priority, waits in sorted(by_priority.items())
        if waits
    }


def _busy(outcome: Outcome) -> tuple[float, float | None]:
    """Share of device time in use: from the first request to the last, and while anyone waits."""
    changes: list[tuple[float, float, int]] = []
    for task in outcome.tasks:
        part = _share(outcome, task.at, task.workflow.steps)
        changes.append((task.asked, 0.0, 1))
        changes.append((task.started, part, -1))
        changes.append((task.ended, -part, 0))
    if not changes:
        return 0.0, None
    table = np.array(sorted(changes))
    gaps = np.diff(table[:, 0])
    # More than all devices when parts of a device are counted by what each takes most of.
    used = np.minimum(np.cumsum(table[:, 1])[:-1], len(outcome.load.devices))
    waiting = np.cumsum(table[:, 2])[:-1] > 0
    total = float(gaps.sum()) * len(outcome.load.devices)
    while_waiting = float(gaps[waiting].sum()) * len(outcome.load.devices)
    return (
        float((gaps * used).sum()) / total if total else 0.0,
        float((gaps * used)[waiting].sum()) / while_waiting if while_waiting else None,
    )
