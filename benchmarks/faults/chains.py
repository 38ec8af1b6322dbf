"""The control: the storm's steps as plain Celery chains, as the original runs them.

Early acknowledgement, results in Redis, nobody who looks after what was lost. A chain whose last
step has not been carried out when nothing has moved for a while is lost.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from celery import chain

from benchmarks.faults.chaos import Server, say
from benchmarks.faults.observer import lines
from benchmarks.faults.storm_steps import EXECUTIONS, HARMLESS, Order, work
from benchmarks.plain_celery import plain_app, run_alone
from yivideo.engine.hints import broker_url

_WORKERS = 2
_ADDRESS = "YIVIDEO_STORM_REDIS"
# Nothing has been carried out for so long: nothing will be.
_QUIET_S = 5.0
_LONGEST_S = 90.0
app = plain_app("storm", _ADDRESS, worker_prefetch_multiplier=1)


def _carry_out(token: str, folder: str, name: str) -> None:
    """One step."""
    work(Order(token=token, folder=folder), name, lambda _fraction: None)


# What Celery makes of it is not what its stubs say.
carry_out: Any = app.task(name="storm.carry_out")(_carry_out)


def _worker(folder: Path, url: str) -> "subprocess.Popen[bytes]":
    with (folder / "workers.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.faults.chains"],
            env={**os.environ, _ADDRESS: url},
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def celery_storm(rounds: int, seed: int, workflows: int) -> dict[str, Any]:
    """Storm over plain chains; the figures, with what was lost under "problems"."""
    dice = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="yivideo-chains-"))
    server = Server(folder)
    (folder / "copies").mkdir()
    app.conf.update(broker_url=broker_url(server.url))
    workers = [_worker(folder, server.url) for _ in range(_WORKERS)]
    deeds: Counter[str] = Counter()
    accepted: dict[str, str] = {}
    began = time.monotonic()
    try:
        for number in range(rounds):
            for n in range(workflows):
                names = dice.sample(sorted(HARMLESS), dice.randint(2, 4))
                token = f"{number}-{n}"
                steps = [carry_out.si(token, str(folder), name) for name in names]
                chain(*steps, app=app).apply_async()
                accepted[token] = names[-1]
            _await_work(folder, number)
            for _ in range(2):
                time.sleep(dice.uniform(0.1, 1.0))
                victim = dice.randrange(_WORKERS)
                workers[victim].send_signal(signal.SIGKILL)
                workers[victim].wait()
                workers[victim] = _worker(folder, server.url)
                deeds["worker killed"] += 1
            if number % 2:
                server.kill()
                # With nothing back all would be lost, and the storm nothing to do with it.
                server.start("file", dice)
                deeds["Redis killed, file back"] += 1
        lost = _await_rest(folder, accepted)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
        server.valkey.stop()
    twice = sum(count - 1 for count in _ended(folder).values())
    shutil.rmtree(folder)
    return {
        "engine": "celery",
        "seed": seed,
        "rounds": rounds,
        "seconds": round(time.monotonic() - began, 1),
        "deeds": dict(sorted(deeds.items())),
        "accepted": len(accepted),
        "lost": len(lost),
        "carried_out_twice": twice,
        "problems": [f"lost: {token}" for token in lost],
    }


def _ended(folder: Path) -> Counter[tuple[str, str]]:
    found = (line for line in lines(folder / EXECUTIONS) if line["event"] == "end")
    return Counter((str(line["token"]), str(line["step"])) for line in found)


def _await_work(folder: Path, number: int) -> None:
    """Wait until something of this round is under way."""
    end = time.monotonic() + _LONGEST_S
    while time.monotonic() < end:
        began = (line for line in lines(folder / EXECUTIONS) if line["event"] == "begin")
        if any(str(line["token"]).startswith(f"{number}-") for line in began):
            return
        time.sleep(0.05)
    say(f"round {number}: nothing was begun")


def _await_rest(folder: Path, accepted: dict[str, str]) -> list[str]:
    """Wait until all is done or nothing moves any more; returns the chains that did not end."""
    path = folder / EXECUTIONS
    end = time.monotonic() + _LONGEST_S
    size, since = -1, time.monotonic()
    lost = list(accepted)
    while lost and time.monotonic() < end:
        done = _ended(folder)
        lost = [token for token, last in accepted.items() if not done[token, last]]
        now = path.stat().st_size if path.exists() else 0
        if now != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > _QUIET_S and _can_work(folder):
            break
        time.sleep(0.2)
    return lost


def _can_work(folder: Path) -> bool:
    """Whether a worker is there and carries out what it is given: a chain of one short step."""
    token = f"probe-{time.monotonic()}"
    with contextlib.suppress(Exception):
        carry_out.apply_async((token, str(folder), "storm.nothing"), retry=False)
    end = time.monotonic() + 15
    while time.monotonic() < end:
        if _ended(folder)[token, "storm.nothing"]:
            return True
        time.sleep(0.1)
    return False


if __name__ == "__main__":
    run_alone(app, f"storm-{os.getpid()}@here")
