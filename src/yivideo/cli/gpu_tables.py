"""The tables of the pool: devices, who holds them, who waits."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from yivideo.cli import gpu_words as words
from yivideo.cli.gpu_records import key_age
from yivideo.cli.streams import printable
from yivideo.cli.tables import Sheet

if TYPE_CHECKING:
    from yivideo.gpu.estimates import Estimate
    from yivideo.gpu.records import Snapshot


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


def queue_sheet(snapshot: "Snapshot", estimates: Mapping[str, "Estimate"]) -> Sheet:
    """One row per waiter, in order."""
    sheet = Sheet(
        ["", "waits", "workflow", "group", "since", "key age", "wants", "waits for",
         "starts in", "90 % within"],
        frozenset({"", "since", "key age", "starts in", "90 % within"}),
    )  # fmt: skip
    for waiter in snapshot.waiters:
        estimate = estimates.get(waiter.request)
        sheet.rows.append(
            [
                str(waiter.position),
                words.name(waiter),
                printable(waiter.workflow) or "-",
                printable(waiter.group),
                words.span(snapshot.now - waiter.asked),
                words.span(key_age(waiter, snapshot.now)),
                printable(str(waiter.demand)),
                waits_for(waiter.reserved, estimate),
                _time(estimate.median if estimate else None),
                _time(estimate.bound if estimate else None),
            ]
        )
    return sheet


def waits_for(reserved: str, estimate: "Estimate | None") -> str:
    """Which lease of which workflow on which device, as far as it is known."""
    first = estimate.waits_for if estimate else None
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
