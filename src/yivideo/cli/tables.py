"""Tables: drawn on a terminal, aligned text elsewhere."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yivideo.cli.streams import say

if TYPE_CHECKING:
    from rich.table import Table

# Colours of what should catch the eye; the words say the same.
_STYLES = {
    "open": "green",
    "cordoned": "yellow",
    "unattested": "yellow",
    "quarantined": "bold red",
    "lost": "bold red",
    "running": "cyan",
    "cancelling": "yellow",
    "cancelled": "yellow",
    "succeeded": "green",
    "failed": "bold red",
    "revoked": "yellow",
}
# Columns that are no use in pieces.
_WHOLE = frozenset(
    {"memory", "memory GiB", "compute", "decoders", "for", "limit", "since", "id", "done", "took"}
)


@dataclass
class Sheet:
    """Rows below the names of their columns; names in `right` are flush right."""

    columns: Sequence[str]
    right: frozenset[str] = frozenset()
    rows: list[Sequence[str]] = field(default_factory=list[Sequence[str]])


def show(sheet: Sheet) -> None:
    """Write the table to standard output, with an empty line after it."""
    if not sys.stdout.isatty():
        for line in aligned(sheet):
            say(line)
        say("")
        return
    from rich.console import Console

    Console().print(drawn(sheet))


def aligned(sheet: Sheet) -> list[str]:
    """The table as lines, two spaces between columns."""
    from rich.cells import cell_len

    grid = [[name.upper() for name in sheet.columns], *sheet.rows]
    widths = [max(cell_len(row[at]) for row in grid) for at in range(len(sheet.columns))]
    lines: list[str] = []
    for row in grid:
        cells: list[str] = []
        for column, cell, width in zip(sheet.columns, row, widths, strict=True):
            gap = " " * (width - cell_len(cell))
            cells.append(gap + cell if column in sheet.right else cell + gap)
        lines.append("  ".join(cells).rstrip())
    return lines


def drawn(sheet: Sheet) -> "Table":
    """The table for a terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in sheet.columns:
        table.add_column(
            column,
            justify="right" if column in sheet.right else "left",
            overflow="fold",
            no_wrap=column in _WHOLE,
        )
    for row in sheet.rows:
        styles = [
            _STYLES.get(cell.partition(":")[0], "") if column in {"state", "status"} else ""
            for column, cell in zip(sheet.columns, row, strict=True)
        ]
        table.add_row(*(Text(cell, style) for cell, style in zip(row, styles, strict=True)))
    return table
