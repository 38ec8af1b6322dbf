"""A plain model of the GPU pool: dicts, and every question answered by asking every waiter.

It says what the scripts must say, without any of their indices. Sizes are MiB and thousandths,
times microseconds, as in the scripts. Nothing here is atomic, fast or shared.
"""

import copy
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

FAR = 9e15
FENCES_PER_EPOCH = 4294967296
AGING = 60_000_000
BEAT_LIMIT = 15_000_000
CLAIM_LIMIT = 5_000_000

Amounts = tuple[int, int, int]


class Refused(Exception):
    """The pool refuses, and nothing was changed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Shape(NamedTuple):
    """What is asked for, and where it may be."""

    memory: int = 0
    compute: int = 0
    decoders: int = 0
    exclusive: int = 0
    service: str = ""
    host: str = ""
    device: str = ""
    model: str = ""

    @property
    def text(self) -> str:
        """As the scripts name it."""
        return _text(self)


@cache
def _text(shape: Shape) -> str:
    return json.dumps(shape, separators=(",", ":"))


class Process(NamedTuple):
    """Somebody who holds or waits."""

    host: str
    pid: int
    start: int
    namespace: str
    boot: str

    def record(self) -> dict[str, Any]:
        """As the scripts are told."""
        return self._asdict()


@dataclass
class Host:
    """A host and its agent, as the pool knows them."""

    agent: str
    boot: str
    namespace: str
    journal: str
    services: tuple[str, ...]
    beat: float
    lost: bool = False


@dataclass
class Device:
    """A device; what is free on it is reckoned from the leases."""

    id: str
    host: str
    total: Amounts
    cordon: bool = False
    quarantine: str = ""
    epoch: int = 0


@dataclass
class Asked:
    """A request through its whole life, and the lease it becomes."""

    id: str
    shape: Shape
    group: str
    weight: float
    key: float
    expected: int = 0
    limit: int = 0
    what: str = ""
    state: str = "waiting"
    owner: str | None = None
    deadline: float | None = None
    misses: int = 0
    reserved: str | None = None
    device: str | None = None
    fence: str | None = None
    got: Amounts = (0, 0, 0)
    charged: float = 0.0
    granted_at: float | None = None
    claimed_at: float | None = None
    claim_by: float | None = None
    ends_by: float | None = None
    holder: Process | None = None
    warm_id: str | None = None
    warm_memory: int = 0
    evict: bool = False
    into: str | None = None
    how: str = ""
    base: str | None = None
    restored: bool = False
    # The process that stands by for it: it holds the device from the grant on.
    standby: Process | None = None


class Grant(NamedTuple):
    """What was handed out, in the order of handing out."""

    request: str
    fence: str
    device: str
    got: Amounts
    held: bool = False


def number(value: float) -> int:
    """A number as the scripts write whole numbers."""
    return int(f"{value:.0f}")


@dataclass
class Pool:
    """All that the server knows. ``now`` is set from outside."""

    now: float = 0.0
    epoch: int = 0
    fences: int = 0
    life: int = 0
    system_v: float = 0.0
    hosts: dict[str, Host] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    means: dict[str, int] = field(default_factory=dict)
    # What happened that is worth counting.
    seen: dict[str, int] = field(default_factory=dict)

    def older(self) -> "Pool":
        """A copy for the day on which the server comes back with it."""
        return copy.deepcopy(self)

    def note(self, what: str) -> None:
        """Count an interesting situation."""
        self.seen[what] = self.seen.get(what, 0) + 1

    # What stands and what is held.

    def live(self) -> list[Asked]:
        """All requests that have not ended."""
        return [one for one in self.asked.values() if one.state != "ended"]

    def waiting(self) -> list[Asked]:
        """Those that stand in the queue."""
        return [one for one in self.asked.values() if one.state == "waiting"]

    def leases(self, device: Device) -> list[Asked]:
        """What is set aside on a device, by name."""
        states = ("granted", "held", "warm")
        found = [a for a in self.asked.values() if a.state in states and a.device == device.id]
        return sorted(found, key=lambda a: a.id)

    def warm(self, device: Device) -> list[Asked]:
        """Idle models on a device, by name."""
        return [lease for lease in self.leases(device) if lease.state == "warm"]

    def warm_memory(self, device: Device) -> int:
        """What idle models take."""
        return sum(lease.got[0] for lease in self.warm(device))

    def free(self, device: Device) -> Amounts:
        """Totals less leases."""
        m, c, d = device.total
        for lease in self.leases(device):
            m, c, d = m - lease.got[0], c - lease.got[1], d - lease.got[2]
        return m, c, d

    def vouched(self, host: str) -> bool:
        """Whether the host's agent was heard of lately."""
        known = self.hosts.get(host)
        return self.now - (known.beat if known else 0) <= BEAT_LIMIT

    def attested(self, device: Device) -> bool:
        """Whether its agent has said, in this epoch, what lives on it."""
        return device.epoch == self.epoch

    def is_open(self, device: Device) -> bool:
        """Whether anything may be granted on it."""
        return (
            self.attested(device)
            and not device.cordon
            and not device.quarantine
            and self.vouched(device.host)
        )

    def of_host(self, host: str) -> list[Device]:
        """A host's devices by name."""
        return sorted((d for d in self.devices.values() if d.host == host), key=lambda d: d.id)

    # Does it fit?

    def need(self, device: Device, shape: Shape) -> Amounts:
        """What the shape takes of the device."""
        return device.total if shape.exclusive else shape[:3]

    def warm_for(self, device: Device, shape: Shape) -> Asked | None:
        """The idle model's lease that the shape would take over."""
        if not shape.model or self.warm_memory(device) == 0:
            return None
        return next((w for w in self.warm(device) if w.shape.model == shape.model), None)

    def fits_with(self, device: Device, shape: Shape, memory: int) -> bool:
        """Whether it fits when so much memory is free."""
        m, c, d = self.need(device, shape)
        free = self.free(device)
        return memory >= m and free[1] >= c and free[2] >= d

    def fits(self, device: Device, shape: Shape) -> bool:
        """Whether it fits now."""
        warm = self.warm_for(device, shape)
        return self.fits_with(device, shape, self.free(device)[0] + (warm.got[0] if warm else 0))

    def evictable(self, device: Device, shape: Shape) -> bool:
        """Whether it would fit without idle models."""
        idle = self.warm_memory(device)
        return idle > 0 and self.fits_with(device, shape, self.free(device)[0] + idle)

    def could_run(self, device: Device, shape: Shape) -> bool:
        """Whether the empty device would do."""
        enough = all(
            have >= want for have, want in zip(device.total, self.need(device, shape), strict=True)
        )
        return (
            enough
            and shape.host in {"", device.host}
            and shape.device in {"", device.id}
            and (not shape.service or shape.service in self.hosts[device.host].services)
        )

    def share(self, device: Device, got: Amounts) -> float:
        """The part of the device that is the most used."""
        return max([0.0, *(use / of for use, of in zip(got, device.total, strict=True) if of > 0)])

    # Groups.

    def time(self, group: str) -> float:
        """A group's virtual time."""
        return self.times.get(group, self.system_v)

    def enqueue(self, one: Asked) -> None:
        """It stands again; a group that had nothing waiting starts at the pool's time."""
        one.state = "placing"
        if not any(other.group == one.group for other in self.waiting()):
            self.times[one.group] = max(self.time(one.group), self.system_v)
        one.state = "waiting"

    # Who is next on a device?

    def heads(self, device: Device) -> list[Asked]:
        """The first waiter of each shape that could run there, in the order of the policy."""

        def place(one: Asked) -> tuple[float, str, float, str]:
            return (self.time(one.group), one.group, one.key, one.id)

        first: dict[Shape, Asked] = {}
        for one in sorted(self.waiting(), key=place):
            if one.shape not in first and self.could_run(device, one.shape):
                first[one.shape] = one
        return list(first.values())

    def expected_end(self, lease: Asked) -> float:
        """When a lease is expected to end."""
        if lease.expected <= 0:
            return FAR
        begun = lease.claimed_at if lease.claimed_at is not None else lease.granted_at
        return max(self.now, (self.now if begun is None else begun) + lease.expected)

    def expected_start(self, device: Device, shape: Shape) -> tuple[float, Amounts]:
        """When the shape is expected to fit, and what else is free then."""
        want = self.need(device, shape)
        m, c, d = self.free(device)
        have = (m + self.warm_memory(device), c, d)
        at = self.now
        leases = [lease for lease in self.leases(device) if lease.state != "warm"]
        leases.sort(key=lambda lease: (self.expected_end(lease), lease.id))
        while leases and not _covers(have, want):
            lease = leases.pop(0)
            have = tuple(x + y for x, y in zip(have, lease.got, strict=True))
            at = self.expected_end(lease)
        return at, tuple(x - y for x, y in zip(have, want, strict=True))

    def reserves(self, one: Asked, device: Device, again: list[str]) -> bool:
        """Whether it waits for this device; ``again``: devices that it waits for no more."""
        here, _ = self.expected_start(device, one.shape)
        if one.reserved and one.reserved != device.id:
            other = self.devices.get(one.reserved)
            if other and self.is_open(other) and self.expected_start(other, one.shape)[0] <= here:
                return False
            self.note("reservation moved")
            again.append(one.reserved)
        elif not one.reserved:
            for other in sorted(self.devices.values(), key=lambda d: d.id):
                if (
                    other is not device
                    and self.could_run(other, one.shape)
                    and self.is_open(other)
                    and self.expected_start(other, one.shape)[0] < here
                ):
                    one.reserved = other.id
                    return False
        one.reserved = device.id
        return True

    def may_pass(self, one: Asked, device: Device, first: Asked) -> bool:
        """Whether it may start before the first that waits, without delaying that one."""
        at, spare = self.expected_start(device, first.shape)
        if _covers(spare, self.need(device, one.shape)):
            return True
        return at < FAR and one.expected > 0 and self.now + one.expected <= at

    def next_on(self, device: Device, again: list[str]) -> Asked | None:
        """Who gets the device now."""
        heads = self.heads(device)
        any_fits = any(self.fits(device, one.shape) for one in heads)
        first: Asked | None = None
        for one in heads:
            if self.fits(device, one.shape):
                if first is None:
                    return one
                if self.may_pass(one, device, first):
                    self.note("backfill")
                    return one
                self.note("held back")
            elif first is None:
                evictable = self.evictable(device, one.shape)
                if (any_fits or evictable) and self.reserves(one, device, again):
                    first = one
                    if evictable:
                        self.evict(device)
        return None

    def evict(self, device: Device) -> None:
        """Ask for the memory of idle models."""
        for lease in self.warm(device):
            if not lease.evict:
                self.note("eviction")
                lease.evict = True
                lease.ends_by = self.now + 2 * CLAIM_LIMIT

    def dispatch(self, device: Device, grants: list[Grant]) -> None:
        """Hand the device on as long as somebody is next."""
        again: list[str] = []
        while self.is_open(device) and (one := self.next_on(device, again)):
            kept = one.reserved
            grants.append(self.grant(one, device))
            if kept and kept != device.id:
                again.append(kept)
        for name in again:
            self.dispatch(self.devices[name], grants)

    def dispatch_all(self, names: set[str], grants: list[Grant]) -> None:
        """The same for several, by name."""
        for name in sorted(names):
            self.dispatch(self.devices[name], grants)

    def place(self, one: Asked, grants: list[Grant]) -> None:
        """Find a device: its model is there, then best fit, then where one can be put out."""
        if one.state != "waiting":
            return
        tried: set[str] = set()
        by_name = sorted(self.devices.values(), key=lambda d: d.id)
        order = [d for d in by_name if self.fits(d, one.shape) and self.warm_for(d, one.shape)]
        if self.tries(one, order, tried, grants):
            return
        order = [d for d in by_name if self.fits(d, one.shape)]
        order.sort(key=lambda d: (self.free(d)[0], d.id))
        if self.tries(one, order, tried, grants):
            return
        for device in [d for d in by_name if self.evictable(d, one.shape)]:
            if self.tries(one, [device], tried, grants) or one.reserved == device.id:
                return

    def tries(self, one: Asked, order: list[Device], tried: set[str], grants: list[Grant]) -> bool:
        """Dispatch devices until the request has one."""
        for device in order:
            if (
                device.id not in tried
                and self.is_open(device)
                and self.could_run(device, one.shape)
            ):
                tried.add(device.id)
                self.dispatch(device, grants)
                if one.state != "waiting":
                    return True
        return False

    # What becomes of a request.

    def grant(self, one: Asked, device: Device) -> Grant:
        """Set the device's resources aside."""
        m, c, d = self.need(device, one.shape)
        warm = self.warm_for(device, one.shape)
        if warm:
            self.note("merge")
            warm.state, warm.into, warm.ends_by = "merged", one.id, None
            one.warm_id, one.warm_memory = warm.id, warm.got[0]
            # The model stays in memory until it is claimed, however little was asked for.
            m = max(m, warm.got[0])
        else:
            one.warm_id, one.warm_memory = None, 0
        self.fences += 1
        v = self.time(one.group)
        one.got = (m, c, d)
        one.charged = one.expected * self.share(device, one.got) / one.weight
        self.system_v = max(self.system_v, v)
        self.times[one.group] = v + one.charged
        one.state, one.device, one.reserved = "granted", device.id, None
        one.fence = str(self.epoch * FENCES_PER_EPOCH + self.fences)
        one.granted_at = self.now
        if one.standby and not warm and not self.no_holder(device, one.standby):
            self.hold(one, one.standby)
        else:
            one.claim_by = self.now + CLAIM_LIMIT
        return Grant(one.id, one.fence, device.id, one.got, one.state == "held")

    def no_holder(self, device: Device, holder: Process) -> str:
        """Why the process may not hold the device; "" when it may."""
        host = self.hosts[device.host]
        if holder.host != device.host:
            return "wrong-host"
        if (holder.boot, holder.namespace) != (host.boot, host.namespace):
            return "not-vouched"
        return "" if self.vouched(device.host) else "no-agent"

    def hold(self, one: Asked, holder: Process) -> None:
        """The device is the holder's own."""
        one.state, one.claimed_at, one.holder = "held", self.now, holder
        one.misses, one.claim_by = 0, None
        if one.limit > 0:
            one.ends_by = self.now + one.limit

    def vacate(self, one: Asked, used: float) -> None:
        """Put the group's account right; the lease is off the device once its state changes."""
        time = used * self.share(self.devices[one.device], one.got) / one.weight
        self.times[one.group] = self.time(one.group) + time - one.charged
        one.claim_by = one.ends_by = None

    def restore_warm(self, one: Asked) -> None:
        """An idle model that was promised to a grant is idle again."""
        warm = self.asked.get(one.warm_id or "")
        if warm and warm.state == "merged":
            warm.state, warm.into, warm.evict = "warm", None, False

    def give_back(self, one: Asked, *, missed: bool) -> None:
        """An unclaimed grant goes back to its old place."""
        self.vacate(one, 0)
        self.restore_warm(one)
        one.misses += missed
        one.device = one.fence = one.granted_at = one.warm_id = None
        one.got, one.charged, one.warm_memory = (0, 0, 0), 0.0, 0
        if missed and one.misses >= 3:
            self.note("unclaimed")
            self.end(one, "unclaimed")
        else:
            self.enqueue(one)

    def end(self, one: Asked, how: str) -> None:
        """It is over."""
        one.state, one.how, one.owner, one.reserved = "ended", how, None, None
        one.claim_by = one.ends_by = None

    def finish(self, one: Asked, how: str) -> float:
        """A lease ends, with its device time on the books."""
        used = 0.0 if one.claimed_at is None else max(0, self.now - one.claimed_at)
        if one.state != "warm":
            self.vacate(one, used)
        self.end(one, how)
        return used

    def lease_of(self, name: str, fence: str) -> Asked | None:
        """The lease a holder means: a second life of a request has a record of its own."""
        one = self.asked.get(name)
        if one is None or one.fence != fence:
            return self.asked.get(f"{name}~{fence}") or one
        return one

    def held_by(self, name: str, fence: str, holder: Process) -> Asked:
        """What every call of a holder checks."""
        one = self.lease_of(name, fence)
        if one is None:
            raise Refused("lease-unknown")
        if one.state == "ended":
            raise Refused("lease-ended")
        if one.fence != fence:
            raise Refused("stale-fence")
        if one.state not in {"held", "warm"}:
            raise Refused("not-held")
        if one.holder != holder:
            raise Refused("not-holder")
        return one

    # The transitions.

    def new_epoch(self, epoch: int) -> None:
        """Close all devices until their agents have attested."""
        self.epoch = epoch

    def restarted(self) -> None:
        """The server is another run, with whatever it remembers."""
        self.fences = max(self.fences, int(self.now) // 1000 % 2147483648)
        self.life = self.fences
        self.new_epoch(self.epoch + 1)

    def register(self, host: str, new: Host, devices: dict[str, Amounts]) -> dict[str, Any]:
        """A host's agent makes its devices known."""
        old = self.hosts.get(host)
        stranger = (
            old is not None
            and old.agent != new.agent
            and (old.namespace != new.namespace or old.journal != new.journal)
            and old.boot == new.boot
        )
        if stranger and self.vouched(host):
            raise Refused("agent-exists")
        self.hosts[host] = new
        for name, total in devices.items():
            device = self.devices.setdefault(name, Device(name, host, total))
            device.total = total
            if device.quarantine == "missing":
                device.quarantine = ""
        for device in self.of_host(host):
            if device.id not in devices:
                device.quarantine = "missing"
        grants: list[Grant] = []
        self.dispatch_all({device.id for device in self.of_host(host)}, grants)
        return {"grants": grants, "epoch": self.epoch, "devices": self.epochs(host)}

    def epochs(self, host: str) -> dict[str, int]:
        """In which epoch each device of a host was attested."""
        return {device.id: device.epoch for device in self.of_host(host)}

    def attest(  # noqa: C901 - one transition, told in one piece
        self, host: str, agent: str, seen: tuple[int, int], known: int, living: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """The agent says what lives; then its closed devices open."""
        if seen != (self.epoch, self.life):
            raise Refused("epoch-moved")
        if host not in self.hosts or self.hosts[host].agent != agent:
            raise Refused("not-registered")
        # What happens on a device that is open, the pool knows better than a journal read before.
        closed = [d for d in self.of_host(host) if not self.attested(d)]
        known = max([known, *(int(lease["fence"]) // FENCES_PER_EPOCH for lease in living)])
        if known >= self.epoch:
            self.note("epoch above the journal's")
            self.new_epoch(known + 1)
        left = {(lease["request"], lease["fence"]): lease for lease in living}
        returned: list[Asked] = []
        for device in closed:
            for one in [one for one in self.leases(device) if one.state == "granted"]:
                self.give_back(one, missed=False)
                returned.append(one)
            for one in self.leases(device):
                if left.pop((one.base or one.id, one.fence), None) is None:
                    self.note("gone at attest")
                    self.finish(one, "reclaim")
        grants: list[Grant] = []
        touched: set[str] = set()
        names = {device.id for device in closed}
        for lease in living:
            if (lease["request"], lease["fence"]) in left and lease["device"] in names:
                self.restore(lease, touched)
        for device in self.of_host(host):
            device.epoch = self.epoch
        for device in self.of_host(host):
            self.dispatch(device, grants)
        self.dispatch_all(touched, grants)
        for one in returned:
            self.place(one, grants)
        return {"grants": grants, "epoch": self.epoch}

    def restore(self, lease: dict[str, Any], touched: set[str]) -> None:
        """Put back what lives and the server has forgotten."""
        name, fence = lease["request"], lease["fence"]
        known, base = self.asked.get(name), None
        if known and known.state == "ended" and known.fence == fence:
            if known.how in {"release", "merged"}:
                return
        elif known and known.state == "granted":
            self.note("grant withdrawn for a living lease")
            self.vacate(known, 0)
            self.restore_warm(known)
            touched.add(known.device)
        elif known and known.state in {"held", "warm", "merged"}:
            self.note("second life")
            name, base = f"{name}~{fence}", name
        self.note("restore")
        if known and base is None:
            known.state = "ended"
        if not any(one.group == lease["group"] for one in self.live()):
            self.times[lease["group"]] = max(self.time(lease["group"]), self.system_v)
        shape = Shape(*json.loads(lease["shape"]))
        self.asked[name] = one = Asked(name, shape, lease["group"], lease["weight"], 0, base=base)
        one.state = "warm" if lease["warm"] else "held"
        one.restored = True
        one.expected, one.limit, one.what = lease["expected"], lease["limit"], lease["what"]
        one.device, one.fence = lease["device"], fence
        one.got = (lease["memory"], lease["compute"], lease["decoders"])
        one.granted_at = one.claimed_at = self.now
        one.holder = Process(**lease["holder"])
        if one.state == "held" and one.limit > 0:
            one.ends_by = self.now + one.limit

    def heartbeat(self, host: str, agent: str) -> dict[str, Any]:
        """The agent lives."""
        known = self.hosts.get(host)
        if known is None or known.agent != agent:
            raise Refused("not-registered")
        back = known.lost or not self.vouched(host)
        known.beat, known.lost = self.now, False
        grants: list[Grant] = []
        if back:
            self.note("host found")
            self.dispatch_all({device.id for device in self.of_host(host)}, grants)
        over = [
            one
            for one in self.live()
            if one.ends_by is not None
            and one.ends_by <= self.now
            and self.devices[one.device].host == host
        ]
        return {
            "grants": grants,
            "epoch": self.epoch,
            "devices": self.epochs(host),
            "over": [
                one.base or one.id for one in sorted(over, key=lambda one: (one.ends_by, one.id))
            ],
        }

    def request(self, one: Asked, longest: float | None) -> dict[str, Any]:
        """Ask for a device; idempotent."""
        known = self.asked.get(one.id)
        if known is not None:
            if known.state == "ended":
                raise Refused("request-ended")
            return {"state": known.state if known.state in {"granted", "held"} else "waiting"}
        if not any(self.could_run(device, one.shape) for device in self.devices.values()):
            raise Refused("impossible")
        if one.expected < 0:
            one.expected = self.means.get(one.what, 0)
        self.asked[one.id] = one
        self.enqueue(one)
        if longest is not None:
            one.deadline = self.now + longest
        grants: list[Grant] = []
        self.place(one, grants)
        return {"state": one.state, "grants": grants}

    def claim(  # noqa: C901 - the list of refusals, in order
        self, name: str, fence: str, holder: Process
    ) -> dict[str, Any]:
        """The holder begins."""
        one = self.lease_of(name, fence)
        if one is None:
            raise Refused("lease-unknown")
        if one.state == "ended":
            raise Refused("lease-ended")
        if one.fence != fence:
            raise Refused("stale-fence")
        if one.state not in {"granted", "held"}:
            raise Refused("not-held")
        if one.state == "held":
            if one.holder != holder:
                raise Refused("not-holder")
            if not self.attested(self.devices[one.device]):
                raise Refused("device-closed")
            if min(self.free(self.devices[one.device])) < 0:
                self.note("claim of a place given away")
                self.finish(one, "reclaim")
                self.dispatch(self.devices[one.device], [])
                raise Refused("lease-ended")
            return {"state": "held"}
        device = self.devices[one.device]
        if refused := self.no_holder(device, holder):
            raise Refused(refused)
        if not self.attested(device) or device.quarantine:
            raise Refused("device-closed")
        warm = self.asked.get(one.warm_id or "")
        if warm and warm.state == "merged":
            if warm.holder != holder:
                raise Refused("not-holder")
            self.end(warm, "merged")
        self.hold(one, holder)
        return {"state": "held"}

    def renew(self, name: str, fence: str, holder: Process, expected: int | None) -> dict[str, Any]:
        """Is it still held?"""
        one = self.held_by(name, fence, holder)
        if expected is not None:
            one.expected = number(self.now - one.claimed_at + expected)
        return {"state": one.state, "evict": one.evict}

    def release(
        self, name: str, fence: str, holder: Process, keep: tuple[str, int] | None
    ) -> dict[str, Any]:
        """The holder is done, and may keep its model in memory."""
        one = self.held_by(name, fence, holder)
        if keep and (one.state != "held" or not 0 < keep[1] <= one.got[0]):
            raise Refused("keep-too-much")
        was_held = one.state == "held"
        used = self.finish(one, "release")
        if was_held:
            mean = self.means.get(one.what)
            self.means[one.what] = number(used if mean is None else mean + (used - mean) / 8)
        kept = None
        if keep:
            self.note("kept warm")
            shape = Shape(memory=keep[1], model=keep[0])
            kept = f"warm:{one.id}:{fence}"
            self.asked[kept] = Asked(
                kept,
                shape,
                one.group,
                one.weight,
                0,
                what=keep[0],
                state="warm",
                device=one.device,
                fence=fence,
                got=(keep[1], 0, 0),
                holder=holder,
                claimed_at=self.now,
            )
        grants: list[Grant] = []
        self.dispatch(self.devices[one.device], grants)
        return {"grants": grants, "used": number(used), "kept": kept}

    def cancel(self, name: str) -> dict[str, Any]:
        """It is not wanted any more."""
        one = self.asked.get(name)
        if one is None:
            raise Refused("lease-unknown")
        if one.state == "ended":
            return {"state": "ended", "grants": []}
        if one.state in {"held", "warm", "merged"}:
            raise Refused("lease-held")
        grants: list[Grant] = []
        if one.state == "granted":
            self.vacate(one, 0)
            self.restore_warm(one)
            touched = one.device
        else:
            touched = one.reserved
        self.end(one, "cancel")
        if touched:
            self.dispatch(self.devices[touched], grants)
        return {"state": "ended", "grants": grants}

    def reclaim(self, name: str, fence: str) -> dict[str, Any]:
        """Somebody saw the holder's process gone."""
        one = self.lease_of(name, fence)
        if one is None:
            raise Refused("lease-unknown")
        if one.state == "ended":
            raise Refused("lease-ended")
        if one.fence != fence:
            raise Refused("stale-fence")
        if one.state == "merged":
            heir = self.asked.get(one.into or "")
            if heir:
                heir.warm_id, heir.warm_memory = None, 0
            self.end(one, "reclaim")
            return {"grants": []}
        if one.state not in {"held", "warm"}:
            raise Refused("not-held")
        self.finish(one, "reclaim")
        grants: list[Grant] = []
        self.dispatch(self.devices[one.device], grants)
        return {"grants": grants}

    def mark(self, name: str, *, cordon: bool | None, quarantine: str | None) -> dict[str, Any]:
        """Close a device to new grants, or open it again."""
        device = self.devices.get(name)
        if device is None:
            raise Refused("device-unknown")
        if quarantine is not None and device.quarantine == "missing":
            raise Refused("device-closed")
        returned: list[Asked] = []
        if cordon is not None:
            device.cordon = cordon
        if quarantine is not None and device.quarantine != quarantine:
            device.quarantine = quarantine
            if quarantine:
                returned = [one for one in self.leases(device) if one.state == "granted"]
                for one in returned:
                    self.give_back(one, missed=False)
        grants: list[Grant] = []
        self.dispatch(device, grants)
        for one in returned:
            self.place(one, grants)
        return {"grants": grants}

    def sweep(self) -> dict[str, Any]:
        """What time alone brings about."""
        touched: set[str] = set()
        returned: list[Asked] = []
        late = [one for one in self.live() if one.claim_by is not None and one.claim_by <= self.now]
        for one in sorted(late, key=lambda one: (one.claim_by, one.id)):
            self.note("unclaimed in time")
            touched.add(one.device)
            self.give_back(one, missed=True)
            returned.append(one)
        for one in self.waiting():
            if one.deadline is not None and one.deadline <= self.now:
                self.note("longest wait")
                if one.reserved:
                    touched.add(one.reserved)
                self.end(one, "wait-limit")
        for name, host in self.hosts.items():
            if not host.lost and not self.vouched(name):
                self.note("host lost")
                host.lost = True
        if not self.live():
            # The end of a busy period: nobody has anything to make up for.
            self.system_v = max([self.system_v, *self.times.values()])
        grants: list[Grant] = []
        self.dispatch_all(touched, grants)
        for one in returned:
            self.place(one, grants)
        return {"grants": grants}


def _covers(have: Amounts, want: Amounts) -> bool:
    return all(x >= y for x, y in zip(have, want, strict=True))
