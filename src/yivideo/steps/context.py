"""What a step is given besides its parameters."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel

from yivideo.errors import Cancelled, UsageError
from yivideo.steps.folder import FinishedFolder, Pixels, WritingFolder, encoded

M = TypeVar("M", bound=BaseModel)

_END = object()


class Feed:
    """Records on their way from a step that is running to the next one.

    Bounded, so that a fast writer waits for a slow reader instead of filling memory.
    """

    def __init__(self, size: int = 32) -> None:
        self._items: queue.Queue[object] = queue.Queue(size)
        self._failed = threading.Event()

    def put(self, record: BaseModel, picture: Pixels | None) -> None:
        """Hand a record on; raises `Cancelled` when nobody will take it any more."""
        self._put((record, picture))

    def close(self) -> None:
        """No more records come."""
        if not self._failed.is_set():
            self._put(_END)

    def fail(self) -> None:
        """The writer or the reader gave up: the other one stops as well."""
        self._failed.set()

    def _put(self, item: object) -> None:
        while True:
            if self._failed.is_set():
                raise Cancelled("The step that reads this one's records has stopped.")
            try:
                self._items.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def __iter__(self) -> Iterator[tuple[BaseModel, Pixels | None]]:
        while True:
            try:
                item = self._items.get(timeout=0.1)
            except queue.Empty:
                if self._failed.is_set():
                    raise Cancelled("The step before this one has stopped.") from None
                continue
            if item is _END:
                return
            yield cast("tuple[BaseModel, Pixels | None]", item)


@dataclass(slots=True, kw_only=True)
class Context:
    """A step's surroundings.

    Attributes:
        video: the film.
        folder: where the step writes; it becomes visible to others when the step has finished.
        inputs: folders of the finished steps, by name.
        feeds: records of steps that are still running, by name.
        outlet: where to hand this step's own records on to.
        device: "cpu" or "cuda:N".
        report: told the step's progress: seconds of film done, or None, and a fraction 0..1.
        stop: asked often; true when the step should give up.
        made: told how many records the step has made.
        fleeting: whether the folder is thrown away in the end.
        records: how many those are.
    """

    video: Path
    folder: WritingFolder
    inputs: Mapping[str, FinishedFolder] = field(default_factory=dict[str, FinishedFolder])
    feeds: Mapping[str, Feed] = field(default_factory=dict[str, Feed])
    outlet: Feed | None = None
    device: str = "cpu"
    report: Callable[[float, float | None], None] = lambda _fraction, _position: None
    stop: Callable[[], bool] = lambda: False
    made: Callable[[int], None] = lambda _count: None
    fleeting: bool = False
    records: int = 0

    def progress(self, fraction: float, position: float | None = None) -> None:
        """Tell how far the step is; raises `Cancelled` when it should stop."""
        self.check()
        self.report(min(1.0, max(0.0, fraction)), position)

    def check(self) -> None:
        """Raise `Cancelled` when the step should stop."""
        if self.stop():
            raise Cancelled("Stopped on request.")

    def output_of(self, step: str, kind: type[M]) -> M:
        """What an earlier step returned.

        Raises:
            UsageError: that step has not run.
        """
        return self._finished(step).output(kind)

    def records_of(self, step: str, kind: type[M]) -> Iterator[M]:
        """What a finished step made, without the pictures."""
        return self._finished(step).records(kind)

    def pictures_of(self, step: str, kind: type[M]) -> Iterator[tuple[M, Pixels]]:
        """Records of an earlier step with their pictures, as they come if it is still running.

        The records' ``file`` names the picture.
        """
        feed = self.feeds.get(step)
        if feed is not None:
            for record, picture in feed:
                assert isinstance(record, kind) and picture is not None
                yield record, picture
            return
        finished = self._finished(step)
        for record in finished.records(kind):
            yield record, finished.picture(cast("str", getattr(record, "file")))  # noqa: B009

    def put(self, record: BaseModel, picture: Pixels | None = None) -> None:
        """Store a record, with its picture under the name in its ``file``, and hand it on."""
        self.check()
        # In a folder that nobody keeps, a picture that is handed on need not be written.
        if picture is not None and not (self.fleeting and self.outlet is not None):
            name = cast("str", getattr(record, "file"))  # noqa: B009
            self.folder.write(name, encoded(picture, Path(name).suffix))
        self.folder.record(record)
        self.records += 1
        self.made(self.records)
        if self.outlet is not None:
            self.outlet.put(record, picture)

    def _finished(self, step: str) -> FinishedFolder:
        folder = self.inputs.get(step)
        if folder is None or not folder.complete:
            raise UsageError(f"The step '{step}' has to run first: its folder is not there.")
        return folder
