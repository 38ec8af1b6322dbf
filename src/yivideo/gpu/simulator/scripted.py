"""The pool's own scripts as a policy, on a server whose clock the simulation sets."""

import contextlib
import json
import uuid
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from yivideo.gpu import scripts
from yivideo.gpu.pool import AGING_STEP_S, DATABASE, GpuPool
from yivideo.gpu.records import MICROSECONDS, Snapshot
from yivideo.gpu.simulator.engine import Operation, Task
from yivideo.gpu.simulator.load import Load
from yivideo.gpu.transitions import refusal
from yivideo.storage.redis import connect, with_database

if TYPE_CHECKING:
    from redis.client import Pipeline

# The clock begins here, in microseconds: far enough from 0 for keys of any priority.
_EPOCH_US = 1_000_000_000_000_000
# Nobody is silent, and no grant goes back, within a simulation.
_NEVER_US = 10**15
_HOLDER: dict[str, Any] = {"pid": 1, "start": 1, "namespace": "simulated", "boot": "simulated"}


@contextlib.contextmanager
def server(url: str | None = None) -> Generator[str]:
    """The address of a server: the one given, or an embedded one for the length of the block."""
    if url is not None:
        yield url
        return
    from yivideo.storage.valkey import embedded

    with TemporaryDirectory(prefix="yivideo-simulator-") as folder:
        valkey = embedded(Path(folder))
        try:
            # Nothing here outlives the simulation.
            with connect(valkey.url) as client:
                client.config_set("appendonly", "no")
            yield valkey.url
        finally:
            valkey.stop()


class Scripted:
    """The pool under simulated time.

    Args:
        url: a server; its keys get a prefix of their own, and `close` removes them.
        load: the devices are registered and opened at once.
        knows: whether requests say how long they expect to take; else the pool's history does.
    """

    def __init__(self, url: str, load: Load, *, knows: bool = True) -> None:
        self._load = load
        self._knows = knows
        self._prefix = f"simulated:{uuid.uuid4().hex}:"
        self._client = connect(with_database(url, DATABASE))
        self._digests: dict[str, Any] = {
            name: self._client.script_load(scripts.source(name)) for name in scripts.names()
        }
        self.pool = GpuPool(url, prefix=self._prefix)
        self._index = {device.id: at for at, device in enumerate(load.devices)}
        self._tasks: dict[str, Task] = {}
        self._fences: dict[str, str] = {}
        self._unclaimed: list[tuple[str, str, str, float]] = []
        self._open()

    def apply(self, operations: Sequence[Operation]) -> Sequence[Task]:
        """See `Policy`; one round trip for all."""
        started: list[Task] = []
        with self._client.pipeline(transaction=False) as pipe:
            expected = self._queue_claims(pipe)
            calls: list[tuple[int, float, Mapping[str, Any]]] = []
            for operation in operations:
                pipe.set(self._prefix + "clock", _clock(operation.time))
                name, parameters = self._call(operation)
                self._queue(pipe, name, parameters)
                calls.append((expected + 1, operation.time, parameters))
                expected += 2
                if not operation.asks:
                    # Nobody will ask what became of it; an hour of them would fill the memory.
                    pipe.unlink(f"{self._prefix}request:{operation.task.id}")
                    expected += 1
            answers = pipe.execute()
        for at, time, parameters in calls:
            for grant in _checked(answers[at], parameters).get("grants") or ():
                task = self._tasks.pop(grant["request"])
                task.started, task.device = time, self._index[grant["device"]]
                self._fences[task.id] = grant["fence"]
                self._unclaimed.append((task.id, grant["fence"], grant["host"], time))
                started.append(task)
        return started

    def snapshot(self, time: float, waiters: int) -> Snapshot:
        """The pool at a simulated time."""
        with self._client.pipeline(transaction=False) as pipe:
            self._queue_claims(pipe)
            pipe.set(self._prefix + "clock", _clock(time))
            pipe.execute()
        return self.pool.snapshot(waiters)

    def close(self) -> None:
        """Remove all keys and close the connections."""
        with contextlib.closing(self._client):
            batch: list[Any] = []
            for key in self._client.scan_iter(match=f"{self._prefix}*", count=1000):
                batch.append(key)
                if len(batch) == 1000:
                    self._client.unlink(*batch)
                    batch.clear()
            if batch:
                self._client.unlink(*batch)
        self.pool.close()

    def _open(self) -> None:
        """Register and attest the hosts; their heartbeats never grow old."""
        self._client.set(self._prefix + "clock", _clock(0.0))
        hosts: dict[str, list[Any]] = {}
        for device in self._load.devices:
            hosts.setdefault(device.host, []).append(
                {
                    "index": device.index,
                    "uuid": f"GPU-{device.id}",
                    "model": device.model,
                    "memory": device.memory,
                    "compute": device.compute,
                    "decoders": device.decoders,
                }
            )
        for host, devices in hosts.items():
            said = self.pool.register(
                host=host,
                agent=host,
                boot="simulated",
                namespace="simulated",
                journal="",
                services=[],
                pid=1,
                devices=devices,
                beat_limit=_NEVER_US,
                claim_limit=_NEVER_US,
            )
            self.pool.attest(
                host=host, agent=host, seen=str(said["epoch"]), journal_epoch=0, living=[]
            )

    def _call(self, operation: Operation) -> tuple[str, Mapping[str, Any]]:
        task = operation.task
        if not operation.asks:
            return "release", {
                "request": task.id,
                "fence": self._fences.pop(task.id),
                "holder": {**_HOLDER, "host": self._load.devices[task.device].host},
            }
        flow = task.workflow
        step = flow.steps[task.at]
        if step.demand is None:
            raise ValueError("a step without a demand asks for no device")
        self._tasks[task.id] = task
        parameters: dict[str, Any] = {
            "id": task.id,
            "shape": step.demand.shape,
            "priority": flow.priority,
            "aging": AGING_STEP_S * MICROSECONDS,
            "group": flow.group,
            "weight": flow.weight,
            "since": _clock(flow.at),
            "what": step.what,
            "workflow": flow.id,
            "wake": "",
            "payload": "",
        }
        if self._knows and step.expected is not None:
            parameters["expected"] = round(step.expected * MICROSECONDS)
        return "request", parameters

    def _queue_claims(self, pipe: "Pipeline") -> int:
        """Claim what was granted, each at the time of its grant; returns how many commands."""
        for request, fence, host, time in self._unclaimed:
            pipe.set(self._prefix + "clock", _clock(time))
            holder = {**_HOLDER, "host": host}
            self._queue(pipe, "claim", {"request": request, "fence": fence, "holder": holder})
        number = 2 * len(self._unclaimed)
        self._unclaimed.clear()
        return number

    def _queue(self, pipe: "Pipeline", name: str, parameters: Mapping[str, Any]) -> None:
        pipe.evalsha(self._digests[name], 1, self._prefix, json.dumps(parameters))


def simulated_seconds(time: float) -> float:
    """A time of a simulation as the pool's records have it, in seconds."""
    return _EPOCH_US / MICROSECONDS + time


def _clock(time: float) -> int:
    return _EPOCH_US + round(time * MICROSECONDS)


def _checked(said: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(said)
    if "error" in answer:
        raise refusal(answer, parameters)
    return answer
