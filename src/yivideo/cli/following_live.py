"""Workflows as they go on, on a terminal."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from yivideo.cli.streams import complain, tell
from yivideo.cli.workflow_words import Record, done, has_ended, name, phase, waiting

if TYPE_CHECKING:
    from rich.console import RenderableType

# Lines of the terminal that are left to what stands above.
_MARGIN = 3


class LiveTable:
    """A line for each workflow that goes on, as many as there is room for."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live = Live(
            console=self._console, transient=True, refresh_per_second=5, vertical_overflow="crop"
        )
        self._drawn: list[tuple[object, ...]] = []
        self._live.start()

    def show(self, records: Iterable[Record]) -> None:
        """Draw them anew."""
        known = list(records)
        living = [record for record in known if not has_ended(record)]
        drawn = [(r["id"], r["progress"], phase(r), waiting(r)) for r in living]
        # Many that stand still cost nothing.
        if drawn != self._drawn:
            self._drawn = [*drawn]
            self._live.update(self._picture(living, len(known)))

    def note(self, line: str, *, wrong: bool = False) -> None:
        """One line above the table."""
        self._live.stop()
        (complain if wrong else tell)(line)
        self._live.start()

    def close(self) -> None:
        """Take the table away for good."""
        self._live.update(Text(""))
        self._live.stop()

    def _picture(self, living: Sequence[Record], known: int) -> "RenderableType":
        rows = max(1, self._console.height - _MARGIN)
        table = Table(
            Column(no_wrap=True, overflow="ellipsis", ratio=2),
            Column(ratio=1),
            Column(no_wrap=True, justify="right", width=5),
            Column(no_wrap=True, overflow="ellipsis", ratio=4),
            box=None,
            pad_edge=False,
            show_header=False,
            expand=True,
        )
        for record in living[:rows]:
            bar = ProgressBar(total=100.0, completed=record["progress"])
            table.add_row(Text(name(record)), bar, done(record), Text(_now(record)))
        if known > 1:
            more = f", {len(living) - rows} not shown" if len(living) > rows else ""
            table.add_row(Text(f"{known - len(living)} of {known} have ended{more}"))
        return table


def _now(record: Record) -> str:
    return waiting(record) or phase(record)
