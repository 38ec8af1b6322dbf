"""Which processes of this host hold or wait for what, and what becomes of it when they die."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from yivideo.errors import LeaseHeld, PoolError
from yivideo.gpu.journal import Journal
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.processes import Process, Watch, is_alive, kill
from yivideo.gpu.records import Holder, Snapshot

logger = logging.getLogger(__name__)


class Custody:
    """The holders of one host, by process: what its agent knows to be in their hands.

    Thread-safe: one thread hears of claims and audits, another sees deaths.
    """

    def __init__(self, pool: GpuPool, host: str, journal: Journal) -> None:
        self.watch = Watch()
        self._pool = pool
        self._host = host
        self._journal = journal
        self._lock = threading.Lock()
        # By the watch's key: the process, its leases as {request: (fence, device)}, its requests.
        self._processes: dict[str, Process] = {}
        self._leases: dict[str, dict[str, tuple[str, str]]] = {}
        self._waiting: dict[str, set[str]] = {}
        self._over: set[str] = set()
        self._dead: dict[str, Process] = {}
        # Leases seen held without an entry in the journal, at the audit before.
        self._unwritten: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Watch nobody any more."""
        self.watch.close()

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
                self._leases.setdefault(key, {})[request] = lease
            else:
                self._waiting.setdefault(key, set()).add(request)
        if new and not self.watch.add(key, process):
            logger.warning("Process %d of %s cannot be seen from here.", process.pid, holder.host)

    def living(self) -> list[dict[str, Any]]:
        """The journal's entries whose processes live, or cannot be seen; the others are removed."""
        found: list[dict[str, Any]] = []
        for entry in self._journal.entries():
            if is_alive(Process.from_record(entry["holder"])) is False:
                self._journal.remove(entry["request"], entry["fence"])
            else:
                found.append({**entry, "fence": str(entry["fence"])})
        return found

    def mourn(self, key: str) -> None:
        """A watched process is gone."""
        with self._lock:
            process = self._processes.pop(key, None)
            if process:
                self._dead[key] = process

    def bury(self, before: Callable[[str, Process], None]) -> None:
        """Tell the pool of the dead: leases reclaimed, requests cancelled; ``before`` each reclaim.

        Raises:
            ServerUnavailable: the pool did not hear all of it; call again.
        """
        for key, process in list(self._dead.items()):
            for request, (fence, device) in list(self._leases.get(key, {}).items()):
                before(device, process)
                self._reclaim(request, fence, self._cause(request, process))
                self._leases[key].pop(request, None)
            for request in list(self._waiting.get(key, ())):
                self._cancel(request)
                self._waiting[key].discard(request)
            with self._lock:
                self._leases.pop(key, None)
                self._waiting.pop(key, None)
                self._dead.pop(key, None)

    def _cause(self, request: str, process: Process) -> str:
        if request in self._over:
            self._over.discard(request)
            return f"process {process.pid} was ended: it was over its limit"
        return f"process {process.pid} is gone"

    def _reclaim(self, request: str, fence: str, why: str) -> None:
        try:
            self._pool.reclaim(request, fence, why)
            logger.info("Took %s back: %s.", request, why)
        except PoolError as error:
            logger.debug("%s", error)
        self._journal.remove(request, int(fence))

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

    def audit(self, snapshot: Snapshot) -> None:
        """Compare what the pool, the journal and the processes say, and put right what differs.

        A lease in the pool without an entry in the journal is one whose holder gave up when the
        server did not answer. It is taken back when two audits in a row saw it.
        """
        written = {(entry["request"], str(entry["fence"])) for entry in self._journal.entries()}
        unwritten: set[tuple[str, str]] = set()
        kept: set[str] = set()
        for device in snapshot.devices:
            if device.host != self._host:
                continue
            for lease in device.leases:
                if lease.state not in {"held", "warm"} or lease.holder is None:
                    continue
                name = (lease.request, lease.fence)
                if name in written or name not in self._unwritten:
                    self._add(lease.holder, lease.request, (lease.fence, device.id))
                    kept.add(_key(Process.from_record(lease.holder.record())))
                if name not in written:
                    unwritten.add(name)
                    if name in self._unwritten:
                        self._reclaim(*name, "its holder gave it up while the server was away")
        self._unwritten = unwritten
        for request in self._pool.members(f"owned:{self._host}"):
            self.take_waiting(request)
        self._forget(kept, snapshot)

    def _forget(self, kept: set[str], snapshot: Snapshot) -> None:
        """Watch no more who neither holds nor waits, so that long lives do not pile up."""
        held = {
            (lease.request, lease.fence) for device in snapshot.devices for lease in device.leases
        }
        waiting = self._pool.members(f"owned:{self._host}")
        with self._lock:
            for key in list(self._processes):
                leases = self._leases.get(key, {})
                for request, (fence, _) in list(leases.items()):
                    if key not in kept and (request, fence) not in held:
                        leases.pop(request)
                requests = self._waiting.get(key, set())
                requests &= waiting
                if not leases and not requests:
                    self._processes.pop(key)
                    self._leases.pop(key, None)
                    self._waiting.pop(key, None)
                    self.watch.remove(key)


def _key(process: Process) -> str:
    return f"{process.namespace} {process.pid} {process.start}"
