"""What the pool is compared with: first come, first served, and the lock of the original."""

import heapq
from collections import deque
from collections.abc import Sequence

from yivideo.gpu.amounts import Demand
from yivideo.gpu.simulator.engine import Operation, Outcome, Task
from yivideo.gpu.simulator.load import Load, SimDevice


class FirstCome:
    """First come, first served, over all devices; nobody passes the first in the queue."""

    def __init__(self, load: Load) -> None:
        self._devices = load.devices
        self._free = [[d.memory, d.compute, d.decoders] for d in load.devices]
        self._queue: deque[Task] = deque()
        # Devices that may hold something more; what a release touches comes back.
        self._maybe = list(range(len(load.devices)))

    def apply(self, operations: Sequence[Operation]) -> Sequence[Task]:
        """See `Policy`."""
        started: list[Task] = []
        for operation in operations:
            if operation.asks:
                self._queue.append(operation.task)
            else:
                self._move(operation.task, operation.task.device, 1)
                if operation.task.device not in self._maybe:
                    self._maybe.append(operation.task.device)
            while self._queue and (device := self._find(self._queue[0])) is not None:
                task = self._queue.popleft()
                task.started, task.device = operation.time, device
                self._move(task, device, -1)
                if not any(self._free[device]) or _demand(task).exclusive:
                    self._maybe.remove(device)
                started.append(task)
        return started

    def _find(self, task: Task) -> int | None:
        demand = _demand(task)
        for device in self._maybe:
            need = _need(demand, self._devices[device])
            if all(f >= n for f, n in zip(self._free[device], need, strict=True)):
                return device
        return None

    def _move(self, task: Task, device: int, sign: int) -> None:
        free = self._free[device]
        for at, amount in enumerate(_need(_demand(task), self._devices[device])):
            free[at] += sign * amount


def _demand(task: Task) -> Demand:
    demand = task.workflow.steps[task.at].demand
    if demand is None:
        raise ValueError("a step without a demand asks for no device")
    return demand


def _need(demand: Demand, device: SimDevice) -> tuple[int, int, int]:
    if demand.exclusive:
        return device.memory, device.compute, device.decoders
    return demand.memory, demand.compute, demand.decoders


# The original's settings: `retry_interval`, `max_retry_interval`, `max_retries`.
RETRY_S = 10.0
MAX_RETRY_S = 60.0
MAX_RETRIES = 60


def original_lock(
    load: Load,
    *,
    retry: float = RETRY_S,
    longest: float = MAX_RETRY_S,
    retries: int = MAX_RETRIES,
) -> Outcome:
    """Every step, on a device or not, under one lock for all; who finds it taken asks again later.

    After ``retries`` tries the workflow fails, as it did there.
    """
    outcome = Outcome(load)
    heap = [
        (flow.at, number, Task(flow, 0, flow.at), 0) for number, flow in enumerate(load.workflows)
    ]
    heapq.heapify(heap)
    number = len(heap)
    free_at = 0.0
    while heap:
        time, _, task, tries = heapq.heappop(heap)
        number += 1
        if time < free_at:
            if tries == retries:
                outcome.failed += 1
            else:
                wait = min(retry * 2.0 ** min(tries, 32), longest)
                heapq.heappush(heap, (time + wait, number, task, tries + 1))
            continue
        flow = task.workflow
        step = flow.steps[task.at]
        task.started, task.device = time, 0
        free_at = task.ended = time + step.seconds / load.devices[0].speed
        # Steps that need no device waited for it all the same.
        outcome.tasks.append(task)
        if task.at + 1 == len(flow.steps):
            outcome.completions[flow.id] = free_at
        else:
            heapq.heappush(heap, (free_at, number, Task(flow, task.at + 1, free_at), 0))
    return outcome
