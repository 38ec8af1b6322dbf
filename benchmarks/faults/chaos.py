"""Chaos with real processes: `python -m benchmarks.faults.chaos --seconds 120 [--lock pool]`.

Agents of two hosts and a number of holders work with an embedded Valkey, while holders are stopped,
continued and killed, agents stopped and killed, and the server stalled, killed and brought back
with its file, with an older one and with none. Prints one JSON object; exits with 1 when a promise
was broken. With `--lock original` or `--lock expiring` the same holders trust a lock with a time
limit: these must be caught, or the observer is blind.
"""

import argparse
import contextlib
import heapq
import itertools
import json
import multiprocessing
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from benchmarks.faults.observer import INSIDE, Size, lines
from benchmarks.faults.parts import LOCK_LIMIT_S, LONGEST_WAIT_S, Stage, hold, tend
from yivideo.errors import ServerUnavailable, YiVideoError
from yivideo.gpu.journal import Journal
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.records import Device
from yivideo.storage.redis import connect
from yivideo.storage.valkey import embedded

HOSTS = ("ash", "birch")
SIZES = (Size(4096, 1000, 1000), Size(2048, 1000, 2000), Size(8192, 1000, 1000))
BEAT_LIMIT_S = 3.0
CLAIM_LIMIT_S = 2.0
# By when a killed holder's device is to be back while its agent lives; else the heartbeat limit
# and two seconds count from the end of the trouble.
SOON_S = 1.0
# How long everything may take to come to rest once nobody is tormented any more.
REST_S = 60.0
# By when a request must have ended: its longest wait, what it may be stopped, outages.
REQUEST_S = LONGEST_WAIT_S + 30.0


class Server:
    """The Valkey server, as something to be killed."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / "server"
        self._copies = folder / "copies"
        self._numbers = itertools.count()
        self.valkey = embedded(self._state)
        self.url = self.valkey.url
        self.pid = self._ask_pid()
        self.up = True

    def _ask_pid(self) -> int:
        with connect(self.url) as client:
            return int(client.info("server")["process_id"])  # type: ignore[index]

    def copy(self) -> None:
        """Keep a copy of its files as they are now; a few are kept."""
        name = self._copies / str(next(self._numbers))
        try:
            shutil.copytree(self._state / "data", name)
        except (shutil.Error, OSError):
            # The server put a file in the place of another meanwhile.
            shutil.rmtree(name, ignore_errors=True)
            return
        kept = sorted(self._copies.iterdir(), key=lambda path: int(path.name))
        for old in kept[:-4]:
            shutil.rmtree(old)

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)
        self.up = False

    def start(self, files: str, dice: random.Random) -> None:
        """Start it with its files, with an older copy of them, or with none."""
        data = self._state / "data"
        copies = list(self._copies.iterdir()) if self._copies.exists() else []
        if files == "empty" or (files == "older" and copies):
            shutil.rmtree(data)
            if files == "older":
                shutil.copytree(dice.choice(copies), data)
            else:
                data.mkdir(mode=0o700)
        try:
            self.valkey.ensure()
        except ServerUnavailable as error:
            # A copy made while it rewrote its files may be of no use.
            say(f"With an older copy: {error}")
            shutil.rmtree(data)
            data.mkdir(mode=0o700)
            self.valkey.ensure()
        self.pid = self._ask_pid()
        self.up = True


class Events:
    """What the pool says happened, gathered by a thread: (kind, fence, seconds since 1970)."""

    def __init__(self, url: str) -> None:
        self.ends: dict[int, tuple[str, float]] = {}
        self.kinds: Counter[str] = Counter()
        self._url = url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Gather no more."""
        self._over.set()
        self._thread.join(10)

    def _follow(self) -> None:
        last = "0"
        with GpuPool(self._url) as pool:
            while not self._over.is_set():
                try:
                    for event in pool.events(last, block=0.5):
                        last = event["id"]
                        self._note(event)
                        if self._over.is_set():
                            return
                except ServerUnavailable:
                    time.sleep(0.1)

    def _note(self, event: dict[str, str]) -> None:
        self.kinds[event["kind"]] += 1
        if event["kind"] in {"reclaim", "release"}:
            # An older copy of the server may bring the lease back, to be taken back once more.
            self.ends.setdefault(int(event["fence"]), (event["kind"], int(event["at"]) / 1e6))


class Chaos:
    """One run.

    Args:
        stage: what all processes know.
        server: the server.
        seed: what is done to whom follows from it and from who is inside when.
    """

    def __init__(self, stage: Stage, server: Server, holders: int, seed: int) -> None:
        self.stage = stage
        self.server = server
        self.dice = random.Random(seed)
        self.board = stage.board
        self.deeds: Counter[str] = Counter()
        self.problems: list[str] = []
        self.killed: list[tuple[int, float, str]] = []
        # When a host's agent or the server could not be counted on: [name, from, until].
        self.troubles: list[list[Any]] = []
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["benchmarks.faults.parts"])
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._stopped: set[int] = set()
        self.pids: set[int] = set()
        self.holders = [self._holder(row) for row in range(holders)]
        self.agents: dict[str, ForkServerProcess | None] = {}
        if stage.lock == "pool":
            for host in HOSTS:
                self._start_agent(host)

    def _start(self, target: Callable[..., None], *arguments: object) -> ForkServerProcess:
        process = self._context.Process(target=target, args=(self.stage, *arguments), daemon=True)
        process.start()
        assert process.pid
        self.pids.add(process.pid)
        return process

    def _host(self, row: int) -> str:
        return HOSTS[row % len(HOSTS)] if len(self.stage.sizes) > 1 else HOSTS[0]

    def _holder(self, row: int) -> ForkServerProcess:
        self.board.say(row, 0)
        return self._start(hold, self._host(row), row, self.dice.getrandbits(32))

    def _start_agent(self, host: str) -> None:
        self.agents[host] = self._start(tend, host)

    def _after(self, seconds: float, deed: Callable[[], None]) -> None:
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), deed))

    def _trouble(self, name: str) -> list[Any]:
        entry: list[Any] = [name, time.time(), float("inf")]
        self.troubles.append(entry)
        return entry

    def run(self, seconds: float) -> None:
        """Torment for so long."""
        end = time.monotonic() + seconds
        next_deed = time.monotonic() + 1.0
        next_copy = time.monotonic() + 2.0
        told = 0.0
        while (now := time.monotonic()) < end:
            while self._later and self._later[0][0] <= now:
                heapq.heappop(self._later)[2]()
            if now >= next_deed:
                self._deed()
                next_deed = now + self.dice.uniform(0.1, 0.9)
            if now >= next_copy and self.server.up:
                self.server.copy()
                next_copy = now + 2.0
            self._respawn()
            if now > told + 10:
                told = now
                say(f"{end - now:.0f} s left, {dict(self.deeds)}")
            time.sleep(0.02)
        while self._later:
            heapq.heappop(self._later)[2]()

    def _respawn(self) -> None:
        for row, process in enumerate(self.holders):
            if process.is_alive():
                continue
            if process.exitcode not in {0, -signal.SIGKILL}:
                self.problems.append(f"a holder ended with {process.exitcode}")
            process.close()
            self.holders[row] = self._holder(row)
        for host, agent in self.agents.items():
            if agent is not None and not agent.is_alive():
                self.problems.append(f"the agent of {host} ended with {agent.exitcode}")
                agent.close()
                self._start_agent(host)

    def _deed(self) -> None:
        deeds: list[tuple[float, Callable[[], None]]] = [
            (4, self._kill_inside),
            (2, self._kill_any),
            (4, self._stop_inside),
            (2, self._stop_any),
        ]
        if self.stage.lock == "pool":
            deeds += [
                (1.2, self._kill_agent),
                (0.6, self._stop_agent),
                (0.5, lambda: self._kill_server("file")),
                (0.5, lambda: self._kill_server("older")),
                (0.4, lambda: self._kill_server("empty")),
                (0.5, self._stall_server),
            ]
        else:
            deeds = [(1, self._kill_any), (6, self._stop_inside)]
        weights, calls = zip(*deeds, strict=True)
        self.dice.choices(calls, weights)[0]()

    def _choose(self, *, inside: bool) -> int | None:
        rows = [
            row
            for row, process in enumerate(self.holders)
            if process.pid not in self._stopped
            and (not inside or self.board.read(row)[0] == INSIDE)
        ]
        return self.dice.choice(rows) if rows else None

    def _kill(self, row: int | None, name: str) -> None:
        if row is None:
            return
        self.deeds[name] += 1
        process = self.holders[row]
        at = time.time()
        process.kill()
        process.join()
        state, fence = self.board.read(row)
        if state == INSIDE:
            self.killed.append((fence, at, self._host(row)))
        process.close()
        self.holders[row] = self._holder(row)

    def _kill_inside(self) -> None:
        self._kill(self._choose(inside=True), "killed inside")

    def _kill_any(self) -> None:
        self._kill(self._choose(inside=False), "killed")

    def _stop(self, row: int | None, name: str) -> None:
        if row is None:
            return
        process = self.holders[row]
        pid = process.pid
        assert pid
        if not send(pid, signal.SIGSTOP):
            return
        self.deeds[name] += 1
        self._stopped.add(pid)

        def go_on() -> None:
            self._stopped.discard(pid)
            send(pid, signal.SIGCONT)

        pool = self.stage.lock == "pool"
        self._after(self.dice.uniform(0.3, 4) if pool else LOCK_LIMIT_S * 2, go_on)

    def _stop_inside(self) -> None:
        self._stop(self._choose(inside=True), "stopped inside")

    def _stop_any(self) -> None:
        self._stop(self._choose(inside=False), "stopped")

    def _idle_agent(self) -> str | None:
        hosts = [
            host
            for host, agent in self.agents.items()
            if agent is not None and agent.pid not in self._stopped
        ]
        return self.dice.choice(hosts) if hosts else None

    def _kill_agent(self) -> None:
        host = self._idle_agent()
        if host is None:
            return
        agent = self.agents[host]
        assert agent
        self.deeds["agent killed"] += 1
        trouble = self._trouble(host)
        agent.kill()
        agent.join()
        agent.close()
        self.agents[host] = None

        def again() -> None:
            self._start_agent(host)
            trouble[2] = time.time()

        self._after(self.dice.choice((0.1, 0.5, 1.0, BEAT_LIMIT_S + 2)), again)

    def _stop_agent(self) -> None:
        host = self._idle_agent()
        if host is None:
            return
        agent = self.agents[host]
        assert agent and agent.pid
        pid = agent.pid
        self.deeds["agent stopped"] += 1
        trouble = self._trouble(host)
        send(pid, signal.SIGSTOP)
        self._stopped.add(pid)

        def go_on() -> None:
            self._stopped.discard(pid)
            send(pid, signal.SIGCONT)
            trouble[2] = time.time()

        self._after(self.dice.uniform(0.5, 2 * BEAT_LIMIT_S), go_on)

    def _kill_server(self, files: str) -> None:
        if not self.server.up:
            return
        self.deeds[f"server killed, {files} back"] += 1
        trouble = self._trouble("server")
        self.server.kill()

        def again() -> None:
            self.server.start(files, self.dice)
            trouble[2] = time.time()

        self._after(self.dice.uniform(0, 2), again)

    def _stall_server(self) -> None:
        if not self.server.up:
            return
        self.deeds["server stalled"] += 1
        trouble = self._trouble("server")
        pid = self.server.pid
        send(pid, signal.SIGSTOP)
        self.server.up = False

        def go_on() -> None:
            send(pid, signal.SIGCONT)
            self.server.up = True
            trouble[2] = time.time()

        self._after(self.dice.uniform(1, 3), go_on)

    def rest(self) -> dict[str, float]:
        """Let everything come to rest, and say how long it took."""
        began = time.monotonic()
        self.board.end()
        for process in self.holders:
            process.join(max(0.0, began + REST_S - time.monotonic()))
            if process.is_alive():
                self.problems.append(f"a holder did not end within {REST_S:g} s")
                process.kill()
                process.join()
            process.close()
        holders_done = time.monotonic() - began
        if self.stage.lock != "pool":
            return {"holders_s": holders_done}
        wrong = "nobody looked"
        while wrong and time.monotonic() - began < REST_S:
            time.sleep(0.1)
            wrong = self._unrest()
        if wrong:
            self.problems.append(f"after {REST_S:g} s of rest: {wrong}")
        rested = time.monotonic() - began
        for host, agent in self.agents.items():
            assert agent
            if not agent.is_alive():
                self.problems.append(f"the agent of {host} has ended")
            agent.kill()
            agent.join()
            agent.close()
        return {"holders_s": round(holders_done, 2), "pool_s": round(rested, 2)}

    def _unrest(self) -> str:
        """What is not as it was in the beginning; "" when everything is."""
        with GpuPool(self.stage.url) as pool:
            try:
                now = pool.snapshot(10)
            except ServerUnavailable as error:
                return str(error)
        wrong = [f"the server knows {len(now.devices)} devices"]
        if len(now.devices) == len(self.stage.sizes):
            wrong = [_unlike_before(device) for device in now.devices]
        if now.waiting or now.waiters:
            wrong.append(f"{now.waiting} requests wait: {now.waiters[:2]}")
        for host in HOSTS:
            left = Journal(self.stage.folder / host / "journal").entries()
            if left:
                wrong.append(f"the journal of {host} names {left[:2]}")
        return ", ".join(filter(None, wrong))

    def recoveries(self, events: Events) -> dict[str, Any]:
        """How long the devices of killed holders were missed."""
        with_agent: list[float] = []
        after_trouble: list[float] = []
        late: list[dict[str, Any]] = []
        unknown = 0
        for fence, at, host in self.killed:
            if fence not in events.ends:
                # The server lost what it said of this one; that nothing is left is seen in the end.
                unknown += 1
                continue
            how, back = events.ends[fence]
            start, limit = at, SOON_S
            troubles = [trouble for trouble in self.troubles if trouble[0] in {host, "server"}]
            for _, begin, until in troubles:
                if begin <= min(back, start + limit) and until > start:
                    start, limit = until, BEAT_LIMIT_S + 2.0
            (with_agent if start == at else after_trouble).append(max(0.0, back - start))
            if back - start > limit:
                near = [
                    (name, round(begin - at, 2), round(until - at, 2))
                    for name, begin, until in troubles
                    if until > at - 10 and begin < back
                ]
                took = round(back - at, 2)
                late.append({"fence": fence, "host": host, "how": how, "took": took, "near": near})
        return {
            "agent_lives": spread(with_agent),
            "after_trouble": spread(after_trouble),
            "late": late,
            "not_known": unknown,
        }


def _unlike_before(device: Device) -> str:
    """How a device differs from one that nobody has ever used; "" if it does not."""
    free = (device.free_memory, device.free_compute, device.free_decoders)
    if device.state != "open" or device.leases:
        return f"{device.id} is {device.state}: {device.quarantine} {device.leases}"
    if free != (device.memory, device.compute, device.decoders):
        return f"{device.id} has {free} free and nobody on it"
    return ""


def send(pid: int, what: signal.Signals) -> bool:
    """Send a signal; False when nobody is there any more."""
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return False
    return True


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, 99 % and greatest of some seconds."""
    if not values:
        return {"n": 0}
    ranked = sorted(values)
    return {
        "n": len(ranked),
        "median_s": round(statistics.median(ranked), 4),
        "p99_s": round(ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))], 4),
        "max_s": round(ranked[-1], 4),
    }


def say(text: str) -> None:
    """Progress, for people."""
    print(text, file=sys.stderr, flush=True)


def leaked(pids: set[int]) -> list[int]:
    """Those that still live."""
    time.sleep(0.2)
    return sorted(pid for pid in pids if Path(f"/proc/{pid}").exists() and not _is_zombie(pid))


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return ") Z" in Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    return True


def run(
    seconds: float, seed: int, devices: int, holders: int, lock: str, keep: str
) -> dict[str, Any]:
    """One run in a folder of its own; the figures, with what was broken under "problems"."""
    folder = Path(keep or tempfile.mkdtemp(prefix="yivideo-chaos-"))
    folder.mkdir(exist_ok=True)
    server = Server(folder)
    (folder / "copies").mkdir()
    names = [f"{HOSTS[n % len(HOSTS)]}:{n // len(HOSTS)}" for n in range(devices)]
    sizes = {name: SIZES[n % len(SIZES)] for n, name in enumerate(names)}
    stage = Stage(folder, server.url, lock, sizes, holders, BEAT_LIMIT_S, CLAIM_LIMIT_S)
    events = Events(server.url) if lock == "pool" else None
    chaos = Chaos(stage, server, holders, seed)
    try:
        chaos.run(seconds)
        rest = chaos.rest()
        if events:
            # What the server said last has been heard.
            time.sleep(1.0)
            events.stop()
    finally:
        for pid in chaos.pids:
            send(pid, signal.SIGCONT)
        server.valkey.stop()
    requests = list(lines(folder / "requests"))
    outcomes = Counter(str(request["outcome"]) for request in requests)
    overlaps = list(lines(folder / "overlaps"))
    longest = max((float(str(request["took"])) for request in requests), default=0.0)
    problems = chaos.problems
    if lock == "pool":
        problems += [f"overlap: {overlap}" for overlap in overlaps[:5]]
        if longest > REQUEST_S:
            problems.append(f"a request took {longest} s")
        problems += [f"a holder had a {outcome}" for outcome in outcomes if "crash" in outcome]
    elif not overlaps:
        problems.append("the observer saw no overlap")
    left = leaked(chaos.pids | {server.pid})
    if left:
        problems.append(f"processes are left: {left}")
    chaos.board.close()
    figures: dict[str, Any] = {
        "lock": lock,
        "seed": seed,
        "seconds": seconds,
        "devices": devices,
        "holders": holders,
        "heartbeat_limit_s": BEAT_LIMIT_S,
        "deeds": dict(sorted(chaos.deeds.items())),
        "requests": len(requests),
        "outcomes": dict(outcomes.most_common()),
        "longest_request_s": longest,
        "overlaps": len(overlaps),
        "rest": rest,
        "problems": problems,
    }
    if events:
        figures["recovery"] = chaos.recoveries(events)
        figures["events"] = dict(sorted(events.kinds.items()))
    if not keep and not problems:
        shutil.rmtree(folder)
    else:
        say(f"What they wrote lies in {folder}.")
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the figures, and say by the exit status whether everything held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--devices", type=int, default=3)
    parser.add_argument("--holders", type=int, default=8)
    parser.add_argument("--lock", choices=("pool", "original", "expiring"), default="pool")
    parser.add_argument("--keep", default="", help="a folder for what the processes write")
    given = parser.parse_args(arguments)
    seed = given.seed if given.seed is not None else random.SystemRandom().getrandbits(32)
    say(f"seed {seed}")
    try:
        figures = run(given.seconds, seed, given.devices, given.holders, given.lock, given.keep)
    except YiVideoError as error:
        say(str(error))
        return 2
    print(json.dumps(figures, indent=1))
    return 1 if figures["problems"] or figures.get("recovery", {}).get("late") else 0


if __name__ == "__main__":
    sys.exit(main())
