"""Devices, leases and waiters in words: amounts, times, states with their reasons."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from yivideo.cli.streams import printable

if TYPE_CHECKING:
    from yivideo.gpu.records import Device, Held, Snapshot, Waiter

UNKNOWN = "unknown"
# What a device is marked with that its agent does not find any more.
MISSING = "missing"
_HELD = {"granted": "granted, not yet claimed", "warm": "idle model"}


def gibibytes(mebibytes: float) -> str:
    """A size as "1.5" GiB, for tables."""
    return f"{mebibytes / 1024:.1f}"


def share(thousandths: float) -> str:
    """Thousandths as "0.5"."""
    return f"{thousandths / 1000:g}"


def span(seconds: float | None) -> str:
    """A length of time at a glance: "0.4 s", "12 s", "3:20", "1:02:03", "4 d 03:00"."""
    if seconds is None:
        return "-"
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes}:{rest:02}"
    days, left = divmod(hours, 24)
    return f"{days} d {left:02}:{minutes:02}" if days else f"{hours}:{minutes:02}:{rest:02}"


def silence(device: "Device", snapshot: "Snapshot") -> float | None:
    """Seconds since the device's agent was last heard of; None when it never was."""
    beats = {host.host: host.beat for host in snapshot.hosts}
    beat = beats.get(device.host)
    return None if not beat else max(0.0, snapshot.now - beat)


def reason(device: "Device", snapshot: "Snapshot") -> str:
    """Why nothing is granted on the device; "" when it is open."""
    if device.state == "quarantined":
        return (
            "its agent does not find it any more"
            if device.quarantine == MISSING
            else printable(device.quarantine)
        )
    if device.state == "lost":
        silent = silence(device, snapshot)
        return "its agent is silent" + ("" if silent is None else f" for {round(silent)} s")
    return {
        "cordoned": "no new grants until it is resumed",
        "unattested": "waits for its agent",
    }.get(device.state, "")


def state(device: "Device", snapshot: "Snapshot") -> str:
    """The device's state with its reason: "lost: its agent is silent for 20 s"."""
    why = reason(device, snapshot)
    return f"{device.state}: {why}" if why else device.state


def amounts(memory: float, compute: float, decoders: float) -> str:
    """What a lease takes: "2.0 GiB, 1 compute"."""
    parts = [f"{gibibytes(memory)} GiB"] if memory else []
    parts += [f"{share(compute)} compute"] if compute else []
    if decoders:
        parts.append(f"{share(decoders)} decoder{'' if decoders == 1000 else 's'}")
    return ", ".join(parts) or "nothing"


def name(lease: "Held | Waiter") -> str:
    """What is done, or failing that the request's id."""
    return printable(lease.what or lease.request)


def of_workflow(lease: "Held | Waiter") -> str:
    """The name with its workflow: "paddleocr.perform_ocr of film-7"."""
    return name(lease) + (f" of {printable(lease.workflow)}" if lease.workflow else "")


def holder_sentence(lease: "Held", now: float) -> str:
    """Who holds it and how long already, for a sentence."""
    words = of_workflow(lease)
    if lease.holder:
        words += f" (process {lease.holder.pid} on {printable(lease.holder.host)})"
    return f"{words}, held for {span(held_for(lease, now))}"


def held_for(lease: "Held", now: float) -> float | None:
    """Seconds since it was claimed or, unclaimed, granted."""
    since = lease.claimed_at or lease.granted_at
    return None if since is None else max(0.0, now - since)


def lease_state(lease: "Held") -> str:
    """A word on a lease that is not simply held; "" for one that is."""
    words = _HELD.get(lease.state, "")
    return f"{words}, asked to go" if lease.evicting else words


def load(facts: Mapping[str, object]) -> str:
    """How busy the device was at its agent's last look."""
    match facts.get("utilisation"):
        case int() | float() as value:
            return f"{value:.0%}"
        case _:
            return "-"


def heat(facts: Mapping[str, object]) -> str:
    """How warm it was."""
    match facts.get("temperature"):
        case int() | float() as value:
            return f"{value:.0f} C"
        case _:
            return "-"
