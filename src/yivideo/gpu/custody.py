"""Which processes of this host hold or wait for what, and what becomes of it when they die."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yivideo.errors import LeaseHeld, PoolError
from yivideo.gpu.journal import Journal
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.processes import Process, Watch, is_alive, kill
from yivideo.gpu.records import Held, Holder, Snapshot

logger = logging.getLogger(__name__)

UNSEEN = "its agent cannot see the process that holds it"


@dataclass(frozen=True, slots=True)
class _Loss:
    """A lease of a dead process, which the pool has yet to hear of."""

    process: Process
    request: str
    fence: str
    device: str


class Custody:
    """The holders of one host, by process: what its agent knows to be in their hands.

    Thread-safe: one thread hears of claims and audits, another sees deaths and tells of them.
    """

    def __init__(self, pool: GpuPool, host: str, journal: Journal) -> None:
        self.watch = Watch()
        self._pool = pool
        self._host = host
        self._journal = journal
        self._lock = threading.Lock()
        # By the watch's key: the process, its leases as {(request, fence): device}, its requests.
        self._processes: dict[str, Process] = {}
        self._leases: dict[str, dict[tuple[str, str], str]] = {}
        # Leases that may not have been begun, by holder, request and fence: since when known.
        self._fresh: dict[tuple[Holder, str, str], float] = {}
        self._waiting: dict[str, set[str]] = {}
        # Those whose process was ended because of its limit.
        self._over: set[str] = set()
        # What the pool has yet to hear: only the thread that buries takes from these.
        self._losses: deque[_Loss] = deque()
        self._orphans: deque[str] = deque()
        # Leases seen held without an entry in the journal, at the audit before.
        self._unwritten: set[tuple[str, str, str]] = set()

    def close(self) -> None:
        """Watch nobody any more."""
        self.watch.close()

    @property
    def grieves(self) -> bool:
        """Whether the pool has yet to hear of a death."""
        return bool(self._losses or self._orphans)

    def take(self, request: str) -> None:
        """A lease of this host was claimed: watch its holder."""
        held = self._pool.fields(f"request:{request}", ("state", "fence", "holder", "device"))
        if held["state"] in {"held", "warm"} and held["holder"]:
            self._add(Holder.of(held["holder"]), request, (held["fence"], held["device"]))

    def take_waiting(self, request: str) -> None:
        """A process of this host waits: its request goes when it goes."""
        waiting = self._pool.fields(f"request:{request}", ("state", "owner"))
        if waiting["owner"]:
            self._add(Holder.of(waiting["owner"]), request, None)

    def adopt(self, living: Sequence[Mapping[str, Any]]) -> None:
        """Watch what was just attested."""
        for lease in living:
            self._add(
                Holder.of(lease["holder"]), lease["request"], (lease["fence"], lease["device"])
            )

    def _add(self, holder: Holder, request: str, lease: tuple[str, str] | None) -> None:
        process = Process.from_record(holder.record())
        key = _key(process)
        with self._lock:
            new = key not in self._processes
            self._processes[key] = process
            if lease:
                fence, device = lease
                known = self._leases.setdefault(key, {})
                if (request, fence) not in known:
                    self._fresh[holder, request, fence] = time.monotonic()
                known[request, fence] = device
            else:
                self._waiting.setdefault(key, set()).add(request)
        if new and not self.watch.add(key, process):
            logger.warning("Process %d of %s cannot be seen from here.", process.pid, holder.host)

    def living(self) -> list[dict[str, Any]]:
        """The journal's entries whose processes live, or cannot be seen; the others are removed.

        Of several for one lease the first: the others' claims are refused, and only their processes
        do not know it yet.
        """
        self._forget_promises()
        found: dict[tuple[str, int], dict[str, Any]] = {}
        for entry in self._journal.entries():
            if is_alive(Process.from_record(entry["holder"])) is False:
                self._journal.remove(entry["request"], entry["fence"], entry["holder"])
                continue
            other = found.setdefault((entry["request"], entry["fence"]), entry)
            if entry.get("written", 0) < other.get("written", 0):
                found[entry["request"], entry["fence"]] = entry
        return [{**entry, "fence": str(entry["fence"])} for entry in found.values()]

    def _forget_promises(self) -> None:
        """Remove what the dead have promised."""
        for promise in self._journal.promises():
            if is_alive(Process.from_record(promise["holder"])) is False:
                self._journal.end_promise(promise["request"], promise["holder"])

    def stand_down(self, limit: float) -> None:
        """Take back what has not been begun in ``limit`` seconds by a process that stood by for it.

        Raises:
            ServerUnavailable: the pool did not hear of it; an audit takes it back later.
        """
        with self._lock:
            late = time.monotonic() - limit
            old = [lease for lease, since in self._fresh.items() if since < late]
        for lease in old:
            holder, request, fence = lease
            # From here on it cannot begin.
            if self._journal.end_promise(request, holder.record()):
                process = Process.from_record(holder.record())
                why = f"process {process.pid} stood by for it and did not begin"
                self._reclaim(request, fence, process, why)
            with self._lock:
                self._fresh.pop(lease, None)

    def mourn(self, key: str) -> None:
        """A watched process is gone."""
        with self._lock:
            process = self._processes.pop(key, None)
            leases = self._leases.pop(key, {})
            waiting = self._waiting.pop(key, set())
        if process:
            self._losses.extend(
                _Loss(process, request, fence, device)
                for (request, fence), device in leases.items()
            )
            self._orphans.extend(waiting)

    def bury(self, before: Callable[[str, Process], None]) -> None:
        """Tell the pool of the dead: leases reclaimed, requests cancelled; ``before`` each reclaim.

        Raises:
            ServerUnavailable: the pool did not hear all of it; call again.
        """
        while self._losses:
            loss = self._losses[0]
            try:
                before(loss.device, loss.process)
            except PoolError as error:
                # It must not keep the device from being taken back.
                logger.warning("%s", error)
            why = f"process {loss.process.pid} is gone"
            if loss.request in self._over:
                why = f"process {loss.process.pid} was ended: it was over its limit"
            self._reclaim(loss.request, loss.fence, loss.process, why)
            self._over.discard(loss.request)
            self._losses.popleft()
        while self._orphans:
            self._cancel(self._orphans[0])
            self._orphans.popleft()

    def _reclaim(self, request: str, fence: str, process: Process, why: str) -> None:
        try:
            self._pool.reclaim(request, fence, why)
            logger.info("Took %s back: %s.", request, why)
        except PoolError as error:
            logger.debug("%s", error)
        holder = {"host": self._host, **process.as_record()}
        self._journal.remove(request, int(fence), holder)

    def _cancel(self, request: str) -> None:
        try:
            self._pool.cancel(request, "its process is gone")
        except LeaseHeld:
            # Claimed by another process on its behalf; that one is watched for itself.
            return
        except PoolError as error:
            logger.debug("%s", error)

    def end_overdue(self, request: str, fence: str, holder: Holder) -> None:
        """End the process of a lease over its limit; its death is then seen like any other."""
        del fence
        self._over.add(request)
        try:
            if kill(Process.from_record(holder.record())):
                logger.warning("Ended process %d: %s is over its limit.", holder.pid, request)
        except PermissionError as error:
            logger.error("%s is over its limit and cannot be ended: %s.", request, error)  # noqa: TRY400 - no traceback for it

    def audit(self, snapshot: Snapshot) -> dict[str, str]:
        """Compare what the pool, the journal and the processes say, and put right what differs.

        A lease in the pool without an entry in the journal is one whose holder gave up when the
        server did not answer. It is taken back when two audits in a row saw it.

        Args:
            snapshot: the pool, from before the call: a lease in it has had its entry by now.

        Returns:
            This host's devices that somebody holds who cannot be seen from here, with the reason.
        """
        self._forget_promises()
        # In this order: a promise becomes an entry.
        promised = {
            (lease.request, lease.fence)
            for _, lease, holder in _held_on(snapshot, self._host)
            if self._journal.is_promised(lease.request, holder.record())
        }
        entries = self._journal.entries()
        written = {_name(entry["request"], entry["fence"], entry["holder"]) for entry in entries}
        held: set[tuple[str, str]] = set()
        known: set[tuple[str, str, str]] = set()
        unwritten: set[tuple[str, str, str]] = set()
        unseen: dict[str, str] = {}
        for device, lease, holder in _held_on(snapshot, self._host):
            process = Process.from_record(holder.record())
            name = _name(lease.request, lease.fence, holder.record())
            held.add((lease.request, lease.fence))
            known.add(name)
            if is_alive(process) is None:
                unseen[device] = UNSEEN
            if name not in written and (lease.request, lease.fence) not in promised:
                unwritten.add(name)
                if name in self._unwritten:
                    why = "its holder gave it up while the server was away"
                    self._reclaim(lease.request, lease.fence, process, why)
                    continue
            self._add(holder, lease.request, (lease.fence, device))
        self._unwritten = unwritten
        for entry in entries:
            # What is left of those who died right after their release.
            process = Process.from_record(entry["holder"])
            name = _name(entry["request"], entry["fence"], entry["holder"])
            if name not in known and is_alive(process) is False:
                self._journal.remove(entry["request"], entry["fence"], entry["holder"])
        waiting = self._pool.members(f"owned:{self._host}")
        with self._lock:
            watched: set[str] = set().union(*self._waiting.values())
        for request in waiting - watched:
            self.take_waiting(request)
        self._forget(held, waiting)
        return unseen

    def _forget(self, held: set[tuple[str, str]], waiting: set[str]) -> None:
        """Watch no more who neither holds nor waits, so that long lives do not pile up."""
        with self._lock:
            for key in list(self._processes):
                leases = self._leases.get(key, {})
                for name in [name for name in leases if name not in held]:
                    leases.pop(name)
                    self._over.discard(name[0])
                requests = self._waiting.get(key, set())
                requests &= waiting
                if not leases and not requests:
                    self._processes.pop(key)
                    self._leases.pop(key, None)
                    self._waiting.pop(key, None)
                    self.watch.remove(key)


def _held_on(snapshot: Snapshot, host: str) -> list[tuple[str, Held, Holder]]:
    """The leases with a holder on a host's devices."""
    return [
        (device.id, lease, lease.holder)
        for device in snapshot.devices
        if device.host == host
        for lease in device.leases
        if lease.state in {"held", "warm"} and lease.holder is not None
    ]


def _key(process: Process) -> str:
    return f"{process.namespace} {process.pid} {process.start}"


def _name(request: str, fence: str | int, holder: Mapping[str, Any]) -> tuple[str, str, str]:
    """What tells a lease in somebody's hands from every other."""
    return request, str(fence), _key(Process.from_record(holder))
