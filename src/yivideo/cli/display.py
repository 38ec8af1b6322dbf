"""Progress on standard error: animated on a terminal, a line per phase elsewhere, or nothing."""

import contextlib
from collections.abc import Generator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from yivideo.cli.streams import on_terminal, printable, tell
from yivideo.engine.options import Devices, Progress

if TYPE_CHECKING:
    from rich.progress import TaskID


class Display(Protocol):
    """What a batch shows of its work."""

    def begin(self, video: str) -> None:
        """Work on `video` starts."""
        ...

    def advance(self, video: str, progress: Progress) -> None:
        """Work on `video` has come so far."""
        ...

    def end(self, video: str) -> None:
        """Work on `video` is over."""
        ...

    def note(self, line: str) -> None:
        """Something worth knowing that is not an error."""
        ...

    def aside(self) -> AbstractContextManager[None]:
        """Make room for other output inside the block."""
        ...

    def close(self) -> None:
        """Take everything animated away."""
        ...


class QuietDisplay:
    """Shows nothing at all."""

    def begin(self, video: str) -> None:
        """Nothing."""

    def advance(self, video: str, progress: Progress) -> None:
        """Nothing."""

    def end(self, video: str) -> None:
        """Nothing."""

    def note(self, line: str) -> None:
        """Nothing."""

    @contextlib.contextmanager
    def aside(self) -> Generator[None]:
        """There is always room."""
        yield

    def close(self) -> None:
        """Nothing."""


class PlainDisplay(QuietDisplay):
    """One line per video and phase, for logs."""

    def __init__(self) -> None:
        self._phases: dict[str, str] = {}

    def advance(self, video: str, progress: Progress) -> None:
        """Name the phase when it is a new one."""
        if self._phases.get(video) != progress.phase:
            self._phases[video] = progress.phase
            tell(f"{printable(video)}: {progress.phase}")

    def end(self, video: str) -> None:
        """Forget the video: one given twice in a session is shown twice."""
        self._phases.pop(video, None)

    def note(self, line: str) -> None:
        """One line."""
        tell(line)


class LiveDisplay:
    """A bar per video at work, and one for all of them when there are several."""

    def __init__(self, videos: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn
        from rich.progress import Progress as Bars
        from rich.table import Column

        def text(name: str, *, ratio: int | None = None) -> TextColumn:
            column = Column(no_wrap=True, ratio=ratio, overflow="ellipsis")
            return TextColumn(f"{{task.fields[{name}]}}", markup=False, table_column=column)

        self._bars = Bars(
            text("name", ratio=3),
            text("phase"),
            BarColumn(bar_width=None, table_column=Column(ratio=2)),
            TaskProgressColumn(),
            text("found"),
            text("speed"),
            text("left"),
            console=Console(stderr=True),
            transient=True,
            expand=True,
            refresh_per_second=5,
        )
        self._tasks: dict[str, TaskID] = {}
        self._count = videos
        self._over = 0
        self._all: TaskID | None = None
        self._bars.start()
        if videos > 1:
            self._all = self._add(f"0 of {videos} videos", total=videos)

    def begin(self, video: str) -> None:
        """Add a bar."""
        self._tasks[video] = self._add(printable(video), total=1.0)

    def advance(self, video: str, progress: Progress) -> None:
        """Move the bar."""
        task = self._tasks[video]
        elapsed = next((t.elapsed for t in self._bars.tasks if t.id == task), None) or 0.0
        self._bars.update(
            task,
            completed=progress.fraction,
            phase=progress.phase,
            found=f"{progress.events} found" if progress.events else "",
            speed=f"{progress.speed:.1f}x" if progress.speed else "",
            left=time_left(progress.fraction, elapsed),
        )

    def end(self, video: str) -> None:
        """Take the bar away."""
        task = self._tasks.pop(video, None)
        if task is not None:
            self._bars.remove_task(task)
        self._over += 1
        if self._all is not None:
            name = f"{self._over} of {self._count} videos"
            self._bars.update(self._all, completed=self._over, name=name)

    def note(self, line: str) -> None:
        """One line above the bars."""
        with self.aside():
            tell(line)

    @contextlib.contextmanager
    def aside(self) -> Generator[None]:
        """Take the bars away while something else is written, to the same terminal perhaps."""
        self._bars.stop()
        try:
            yield
        finally:
            self._bars.start()

    def close(self) -> None:
        """Take the bars away for good."""
        self._bars.stop()

    def _add(self, name: str, *, total: float) -> "TaskID":
        return self._bars.add_task(
            "", total=total, name=name, phase="", found="", speed="", left=""
        )


def make_display(videos: int, *, quiet: bool) -> Display:
    """The display that fits standard error."""
    if quiet:
        return QuietDisplay()
    return LiveDisplay(videos) if on_terminal() else PlainDisplay()


def time_left(fraction: float, elapsed: float) -> str:
    """How long it will take at the pace so far; empty while that would be a guess."""
    if not 0.02 <= fraction < 1 or elapsed < 1:
        return ""
    seconds = round(elapsed * (1 - fraction) / fraction)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{clock} left"


def devices_sentence(video: str, devices: Devices) -> str:
    """What "auto" chose."""
    return (
        f"{printable(video)}: decoding on {devices.decoding}, reading on {devices.recognition} "
        f"({devices.runtime})."
    )
