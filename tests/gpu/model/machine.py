"""Drive the real scripts and the model side by side, and compare.

A step is a kind and a number, the *dice*, from which every choice of the step is made: so a run can
be given by Hypothesis, by a seed, or by a list that once failed. Beside what the pool knows stands
what is true: which processes live, and what each host's journal says. That goes on, whatever the
server forgets.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.gpu.model.check import compare, truth
from tests.gpu.model.model import (
    AGING,
    BEAT_LIMIT,
    CLAIM_LIMIT,
    FENCES_PER_EPOCH,
    Amounts,
    Asked,
    Grant,
    Host,
    Pool,
    Process,
    Refused,
    Shape,
)
from tests.gpu.model.server import Copy, Server

START = 1_700_000_000_000_000
SECOND = 1_000_000

# Hosts with devices of different size; the third brings its second device along later.
HOSTS: dict[str, dict[str, Amounts]] = {
    "a": {"a:0": (8, 1000, 1000), "a:1": (16, 1000, 2000)},
    "b": {"b:0": (8, 1000, 0), "b:1": (24, 1000, 1000)},
    "c": {"c:0": (16, 1000, 1000), "c:1": (8, 1000, 1000)},
}
TOTALS = {name: total for devices in HOSTS.values() for name, total in devices.items()}
SERVICES = {"a": ("ffmpeg", "ocr"), "b": ("ocr",), "c": ("ffmpeg",)}
SHAPES = (
    Shape(memory=2),
    Shape(memory=4, compute=500),
    Shape(memory=8),
    Shape(memory=16),
    Shape(memory=24, compute=1000),
    Shape(exclusive=1),
    Shape(decoders=500, memory=1),
    Shape(compute=1000),
    Shape(memory=4, service="ocr"),
    Shape(memory=8, host="b"),
    Shape(exclusive=1, device="a:1"),
    Shape(memory=4, model="M"),
    Shape(memory=6, model="M"),
    Shape(memory=6, compute=200, model="N"),
    Shape(memory=25),
    Shape(memory=2, service="nobody's"),
)
GROUPS = (("g0", 1.0), ("g1", 1.0), ("g2", 3.0), ("g3", 0.5))
EXPECTED = (None, 0, 5 * SECOND, 20 * SECOND, 100 * SECOND)
WHATS = ("", "read", "cut")
STEPS_OF_TIME = (0, 1000, SECOND, 3 * SECOND, 6 * SECOND, 16 * SECOND, 100 * SECOND)
PIDS = (1, 2, 3, 4)

# What happens how often.
KINDS = (
    *["request"] * 16,
    *["claim"] * 14,
    *["release"] * 9,
    *["time"] * 7,
    *["heartbeat"] * 6,
    *["attest"] * 6,
    *["wrong"] * 3,
    *["renew"] * 2,
    *["cancel"] * 2,
    *["sweep"] * 4,
    *["die"] * 3,
    *["mourn"] * 4,
    *["mark"] * 3,
    *["register"] * 2,
    *["start"] * 10,
    *["doubt"] * 2,
    "read",
    "tidy",
    "begin",
    "copy",
    "back",
)


class Violation(AssertionError):
    """The scripts differ from the model, or something that must always hold does not."""


class Dice:
    """Choices out of one number; 0 always chooses the first."""

    def __init__(self, number: int) -> None:
        self.left = number

    def below(self, number: int) -> int:
        """One of so many."""
        self.left, found = divmod(self.left, number)
        return found

    def pick(self, options: Sequence[Any]) -> Any:
        """One of these."""
        return options[self.below(len(options))]


@dataclass
class Entry:
    """A line in a host's journal; ``claimed`` once its process really uses the device."""

    lease: dict[str, Any]
    holder: Process
    claimed: bool = False
    # Its holder is done, and only has not yet cleared it: nobody claims it again.
    released: bool = False
    # Its holder stood by and has not begun yet.
    starting: bool = False


@dataclass
class Start:
    """A waiter that stood by and was told of its grant: on its way to begin, which takes steps."""

    lease: dict[str, Any]
    holder: Process
    # Its promise is a line in the journal now, and it has to see whether its grant still counts.
    written: bool = False


@dataclass
class Truth:
    """A host as it is: its processes by pid with their start, its journal, its agent."""

    agent: int = 0
    boot: int = 0
    devices: int = 1
    services: bool = True
    journal_epoch: int = 0
    starts: dict[int, int] = field(default_factory=lambda: dict.fromkeys(PIDS, 1))
    journal: dict[tuple[str, str], Entry] = field(default_factory=dict)
    # Who promises to begin when it is served: requests and processes.
    promises: set[tuple[str, Process]] = field(default_factory=set)
    # What its agent has read and not yet attested: epoch, the journal's epoch, what lives.
    read: tuple[tuple[int, int], int, list[dict[str, Any]]] | None = None


class Machine:
    """One run against one server.

    Args:
        server: under a prefix that is empty.
        look: compare all the server's keys after every so many steps.
    """

    def __init__(self, server: Server, look: int = 1) -> None:
        self.server = server
        self.pool = Pool(now=START)
        self.now = START
        self.hosts = {name: Truth(devices=1 if name == "c" else 2) for name in HOSTS}
        self.numbers = 0
        self.copies: list[tuple[Copy, Pool]] = []
        self.highest: dict[str, int] = {}
        self.starts: list[Start] = []
        self.steps = 0
        self.kinds: dict[str, int] = {}
        self._look = look
        self._run("sweep", {}, self.pool.sweep)
        for name in HOSTS:
            self._register(name)
            self._read(name)
            self._attest(name)

    @property
    def seen(self) -> dict[str, int]:
        """How often something interesting happened."""
        return self.pool.seen

    def step(self, kind: str, number: int) -> None:
        """One operation, and everything that must hold after it.

        Raises:
            Violation: it does not.
        """
        self.steps += 1
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        operation: Callable[[Dice], None] = getattr(self, f"do_{kind}")
        operation(Dice(number))

    # Talking to both.

    def _run(
        self, name: str, parameters: dict[str, Any], model: Callable[[], dict[str, Any]]
    ) -> dict[str, Any] | None:
        """The answer of both; None when both refuse."""
        if self.pool.epoch == 0:
            # The first call of a new server finds its own run id.
            self.pool.restarted()
        look = self.steps % self._look == 0
        real, keys = self.server.run(name, self.now, parameters, look=look)
        try:
            want: dict[str, Any] = model()
        except Refused as refused:
            want = {"error": refused.code}
        got = _plain(name, real, want)
        if got != want:
            raise Violation(f"{name} {parameters}:\nthe scripts say {got}\nthe model says {want}")
        for grant in want.get("grants", ()):
            if int(grant.fence) <= self.highest.get(grant.device, 0):
                raise Violation(f"The fences of {grant.device} do not grow: {grant}.")
            self.highest[grant.device] = int(grant.fence)
            if grant.held:
                self.pool.note("granted to who stands by")
                one = self.pool.asked[grant.request]
                self.starts.append(Start(_lease(one, one.id, one.standby), one.standby))
        wrong = truth(self.pool, self._alive(), TOTALS)
        if keys is not None:
            wrong = [*compare(self.pool, keys), *wrong]
        if wrong:
            raise Violation(f"after {name} {parameters}:\n" + "\n".join(wrong[:8]))
        if "error" in want:
            self.pool.note(f"refused: {want['error']}")
            return None
        return {**want, "raw": real}

    def _alive(self) -> list[Entry]:
        """What living processes really use."""
        return [
            entry
            for host, truth_ in self.hosts.items()
            for entry in truth_.journal.values()
            if entry.claimed and self._lives(host, entry.holder)
        ]

    def _lives(self, host: str, process: Process) -> bool:
        there = self.hosts[host]
        return process.boot == f"boot{there.boot}" and there.starts[process.pid] == process.start

    def _process(self, host: str, pid: int) -> Process:
        there = self.hosts[host]
        return Process(host, pid, there.starts[pid], f"ns-{host}", f"boot{there.boot}")

    # Those who want a device.

    def do_request(self, dice: Dice) -> None:
        """Somebody asks, sometimes once more."""
        shape = dice.pick(SHAPES)
        group, weight = dice.pick(GROUPS)
        priority = dice.below(10)
        expected = dice.pick(EXPECTED)
        again = self.numbers and dice.below(8) == 7
        if again:
            name = f"r{dice.below(self.numbers)}"
        else:
            name = f"r{self.numbers}"
            self.numbers += 1
        since = self.now + (dice.below(5) - 3) * 30 * SECOND
        longest = 10 * SECOND if dice.below(6) == 5 else None
        limit = 30 * SECOND if dice.below(4) == 3 else 0
        owner = dice.pick(("", "", "a", "b"))
        what = dice.pick(WHATS)
        process = self._process(owner, dice.pick(PIDS)) if owner else None
        standby = process if dice.below(4) else None
        one = Asked(
            name,
            shape,
            group,
            weight,
            min(since, self.now) - priority * AGING,
            expected=-1 if expected is None else expected,
            limit=limit,
            what=what,
            owner=owner or None,
            standby=standby,
        )
        given = {
            "id": name,
            "shape": shape.text,
            "priority": priority,
            "aging": AGING,
            "group": group,
            "weight": weight,
            "since": since,
            "limit": limit,
            "what": what,
            "workflow": "",
            "wake": "wake:w" if dice.below(3) == 2 else "",
            "payload": "p" if dice.below(3) == 2 else "",
        }
        if expected is not None:
            given["expected"] = expected
        if longest is not None:
            given["longest"] = longest
        if process:
            given["owner"] = process.record()
        if standby:
            given["standby"] = True
            if not again:
                self.hosts[owner].promises.add((name, standby))
        self._run("request", given, lambda: self.pool.request(one, longest))

    def do_cancel(self, dice: Dice) -> None:
        """A request is given up."""
        name = self._some(dice, ("waiting", "granted", "held", "warm", "merged", "ended"))
        self._run("cancel", {"request": name, "why": "", "tell": 1}, lambda: self.pool.cancel(name))

    def _some(self, dice: Dice, states: Sequence[str]) -> str:
        """A request in one of these states, if there is one; the states are tried in an order."""
        first = dice.below(len(states))
        for state in (*states[first:], *states[:first]):
            found = [one.id for one in self.pool.asked.values() if one.state == state]
            if found:
                return dice.pick(found)
        return "nobody's"

    # Those who hold one.

    def do_claim(self, dice: Dice) -> None:
        """A holder writes its journal, then claims what was granted."""
        one = self.pool.asked.get(self._some(dice, ("granted",)))
        if one is None or one.state != "granted":
            return
        entry = self._begin(one, dice)
        if not (entry.claimed or entry.released or entry.starting):
            self._finish_claim(entry)

    def do_begin(self, dice: Dice) -> None:
        """A holder has written its journal and not yet claimed; or an earlier one goes on."""
        one = self.pool.asked.get(self._some(dice, ("granted",)))
        begun = [
            entry
            for there in self.hosts.values()
            for entry in there.journal.values()
            if not (entry.claimed or entry.released or entry.starting)
        ]
        if begun and dice.below(2):
            entry = dice.pick(begun)
            if self._lives(entry.holder.host, entry.holder):
                self._finish_claim(entry)
        elif one is not None and one.state == "granted":
            self._begin(one, dice)

    def _begin(self, one: Asked, dice: Dice) -> Entry:
        host = self.pool.devices[one.device].host
        warm = self.pool.asked.get(one.warm_id or "")
        if warm and warm.state == "merged" and warm.holder and dice.below(8):
            holder = warm.holder
        else:
            holder = self._process(host, dice.pick(PIDS))
        # Where the journal names a living holder already, the claim goes no further.
        known = self.hosts[host].journal.get((one.id, one.fence))
        if known is not None and self._lives(host, known.holder):
            return known
        # Who claims stands by no more.
        self.hosts[host].promises.discard((one.id, holder))
        entry = Entry(_lease(one, one.id, holder), holder)
        self.hosts[host].journal[one.id, one.fence] = entry
        return entry

    def _finish_claim(self, entry: Entry) -> None:
        name, fence = entry.lease["request"], entry.lease["fence"]
        journal = self.hosts[entry.holder.host].journal
        one = self.pool.lease_of(name, fence)
        warm = self.pool.asked.get((one and one.fence == fence and one.warm_id) or "")
        promised = warm is not None and warm.state == "merged"

        def model() -> dict[str, Any]:
            said = self.pool.claim(name, fence, entry.holder)
            entry.claimed = True
            if promised:
                # The model is the new lease's from now on.
                journal.pop((warm.base or warm.id, warm.fence), None)
            return said

        given = {"request": name, "fence": fence, "holder": entry.holder.record()}
        if self._run("claim", given, model) is None:
            journal.pop((name, fence), None)

    def do_start(self, dice: Dice) -> None:
        """Who stood by and was told of its grant begins, in one go or a step at a time."""
        self.starts = [s for s in self.starts if self._lives(s.holder.host, s.holder)]
        if not self.starts:
            return
        start = dice.pick(self.starts)
        if dice.below(12) == 11:
            self._give_up(start)
            return
        for _ in range(1 + dice.below(2)):
            if start in self.starts:
                self._go_on(start)

    def _go_on(self, start: Start) -> None:
        there = self.hosts[start.holder.host]
        key = start.lease["request"], start.lease["fence"]
        if not start.written:
            if (key[0], start.holder) not in there.promises:
                self.pool.note("came too late to begin")
                self.starts.remove(start)
                return
            there.promises.discard((key[0], start.holder))
            there.journal[key] = Entry(start.lease, start.holder, starting=True)
            start.written = True
            return
        self.starts.remove(start)
        if there.journal_epoch > int(key[1]) // FENCES_PER_EPOCH:
            self.pool.note("asked before it began")
            given = {"request": key[0], "fence": key[1], "holder": start.holder.record()}
            if self._run("claim", given, lambda: self.pool.claim(*key, start.holder)) is None:
                del there.journal[key]
                return
        else:
            self.pool.note("began without a claim")
        there.journal[key].claimed = True

    def _give_up(self, start: Start) -> None:
        """It does not want it any more, says so, and only then ends its promise."""
        name, fence = start.lease["request"], start.lease["fence"]
        given = {"request": name, "fence": fence, "holder": start.holder.record(), "why": ""}
        self._run("release", given, lambda: self.pool.release(name, fence, start.holder, None))
        self.starts.remove(start)
        there = self.hosts[start.holder.host]
        there.journal.pop((name, fence), None)
        there.promises.discard((name, start.holder))

    def do_doubt(self, dice: Dice) -> None:
        """An agent ends the promise of one that does not begin, and takes its lease back."""
        there = self.hosts[dice.pick(tuple(HOSTS))]
        known = [
            one
            for one in self.pool.live()
            if one.state == "held" and (one.id, one.holder) in there.promises
        ]
        if not known:
            return
        one = dice.pick(known)
        there.promises.discard((one.id, one.holder))
        if dice.below(4):
            # Otherwise it dies in between, and an audit finds it.
            self.pool.note("did not begin")
            self._reclaim(one, there, clear=False)

    def _holding(self, dice: Dice) -> Entry | None:
        """Some living holder."""
        found = self._alive()
        return dice.pick(found) if found else None

    def do_renew(self, dice: Dice) -> None:
        """A holder makes sure, and may say how long it needs."""
        entry = self._holding(dice)
        if entry is None:
            return
        expected = dice.pick(EXPECTED)
        name, fence = entry.lease["request"], entry.lease["fence"]
        given = {"request": name, "fence": fence, "holder": entry.holder.record()}
        if expected is not None:
            given["expected"] = expected
        self._run("renew", given, lambda: self.pool.renew(name, fence, entry.holder, expected))

    def do_release(self, dice: Dice) -> None:
        """A holder is done; it may keep its model; its journal may be cleared a little later."""
        entry = self._holding(dice)
        if entry is None:
            return
        keep = None
        if dice.below(4) == 3:
            keep = (dice.pick(("M", "N")), 1 + dice.below(6))
        late = dice.below(6) == 5
        name, fence = entry.lease["request"], entry.lease["fence"]
        journal = self.hosts[entry.holder.host].journal

        def model() -> dict[str, Any]:
            said = self.pool.release(name, fence, entry.holder, keep)
            entry.claimed, entry.released = False, True
            if not late:
                journal.pop((name, fence), None)
            if said["kept"]:
                kept = self.pool.asked[said["kept"]]
                lease = _lease(kept, kept.id, entry.holder)
                journal[kept.id, kept.fence] = Entry(lease, entry.holder, claimed=True)
            return said

        given = {"request": name, "fence": fence, "holder": entry.holder.record(), "why": ""}
        if keep:
            given["keep"] = {"model": keep[0], "memory": keep[1], "wake": "wake:w"}
        self._run("release", given, model)

    def do_tidy(self, dice: Dice) -> None:
        """Journals lose what was released; what nobody claims any more goes too."""
        host = self.hosts[dice.pick(tuple(HOSTS))]
        for key, entry in list(host.journal.items()):
            if not entry.claimed and not entry.starting:
                del host.journal[key]

    def do_wrong(self, dice: Dice) -> None:  # noqa: C901 - a list of wrongs
        """Somebody claims, renews, releases or reclaims what is not so."""
        name = self._some(dice, ("held", "granted", "ended", "warm", "merged", "waiting"))
        one = self.pool.asked.get(name)
        fence = (one and one.fence) or "1"
        if one and one.base:
            name = one.base
        how = dice.below(4)
        # Everything right but one thing, which may be nothing where the state is wrong.
        holder = (one and one.holder) or self._process(dice.pick(tuple(HOSTS)), 1)
        wrong = dice.below(6)
        if wrong == 0:
            fence = str(int(fence) - 1)
        elif wrong == 1:
            holder = holder._replace(start=holder.start + 1000)
        elif wrong == 2:
            holder = holder._replace(namespace="elsewhere")
        elif wrong == 3:
            holder = holder._replace(host="d")
        elif wrong == 4:
            holder = holder._replace(boot="before")
        given = {"request": name, "fence": fence, "holder": holder.record(), "why": ""}
        # Only what must be refused: an operator's false word is nobody's fault but his.
        found = self.pool.lease_of(name, fence)
        right = found is not None and found.fence == fence
        if how == 0 and not (right and found.state == "granted" and wrong == 5):
            if not (right and found.state == "granted" and wrong == 0):
                self._run("claim", given, lambda: self._refused(name, fence, holder))
        elif how == 1 and not (right and found.holder == holder):
            self._run("renew", given, lambda: self.pool.renew(name, fence, holder, None))
        elif how == 2 and not (right and found.holder == holder):
            self._run("release", given, lambda: self.pool.release(name, fence, holder, None))
        elif how == 3 and not (right and found.state in {"held", "warm", "merged"}):
            self._run("reclaim", given, lambda: self.pool.reclaim(name, fence))

    def _refused(self, name: str, fence: str, holder: Process) -> dict[str, Any]:
        said = self.pool.claim(name, fence, holder)
        one = self.pool.lease_of(name, fence)
        host = self.hosts[holder.host]
        # It was right after all: a process of its own then holds it, and need not begin any more.
        key = (name, fence)
        self.starts = [s for s in self.starts if (s.lease["request"], s.lease["fence"]) != key]
        host.journal.setdefault(
            (name, fence), Entry(_lease(one, name, holder), holder)
        ).claimed = True
        return said

    # Those who die, and those who see it.

    def do_die(self, dice: Dice) -> None:
        """A process ends without a word; now and then its whole host."""
        host = dice.pick(tuple(HOSTS))
        there = self.hosts[host]
        if dice.below(8) == 7:
            there.boot += 1
            there.agent += 1
            there.read = None
        else:
            there.starts[dice.pick(PIDS)] += 1

    def do_mourn(self, dice: Dice) -> None:
        """An agent compares journal, pool and processes, and takes back what nobody holds."""
        host = dice.pick(tuple(HOSTS))
        there = self.hosts[host]
        for device in self.pool.of_host(host):
            for one in self.pool.leases(device):
                if one.state not in {"held", "warm"} or one.holder is None:
                    continue
                entry = there.journal.get((one.base or one.id, one.fence))
                promised = (one.base or one.id, one.holder) in there.promises
                if (entry or promised) and self._lives(host, one.holder):
                    continue
                self._reclaim(one, there)
                return
        for one in self.pool.live():
            mine = one.state == "merged" and one.holder and one.holder.host == host
            if mine and not self._lives(host, one.holder):
                self._reclaim(one, there)
                return

    def _reclaim(self, one: Asked, there: Truth, *, clear: bool = True) -> None:
        self.pool.note("reclaim")
        name, fence = one.base or one.id, one.fence
        if clear:
            there.journal.pop((name, fence), None)
        given = {"request": name, "fence": fence, "why": "gone"}
        self._run("reclaim", given, lambda: self.pool.reclaim(name, fence))

    # Agents.

    def do_register(self, dice: Dice) -> None:
        """An agent registers: again, a new one, one with other devices, or a stranger."""
        name = dice.pick(tuple(HOSTS))
        there = self.hosts[name]
        how = dice.below(6)
        if how == 5:
            self._register(name, stranger=True)
            return
        if how in {1, 2, 3}:
            there.agent += 1
            there.read = None
        if how == 2:
            there.devices = 3 - there.devices
        if how == 3:
            there.services = not there.services
        self._register(name)

    def _register(self, name: str, *, stranger: bool = False) -> None:
        there = self.hosts[name]
        devices = dict(list(HOSTS[name].items())[: there.devices])
        services = SERVICES[name] if there.services else ()
        agent = "stranger" if stranger else f"{name}{there.agent}"
        namespace = "elsewhere" if stranger else f"ns-{name}"
        new = Host(agent, f"boot{there.boot}", namespace, f"/{name}", services, self.now)
        given = {
            "host": name,
            "agent": agent,
            "boot": new.boot,
            "namespace": namespace,
            "journal": new.journal,
            "services": list(services),
            "pid": 1,
            "beat_limit": BEAT_LIMIT,
            "claim_limit": CLAIM_LIMIT,
            "devices": [
                {
                    "index": int(device[2:]),
                    "uuid": f"GPU-{device}",
                    "model": "X",
                    "memory": total[0],
                    "compute": total[1],
                    "decoders": total[2],
                }
                for device, total in devices.items()
            ],
        }
        self._run("register", given, lambda: self.pool.register(name, new, devices))

    def do_heartbeat(self, dice: Dice) -> None:
        """One agent's heart beats, or all of them."""
        names = dice.pick((tuple(HOSTS), ("a",), ("b",), ("c",)))
        for name in names:
            there = self.hosts[name]
            agent = f"{name}{there.agent}"
            given = {
                "host": name,
                "agent": agent,
                "devices": dict.fromkeys(list(HOSTS[name])[: there.devices], "{}"),
            }
            said = self._run("heartbeat", given, lambda n=name, a=agent: self.pool.heartbeat(n, a))
            if said is None:
                self._register(name)

    def do_read(self, dice: Dice) -> None:
        """An agent reads its journal, to attest later."""
        self._read(dice.pick(tuple(HOSTS)))

    def _read(self, name: str) -> None:
        there = self.hosts[name]
        if name not in self.pool.hosts:
            return
        if all(epoch == self.pool.epoch for epoch in self.pool.epochs(name).values()):
            there.journal_epoch = self.pool.epoch
            there.read = None
            return
        gone = [k for k, e in there.journal.items() if not self._lives(name, e.holder)]
        for key in gone:
            del there.journal[key]
        known = there.journal_epoch
        # Written before the journal is read, and before it is asked for: the answer may be lost.
        there.journal_epoch = max(self.pool.epoch, known + 1)
        living = [dict(entry.lease) for entry in there.journal.values()]
        there.read = ((self.pool.epoch, self.pool.life), known, living)

    def do_attest(self, dice: Dice) -> None:
        """An agent says what lives, as it read it just now or before; the answer may be lost."""
        name = dice.pick(tuple(HOSTS))
        if self.hosts[name].read is None or dice.below(4):
            self._read(name)
        if self.hosts[name].read is not None:
            self._attest(name, lost=dice.below(8) == 7)

    def _attest(self, name: str, *, lost: bool = False) -> None:
        there = self.hosts[name]
        if there.read is None:
            return
        seen, known, living = there.read
        there.read = None
        agent = f"{name}{there.agent}"
        given = {
            "host": name,
            "agent": agent,
            "seen": str(seen[0]),
            "life": str(seen[1]),
            "journal_epoch": known,
            "living": living,
        }
        said = self._run(
            "attest", given, lambda: self.pool.attest(name, agent, seen, known, living)
        )
        if said and not lost:
            there.journal_epoch = said["epoch"]

    def do_mark(self, dice: Dice) -> None:
        """A device is cordoned, resumed, quarantined or trusted."""
        name = dice.pick([*self.pool.devices, "z:9"])
        how = dice.below(4)
        given: dict[str, Any] = {"device": name}
        cordon, quarantine = None, None
        if how in {0, 2}:
            # Opened as often as closed, so that most are open.
            given["cordon"] = cordon = how == 0 and dice.below(2) == 0
        else:
            given["quarantine"] = quarantine = "dirty" if how == 1 and dice.below(2) else ""
        self._run("mark", given, lambda: self.pool.mark(name, cordon=cordon, quarantine=quarantine))

    # Time and the server.

    def do_time(self, dice: Dice) -> None:
        """Time goes on, by little or by much; mostly the agents live through it."""
        jump = dice.pick(STEPS_OF_TIME)
        beats = dice.below(3)
        self.now += jump
        self.pool.now = self.now
        if beats:
            self.do_heartbeat(Dice(0))

    def do_sweep(self, dice: Dice) -> None:
        """What time alone brings about."""
        del dice
        self._run("sweep", {}, self.pool.sweep)

    def do_copy(self, dice: Dice) -> None:
        """The server's file is written."""
        del dice
        self.copies = [*self.copies[-3:], (self.server.save(), self.pool.older())]

    def do_back(self, dice: Dice) -> None:
        """The server is restarted: with what it had, with an older copy, or with nothing."""
        how = dice.below(8)
        seen = self.pool.seen
        self.now += SECOND
        self.pool.now = self.now
        if how == 0:
            self.pool.note("restart, empty")
            self.server.wipe()
            self.pool = Pool(now=self.now, seen=seen)
        elif how < 5 and self.copies:
            self.pool.note("restart, older copy")
            saved, pool = dice.pick(self.copies)
            self.server.load(saved)
            self.pool = pool.older()
            self.pool.now, self.pool.seen = self.now, seen
            self.pool.restarted()
        else:
            self.pool.note("restart")
            self.server.client.hset(self.server.prefix + "meta", "run_id", "another")
            self.pool.restarted()
        if dice.below(2):
            for name in HOSTS:
                self.do_heartbeat(Dice(tuple(HOSTS).index(name) + 1))
                self._read(name)
                self._attest(name)
        else:
            self.do_sweep(Dice(0))

    def end(self) -> None:
        """Everything ends, and nothing is left on the server but what has bounds.

        Raises:
            Violation: something is left, or goes wrong on the way.
        """
        self.now += SECOND
        self.pool.now = self.now
        for name, there in self.hosts.items():
            there.boot += 1
            there.agent += 1
            there.read = None
            self._register(name)
            self._read(name)
            self._attest(name)
            while any(
                one.state in {"held", "warm", "merged"} and one.holder and one.holder.host == name
                for one in self.pool.live()
            ):
                before = len(self.pool.live())
                self.do_mourn(Dice(tuple(HOSTS).index(name)))
                if len(self.pool.live()) >= before:
                    break
        for one in self.pool.waiting() + self.pool.live():
            if one.state in {"waiting", "granted"}:
                given = {"request": one.id, "why": ""}
                self._run("cancel", given, lambda n=one.id: self.pool.cancel(n))
        self.now += 3_600 * SECOND + 1
        self.pool.now = self.now
        for _ in range(4):
            self.do_sweep(Dice(0))
        left = [f"{one.id} is {one.state}" for one in self.pool.live()]
        left += leftovers(self.server)
        if left:
            raise Violation("\n".join(left))


def _lease(one: Asked, name: str, holder: Process) -> dict[str, Any]:
    """What the journal keeps of a lease."""
    return {
        "request": name,
        "fence": one.fence,
        "device": one.device,
        "memory": one.got[0],
        "compute": one.got[1],
        "decoders": one.got[2],
        "shape": one.shape.text,
        "group": one.group,
        "weight": one.weight,
        "what": one.what,
        "workflow": "",
        "expected": one.expected,
        "limit": one.limit,
        "wake": "",
        "holder": holder.record(),
        "warm": one.state == "warm",
    }


def _plain(name: str, said: dict[str, Any], want: dict[str, Any]) -> dict[str, Any]:
    """The scripts' answer, in the model's words."""
    if "error" in said:
        return {"error": said["error"]}
    plain: dict[str, Any] = {}
    for key, wanted in want.items():
        if key == "grants":
            plain[key] = [_grant(grant) for grant in said.get("grants") or ()]
        elif key in {"epoch", "used"}:
            plain[key] = int(said[key])
        elif key == "devices":
            plain[key] = {one["device"]: int(one["epoch"]) for one in said.get("devices") or ()}
            if name == "heartbeat":
                plain[key] = {**wanted, **plain[key]}
        elif key == "kept":
            plain[key] = said["kept"]["request"] if said.get("kept") else None
        elif key == "over":
            plain[key] = [one["request"] for one in said.get("over") or ()]
        else:
            plain[key] = said.get(key)
    return plain


def _grant(record: dict[str, Any]) -> Grant:
    got = (record["memory"], record["compute"], record["decoders"])
    return Grant(record["request"], record["fence"], record["device"], got, record["held"])


# What may stay for ever: as many keys as there are hosts, devices and kinds of work.
_BOUNDED = (
    "meta", "clock", "events", "hosts", "host:", "devices", "device:", "agent:", "means",
    "durations:", "ratios:",
)  # fmt: skip


def leftovers(server: Server) -> list[str]:
    """Keys that stand for what has ended."""
    found = []
    for name, kind, value in server.dump():
        if name.startswith((*_BOUNDED, "wake:")):
            continue
        if name.startswith("request:") and value[0] == "ended" and value[1] > 0:
            continue
        found.append(f"left behind: {kind} {name} {json.dumps(value)[:200]}")
    return found
