"""A system of one host and one device that runs steps of known length."""

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.engine import timed_steps
from benchmarks.engine.api import Api
from benchmarks.faults.storm_system import System
from yivideo.engine.ledger.records import WorkflowRecord

_HOST = "ash"
# So many steps work without a device at once; they sleep, and need no core.
_CPU_PLACES = 3


class Site:
    """A system of one host that runs timed steps."""

    def __init__(self, folder: Path, database: str) -> None:
        self.file = folder / "times"
        self.system = System(
            folder,
            database,
            None,
            steps=timed_steps.__name__,
            services=(timed_steps.SERVICE,),
        )
        self.system.cpu_places = _CPU_PLACES

    def start(self) -> None:
        """Start the host and wait until it is ready."""
        self.system.start_host(_HOST)
        self.system.await_ready()

    def submit(self, group: str, chain: Sequence[tuple[str, float]]) -> str:
        """Have a chain of (step, seconds) accepted; the workflow's id."""
        order = {"file": str(self.file), "token": group}
        steps = [
            {"name": f"{timed_steps.SERVICE}.{name}", "params": {**order, "seconds": s}}
            for name, s in chain
        ]
        with Api(self.system.port) as api:
            return api.submit(self.system.video, steps, group=group)

    def ended(self, workflow: str, seconds: float = 120.0) -> WorkflowRecord:
        """Wait for its end, looking rarely: whoever looks takes time from those who work."""
        deadline = time.monotonic() + seconds
        while not (record := self.system.ledger.workflow(workflow)).status.ended:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{workflow} has not ended")
            time.sleep(0.25)
        if record.status != "succeeded":
            raise RuntimeError(f"{workflow} {record.status}: {record.error}")
        return record
