"""What a simulation is driven by: hosts with devices, and workflows with their steps' times."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yivideo.errors import InputUnreadable
from yivideo.gpu.amounts import Demand


@dataclass(frozen=True, slots=True)
class SimDevice:
    """A device: memory in MiB, compute and decoders in thousandths; steps take time / ``speed``."""

    host: str
    index: int
    model: str = "model-a"
    memory: int = 24576
    compute: int = 1000
    decoders: int = 1000
    speed: float = 1.0

    @property
    def id(self) -> str:
        """Its name in the pool."""
        return f"{self.host}:{self.index}"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a workflow: it needs a device when it has a demand.

    ``seconds`` is what it takes, ``expected`` what was thought before; None where nobody knew.
    """

    what: str
    seconds: float
    demand: Demand | None = None
    expected: float | None = None


@dataclass(frozen=True, slots=True)
class Workflow:
    """Steps one after the other, from ``at`` seconds on."""

    id: str
    at: float
    group: str
    priority: int
    steps: tuple[Step, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """Workflows by time of arrival, and the devices they share."""

    devices: tuple[SimDevice, ...]
    workflows: tuple[Workflow, ...]

    @property
    def device_work(self) -> float:
        """Seconds of device time on a device of speed 1, each demand by its dominant share."""
        return sum(
            step.seconds * share(step.demand, self.devices[0])
            for workflow in self.workflows
            for step in workflow.steps
            if step.demand is not None
        )


def share(demand: Demand, device: SimDevice) -> float:
    """The part of the device that the demand takes of what it takes most of."""
    if demand.exclusive:
        return 1.0
    offered = (device.memory, device.compute, device.decoders)
    wanted = (demand.memory, demand.compute, demand.decoders)
    return max(w / o for w, o in zip(wanted, offered, strict=True) if o)


def cluster(hosts: int, gpus: int) -> tuple[SimDevice, ...]:
    """``gpus`` equal devices spread over ``hosts`` hosts."""
    return tuple(SimDevice(f"host-{n % hosts:04d}", n // hosts) for n in range(gpus))


def read_load(path: Path) -> Load:
    """A recorded load: JSON with ``devices`` and ``workflows``, as `recorded` makes it.

    Raises:
        InputUnreadable: no such file, or not of this form.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
        return Load(
            tuple(SimDevice(**device) for device in record["devices"]),
            tuple(sorted(map(_workflow, record["workflows"]), key=lambda w: w.at)),
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputUnreadable(f"{path} is no recorded load: {error}.") from error


def recorded(load: Load) -> dict[str, Any]:
    """The load in the form that `read_load` reads."""
    return {
        "devices": [
            {name: getattr(device, name) for name in SimDevice.__dataclass_fields__}
            for device in load.devices
        ],
        "workflows": [
            {
                "id": workflow.id,
                "at": workflow.at,
                "group": workflow.group,
                "priority": workflow.priority,
                "weight": workflow.weight,
                "steps": [
                    {
                        "what": step.what,
                        "seconds": step.seconds,
                        "expected": step.expected,
                        "shape": step.demand.shape if step.demand else None,
                    }
                    for step in workflow.steps
                ],
            }
            for workflow in load.workflows
        ],
    }


def _workflow(record: Mapping[str, Any]) -> Workflow:
    return Workflow(
        str(record["id"]),
        float(record["at"]),
        str(record.get("group", "default")),
        int(record.get("priority", 5)),
        tuple(_step(step) for step in _list(record["steps"])),
        float(record.get("weight", 1.0)),
    )


def _step(record: Mapping[str, Any]) -> Step:
    shape = record.get("shape")
    expected = record.get("expected")
    return Step(
        str(record["what"]),
        float(record["seconds"]),
        Demand.from_shape(shape) if shape else None,
        None if expected is None else float(expected),
    )


def _list(value: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list):
        raise TypeError("steps is a list")
    return value
