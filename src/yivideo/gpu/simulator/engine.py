"""The event loop: workflows go through their steps, a policy says who starts when and where."""

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
        """Carry out the operations in order; returns the tasks that started, marked."""
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
    run = _Run(load)
    look_at = every
    while run.heap:
        begin = run.heap[0][0]
        until = begin + run.ahead
        if watch is not None:
            if begin >= look_at:
                watch(look_at)
                look_at += every
                continue
            until = min(until, look_at)
        for task in policy.apply(run.operations(until)):
            device = load.devices[task.device]
            duration = task.workflow.steps[task.at].seconds / device.speed
            run.push(task.started + duration, task, ends=True)
    return run.outcome


class _Run:
    """The events that are still to come, in the order of their times."""

    def __init__(self, load: Load) -> None:
        self.outcome = Outcome(load)
        seconds = [
            step.seconds
            for flow in load.workflows
            for step in flow.steps
            if step.demand is not None
        ]
        # Nothing that starts within this time ends within it: its events can be applied together.
        self.ahead = min(seconds, default=1.0) / max(device.speed for device in load.devices)
        self.heap: list[tuple[float, int, Task, bool]] = []
        self._number = 0
        for workflow in load.workflows:
            self.push(workflow.at, Task(workflow, 0, workflow.at), ends=False)

    def push(self, time: float, task: Task, *, ends: bool) -> None:
        """A task begins to be wanted, or ends, at a time."""
        self._number += 1
        heapq.heappush(self.heap, (time, self._number, task, ends))

    def operations(self, until: float) -> list[Operation]:
        """What the policy is told of the events before a time, which are taken off."""
        found: list[Operation] = []
        while self.heap and self.heap[0][0] < until:
            time, _, task, ends = heapq.heappop(self.heap)
            step = task.workflow.steps[task.at]
            if ends:
                self._ended(time, task)
            elif step.demand is None:
                self.push(time + step.seconds, task, ends=True)
            else:
                self.outcome.tasks.append(task)
            if step.demand is not None:
                found.append(Operation(time, task, asks=not ends))
        return found

    def _ended(self, time: float, task: Task) -> None:
        task.ended = time
        if task.at + 1 == len(task.workflow.steps):
            self.outcome.completions[task.workflow.id] = time
        else:
            self.push(time, Task(task.workflow, task.at + 1, time), ends=False)
