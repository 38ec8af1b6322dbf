"""Handing one device on between twenty groups: how busy it stays, how fast, how fairly.

``python -m benchmarks.pool.handoff [--seconds 15] [--save]``. Each group is a process that holds
the device for 50 ms and does something else for 50 ms.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from itertools import pairwise
from typing import Any

from benchmarks.faults.storm_servers import free_port
from benchmarks.pool.common import agent, percentiles, server, together, vouched
from benchmarks.pool.ways import WAYS, WORK_S, celery_flood, pool_flood
from benchmarks.reporting import report
from yivideo.gpu.simulator.measures import jain
from yivideo.storage.redis import connect, with_database

GROUPS = 20
FLOOD = 1000
_WARM_UP_S = 3.0


def main() -> None:
    """Measure all ways in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    seconds = given.seconds
    result: dict[str, Any] = {}
    with server(port=free_port()) as (url, state):
        # By hand: an agent's own commands are not those of a hand-off.
        vouched(url, state)
        commands = _commands(url)
        end = time.monotonic() + 5
        woken = together(_call, [(_wake, url, end), (_waker, url, end)])
        result["bare_wake"] = percentiles(woken[0])
        with agent(url, state):
            result["pool"] = _measure(url, "pool", seconds)
            result["pool_flooded"] = _flooded(url, seconds)
        result["pool"]["commands_per_handoff"] = commands
        for name in ("original_lock_scaled_100", "redis_py_lock"):
            result[name] = _measure(url, name, seconds)
        with _worker(url):
            result["celery_one_worker"] = _measure(url, "celery_one_worker", seconds)
            result["celery_one_worker_flooded"] = _flooded(url, seconds, "celery_one_worker")
    targets = {"busy": 0.96, "gap_median_ms": 1.0, "gap_p99_ms": 6.0, "commands": 4, "jain": 0.99}
    report(
        "pool/handoff",
        {"groups": GROUPS, "seconds": seconds, "targets": targets, **result},
        save=given.save,
    )


def _measure(url: str, way: str, seconds: float) -> dict[str, Any]:
    begin = time.monotonic() + _WARM_UP_S
    end = begin + seconds
    turns = together(WAYS[way], [(url, group, end + 0.5) for group in range(GROUPS)])
    return _figures(turns, begin, end)


def _flooded(url: str, seconds: float, way: str = "pool") -> dict[str, Any]:
    begin = time.monotonic() + _WARM_UP_S + 2
    end = begin + seconds
    flood = pool_flood if way == "pool" else celery_flood
    jobs: list[tuple[Any, ...]] = [(flood, url, 0, end + 0.5, FLOOD)]
    jobs += [(WAYS[way], url, group, end + 0.5) for group in range(1, GROUPS)]
    return _figures(together(_call, jobs), begin, end)


def _call(work: Any, *arguments: Any) -> Any:
    return work(*arguments)


def _figures(turns: Sequence[dict[str, Any]], begin: float, end: float) -> dict[str, Any]:
    """Figures over a fixed window of time."""
    held = sorted(span for one in turns for span in one["held"])
    gaps = [
        after[0] - before[1]
        for before, after in pairwise(held)
        if begin <= before[1] and after[0] <= end
    ]
    overlaps = sum(gap < 0 for gap in gaps)
    each = [
        sum(max(0.0, min(stop, end) - max(start, begin)) for start, stop in one["held"])
        for one in turns
    ]
    return {
        "busy": round(sum(each) / (end - begin), 4),
        "gap": percentiles(gaps),
        "jain": round(jain(each), 4),
        "overlaps": overlaps,
    }


def _wake(url: str, end: float) -> list[float]:
    """What waking a process by a message takes on this machine just now, and nothing else."""
    with connect(url, blocking=True) as client:
        found = []
        while time.monotonic() < end:
            got: Any = client.blpop(["bench-wake"], timeout=1)
            if got is not None:
                found.append(time.monotonic() - float(got[1]))
        return found


def _waker(url: str, end: float) -> list[float]:
    with connect(url) as client:
        while time.monotonic() < end - 0.5:
            time.sleep(WORK_S)
            client.rpush("bench-wake", repr(time.monotonic()))
    return []


def _commands(url: str) -> float:
    """Commands that clients send per hand-off: scripts, and waiting for a message."""
    before = _sent(url)
    end = time.monotonic() + 3.0
    turns = together(WAYS["pool"], [(url, group, end) for group in range(GROUPS)])
    return round((_sent(url) - before) / sum(len(one["held"]) for one in turns), 3)


def _sent(url: str) -> int:
    with connect(with_database(url, 2)) as client:
        stats: Any = client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "blpop"))


@contextlib.contextmanager
def _worker(url: str) -> Generator[None]:
    """A Celery worker with one process, nothing fetched ahead."""
    command = [sys.executable, "-m", "celery", "-A", "benchmarks.pool.celery_app", "worker"]
    process = subprocess.Popen(
        [*command, "-c", "1", "-Q", "bench", "-l", "ERROR", "--without-gossip", "--without-mingle"],
        env={**os.environ, "YIVIDEO_BENCH_BROKER": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        from benchmarks.pool.celery_app import make

        make(url).tasks["hold"].delay(0).get(timeout=60)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


if __name__ == "__main__":
    main()
