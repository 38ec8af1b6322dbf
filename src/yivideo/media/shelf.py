"""Between threads that read parts of a film and the one who takes their frames, in order."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from yivideo.errors import Cancelled

T = TypeVar("T")

# So many batches of the part that is being taken may wait.
_FEW = 4


@dataclass(frozen=True, slots=True)
class Ending:
    """How the reading of a part ended: see `Passage` and `Decoder`."""

    end_time: float
    whole: bool
    broke_off: bool
    damaged: int


@dataclass(slots=True, eq=False)
class Part(Generic[T]):
    """A part of the film, and what has been read of it and not been taken.

    ``cut`` says that another part follows, which begins with the key frame shown at ``end``.
    """

    start: float | None
    end: float | None
    cut: bool
    batches: deque[list[tuple[float, T]]] = field(default_factory=deque[list[tuple[float, T]]])
    waiting: int = 0
    ending: Ending | None = None


class Shelf(Generic[T]):
    """Parts that are being read, in order, for one who takes them in that order.

    Attributes:
        stopped: nothing more is wanted.
        end_time, whole, broke_off, damaged: of what has been taken, as for `ReadReport`.
    """

    def __init__(self, cut: Callable[[], Part[T]], *, parts: int, ahead: int) -> None:
        """``cut`` gives the next part; ``parts`` may be under way at once.

        ``ahead`` frames of those parts may wait that are not being taken.
        """
        self.end_time = 0.0
        self.whole = False
        self.broke_off = False
        self.damaged = 0
        self._cut = cut
        self._most = parts
        self._ahead = ahead
        self._parts: deque[Part[T]] = deque()
        self._last = False
        self.stopped = False
        self._error: BaseException | None = None
        self._cutting = threading.Lock()
        self._changed = threading.Condition()

    def begin(self) -> Part[T] | None:
        """The next part to read; None when there is none, or nobody wants it."""
        with self._cutting:
            with self._changed:
                self._changed.wait_for(lambda: self.stopped or len(self._parts) < self._most)
                if self.stopped or self._last:
                    return None
            # Looking for a key frame may take a while: whoever takes what is there need not wait.
            part = self._cut()
            with self._changed:
                self._parts.append(part)
                self._last = not part.cut
                self._changed.notify_all()
            return part

    def put(self, part: Part[T], batch: list[tuple[float, T]]) -> None:
        """Lay frames of that part down, when there is room; raises `Cancelled` if none is wanted.

        The part that is being taken always has room for a few: the others wait for it.
        """

        def fits() -> bool:
            if part is self._parts[0]:
                return len(part.batches) < _FEW
            later = sum(one.waiting for one in self._parts) - self._parts[0].waiting
            return later + len(batch) <= self._ahead

        with self._changed:
            self._changed.wait_for(lambda: self.stopped or fits())
            if self.stopped:
                raise Cancelled("Nobody takes the frames any more.")
            if batch:
                part.batches.append(batch)
                part.waiting += len(batch)
                self._changed.notify_all()

    def end(self, part: Part[T], ending: Ending) -> None:
        """All of that part has been put."""
        with self._changed:
            part.ending = ending
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """One of the readers has met with an error: nothing goes on."""
        with self._changed:
            self._error = self._error or error
            self.stopped = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Nobody takes any more."""
        with self._changed:
            self.stopped = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[list[tuple[float, T]]]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._error is not None or self._ready())
                if self._error is not None:
                    raise self._error
                part = self._parts[0]
                self._changed.notify_all()
                if not part.batches:
                    self._parts.popleft()
                    if self._ended(part):
                        return
                    continue
                batch = part.batches.popleft()
                part.waiting -= len(batch)
            yield batch

    def _ready(self) -> bool:
        return bool(self._parts) and bool(self._parts[0].batches or self._parts[0].ending)

    def _ended(self, part: Part[T]) -> bool:
        """Note how a part ended that has been taken; whether that was the last."""
        ending = part.ending
        assert ending is not None
        self.end_time = max(self.end_time, ending.end_time)
        self.whole = ending.whole
        self.broke_off = ending.broke_off
        self.damaged += ending.damaged
        return ending.broke_off or not part.cut
