"""What goes into the pool and what comes out of it: frozen records, times in seconds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yivideo.errors import BadDemand
from yivideo.gpu.amounts import Demand

MICROSECONDS = 1_000_000
# A fence is the pool's epoch times this, and a counter.
FENCES_PER_EPOCH = 2**32
PRIORITIES = range(10)
DEFAULT_PRIORITY = 5


def seconds(microseconds: str | float | None) -> float | None:
    """A time as the scripts keep it, in seconds; None where there is none."""
    return None if microseconds in (None, "") else float(microseconds) / MICROSECONDS


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds, or waits for, a device: what its host's agent vouches for.

    ``start`` tells it from a later process with the same ``pid``, ``boot`` from one before the
    host was restarted, and ``namespace`` in which PID namespace the number is meant.
    """

    host: str
    pid: int
    start: int
    namespace: str
    boot: str

    def record(self) -> dict[str, Any]:
        """As the scripts and the journal keep it."""
        return {
            "host": self.host,
            "pid": self.pid,
            "start": self.start,
            "namespace": self.namespace,
            "boot": self.boot,
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Holder":
        """The holder in a record."""
        return cls(
            record["host"], record["pid"], record["start"], record["namespace"], record["boot"]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A wish for a device.

    Attributes:
        id: the same wish asked again has the same id, and gets the same answer.
        demand: how much, and where.
        priority: 0 to 9, 9 first: worth that many aging steps of having waited.
        group: the tenant whose share of device time this counts to.
        weight: the group's share against others'; above 0.
        since: when the workflow began, in seconds since 1970: older ones come first inside their
            group. Now when None, or when it lies in the future.
        expected: device time it is expected to take, in seconds; from the pool's history of
            ``what`` when None.
        longest_wait: seconds after which it gives up; None waits as long as it takes.
        limit: seconds it may hold the device before its process is ended; None for no limit.
        what: what is done, a step's or task's name: durations are remembered by it.
        workflow: on whose behalf.
        wake: the list, under the pool's prefix, that a grant or an end is told to.
        owner: the process that waits; its agent cancels the request when it is gone.
        claim_within: seconds in which a grant must be claimed; the pool's claim limit when None.
        standby: the owner stands by: it holds the device from the grant on, without a claim. Only
            for who has promised so in its host's journal, see `holding.stand_by`.
        tries: so many grants may go unclaimed before the request ends; 0 for any number.
        payload: handed back with the grant; at most 1 MiB.
    """

    id: str
    demand: Demand
    priority: int = DEFAULT_PRIORITY
    group: str = "default"
    weight: float = 1.0
    since: float | None = None
    expected: float | None = None
    longest_wait: float | None = None
    limit: float | None = None
    what: str = ""
    workflow: str = ""
    wake: str = ""
    owner: Holder | None = None
    claim_within: float | None = None
    standby: bool = False
    tries: int = 3
    payload: str = ""

    def __post_init__(self) -> None:
        if not self.id or len(self.id) > 400:
            raise BadDemand("A request's id has 1 to 400 characters.")
        if self.priority not in PRIORITIES:
            raise BadDemand(f"Priority {self.priority} is out of range: 0 to 9, 9 first.")
        if self.standby and self.owner is None:
            raise BadDemand("Only a request with an owner has somebody who stands by.")
        if not 1e-6 <= self.weight <= 1e6:
            raise BadDemand(f"A group's weight lies between 1e-6 and 1e6, not {self.weight:g}.")
        for name in ("expected", "longest_wait", "limit", "claim_within"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1e9:
                raise BadDemand(f"{name} is a number of seconds from 0 to 1e9, not {value!r}.")
        if len(self.payload) > 2**20:
            raise BadDemand(
                "A request's payload is over 1 MiB: keep it elsewhere, and pass its name."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A device has been set aside for a request; it must be claimed within seconds.

    ``memory`` is in MiB, ``compute`` and ``decoders`` in thousandths. ``held``: it needs no claim,
    because it is held already, by a waiter that stood by.
    """

    request: str
    fence: str
    device: str
    host: str
    index: int
    uuid: str
    model: str
    memory: int
    compute: int
    decoders: int
    payload: str = ""
    wake: str = ""
    what: str = ""
    held: bool = False

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Grant":
        """The grant in an answer or a message of the pool."""
        return cls(**{name: record[name] for name in cls.__slots__ if name in record})


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a request: its own grant if it has one, and those that came with it."""

    state: str
    grant: Grant | None
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Released:
    """What a release brought about: device time used in seconds, an idle model's lease, grants."""

    used: float
    kept: tuple[str, str] | None
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease as the pool shows it: granted, held, or an idle model that can be evicted (warm)."""

    request: str
    fence: str
    state: str
    what: str
    workflow: str
    group: str
    memory: int
    compute: int
    decoders: int
    granted_at: float | None
    claimed_at: float | None
    expected: float
    limit: float
    evicting: bool
    holder: Holder | None
    shape: str = ""
    weight: float = 1.0
    key: float = 0.0
    asked: float = 0.0

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Held":
        """The lease in the pool's account of itself."""
        holder = record.get("holder")
        return cls(
            request=record["id"],
            fence=record.get("fence", ""),
            state=record["state"],
            what=record.get("what", ""),
            workflow=record.get("workflow", ""),
            group=record.get("group", ""),
            memory=int(record.get("gm", 0)),
            compute=int(record.get("gc", 0)),
            decoders=int(record.get("gd", 0)),
            granted_at=seconds(record.get("granted_at")),
            claimed_at=seconds(record.get("claimed_at")),
            expected=seconds(record.get("expected")) or 0.0,
            limit=seconds(record.get("limit")) or 0.0,
            evicting=record.get("evict") == "1",
            holder=Holder.of(holder) if holder else None,
            shape=record.get("shape", ""),
            weight=float(record.get("weight", 1)),
            key=float(record.get("key", 0)),
            asked=seconds(record.get("asked")) or 0.0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as the pool shows it. Memory in MiB, compute and decoders in thousandths.

    Attributes:
        state: open, or why nothing is granted on it: cordoned, quarantined, unattested (its agent
            has not yet said what lives on it), lost (its agent's heartbeat stopped).
        quarantine: the reason of a quarantine, "" without one.
        facts: what its agent measured last: used memory, utilisation, temperature.
    """

    id: str
    host: str
    index: int
    uuid: str
    model: str
    memory: int
    compute: int
    decoders: int
    free_memory: int
    free_compute: int
    free_decoders: int
    state: str
    quarantine: str
    facts: Mapping[str, Any]
    leases: tuple[Held, ...]

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Device":
        """The device in the pool's account of itself."""
        facts = record.get("facts")
        return cls(
            id=record["id"],
            host=record["host"],
            index=int(record["index"]),
            uuid=record["uuid"],
            model=record["model"],
            memory=record["mt"],
            compute=record["ct"],
            decoders=record["dt"],
            free_memory=record["m"],
            free_compute=record["c"],
            free_decoders=record["d"],
            state=_state(record),
            quarantine=record.get("quarantine") or "",
            facts=json.loads(facts) if facts else {},
            leases=tuple(sorted(map(Held.of, record["leases"] or ()), key=lambda h: h.request)),
        )


def _state(record: Mapping[str, Any]) -> str:
    if record.get("quarantine"):
        return "quarantined"
    if not record["vouched"]:
        return "lost"
    if not record["attested"]:
        return "unattested"
    return "cordoned" if record.get("cordon") == "1" else "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host and its agent; ``lives`` while its heartbeat is fresh."""

    host: str
    agent: str
    services: tuple[str, ...]
    lives: bool
    beat: float
    boot: str
    namespace: str
    journal: str
    pid: int

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Host":
        """The host in the pool's account of itself."""
        return cls(
            host=record["host"],
            agent=record.get("agent", ""),
            services=tuple(record.get("services", "").split()),
            lives=record["lives"],
            beat=seconds(record["beat"]) or 0.0,
            boot=record.get("boot", ""),
            namespace=record.get("namespace", ""),
            journal=record.get("journal", ""),
            pid=int(record.get("pid") or 0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """A request that waits, with its place among those it competes with, counted from 1."""

    request: str
    demand: Demand
    position: int
    group: str
    weight: float
    key: float
    asked: float
    expected: float
    what: str
    workflow: str
    reserved: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The pool in one moment; ``now`` on the server's clock, in seconds since 1970.

    ``virtual_times`` are of the groups that wait or hold something, ``system_v`` is the pool's.
    """

    now: float
    epoch: int
    waiting: int
    hosts: tuple[Host, ...]
    devices: tuple[Device, ...]
    virtual_times: Mapping[str, float] = field(default_factory=dict[str, float])
    waiters: Sequence[Waiter] = ()
    system_v: float = 0.0
