"""Whether a device is what the pool believes: nobody on it but its holders, its memory returned."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from yivideo.gpu.discovery import Facts, FoundDevice, facts
from yivideo.gpu.records import Snapshot

STRANGER = "a process that holds no lease uses it"
NOT_RETURNED = "its memory did not come back"
_OWN = (STRANGER, NOT_RETURNED)
# What a driver and idle contexts keep of an unused device, in MiB.
_IDLE_MEMORY = 1024
# How long the driver may take to clear up after a process.
_CLEARING_S = 2.0


class Health:
    """Looks at devices through NVML, and says which to quarantine and which to trust again.

    Args:
        devices: those to look at; CPU stand-ins have no facts and are always well.
    """

    def __init__(self, devices: Sequence[FoundDevice]) -> None:
        self._uuids = {device.uuid for device in devices if not device.uuid.startswith("CPU-")}
        # What was wrong at the look before: a verdict needs two looks.
        self._suspects: dict[str, str] = {}

    def facts(self, uuid: str) -> Mapping[str, Any]:
        """What is measured of the device now, for showing; empty for a stand-in."""
        seen = self._look(uuid)
        return asdict(seen) if seen else {}

    def verdicts(self, snapshot: Snapshot) -> Iterable[tuple[str, str]]:
        """Devices whose quarantine changes, with the reason; "" to trust one again."""
        for device in snapshot.devices:
            seen = self._look(device.uuid)
            if seen is None:
                continue
            holders = {
                lease.holder.pid
                for lease in device.leases
                if lease.holder and lease.state != "granted"
            }
            wrong = ""
            if any(_is_stranger(pid, holders) for pid in seen.processes):
                wrong = STRANGER
            elif not device.leases and (seen.used_memory or 0) > _IDLE_MEMORY:
                wrong = NOT_RETURNED
            before = self._suspects.get(device.id, "")
            self._suspects[device.id] = wrong
            if wrong and wrong == before and not device.quarantine:
                yield device.id, wrong
            elif not wrong and not before and device.quarantine in _OWN:
                yield device.id, ""

    def after_death(self, uuid: str, pid: int) -> str:
        """Wait until the driver has cleared up after a dead holder; the reason if it does not."""
        deadline = time.monotonic() + _CLEARING_S
        while (seen := self._look(uuid)) is not None:
            if pid not in seen.processes:
                return ""
            if time.monotonic() > deadline:
                return NOT_RETURNED
            time.sleep(0.01)
        return ""

    def _look(self, uuid: str) -> Facts | None:
        return facts(uuid) if uuid in self._uuids else None


def _is_stranger(pid: int, holders: set[int]) -> bool:
    """Whether ``pid`` is neither a holder nor descended from one; False if it cannot be seen."""
    while pid > 1:
        if pid in holders:
            return False
        try:
            stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
        except OSError:
            return False
        pid = int(stat.rpartition(")")[2].split()[1])
    return True
