"""Handing a device on through the whole engine: Celery, claims in pool and ledger, children.

`python -m benchmarks.engine.handoff [--seconds 20] [--ledger postgresql] [--save]` prints JSON.

Twenty workflows, each a group of its own, hold the one device for 50 ms and then do 50 ms of work
that needs none, again and again, so that somebody waits for the device all the time.

busy      share of a fixed window in which a step worked on the device
handoff   from a lease's release, by the pool's clock, to the beginning of the next step's work
gap       from the end of one step's work to the beginning of the next one's: what was between
overhead  on an idle system, from a step that became ready to the beginning of its work, in a child
          that lives: `cpu` for steps without a device, `device` for those with one
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.engine import timed_steps
from benchmarks.engine.site import Site
from benchmarks.faults.observer import lines
from benchmarks.pool.common import percentiles
from benchmarks.reporting import report
from yivideo.engine.ledger.records import WorkflowRecord
from yivideo.gpu.records import MICROSECONDS
from yivideo.storage.redis import connect, with_database

GROUPS = 20
WORK_S = 0.05
_IDLE_ROUNDS = 10
_PAIRS = timed_steps.MOST
TARGETS = {"busy": 0.88, "handoff_median_ms": 6, "handoff_p99_ms": 20, "overhead_median_ms": 10}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--ledger", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yivideo-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        site = Site(folder, given.ledger)
        try:
            site.start()
            overhead = _overhead(site)
            busy = _busy(site, given.seconds)
        finally:
            site.system.stop()
    name = "handoff" if given.ledger == "sqlite" else f"handoff-{given.ledger}"
    result = {
        "ledger": given.ledger,
        "groups": GROUPS,
        "work_s": WORK_S,
        "targets": TARGETS,
        **busy,
        "overhead": overhead,
    }
    report(f"engine/{name}", result, save=given.save)


def _overhead(site: Site) -> dict[str, Any]:
    """Ready to started, one workflow at a time, once all children live."""
    chains = {
        kind: [(f"{kind}_{n}", 0.0) for n in range(_IDLE_ROUNDS)] for kind in ("cpu", "device")
    }
    for chain in chains.values():
        # Whichever place takes a step starts its child.
        for workflow in [site.submit("first", chain) for _ in range(3)]:
            site.ended(workflow)
    found: dict[str, Any] = {}
    for kind, chain in chains.items():
        taken: list[float] = []
        for _ in range(5):
            taken += _ready_to_started(site, site.ended(site.submit("idle", chain)))
        found[kind] = percentiles(taken)
    return found


def _ready_to_started(site: Site, record: WorkflowRecord) -> Iterator[float]:
    ready = {
        event.data["position"]: event.at
        for event in site.system.ledger.events(0, record.id, 5000)
        if event.kind == "step.ready"
    }
    for step in record.steps[1:]:
        yield dict(step.output or {})["began"] - ready[step.position]


def _busy(site: Site, seconds: float) -> dict[str, Any]:
    chain = [(f"{kind}_{n}", WORK_S) for n in range(_PAIRS) for kind in ("cpu", "device")]
    # Each has as many turns as its time allows: enough of them for the window and its edges.
    site.file.unlink(missing_ok=True)
    begin = time.time() + 3.0
    end = begin + seconds
    workflows = [site.submit(f"group {n}", chain) for n in range(GROUPS)]
    while time.time() < end:
        # A group whose workflow has ended begins the next one.
        for number, workflow in enumerate(workflows):
            if site.system.ledger.workflow(workflow).status.ended:
                workflows[number] = site.submit(f"group {number}", chain)
        time.sleep(0.5)
    held = sorted(
        (float(str(line["began"])), float(str(line["ended"])))
        for line in lines(site.file)
        if str(line["step"]).startswith(f"{timed_steps.SERVICE}.device")
    )
    inside = [(b, e) for b, e in held if begin <= b and e <= end]
    gaps = [after[0] - before[1] for before, after in pairwise(inside)]
    work = sum(min(e, end) - max(b, begin) for b, e in held if b < end and e > begin)
    for workflow in workflows:
        site.ended(workflow)
    return {
        "seconds": seconds,
        "busy": round(work / seconds, 4),
        "turns": len(inside),
        "turn_ms": round(1000 * statistics.mean(e - b for b, e in inside), 2),
        "gap": percentiles(gaps),
        "handoff": percentiles(_handoffs(site, begin, end, [b for b, _ in inside])),
        "overlaps": sum(gap < 0 for gap in gaps),
    }


def _handoffs(site: Site, begin: float, end: float, starts: Sequence[float]) -> list[float]:
    """From each release to the next beginning; the pool keeps ended requests for an hour."""
    with connect(with_database(site.system.redis_url, 2)) as client:
        told = [
            client.hget(key, "ended_at") for key in client.scan_iter("pool:request:step:*", 1000)
        ]
    released = sorted(int(str(at)) / MICROSECONDS for at in told if at)
    found: list[float] = []
    following = iter(sorted(starts))
    start = next(following, None)
    for index, at in enumerate(released):
        while start is not None and start < at:
            start = next(following, None)
        if start is None:
            break
        if begin <= at <= end and (index + 1 == len(released) or released[index + 1] > start):
            found.append(start - at)
    return found


if __name__ == "__main__":
    main()
