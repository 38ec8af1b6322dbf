"""Steps that take a known time and write down when: what schedules are measured with.

`timed.device_N` holds the whole device, `timed.cpu_N` none. A workflow names each step once, hence
the numbers.
"""

import time
from pathlib import Path

from pydantic import BaseModel

from benchmarks.faults.observer import append
from yivideo.steps.context import Context
from yivideo.steps.registry import Gpu, step

SERVICE = "timed"
# A chain holds so many of a kind at most.
MOST = 16


class Order(BaseModel):
    """How long to take, in seconds, and the file to write it down in, for whom."""

    seconds: float
    file: str
    token: str


class Done(BaseModel):
    """When it ran, in seconds since 1970."""

    began: float
    ended: float


def take_time(order: Order, name: str) -> Done:
    """Take the time, as work on a device would: the processor is left to others."""
    began = time.time()
    time.sleep(order.seconds)
    ended = time.time()
    append(Path(order.file), {"token": order.token, "step": name, "began": began, "ended": ended})
    return Done(began=began, ended=ended)


def _register(name: str, needs: Gpu | None) -> None:
    def run(order: Order, context: Context) -> Done:
        del context  # too short for progress
        return take_time(order, name)

    step(name, params=Order, output=Done, needs=needs)(run)


for _number in range(MOST):
    _register(f"{SERVICE}.device_{_number}", Gpu(exclusive=True))
    _register(f"{SERVICE}.cpu_{_number}", None)
