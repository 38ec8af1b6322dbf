"""`yivideo gpu top`: the pool as it lives, on a terminal of its own."""

import contextlib
import os
import select
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

from yivideo.cli import gpu_words as words
from yivideo.cli.gpu_estimates import estimates
from yivideo.cli.gpu_options import open_pool, shown_address
from yivideo.cli.gpu_records import queue_record, status_record
from yivideo.cli.gpu_tables import devices_sheet, queue_sheet, waiting_sentence
from yivideo.cli.stopping import Stopping
from yivideo.cli.streams import printable, say, say_json
from yivideo.cli.tables import Sheet, drawn, show
from yivideo.errors import ServerUnavailable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from yivideo.gpu.pool import GpuPool
    from yivideo.gpu.records import Device, Snapshot

_LOOK_S = 0.5
_WAITERS = 10
_BAR = 12


def watch(redis: str | None, state: str | None, *, as_json: bool) -> None:
    """Show the pool until somebody ends it, or once where there is no terminal.

    Raises:
        ServerUnavailable: the pool's server did not answer at first.
    """
    with open_pool(redis, state) as pool:
        snapshot = pool.snapshot(_WAITERS)
        if as_json:
            address = shown_address(pool)
            queue = queue_record(address, snapshot, estimates(pool, snapshot))
            say_json({**status_record(address, snapshot), "waiters": queue["waiters"]})
        elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
            _live(pool, snapshot)
        else:
            show(devices_sheet(snapshot))
            if snapshot.waiters:
                show(queue_sheet(snapshot, estimates(pool, snapshot)))
            say(waiting_sentence(snapshot))


def _live(pool: "GpuPool", snapshot: "Snapshot") -> None:
    from rich.console import Console
    from rich.live import Live

    with (
        Stopping() as stopping,
        _keys() as keyboard,
        Live(console=Console(), screen=True, auto_refresh=False) as live,
    ):
        trouble = ""
        while not stopping.requested():
            live.update(_picture(pool, snapshot, trouble), refresh=True)
            if _ended(keyboard, stopping):
                return
            try:
                snapshot, trouble = pool.snapshot(_WAITERS), ""
            except ServerUnavailable as error:
                trouble = error.message


def _ended(keyboard: int | None, stopping: Stopping) -> bool:
    """Wait until the next look is due; whether the q key came meanwhile."""
    # In pieces: a signal does not end the wait by itself.
    for _ in range(10):
        if stopping.requested():
            return True
        ready = select.select([keyboard] if keyboard is not None else [], [], [], _LOOK_S / 10)[0]
        if ready and keyboard is not None:
            typed = os.read(keyboard, 64)
            if not typed or typed.lower().strip().startswith(b"q"):
                return bool(typed)
    return False


@contextlib.contextmanager
def _keys() -> Generator[int | None]:
    """Have keys come at once and unseen; afterwards the terminal is as it was."""
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield None
        return
    import termios
    import tty

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    try:
        tty.setcbreak(number)
        yield number
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _picture(pool: "GpuPool", snapshot: "Snapshot", trouble: str) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    address = shown_address(pool)
    head = f"yivideo gpu top  {printable(address)}  epoch {snapshot.epoch}   q ends"
    parts: list[RenderableType] = [Text(head, "dim", no_wrap=True, overflow="ellipsis")]
    if trouble:
        parts.append(Text(trouble, "bold red"))
    parts.append(drawn(_bars(snapshot)))
    if snapshot.waiters:
        parts.append(drawn(_waiters(pool, snapshot)))
    parts.append(Text(waiting_sentence(snapshot)))
    return Group(*parts)


def _bars(snapshot: "Snapshot") -> Sheet:
    sheet = Sheet(
        ["device", "state", "memory", "compute", "decoders", "load", "heat", "held by"],
        frozenset({"load", "heat"}),
    )
    for device in snapshot.devices:
        sheet.rows.append(
            [
                printable(device.id),
                words.state(device, snapshot),
                _bar(device.memory - device.free_memory, device.memory, "GiB"),
                _bar(device.compute - device.free_compute, device.compute),
                _bar(device.decoders - device.free_decoders, device.decoders),
                words.load(device.facts),
                words.heat(device.facts),
                _holders(device, snapshot.now),
            ]
        )
    return sheet


def _waiters(pool: "GpuPool", snapshot: "Snapshot") -> Sheet:
    whole = queue_sheet(snapshot, estimates(pool, snapshot))
    kept = [at for at, name in enumerate(whole.columns) if name not in {"key age", "group"}]
    return Sheet(
        [whole.columns[at] for at in kept],
        whole.right,
        [[row[at] for at in kept] for row in whole.rows],
    )


def _bar(used: float, whole: float, unit: str = "") -> str:
    full = round(_BAR * min(1.0, used / whole)) if whole else 0
    amount = words.gibibytes if unit else words.share
    return f"{'█' * full}{'░' * (_BAR - full)} {amount(used)}/{amount(whole)}"


def _holders(device: "Device", now: float) -> str:
    said = [
        f"{words.of_workflow(lease)} {words.span(words.held_for(lease, now))}"
        for lease in device.leases[:3]
    ]
    more = len(device.leases) - 3
    return ", ".join(said) + (f" and {more} more" if more > 0 else "") or "-"
