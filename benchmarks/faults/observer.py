"""Who is inside which device, as the kernel has it: no server and no clock is asked.

A device's resources are slots of a file. Who enters locks as many slots as it was granted, and
leaves by unlocking them. A stopped process keeps its locks; the kernel frees those of a dead one
before anybody can see it gone. So whoever finds too few free slots has been let in beside another.
"""

import contextlib
import fcntl
import json
import mmap
import os
import struct
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# One slot of memory, in MiB, and one of compute or of a decoder, in thousandths.
MEMORY_SLOT = 256
SHARE_SLOT = 125

IDLE, WAITING, INSIDE = range(3)


@dataclass(frozen=True)
class Size:
    """What a device offers: MiB, and thousandths."""

    memory: int
    compute: int
    decoders: int

    @property
    def slots(self) -> tuple[int, int, int]:
        """The number of slots for each resource."""
        return self.memory // MEMORY_SLOT, self.compute // SHARE_SLOT, self.decoders // SHARE_SLOT


def append(path: Path, record: dict[str, object]) -> None:
    """Add one line to a file that many processes write: one write, so that none is torn."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, json.dumps(record).encode() + b"\n")
    finally:
        os.close(handle)


def lines(path: Path) -> Iterator[dict[str, object]]:
    """The records of such a file."""
    if path.exists():
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


class Observer:
    """One process's eye on the devices.

    Args:
        folder: where the slots lie, the same for all.
        sizes: the devices by name.
    """

    def __init__(self, folder: Path, sizes: dict[str, Size]) -> None:
        self._folder = folder
        self._sizes = sizes
        # Opened once: closing any handle of a file would free all its locks.
        self._handles: dict[str, int] = {}

    @contextlib.contextmanager
    def inside(self, device: str, amounts: Sequence[int]) -> Generator[None]:
        """Be inside the device with so many slots of each resource; overlaps are written down."""
        handle = self._open(device)
        taken: list[int] = []
        first = 0
        for resource, (there, wanted) in enumerate(
            zip(self._sizes[device].slots, amounts, strict=True)
        ):
            got = self._take(handle, range(first, first + there), wanted)
            taken += got
            if len(got) < wanted:
                record = {
                    "device": device,
                    "resource": resource,
                    "wanted": wanted,
                    "free": len(got),
                    "pid": os.getpid(),
                    "beside": sorted(set(self._names(handle, first, there)) - {os.getpid()}),
                    "at": time.time(),
                }
                append(self._folder / "overlaps", record)
            first += there
        try:
            yield
        finally:
            for slot in taken:
                fcntl.lockf(handle, fcntl.LOCK_UN, 1, slot)

    def _take(self, handle: int, slots: range, wanted: int) -> list[int]:
        """Lock as many free slots as are wanted; fewer only when there truly are too few.

        Others come and go between two looks, so that a single round proves nothing: the same
        strangers must have been seen in the same slots in several rounds.
        """
        got: list[int] = []
        before: list[int] | None = None
        same = 0
        while True:
            for slot in slots:
                if len(got) == wanted:
                    return got
                if slot in got:
                    continue
                try:
                    fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
                except OSError:
                    continue
                os.pwrite(handle, struct.pack("<q", os.getpid()), slot * 8)
                got.append(slot)
            if len(got) == wanted:
                return got
            names = self._names(handle, slots.start, len(slots))
            same = same + 1 if names == before else 0
            if same == 5:
                return got
            before = names
            time.sleep(0.0002)

    def _names(self, handle: int, first: int, number: int) -> list[int]:
        return [
            value for (value,) in struct.iter_unpack("<q", os.pread(handle, number * 8, first * 8))
        ]

    def _open(self, device: str) -> int:
        if device not in self._handles:
            path = self._folder / device.replace(":", "-")
            handle = self._handles[device] = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            total = sum(self._sizes[device].slots) * 8
            if os.fstat(handle).st_size < total:
                os.ftruncate(handle, total)
        return self._handles[device]


class Board:
    """Shared memory on which each holder says what it does; readable after its death."""

    _ROW = struct.Struct("<QB7x")

    def __init__(self, path: Path, rows: int) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(handle, 8 + rows * self._ROW.size)
            self._map = mmap.mmap(handle, 8 + rows * self._ROW.size)
        finally:
            os.close(handle)

    @property
    def over(self) -> bool:
        """Whether the holders shall come to an end."""
        return self._map[0] == 1

    def end(self) -> None:
        """Tell the holders to come to an end."""
        self._map[0] = 1

    def say(self, row: int, state: int, fence: int = 0) -> None:
        """A holder's own word."""
        self._ROW.pack_into(self._map, 8 + row * self._ROW.size, fence, state)

    def read(self, row: int) -> tuple[int, int]:
        """The holder's state and its fence."""
        fence, state = self._ROW.unpack_from(self._map, 8 + row * self._ROW.size)
        return state, fence

    def close(self) -> None:
        """Unmap it."""
        self._map.close()
