"""Tables: drawn on a terminal, aligned text elsewhere."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yivideo.cli import gpu_words as words
from yivideo.cli.gpu_records import key_age
from yivideo.cli.streams import printable, say

if TYPE_CHECKING:
    from rich.table import Table

    from yivideo.cli.gpu_estimates import Guess
    from yivideo.gpu.records import Snapshot

# Colours of what should catch the eye; the words say the same.
_STYLES = {
    "open": "green",
    "cordoned": "yellow",
    "unattested": "yellow",
    "quarantined": "bold red",
    "lost": "bold red",
}
# Columns that are no use in pieces.
_WHOLE = frozenset({"memory", "memory GiB", "compute", "decoders", "for", "limit", "since"})


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
            _STYLES.get(cell.partition(":")[0], "") if column == "state" else ""
            for column, cell in zip(sheet.columns, row, strict=True)
        ]
        table.add_row(*(Text(cell, style) for cell, style in zip(row, styles, strict=True)))
    return table


def devices_sheet(snapshot: "Snapshot") -> Sheet:
    """One row per device."""
    right = frozenset({"memory GiB", "used", "compute", "decoders", "load", "heat"})
    sheet = Sheet(
        ["device", "model", "state", "memory GiB", "used", "compute", "decoders", "load", "heat"],
        right,
    )
    for device in snapshot.devices:
        leased = device.memory - device.free_memory
        used = device.facts.get("used_memory")
        sheet.rows.append(
            [
                printable(device.id),
                printable(device.model),
                words.state(device, snapshot),
                f"{words.gibibytes(leased)}/{words.gibibytes(device.memory)}",
                "-" if used is None else words.gibibytes(used),
                _of(device.compute - device.free_compute, device.compute),
                _of(device.decoders - device.free_decoders, device.decoders),
                words.load(device.facts),
                words.heat(device.facts),
            ]
        )
    return sheet


def holders_sheet(snapshot: "Snapshot") -> Sheet:
    """One row per lease."""
    sheet = Sheet(
        ["device", "held by", "workflow", "takes", "process", "for", "limit", "request"],
        frozenset({"process", "for", "limit"}),
    )
    for device in snapshot.devices:
        for lease in device.leases:
            note = words.lease_state(lease)
            sheet.rows.append(
                [
                    printable(device.id),
                    words.name(lease) + (f" ({note})" if note else ""),
                    printable(lease.workflow) or "-",
                    words.amounts(lease.memory, lease.compute, lease.decoders),
                    str(lease.holder.pid) if lease.holder else "-",
                    words.span(words.held_for(lease, snapshot.now)),
                    words.span(lease.limit or None),
                    printable(lease.request),
                ]
            )
    return sheet


def queue_sheet(snapshot: "Snapshot", guesses: Mapping[str, "Guess"]) -> Sheet:
    """One row per waiter, in order."""
    sheet = Sheet(
        ["", "waits", "workflow", "group", "since", "key age", "wants", "waits for",
         "starts in", "90 % within"],
        frozenset({"", "since", "key age", "starts in", "90 % within"}),
    )  # fmt: skip
    for waiter in snapshot.waiters:
        guess = guesses.get(waiter.request)
        sheet.rows.append(
            [
                str(waiter.position),
                words.name(waiter),
                printable(waiter.workflow) or "-",
                printable(waiter.group),
                words.span(snapshot.now - waiter.asked),
                words.span(key_age(waiter, snapshot.now)),
                printable(str(waiter.demand)),
                waits_for(waiter.reserved, guess),
                _time(guess.median if guess else None),
                _time(guess.bound90 if guess else None),
            ]
        )
    return sheet


def waits_for(reserved: str, guess: "Guess | None") -> str:
    """Which lease of which workflow on which device, as far as it is known."""
    first = guess.waits_for if guess else None
    if first is None:
        return printable(reserved) or words.UNKNOWN
    said = first.what or first.request
    said += f" of {first.workflow}" if said and first.workflow else ""
    on = f"on {first.device}" if said and first.device else first.device
    return printable(f"{said} {on}".strip()) or words.UNKNOWN


def waiting_sentence(snapshot: "Snapshot") -> str:
    """How many wait."""
    number = snapshot.waiting
    return {0: "Nobody waits.", 1: "One request waits."}.get(number, f"{number} requests wait.")


def _of(part: float, whole: float) -> str:
    return f"{words.share(part)}/{words.share(whole)}"


def _time(seconds: float | None) -> str:
    return words.UNKNOWN if seconds is None else words.span(seconds)
