"""What `yivideo up` takes before it is of use, and while there is nothing to do.

`python -m benchmarks.engine.idle [--rest 30] [--workflow]` prints JSON: seconds from the start of
the command until it says that it is ready and until the first workflow is accepted; then, after
some seconds of rest, the share of one core and the memory of all its processes. With `--workflow`
the repository's sample is read to its end first, so that warm children are there as well.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.engine.tree import Up, cpu_seconds, pss_mib, up
from benchmarks.faults.storm_servers import free_port

ROOT = Path(__file__).parents[2]
# Long enough for what is started last to have come to rest.
_SETTLE_S = 10.0


def measure(folder: Path, rest: float, *, workflow: bool) -> dict[str, Any]:
    """Start a system, submit the sample, and watch it idle."""
    began = time.monotonic()
    sample = ROOT / "samples" / "harbour.mp4"
    with up(folder, (free_port(), free_port()), f"--media-root={sample.parent}") as system:
        accepted = system.api.submit(sample)
        accepted_s = time.monotonic() - began
        if workflow:
            done_s = _await_end(system, accepted, began)
        else:
            system.api.cancel(accepted)
            done_s = None
        time.sleep(_SETTLE_S)
        return {
            "ready_s": round(system.ready_s, 2),
            "first_accepted_s": round(accepted_s, 2),
            "first_done_s": done_s,
            **_idle(system, rest),
        }


def _await_end(system: Up, workflow: str, began: float) -> float:
    while system.api.status(workflow) in {"queued", "running"}:
        time.sleep(0.1)
    assert system.api.status(workflow) == "succeeded"
    return round(time.monotonic() - began, 2)


def _idle(system: Up, rest: float) -> dict[str, Any]:
    members = system.members()
    before, began = cpu_seconds(members), time.monotonic()
    time.sleep(rest)
    after, seconds = cpu_seconds(members), time.monotonic() - began
    shares = {pid: 100 * (after[pid] - before[pid]) / seconds for pid in after}
    memory = {pid: pss_mib(pid) for pid in after}
    return {
        "idle_s": round(seconds, 1),
        "percent_of_a_core": round(sum(shares.values()), 2),
        "pss_mib": round(sum(memory.values())),
        "processes": [
            {
                "what": members[pid],
                "percent_of_a_core": round(shares[pid], 2),
                "pss_mib": round(memory[pid]),
            }
            for pid in sorted(after)
        ],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rest", type=float, default=30.0, help="seconds to watch it idle")
    parser.add_argument("--workflow", action="store_true", help="after a workflow has run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yivideo-idle-") as name:
        load = os.getloadavg()[0]
        found = measure(Path(name), given.rest, workflow=given.workflow)
    print(json.dumps({"cores": os.cpu_count(), "load_before": round(load, 2), **found}, indent=2))


if __name__ == "__main__":
    main()
