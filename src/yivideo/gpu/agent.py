"""The agent: the one process of a host that registers its devices and vouches for their holders.

It learns of each claim by a message, watches the holder's process, and tells the pool when that is
gone; it ends holders that are over their limit; and after the server came back without, or with an
older, memory, it says from the host's journal what lives. Everything it does may be repeated.
"""

import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from yivideo.errors import DeviceClosed, NotVouchedFor, ServerUnavailable
from yivideo.files import ensure_folder
from yivideo.gpu.custody import UNSEEN, Custody
from yivideo.gpu.discovery import FoundDevice
from yivideo.gpu.health import Health
from yivideo.gpu.journal import Journal
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.processes import Process
from yivideo.gpu.records import MICROSECONDS, Holder, Snapshot

logger = logging.getLogger(__name__)

BEAT_S = 1.0
# The heartbeat limit: a host that is silent for longer vouches for nobody.
BEAT_LIMIT_S = 15.0
CLAIM_LIMIT_S = 5.0
# Every so many beats, what the pool, the journal and the processes say is compared.
_AUDIT_BEATS = 5
# So many beats in a row when the server was away: two see a lease that was given up meanwhile.
_AUDITS_AFTER_TROUBLE = 3
# A service whose place is not seen for so many beats is taken to be absent.
_ABSENT_BEATS = 5
_AGAIN_S = 0.05
_FAREWELL_S = 10.0


class Agent:
    """A host's agent.

    Args:
        pool: the pool to register with.
        state: the host's state folder; the journal lies in it.
        devices: what the host offers.
        services: what runs here; requests may ask for a host that offers one.
        host: the host's name in the pool.
        health: looks after the devices' memory and processes; None where there is nothing to see.
        absent: which services nobody runs now on the device of that index: nothing of them is
            granted there, and others do not wait behind it.
    """

    def __init__(  # noqa: PLR0913 - what an agent is, by keyword
        self,
        pool: GpuPool,
        state: Path,
        devices: Sequence[FoundDevice],
        *,
        host: str,
        services: Sequence[str] = (),
        health: Health | None = None,
        absent: Callable[[int], Sequence[str]] = lambda _index: (),
        beat: float = BEAT_S,
        beat_limit: float = BEAT_LIMIT_S,
        claim_limit: float = CLAIM_LIMIT_S,
    ) -> None:
        self.pool = pool
        self.host = host
        self.name = f"{host}:{uuid.uuid4()}"
        self.journal = Journal(ensure_folder(state.absolute()) / "journal")
        self.custody = Custody(pool, host, self.journal)
        self._devices = tuple(devices)
        self._services = tuple(services)
        self._health = health or Health(())
        self._look_for_absent = absent
        # For how many beats the services of devices have not been seen.
        self._unseen: dict[tuple[int, str], int] = {}
        self._absent: set[tuple[int, str]] = set()
        self._beat = beat
        self._limits = {
            "beat_limit": round(beat_limit * MICROSECONDS),
            "claim_limit": round(claim_limit * MICROSECONDS),
        }
        self._stop = threading.Event()
        # How many beats ago there was last reason to look at everything.
        self._audits = 0
        # Why the thread that sees deaths came to its end.
        self._failure: Exception | None = None
        self.ready = threading.Event()

    def stop(self) -> None:
        """Make `run` return; leases stay as they are, and the devices close after a while."""
        self._stop.set()
        self.custody.watch.wake()

    def run(self) -> None:
        """Register, attest, and vouch until `stop` is called.

        Raises:
            AgentExists: another living agent vouches for this host.
        """
        watcher = threading.Thread(target=self._watch, name="holders", daemon=True)
        watcher.start()
        try:
            self._vouch()
        finally:
            self.stop()
            watcher.join(timeout=_FAREWELL_S)
            self.custody.close()
        if self._failure is not None:
            # Nobody would see a death any more: better that this host is seen to be lost.
            raise self._failure

    def _vouch(self) -> None:
        registered = False
        pause = self._beat
        while not self._stop.is_set():
            try:
                if not registered:
                    self._register()
                    registered = True
                    self._audits = 0
                else:
                    self._follow(until=time.monotonic() + pause)
                    pause = self._beat
                    self._send_beat()
                    self.custody.stand_down(self._limits["claim_limit"] / MICROSECONDS)
                    self.pool.sweep()
                    if self._notice_absence():
                        self._register()
                if self._audits % _AUDIT_BEATS == 0 or self._audits < _AUDITS_AFTER_TROUBLE:
                    self._audit()
                self._audits += 1
                self.ready.set()
            except NotVouchedFor:
                # The server has forgotten this host, or another agent took its place.
                registered = False
                self._stop.wait(_AGAIN_S)
            except DeviceClosed:
                # The epoch moved while it attested.
                pause = _AGAIN_S
                self._stop.wait(_AGAIN_S)
            except ServerUnavailable as error:
                logger.warning("%s", error)
                # What was told meanwhile may be lost: look for oneself as soon as it is back.
                self._audits = 0
                pause = _AGAIN_S
                self._stop.wait(0.2)

    def _register(self) -> None:
        own = Process.current()
        answer = self.pool.register(
            host=self.host,
            agent=self.name,
            boot=own.boot,
            namespace=own.namespace,
            journal=str(self.journal.folder),
            services=self._services,
            pid=own.pid,
            devices=[
                {
                    "index": device.index,
                    "uuid": device.uuid,
                    "model": device.model,
                    "memory": device.memory,
                    "compute": device.compute,
                    "decoders": device.decoders,
                    "absent": [name for index, name in self._absent if index == device.index],
                }
                for device in self._devices
            ],
            **self._limits,
        )
        self._attest_where_needed(answer)

    def _notice_absence(self) -> bool:
        """Look which services run; whether the pool has to be told of a change."""
        unseen = {
            (device.index, name)
            for device in self._devices
            for name in self._look_for_absent(device.index)
        }
        self._unseen = {key: self._unseen.get(key, 0) + 1 for key in unseen}
        before = self._absent
        self._absent = {key for key, beats in self._unseen.items() if beats >= _ABSENT_BEATS}
        for index, name in sorted(self._absent - before):
            logger.warning(
                "No place of %s runs on %s:%d: it gets no grants.", name, self.host, index
            )
        for index, name in sorted(before - self._absent):
            logger.info("A place of %s runs on %s:%d again.", name, self.host, index)
        return self._absent != before

    def _send_beat(self) -> None:
        facts = {
            f"{self.host}:{device.index}": json.dumps(self._health.facts(device.uuid))
            for device in self._devices
        }
        answer = self.pool.heartbeat(self.host, self.name, facts)
        self._attest_where_needed(answer)
        for lease in answer.get("over") or ():
            self.custody.end_overdue(lease["request"], lease["fence"], Holder.of(lease["holder"]))

    def _attest_where_needed(self, answer: Mapping[str, Any]) -> None:
        """Say what lives, if the pool's epoch is not the one in which a device was opened."""
        epoch = int(answer["epoch"])
        if all(int(device["epoch"]) == epoch for device in answer.get("devices") or ()):
            self.journal.epoch = epoch
            return
        known = self.journal.epoch
        # Before the devices open: should this process die in between, the host must still know of
        # every epoch that gave out fences for it. And before the journal is read: whoever begins
        # with an older fence after that finds it, and asks the pool first.
        self.journal.epoch = max(epoch, known + 1)
        # Read after the epoch was seen to be closed: nothing can be claimed in it meanwhile.
        living = self.custody.living()
        said = self.pool.attest(
            host=self.host,
            agent=self.name,
            seen=str(epoch),
            life=answer["life"],
            journal_epoch=known,
            living=living,
        )
        self.journal.epoch = int(said["epoch"])
        logger.info("Attested %d leases in epoch %s.", len(living), said["epoch"])
        self._audits = 0
        self.custody.adopt(living)

    def _follow(self, until: float) -> None:
        """Take the pool's messages until the next beat is due."""
        while (left := until - time.monotonic()) > 0 and not self._stop.is_set():
            message = self.pool.messages(f"agent:{self.host}", min(left, 0.5))
            if message is None:
                continue
            if "claimed" in message:
                self.custody.take(message["claimed"])
            elif "owned" in message:
                self.custody.take_waiting(message["owned"])
            else:
                # Somebody is over a limit: the beat's answer says who.
                return

    def _audit(self) -> None:
        snapshot = self.pool.snapshot()
        unseen = self.custody.audit(snapshot)
        for device in self._mine(snapshot).devices:
            if device.id in unseen and not device.quarantine:
                self.pool.mark(device.id, quarantine=unseen[device.id])
            elif device.id not in unseen and device.quarantine == UNSEEN:
                self.pool.mark(device.id, quarantine="")
        for device, reason in self._health.verdicts(self._mine(snapshot)):
            self.pool.mark(device, quarantine=reason)

    def _mine(self, snapshot: Snapshot) -> Snapshot:
        mine = tuple(device for device in snapshot.devices if device.host == self.host)
        return Snapshot(snapshot.now, snapshot.epoch, snapshot.waiting, snapshot.hosts, mine)

    def _watch(self) -> None:
        """See holders die, and tell the pool until it has heard."""
        while not self._stop.is_set():
            try:
                for gone in self.custody.watch.wait(_AGAIN_S if self.custody.grieves else 1.0):
                    self.custody.mourn(gone)
                self.custody.bury(self._before_reclaim)
            except ServerUnavailable:
                self._stop.wait(_AGAIN_S)
            except Exception as error:
                logger.exception("Deaths are not seen any more: this agent ends.")
                self._failure = error
                self._stop.set()

    def _before_reclaim(self, device: str, process: Process) -> None:
        """Close a device that its dead holder's memory has not left, before it is handed on."""
        for found in self._devices:
            if f"{self.host}:{found.index}" == device:
                reason = self._health.after_death(found.uuid, process.pid)
                if reason:
                    self.pool.mark(device, quarantine=reason)


def alone(state: Path) -> Callable[[], None] | None:
    """Lock the state folder for its one agent; the result unlocks it. None when another has it."""
    import fcntl

    handle = os.open(ensure_folder(state) / "agent.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return lambda: os.close(handle)
