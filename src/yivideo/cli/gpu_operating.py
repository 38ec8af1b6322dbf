"""What an operator does to the pool: drain, resume, and vouch where no agent can."""

import time
from typing import TYPE_CHECKING

from yivideo.cli import gpu_words as words
from yivideo.cli.gpu_records import device_record, lease_record
from yivideo.cli.stopping import Stopping
from yivideo.cli.streams import printable, say, say_json, tell
from yivideo.errors import (
    DeviceUnknown,
    LeaseHeld,
    LeaseNotHeld,
    LeaseUnknown,
    PoolError,
    UsageError,
)

if TYPE_CHECKING:
    from yivideo.gpu.pool import GpuPool
    from yivideo.gpu.records import Device, Held, Snapshot

_LOOK_S = 0.25
_SEEN = {True: "lives", False: "is gone, as seen from here", None: "cannot be seen from here"}


def device_name(device: str, host: str | None) -> str:
    """The device's name in the pool; a number alone is one of `host`, or of this host."""
    if device.isascii() and device.isdecimal():
        from yivideo.gpu.address import host_name

        return f"{host or host_name()}:{int(device)}"
    if host is not None and device.rpartition(":")[0] != host:
        raise UsageError(f"{device} is no device of {host}: give one of the two.")
    return device


def drain_devices(
    pool: "GpuPool",
    device: str | None,
    host: str | None,
    *,
    wait: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Cordon devices, and with `wait` come back when nothing is held on them.

    Raises:
        DeviceUnknown: the pool knows no such device.
        PoolError: something was still held when the time was over.
    """
    chosen = [found.id for found in _chosen(pool.snapshot(), device, host)]
    for one in chosen:
        pool.mark(one, cordon=True, why="an operator")
    if wait:
        _wait_until_free(pool, chosen, timeout)
    snapshot = pool.snapshot()
    after = [found for found in snapshot.devices if found.id in chosen]
    if as_json:
        say_json({"devices": [device_record(found, snapshot) for found in after]})
        return
    for found in after:
        said = f"{printable(found.id)} is drained: nothing new is granted on it"
        busy = _held(found)
        if busy:
            said += "; it is still held by " + "; ".join(
                words.holder_sentence(lease, snapshot.now) for lease in busy
            )
        elif any(lease.state == "warm" for lease in found.leases):
            said += "; idle models are still loaded on it"
        else:
            said += ", and nothing is held"
        say(f"{said}.")


def _wait_until_free(pool: "GpuPool", devices: list[str], timeout: float | None) -> None:
    deadline = None if timeout is None else time.monotonic() + timeout
    told: set[str] = set()
    with Stopping() as stopping:
        while True:
            snapshot = pool.snapshot()
            busy = [
                (found.id, lease)
                for found in snapshot.devices
                if found.id in devices
                for lease in _held(found)
            ]
            if not busy:
                return
            for name, lease in busy:
                if lease.request not in told:
                    told.add(lease.request)
                    sentence = words.holder_sentence(lease, snapshot.now)
                    tell(f"{printable(name)}: waits for {sentence}")
            if deadline is not None and time.monotonic() >= deadline:
                name, lease = busy[0]
                raise PoolError(
                    f"{printable(name)} is still held by "
                    f"{words.holder_sentence(lease, snapshot.now)}; it stays drained."
                )
            time.sleep(_LOOK_S)
            stopping.check()


def resume_devices(pool: "GpuPool", device: str | None, host: str | None, *, as_json: bool) -> None:
    """End drains and lift quarantines.

    Raises:
        DeviceUnknown: the pool knows no such device, or its agent does not find it any more.
    """
    before = _chosen(pool.snapshot(), device, host)
    present = [found for found in before if found.quarantine != words.MISSING]
    if not present:
        raise DeviceUnknown(
            f"The agent of {printable(before[0].host)} does not find {printable(before[0].id)} any "
            "more: it opens by itself when the agent finds it again."
        )
    for found in present:
        pool.mark(found.id, cordon=False, quarantine="", why="an operator")
    snapshot = pool.snapshot()
    after = {found.id: found for found in snapshot.devices}
    if as_json:
        records = [
            {**device_record(after[found.id], snapshot), "lifted_quarantine": found.quarantine}
            for found in present
        ]
        say_json({"devices": records})
        return
    for found in present:
        said = f"{printable(found.id)} is {words.state(after[found.id], snapshot)}"
        if found.quarantine:
            said += f"; its quarantine is lifted ({printable(found.quarantine)})"
        say(f"{said}.")


def _chosen(snapshot: "Snapshot", device: str | None, host: str | None) -> "list[Device]":
    if device is None and host is None:
        raise UsageError("Which device? Give HOST:INDEX, an index of this host, or --host HOST.")
    if device is None:
        found = [one for one in snapshot.devices if one.host == host]
        wanted = f"device of the host {host}"
    else:
        name = device_name(device, host)
        found = [one for one in snapshot.devices if one.id == name]
        wanted = f"device {name}"
    if not found:
        ids = [one.id for one in snapshot.devices]
        there = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
        has = f"it has {there}" if ids else "it has none at all"
        raise DeviceUnknown(printable(f"The pool knows no {wanted}: {has}."))
    return found


def _held(device: "Device") -> "list[Held]":
    """What must end before the device is free; an idle model is put out when it is in the way."""
    return [lease for lease in device.leases if lease.state != "warm"]


def reclaim_lease(pool: "GpuPool", request: str, *, vouched: bool, as_json: bool) -> bool:
    """Show who holds a lease and, if the operator has `vouched`, take it back.

    Returns:
        Whether it was taken back.

    Raises:
        LeaseUnknown: the pool knows no such lease.
        LeaseNotHeld: it was granted and not yet claimed, and goes back by itself.
        LeaseHeld: an agent sees the process, or it can be seen to live.
    """
    snapshot = pool.snapshot()
    device, lease = _lease(snapshot, request)
    if lease.state == "granted" or lease.holder is None:
        raise LeaseNotHeld(
            f"{printable(request)} was granted {printable(device.id)} and has not claimed it: it "
            "goes back by itself within seconds."
        )
    alive = _seen_alive(lease)
    agent = _agent_words(device, lease, snapshot)
    if not as_json:
        for line in _account(device, lease, snapshot, alive=alive, agent=agent):
            say(line)
    pid = lease.holder.pid
    if alive:
        raise LeaseHeld(f"Process {pid} lives and holds {printable(device.id)}: end it first.")
    if _agent_sees(lease, snapshot):
        raise LeaseHeld(
            f"The agent of {printable(device.host)} lives and watches process {pid}: once that is "
            "gone it takes the lease back by itself."
        )
    record = {
        "device": device.id,
        "lease": lease_record(lease, snapshot.now),
        "process_alive": alive,
        "agent": agent,
        "done": vouched,
    }
    if not vouched:
        if as_json:
            say_json(record)
        tell(
            "Nothing was done. If you have made sure that this process has ended, say so with "
            "--process-is-gone: the device is then handed on at once, and if the process does "
            "live, two use it."
        )
        return False
    pool.reclaim(lease.request, lease.fence, f"an operator vouched that process {pid} is gone")
    if as_json:
        say_json(record)
    else:
        say(f"{printable(request)} is taken back from {printable(device.id)}.")
    return True


def _lease(snapshot: "Snapshot", request: str) -> "tuple[Device, Held]":
    for device in snapshot.devices:
        for lease in device.leases:
            if lease.request == request:
                return device, lease
    raise LeaseUnknown(f"No device is held by a request {printable(request)}.")


def _seen_alive(lease: "Held") -> bool | None:
    """Whether the holder lives, as far as it can be seen from here; None where it cannot."""
    from yivideo.gpu.address import host_name
    from yivideo.gpu.processes import Process, is_alive

    assert lease.holder is not None
    own = Process.current()
    here = bool(own.boot) and lease.holder.boot == own.boot
    if not here and lease.holder.host != host_name():
        return None
    return is_alive(Process.from_record(lease.holder.record()))


def _agent_sees(lease: "Held", snapshot: "Snapshot") -> bool:
    """Whether a living agent is in the place from which the holder can be seen."""
    assert lease.holder is not None
    for host in snapshot.hosts:
        if host.host == lease.holder.host:
            return (
                host.lives
                and host.boot == lease.holder.boot
                and host.namespace == lease.holder.namespace
            )
    return False


def _agent_words(device: "Device", lease: "Held", snapshot: "Snapshot") -> str:
    silent = words.silence(device, snapshot)
    if any(host.host == device.host and host.lives for host in snapshot.hosts):
        sees = _agent_sees(lease, snapshot)
        return "lives" + ("" if sees else ", and cannot see this process")
    return "was never seen" if silent is None else f"is silent for {round(silent)} s"


def _account(
    device: "Device", lease: "Held", snapshot: "Snapshot", *, alive: bool | None, agent: str
) -> list[str]:
    assert lease.holder is not None
    held = words.span(words.held_for(lease, snapshot.now))
    takes = words.amounts(lease.memory, lease.compute, lease.decoders)
    who = f"{lease.holder.pid} on {printable(lease.holder.host)}"
    return [
        f"device   {printable(device.id)}, {words.state(device, snapshot)}",
        f"lease    {words.of_workflow(lease)}, held for {held}: {takes}",
        f"process  {who} {_SEEN[alive]}",
        f"agent    of {printable(device.host)} {agent}",
    ]
