"""Runs the steps of a video in this process, one after the other or side by side."""

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ValidationError

from yivideo.errors import Cancelled, UsageError
from yivideo.steps import BUILT_IN
from yivideo.steps.context import Context, Feed
from yivideo.steps.folder import FinishedFolder, WritingFolder
from yivideo.steps.registry import Step, find_step

Cancel = Callable[[], bool]


@dataclass(slots=True)
class LocalRunner:
    """Runs steps on one video in one work folder; finished ones are not run again.

    Attributes:
        video: the film.
        work: folder that holds a folder for every step.
        params: parameters of the steps, by name.
        devices: device of each step by name; "cpu" where none is named.
        report: told a step's name, its fraction and the seconds of film done.
        stop: true when everything should stop.
        fleeting: whether the work folder is thrown away in the end.
        made: how many records each step has made so far.
    """

    video: Path
    work: Path
    params: Mapping[str, BaseModel] = field(default_factory=dict[str, BaseModel])
    devices: Mapping[str, str] = field(default_factory=dict[str, str])
    report: Callable[[str, float, float | None], None] = lambda _step, _fraction, _position: None
    stop: Cancel = lambda: False
    fleeting: bool = False
    made: dict[str, int] = field(default_factory=dict[str, int])

    def run(self, names: tuple[str, ...] = BUILT_IN) -> None:
        """Run what has not finished of the steps named, in that order."""
        steps = [find_step(name) for name in names]
        todo = [step for step in steps if not self.folder(step.name).complete]
        while todo:
            group = [todo.pop(0)]
            while todo and todo[0].streams and group[-1].name in todo[0].after:
                group.append(todo.pop(0))
            self._run_together(group)

    def run_again(self, name: str) -> None:
        """Run one step, whether it has finished before or not."""
        self._run_together([find_step(name)])

    def folder(self, name: str) -> FinishedFolder:
        """Where that step leaves its output."""
        return FinishedFolder(self.work / name)

    def _run_together(self, group: list[Step]) -> None:
        """Run steps side by side, each fed by the one before."""
        feeds = [Feed() for _ in group[:-1]]
        failed = threading.Event()
        errors: list[BaseException] = []

        def stop() -> bool:
            return failed.is_set() or self.stop()

        def give_up() -> None:
            failed.set()
            for feed in feeds:
                feed.fail()

        def work(index: int) -> None:
            try:
                outputs.append((index, self._run(group, index, feeds, writing[index], stop)))
            except BaseException as error:  # noqa: BLE001  # handed to the caller's thread below
                errors.append(error)
                give_up()

        outputs: list[tuple[int, BaseModel]] = []
        with ExitStack() as stack:
            writing = [stack.enter_context(WritingFolder(self.work / step.name)) for step in group]
            threads = [
                threading.Thread(target=work, args=(i,), name=group[i].name, daemon=True)
                for i in range(1, len(group))
            ]
            for thread in threads:
                thread.start()
            work(0)
            _joined(threads, give_up)
            for index, output in sorted(outputs):
                writing[index].commit(output)
        if errors:
            # What went wrong first, rather than those who were stopped because of it.
            raise next((e for e in errors if not isinstance(e, Cancelled)), errors[0])

    def _run(
        self, group: list[Step], index: int, feeds: list[Feed], folder: WritingFolder, stop: Cancel
    ) -> BaseModel:
        step = group[index]
        context = Context(
            video=self.video,
            folder=folder,
            inputs={name: self.folder(name) for name in step.after},
            feeds={group[index - 1].name: feeds[index - 1]} if index else {},
            outlet=feeds[index] if index < len(feeds) else None,
            device=self.devices.get(step.name, "cpu"),
            report=lambda fraction, position: self.report(step.name, fraction, position),
            stop=stop,
            fleeting=self.fleeting,
            made=lambda count: self.made.__setitem__(step.name, count),
        )
        return run_one(step, self.params.get(step.name) or step.params(), context)


def run_one(step: Step, params: BaseModel, context: Context) -> BaseModel:
    """Run one step in the surroundings given; whoever made its folder commits what it returns."""
    output = step.run(params, context)
    if context.outlet is not None:
        context.outlet.close()
    return output


def checked_params(step: Step, given: Mapping[str, object]) -> BaseModel:
    """The step's parameters: those given, by name, and its defaults for the rest.

    Raises:
        UsageError: a name it does not have, or a value that cannot be.
    """
    unknown = next((key for key in given if key not in step.params.model_fields), None)
    if unknown is not None:
        known = ", ".join(step.params.model_fields) or "none"
        raise UsageError(f"{step.name} has no parameter '{unknown}'; there are: {known}.")
    try:
        return step.params.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "parameters"
        raise UsageError(f"{step.name}: {place}: {first['msg']}.") from error


def _joined(threads: list[threading.Thread], give_up: Callable[[], None]) -> None:
    """Wait for all threads, even when Ctrl-C ends the waiting: their folders are removed next."""
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        give_up()
        for thread in threads:
            thread.join()
        raise
