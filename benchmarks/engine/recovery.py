"""How soon a step runs again after `kill -9` of the child it ran in, or of that child's place.

`python -m benchmarks.engine.recovery [--kills 10] [--busy 0]` prints JSON: for steps of the CPU and
of a device, beside so many other processes that keep a core busy, seconds from the kill to the
first line of the next attempt's code, median and worst. With it, what a place takes to start by
itself (`cold_start_s`), and a control: the same kill while the supervisor is stopped for some
seconds, which the measure must see.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.engine.api import Api
from benchmarks.faults.observer import lines
from benchmarks.faults.storm_steps import EXECUTIONS
from benchmarks.faults.storm_system import System

HOST = "ash"
STEPS = {"cpu": "storm.long", "device": "storm.render"}
VICTIMS = ("child", "place")
_CONTROL_S = 4.0
_PATIENCE_S = 60.0
# What dies sooner after its start is started again more slowly.
_PAUSE_S = 3.5


class Ground:
    """A system of one host, on which steps are killed."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._api = Api(system.port)

    def recover(self, step: str, victim: str, *, supervisor_stopped: float = 0.0) -> float:
        """Kill a running step's child or place; seconds until the step runs again."""
        known = len(self._begun())
        params = {"token": "recovery", "folder": str(self._system.folder), "seconds": 300.0}
        chain = [{"name": step, "params": params}]
        workflow = self._api.submit(self._system.video, chain)
        child = self._next(known)["pid"]
        time.sleep(_PAUSE_S)
        found = {one.pid: one for one in self._system.processes()}
        target = child if victim == "child" else found[child].parent
        supervisor = self._system.hosts[HOST]
        if supervisor_stopped:
            supervisor.send_signal(signal.SIGSTOP)
            going_on = threading.Timer(supervisor_stopped, supervisor.send_signal, [signal.SIGCONT])
            going_on.start()
        os.kill(target, signal.SIGKILL)
        killed = time.time()
        again = self._next(known + 1)
        self._api.cancel(workflow)
        return again["at"] - killed

    def _begun(self) -> list[dict[str, Any]]:
        found = lines(self._system.folder / EXECUTIONS)
        return [line for line in found if line["event"] == "begin"]

    def _next(self, known: int) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            begun = self._begun()
            if len(begun) > known:
                return begun[known]
            time.sleep(0.01)
        raise TimeoutError(f"Nothing ran within {_PATIENCE_S:g} s.")


def cold_start() -> float:
    """Seconds that a place takes to load what it needs."""
    command = [sys.executable, "-c", "import yivideo.engine.place_main, celery.worker.consumer"]
    began = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - began


def _figures(seconds: list[float]) -> dict[str, Any]:
    return {
        "kills": len(seconds),
        "median_s": round(statistics.median(seconds), 2),
        "worst_s": round(max(seconds), 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=10, help="of each kind")
    parser.add_argument("--busy", type=int, default=0, help="processes that take what they get")
    given = parser.parse_args()
    result: dict[str, Any] = {
        "cores": os.cpu_count(),
        "busy": given.busy,
        "load_before": round(os.getloadavg()[0], 2),
    }
    with tempfile.TemporaryDirectory(prefix="yivideo-recovery-") as name:
        system = System(Path(name), "sqlite", None)
        busy: list[subprocess.Popen[bytes]] = []
        try:
            system.start_host(HOST)
            system.await_ready()
            endless = [sys.executable, "-c", "while True: pass"]
            busy += [subprocess.Popen(endless) for _ in range(given.busy)]
            ground = Ground(system)
            for kind, step in STEPS.items():
                for victim in VICTIMS:
                    found = [ground.recover(step, victim) for _ in range(given.kills)]
                    result[f"{victim}_of_{kind}_step"] = _figures(found)
            control = ground.recover(STEPS["cpu"], "place", supervisor_stopped=_CONTROL_S)
        finally:
            for process in busy:
                process.kill()
                process.wait()
            system.stop()
    result["cold_start_s"] = round(statistics.median(cold_start() for _ in range(3)), 2)
    result["control"] = {"stopped_s": _CONTROL_S, "seen_s": round(control, 2)}
    print(json.dumps(result, indent=2))
    if control < _CONTROL_S:
        sys.exit("The measure did not see that nobody restarted the place.")


if __name__ == "__main__":
    main()
