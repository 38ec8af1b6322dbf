"""Small steps for the storm, each of which writes down in a file that it was carried out.

A package's entry point, which `install` makes, tells every process of a system of them. The same
functions serve plain Celery chains, so that both are judged by the same eye.
"""

import os
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from benchmarks.faults.observer import Observer as DeviceObserver
from benchmarks.faults.observer import Size, append
from yivideo.steps.context import Context
from yivideo.steps.registry import ENTRY_POINTS, Gpu, step

SERVICE = "storm"
# By name: how long it works, and whether it wants a device to itself.
HARMLESS = {
    "storm.nothing": (0.0, False),
    "storm.short": (0.05, False),
    "storm.long": (1.0, False),
    "storm.device": (0.05, True),
    "storm.render": (0.7, True),
}
# They kill the process they run in, and the one that started it.
DEADLY, RUINOUS = "storm.deadly", "storm.ruinous"
POISON = (DEADLY, RUINOUS)
# As slots of a file; a step takes all of them.
DEVICE = Size(1024, 1000, 1000)
EXECUTIONS = "executions"


class Order(BaseModel):
    """Whose step it is, where to write it down, and seconds to work instead of the usual ones."""

    token: str
    folder: str
    seconds: float | None = None


class Done(BaseModel):
    """The execution that the result is of."""

    execution: str


def note(order: Order, name: str, event: str, execution: str) -> None:
    """Write down that an execution began or ended."""
    record: dict[str, object] = {
        "token": order.token,
        "step": name,
        "event": event,
        "execution": execution,
        "pid": os.getpid(),
        "at": time.time(),
    }
    append(Path(order.folder, EXECUTIONS), record)


def work(order: Order, name: str, look: Callable[[float], None]) -> str:
    """Be busy for as long as the step of that name is; returns the execution's name."""
    seconds, on_device = HARMLESS[name]
    if order.seconds is not None:
        seconds = order.seconds
    execution = uuid.uuid4().hex
    note(order, name, "begin", execution)
    if on_device:
        device = f"{os.environ.get('YIVIDEO_HOST', 'here')}:0"
        with DeviceObserver(Path(order.folder), {device: DEVICE}).inside(device, DEVICE.slots):
            _pass(seconds, look)
    else:
        _pass(seconds, look)
    note(order, name, "end", execution)
    return execution


def _pass(seconds: float, look: Callable[[float], None]) -> None:
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        look(passed / seconds)
        time.sleep(min(0.02, seconds - passed))


def _harmless(name: str) -> None:
    def run(order: Order, context: Context) -> Done:
        return Done(execution=work(order, name, context.progress))

    needs = Gpu(exclusive=True) if HARMLESS[name][1] else None
    step(name, params=Order, output=Done, needs=needs)(run)


def _poisonous(name: str, victim: Callable[[], int]) -> None:
    def run(order: Order, context: Context) -> Done:
        note(order, name, "begin", "")
        os.kill(victim(), signal.SIGKILL)
        # The end comes with the parent's, in a moment.
        _pass(30.0, context.progress)
        return Done(execution="")

    step(name, params=Order, output=Done)(run)


for _name in HARMLESS:
    _harmless(_name)
_poisonous(DEADLY, os.getpid)
_poisonous(RUINOUS, os.getppid)


def install(folder: Path, module: str = __name__) -> str:
    """Make a package whose entry point is a module of steps; returns what PYTHONPATH must hold."""
    told = folder / "yivideo_bench-1.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: yivideo-bench\nVersion: 1\n")
    (told / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\nbench = {module}\n")
    here = str(Path(__file__).parents[2])
    return os.pathsep.join(filter(None, (str(folder), here, os.environ.get("PYTHONPATH", ""))))
