"""Estimates of waits against the waits that came of it, in the simulator's standard load.

``python -m benchmarks.pool.estimates [--workflows 700] [--save]``. Also with times less well known,
which is harder, and without a `Flow`, which is the baseline: nobody else is expected to come.
"""

import argparse
from typing import Any

from benchmarks.reporting import report
from yivideo.gpu.simulator.calibration import calibration, told
from yivideo.gpu.simulator.generate import standard
from yivideo.gpu.simulator.load import cluster


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workflows", type=int, default=700)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    few, seed = options.workflows, options.seed
    one, four = cluster(1, 1), cluster(2, 4)
    result: dict[str, Any] = {
        "standard": _figures(standard(one, few, seed=seed)),
        "standard_4_devices": _figures(standard(four, few, seed=seed)),
        "times_known_within_30_percent": _figures(standard(one, few, seed=seed, noise=0.3)),
        "without_flow": _figures(standard(one, few, seed=seed), watched=False),
    }
    targets = {"within_bound": [0.85, 0.95], "median_error": 0.2}
    report(
        "pool/estimates",
        {"workflows": few, "seed": seed, "targets": targets, **result},
        save=options.save,
    )


def _figures(load: Any, *, watched: bool = True) -> dict[str, Any]:
    estimates, cost = told(load, watched=watched)
    return {**calibration(estimates), "median_cost_ms": round(cost, 1)}


if __name__ == "__main__":
    main()
