"""The event loop: workflows go through their steps, a policy says who starts on which device when."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from yivideo.gpu.simulator.load import Load, Workflow


@dataclass(slots=True)
class Task:
    """One step of a workflow on its way through the simulation; times in seconds."""

    workflow: Workflow
    at: int
    asked: float
    started: float = -1.0
    ended: float = -1.0
    device: int = -1

    @property
    def id(self) -> str:
        """The request's name."""
        return f"{self.workflow.id}/{self.at}"


@dataclass(frozen=True, slots=True)
class Operation:
    """What happens to a task at a time: it asks for a device, or gives its own back."""

    time: float
    task: Task
    asks: bool


class Policy(Protocol):
    """Who gets which device."""

    def apply(self, operations: Sequence[Operation]) -> Sequence[Task]:
        """Carry out the operations in order; returns the tasks that started, with times and devices."""
        ...


@dataclass(slots=True)
class Outcome:
    """What came of a simulation: the tasks that needed a device, and when workflows ended."""

    load: Load
    tasks: list[Task] = field(default_factory=list[Task])
    completions: dict[str, float] = field(default_factory=dict[str, float])
    failed: int = 0


def simulate(
    load: Load, policy: Policy, watch: Callable[[float], None] | None = None, every: float = 0.0
) -> Outcome:
    """Take all workflows to their end under a policy.

    Args:
        load: what comes.
        policy: who is served.
        watch: called with the simulated time, with all that came before applied.
        every: how many simulated seconds lie between two such calls.
    """
    outcome = Outcome(load)
    seconds = [
        step.seconds for flow in load.workflows for step in flow.steps if step.demand is not None
    ]
    # Nothing that starts within this time ends within it: these events can be applied together.
    ahead = min(seconds, default=1.0) / max(device.speed for device in load.devices)
    heap: list[tuple[float, int, Task, bool]] = []
    number = 0

    def push(time: float, task: Task, *, ends: bool) -> None:
        nonlocal number
        number += 1
        heapq.heappush(heap, (time, number, task, ends))

    for workflow in load.workflows:
        push(workflow.at, Task(workflow, 0, workflow.at), ends=False)
    look_at = every
    while heap:
        until = heap[0][0] + ahead
        if watch is not None:
            if heap[0][0] >= look_at:
                watch(look_at)
                look_at += every
                continue
            until = min(until, look_at)
        operations: list[Operation] = []
        while heap and heap[0][0] < until:
            time, _, task, ends = heapq.heappop(heap)
            step = task.workflow.steps[task.at]
            if ends:
                task.ended = time
                if step.demand is not None:
                    operations.append(Operation(time, task, asks=False))
                if task.at + 1 == len(task.workflow.steps):
                    outcome.completions[task.workflow.id] = time
                else:
                    push(time, Task(task.workflow, task.at + 1, time), ends=False)
            elif step.demand is None:
                push(time + step.seconds, task, ends=True)
            else:
                outcome.tasks.append(task)
                operations.append(Operation(time, task, asks=True))
        for task in policy.apply(operations):
            device = load.devices[task.device]
            duration = task.workflow.steps[task.at].seconds / device.speed
            push(task.started + duration, task, ends=True)
    return outcome
