"""`python -m yivideo.gpu.simulator.plots FOLDER`: the pictures of the page on the simulation."""

import argparse
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from yivideo.files import ensure_folder, write_atomic
from yivideo.gpu.simulator.calibration import Told, told
from yivideo.gpu.simulator.charts import COLOURS, Axis, Chart
from yivideo.gpu.simulator.engine import Outcome
from yivideo.gpu.simulator.generate import flood, standard
from yivideo.gpu.simulator.load import cluster
from yivideo.gpu.simulator.measures import measures
from yivideo.gpu.simulator.run import outcome_of
from yivideo.gpu.simulator.scripted import server

_POLICIES = (
    ("pool", "the pool", COLOURS[0]),
    ("fcfs", "first come, first served", COLOURS[1]),
    ("original", "the original lock", COLOURS[2]),
)
_SECONDS = ((1.0, "1 s"), (10.0, "10 s"), (60.0, "1 min"), (600.0, "10 min"), (3600.0, "1 h"))


def waits(url: str, workflows: int) -> str:
    """How long workflows take from arrival to end, by policy, where the original can keep up."""
    load = standard(cluster(1, 1), workflows, seed=21, load=0.55)
    chart = Chart(
        f"From arrival to end: {workflows} workflows, one GPU, offered load 0.55",
        Axis("share of workflows", 0, 1, [(n / 10, f"{n * 10} %") for n in range(0, 11, 2)]),
        Axis("from arrival to end", 10, 7200, [m for m in _SECONDS if m[0] >= 10], log=True),
    )
    for policy, name, colour in _POLICIES:
        outcome = outcome_of(load, policy, url)
        at = {flow.id: flow.at for flow in load.workflows}
        spans = np.array([end - at[flow] for flow, end in outcome.completions.items()])
        # Workflows that failed never end: the line stops before them.
        share = len(spans) / workflows
        where = np.linspace(0, 1, 101)
        line = [
            (float(q) * share, float(span))
            for q, span in zip(where, np.quantile(spans, where), strict=True)
        ]
        failed = f", {outcome.failed} fail" if outcome.failed else ""
        chart.line(name + failed, line, colour)
    return chart.svg()


def busy(url: str, workflows: int) -> str:
    """How busy the device is while somebody waits for it, over what is offered."""
    loads = (0.3, 0.5, 0.7, 0.8, 0.9, 1.0)
    chart = Chart(
        "GPU busy while anyone waits, one GPU",
        Axis("offered work over what the GPU can do", 0.25, 1.05, [(n, f"{n:g}") for n in loads]),
        Axis("share of time", 0, 1.02, [(n / 5, f"{n * 20} %") for n in range(6)]),
    )
    for policy, name, colour in _POLICIES:
        line: list[tuple[float, float]] = []
        for at in loads:
            outcome = outcome_of(standard(cluster(1, 1), workflows, seed=22, load=at), policy, url)
            share = measures(outcome)["busy_while_anyone_waits"]
            if share is not None:
                line.append((at, share))
        chart.line(name, line, colour, dash="" if policy != "fcfs" else "7 4")
    return chart.svg()


def fairness(url: str, requests: int) -> str:
    """What each group got of the device's time while one of them flooded the queue."""
    groups = 8
    load = flood(cluster(1, 1), requests, groups=groups, seed=23)
    chart = Chart(
        f"Device time while group 0 has {requests} requests in the queue",
        Axis("group", -0.6, groups - 0.4, [(n, str(n)) for n in range(groups)]),
        Axis("share of the first minutes", 0, 1.08, [(n / 5, f"{n * 20} %") for n in range(6)]),
    )
    chart.line("", [(-0.6, 1 / groups), (groups - 0.4, 1 / groups)], "#888", dash="4 4")
    for number, (policy, name, colour) in enumerate(_POLICIES[:2]):
        chart.legend(name, colour)
        for group, share in enumerate(_shares(outcome_of(load, policy, url), groups)):
            at = group + (number - 0.5) * 0.4
            chart.bar(at, 0.36, share, colour, f"{share * 100:.0f}")
    return chart.svg()


def estimates(url: str, workflows: int) -> str:
    """What waiters were told first, and how long they waited then."""
    found, _ = told(standard(cluster(1, 1), workflows, seed=24), url=url, every=4.0)
    known = [one for one in found if one.estimate.median and one.estimate.bound]
    pairs = [(one.estimate.median or 0.0, one.waited) for one in known]
    within = sum(one.waited <= (one.estimate.bound or 0.0) for one in known) / max(1, len(known))
    chart = Chart(
        f"{len(known)} first estimates: {within * 100:.0f} % of waits within their 90 % bound",
        Axis("estimated wait (median)", 1, 1800, _SECONDS[:4], log=True),
        Axis("wait that came of it", 1, 1800, _SECONDS[:4], log=True),
    )
    chart.points("a waiter", pairs, COLOURS[0])
    chart.line("as estimated", [(1, 1), (1800, 1800)], "#888", dash="4 4")
    chart.line("median bound", _bounds(known), COLOURS[1])
    return chart.svg()


def _bounds(known: Sequence[Told]) -> list[tuple[float, float]]:
    """The bounds given with medians of about a size."""
    told_ = np.array([(one.estimate.median, one.estimate.bound) for one in known])
    edges = np.quantile(told_[:, 0], np.linspace(0, 1, 11))
    line: list[tuple[float, float]] = []
    for low, high in pairwise(edges):
        part = told_[(told_[:, 0] >= low) & (told_[:, 0] <= high)]
        if len(part):
            line.append((float(np.median(part[:, 0])), float(np.median(part[:, 1]))))
    return line


def _shares(outcome: Outcome, groups: int) -> list[float]:
    """Of the time in which every group still had work under the fairest policy."""
    others = [t for t in outcome.tasks if t.workflow.group != "group-0"]
    window = sum(t.ended - t.started for t in others) / 2
    used = [0.0] * groups
    for task in outcome.tasks:
        span = max(0.0, min(task.ended, window) - min(task.started, window))
        used[int(task.workflow.group.rpartition("-")[2])] += span
    total = sum(used)
    return [one / total for one in used]


def main(arguments: Sequence[str]) -> int:
    """Draw all; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m yivideo.gpu.simulator.plots", description=main.__doc__
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workflows", type=int, default=300)
    options = parser.parse_args(arguments)
    folder, workflows = ensure_folder(options.folder), options.workflows
    with server() as url:
        for name, picture in (
            ("completions", waits(url, workflows)),
            ("busy", busy(url, workflows)),
            ("fairness", fairness(url, workflows)),
            ("estimates", estimates(url, workflows)),
        ):
            write_atomic(folder / f"gpu-pool-{name}.svg", picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
