"""Kill -9 storms over whole systems: `python -m benchmarks.faults.storm --rounds 8`.

Two hosts with all their processes carry out workflows of small steps, some of them poisonous. In
each round processes are killed: steps' children, places, reconcilers, the API, agents, a whole
host, Redis (back with its file, with an older copy, with nothing), PostgreSQL. What a supervisor
would start again is started again; then everything has to end. Prints one JSON object; exits with
1 when a promise was broken. With `--engine celery` plain Celery chains stand in the same storm:
they must lose work, or the storm is none.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.faults.chains import celery_storm
from benchmarks.faults.chaos import say
from benchmarks.faults.observer import lines
from benchmarks.faults.storm_steps import EXECUTIONS, HARMLESS, POISON
from benchmarks.faults.storm_submitting import Submission, Submitter
from benchmarks.faults.storm_system import HOSTS, SILENCE_S, Found, System
from benchmarks.faults.storm_verdict import Verdict
from yivideo.errors import LedgerUnavailable

# How long a round's workflows may take to end once nobody is tormented any more.
REST_S = 120.0
_DEEDS_A_ROUND = 3


class Storm:
    """One storm.

    Args:
        system: what is tormented.
        seed: what is done to whom follows from it, and from who works when.
        workflows: so many a round.
    """

    def __init__(self, system: System, seed: int, workflows: int) -> None:
        self.system = system
        self.dice = random.Random(seed)
        self.workflows = workflows
        self.deeds: Counter[str] = Counter()
        self.verdict = Verdict(system, HOSTS)
        self._deck: list[Callable[[], None]] = []
        self._later: list[tuple[float, Callable[[], None]]] = []

    def round(self, number: int) -> None:
        """Submit, torment, and wait until all has ended."""
        submissions = [self._submission(number, n) for n in range(self.workflows)]
        submitter = Submitter(self.system.port, submissions)
        thread = threading.Thread(target=submitter.run, daemon=True)
        thread.start()
        for _ in range(_DEEDS_A_ROUND):
            self._pass(self.dice.uniform(0.2, 1.5))
            self._deed()
        while self._later:
            self._pass(0.1)
        thread.join(REST_S)
        if thread.is_alive():
            self.verdict.problems.append(f"round {number}: not accepted within {REST_S:g} s")
            submitter.stop()
            thread.join()
        self._await_ends([one for one in submissions if one.workflow])
        self.verdict.judge(submissions)

    def _submission(self, number: int, n: int) -> Submission:
        names = self.dice.sample(sorted(HARMLESS), self.dice.randint(2, 4))
        if n == 0:
            names[self.dice.randrange(len(names))] = self.dice.choice(POISON)
        return Submission(
            token=f"{number}-{n}",
            names=tuple(names),
            video=str(self.system.video),
            folder=str(self.system.folder),
            wait=self.dice.uniform(0, 0.4),
        )

    def _pass(self, seconds: float) -> None:
        """Let time go by, with what is due meanwhile."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            for due, deed in [entry for entry in self._later if entry[0] <= now]:
                self._later.remove((due, deed))
                deed()
            time.sleep(0.02)

    def _after(self, seconds: float, deed: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, deed))

    def _deed(self) -> None:
        if not self._deck:
            busy = [self._kill_working, lambda: self._kill("place")]
            deck = busy * 3
            deck += [lambda role=role: self._kill(role) for role in ("reconciler", "api", "agent")]
            deck += [self._kill_host, *busy]
            if self.system.redis is not None:
                for files in ("file", "older", "empty"):
                    deck.append(lambda files=files: self._kill_redis(files))
            if self.system.postgres is not None:
                deck += [self._kill_postgres] * 2
            self.dice.shuffle(deck)
            self._deck = deck
        if self.system.redis is not None and self.system.redis.up:
            self.system.redis.copy()
        self._deck.pop()()

    def _kill(self, role: str, which: Callable[[Found], bool] = lambda _one: True) -> None:
        there = [one for one in self.system.processes() if one.role == role and which(one)]
        if not there:
            return
        victim = self.dice.choice(there)
        self.deeds[f"{role} killed"] += 1
        with self.verdict.trouble(role) if role in {"agent", "reconciler"} else _nothing():
            self.verdict.killed(victim, self.system.processes())
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim.pid, signal.SIGKILL)

    def _kill_working(self) -> None:
        """Kill a child in the middle of a step, or the place that started it."""
        try:
            # Who has lost two attempts already would fail, rightly, with a third.
            at_work = {one.pid for one in self.system.ledger.running() if one.number < 3}
        except LedgerUnavailable:
            at_work = set()
        if self.dice.random() < 0.5:
            self._kill("child", lambda one: not at_work or one.pid in at_work)
            return
        places = {one.parent for one in self.system.processes() if one.pid in at_work}
        self._kill("place", lambda one: not places or one.pid in places)

    def _kill_host(self) -> None:
        host = HOSTS[1]
        if self.system.hosts[host].poll() is not None:
            return
        self.deeds["host killed"] += 1
        self.verdict.host_killed(host, self.system.processes())
        self.system.kill_host(host)
        # Now and then it is back before anybody has noticed.
        pause = self.dice.choice((0.5, SILENCE_S + 3))
        self._after(pause, lambda: self.system.start_host(host))

    def _kill_redis(self, files: str) -> None:
        redis = self.system.redis
        if redis is None or not redis.up:
            return
        self.deeds[f"Redis killed, {files} back"] += 1
        end = self.verdict.trouble_begins("redis")
        redis.kill()

        def again() -> None:
            redis.start(files, self.dice)
            end()

        self._after(self.dice.uniform(0.1, 1.5), again)

    def _kill_postgres(self) -> None:
        postgres = self.system.postgres
        assert postgres is not None
        self.deeds["PostgreSQL killed"] += 1
        end = self.verdict.trouble_begins("postgres")
        postgres.kill()
        self._pass(self.dice.uniform(0.1, 1.5))
        postgres.start()
        end()

    def _await_ends(self, submissions: Sequence[Submission]) -> None:
        waiting = {one.workflow for one in submissions}
        end = time.monotonic() + REST_S
        while waiting and time.monotonic() < end:
            time.sleep(0.2)
            with contextlib.suppress(LedgerUnavailable):
                ended = {w for w in waiting if self.system.ledger.workflow(w).status.ended}
                waiting -= ended
            self._pass(0)


@contextlib.contextmanager
def _nothing() -> Any:
    yield


def run(rounds: int, seed: int, workflows: int, database: str, redis: str | None) -> dict[str, Any]:
    """A storm in a folder of its own; the figures, with what was broken under "problems"."""
    folder = Path(tempfile.mkdtemp(prefix="yivideo-storm-"))
    folder.chmod(0o755)
    began = time.monotonic()
    system = System(folder, database, redis)
    storm = Storm(system, seed, workflows)
    try:
        for host in HOSTS:
            system.start_host(host)
        ready = system.await_ready()
        for number in range(rounds):
            storm.round(number)
            if number % 10 == 9 or rounds <= 20:
                say(f"round {number + 1}: {dict(storm.deeds)} {storm.verdict.problems[:3]}")
        storm.verdict.judge_rest()
    finally:
        left = system.stop()
    verdict = storm.verdict
    if left:
        verdict.problems.append(f"processes are left: {left}")
    overlaps = list(lines(folder / "overlaps"))
    verdict.problems += [f"overlap: {overlap}" for overlap in overlaps[:5]]
    began_executions = sum(1 for line in lines(folder / EXECUTIONS) if line["event"] == "begin")
    figures = {
        "engine": "yivideo",
        "ledger": database,
        "redis": "embedded" if redis is None else "given",
        "seed": seed,
        "rounds": rounds,
        "seconds": round(time.monotonic() - began, 1),
        "ready_s": round(ready, 2),
        "heartbeat_limit_s": SILENCE_S,
        "deeds": dict(sorted(storm.deeds.items())),
        "executions": began_executions,
        "overlaps": len(overlaps),
        **verdict.figures(),
        "problems": verdict.problems,
    }
    if verdict.problems:
        say(f"What they wrote lies in {folder}.")
    else:
        shutil.rmtree(folder)
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the figures, and say by the exit status whether everything held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--workflows", type=int, default=6, help="a round")
    parser.add_argument("--ledger", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--redis", default="embedded", help="embedded, or a server's address")
    parser.add_argument("--engine", choices=("yivideo", "celery"), default="yivideo")
    given = parser.parse_args(arguments)
    seed = given.seed if given.seed is not None else random.SystemRandom().getrandbits(32)
    say(f"seed {seed}")
    if given.engine == "celery":
        figures = celery_storm(given.rounds, seed, given.workflows)
    else:
        redis = None if given.redis == "embedded" else given.redis
        figures = run(given.rounds, seed, given.workflows, given.ledger, redis)
    print(json.dumps(figures, indent=1))
    return 1 if figures["problems"] or figures.get("late") else 0


if __name__ == "__main__":
    sys.exit(main())
