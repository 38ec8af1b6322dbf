"""Decoding and recognition as resources of their own: two kinds of steps on one device at once.

``python -m benchmarks.pool.sharing [--steps 60] [--save]``. Both kinds take equally long; the same
steps under exclusive leases are the baseline.
"""

import argparse
import time
from typing import Any

from benchmarks.pool.common import agent, server, together
from benchmarks.reporting import report
from yivideo.gpu import GpuPool

_STEP_S = 0.05
# Of each kind, so that the next one always waits already.
_PROCESSES = 2


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60, help="of each kind")
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    steps = given.steps
    with server() as (url, state), agent(url, state):
        exclusive = _makespan(url, steps, {"exclusive": True}, {"exclusive": True})
        shared = _makespan(url, steps, {"decode": 1.0}, {"compute": 1.0})
    report(
        "pool/sharing",
        {
            "steps_of_each_kind": steps,
            "step_s": _STEP_S,
            "exclusive_s": round(exclusive, 3),
            "shared_s": round(shared, 3),
            "ratio": round(shared / exclusive, 4),
            "targets": {"ratio": 0.6},
        },
        save=given.save,
    )


def _makespan(url: str, steps: int, decoding: dict[str, Any], reading: dict[str, Any]) -> float:
    """From the first start to the last end of both kinds."""
    jobs = [
        (url, what, demand, steps // _PROCESSES)
        for what, demand in (("decode", decoding), ("recognise", reading))
        for _ in range(_PROCESSES)
    ]
    spans = together(_work, jobs)
    return max(end for _, end in spans) - min(start for start, _ in spans)


def _work(url: str, what: str, demand: dict[str, Any], steps: int) -> tuple[float, float]:
    pool = GpuPool(url)
    begun = 0.0
    for _ in range(steps):
        with pool.lease(**demand, what=what, expected=_STEP_S):
            begun = begun or time.monotonic()
            time.sleep(_STEP_S)
    return begun, time.monotonic()


if __name__ == "__main__":
    main()
