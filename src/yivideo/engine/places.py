"""Which places a host has: Celery workers of one step each, for the CPU and on each device."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from yivideo.engine.hints import device_queue, service_queue
from yivideo.engine.presence import device_place
from yivideo.engine.supervisor import Program
from yivideo.errors import UsageError
from yivideo.gpu.discovery import FoundDevice, cpu_stand_in, gpus
from yivideo.steps.registry import all_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceSpec:
    """A place to be: its name on this host, and the queues it reads."""

    name: str
    queues: tuple[str, ...]


def known_services() -> tuple[str, ...]:
    """The services of all registered steps."""
    return tuple(sorted({step.service for step in all_steps().values()}))


def chosen_services(given: Sequence[str]) -> tuple[str, ...]:
    """The services named, or all for ``all``.

    Raises:
        UsageError: there is no such service.
    """
    known = known_services()
    if not given or "all" in given:
        return known
    for name in given:
        if name not in known:
            raise UsageError(f"There is no service {name}; there are: {', '.join(known)}, all.")
    return tuple(dict.fromkeys(given))


def own_devices(*, stand_in: bool = False) -> tuple[FoundDevice, ...]:
    """This host's GPUs, or the CPU stand-in where there are none."""
    found = () if stand_in else tuple(gpus())
    return found or (cpu_stand_in(),)


def places(
    host: str, services: Sequence[str], devices: Sequence[FoundDevice], cpu_places: int | None
) -> list[PlaceSpec]:
    """All places of a host that runs ``services``.

    Args:
        host: its name in the pool.
        services: what runs here.
        devices: what it has.
        cpu_places: how many steps of the CPU may run at once; when None one fewer than there are
            cores, and at least one.
    """
    steps = all_steps().values()
    cpu = sorted({step.service for step in steps if step.needs is None} & set(services))
    gpu = sorted({step.service for step in steps if step.needs is not None} & set(services))
    count = cpu_places or max(1, (os.cpu_count() or 2) - 1)
    queues = tuple(service_queue(service) for service in cpu)
    found = [PlaceSpec(name=f"cpu{n}", queues=queues) for n in range(count)] if queues else []
    for device in devices:
        for service in gpu:
            queue = device_queue(service, f"{host}:{device.index}")
            name = device_place(service, device.index)
            found.append(PlaceSpec(name=name, queues=(queue,)))
    return found


def program(spec: PlaceSpec, host: str) -> Program:
    """The process of a place."""
    options = [f"--queue={queue}" for queue in spec.queues]
    # Celery is loaded when hints are first sent, and its consumer when that starts.
    return Program(
        name=spec.name,
        module="yivideo.engine.place_main",
        arguments=(f"--name={spec.name}@{host}", *options),
        loads=("yivideo.engine.broker", "celery.worker.consumer", "celery.app.control"),
    )
