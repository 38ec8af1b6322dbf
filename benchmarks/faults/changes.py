"""Changing the configuration under load, and a change that breaks steps.

`python -m benchmarks.faults.changes [--changes 200] [--ledger postgresql] [--seed N] [--save]`
prints JSON.

A system of real processes carries out workflows without a pause while settings change in random
order: single keys, roll-backs, trials that begin, are promoted and aborted, and now and then two
writers at the same moment. Then a version that ends each step on a device too early is made, which
the guard must take back, and one that does no harm, which must stay.

failed      workflows that did not succeed while settings changed: none may
conflicts   of the pairs of writers, those in which exactly one was refused: all must be
agree       whether all processes ended with the version that rules
spread_s    from a change until all processes said that they run it
harmful     the guard's answer to the version that breaks steps; `after_s` from its beginning
"""

import argparse
import contextlib
import itertools
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from benchmarks.engine.api import Api
from benchmarks.faults.storm_system import HOSTS, SILENCE_S, System
from benchmarks.reporting import report

_CONFIG = "/v1/config"
_LOAD = 6
_SPREAD_EVERY = 20
_PATIENCE_S = 120.0
# Shorter than the steps that it is to break, and not below the heartbeat limit.
_TOO_SHORT_S = SILENCE_S
_LONG_STEP_S = SILENCE_S + 3.0
_GUARD = {"cases": 3, "alert_cases": 2, "watch": 300}
CHAIN = ("storm.device", "storm.short", "storm.nothing")


class Site:
    """A system of one host, and what is done with it."""

    def __init__(self, system: System, seed: int) -> None:
        self.system = system
        self.random = random.Random(seed)
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{system.port}", timeout=60, trust_env=False
        )
        self.fresh = itertools.count(1000)
        self._names = itertools.count()

    def settings(self) -> tuple[dict[str, Any], str]:
        """Those that rule, and their tag."""
        answer = self.http.get(_CONFIG).raise_for_status()
        return answer.json()["settings"], answer.headers["etag"]

    def put(self, settings: dict[str, Any], tag: str) -> int:
        """Ask for other settings; the answer's status."""
        body = {"settings": settings, "reason": "under load"}
        return self.http.put(_CONFIG, json=body, headers={"if-match": tag}).status_code

    def current(self) -> int:
        """The version that rules."""
        return int(self.http.get(_CONFIG).raise_for_status().json()["version"])

    def running(self) -> list[tuple[str, int]]:
        """Which process runs which version."""
        found = self.http.get(f"{_CONFIG}/status").raise_for_status().json()
        return [(one["name"], one["version"]) for one in found]

    def agree(self) -> bool:
        """Whether all processes run the version that rules."""
        version, found = self.current(), self.running()
        return bool(found) and all(one == version for _, one in found)

    def submit(self, *steps: str, seconds: float | None = None) -> str:
        """Have a workflow accepted; its id."""
        params = {"token": f"w{next(self._names)}", "folder": str(self.system.folder)}
        chain = [{"name": name, "params": {**params, "seconds": seconds}} for name in steps]
        with Api(self.system.port) as api:
            return api.submit(self.system.video, chain)

    def end(self, workflow: str) -> str:
        """Wait until a workflow has ended; how."""
        until(lambda: self.system.ledger.workflow(workflow).status.ended)
        return str(self.system.ledger.workflow(workflow).status)


def until(what: Callable[[], object]) -> float:
    """Wait for something; the seconds it took."""
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > _PATIENCE_S:
            raise TimeoutError("it did not come about")
        time.sleep(0.02)
    return time.monotonic() - began


@contextlib.contextmanager
def site_in(folder: Path, database: str, seed: int) -> Generator[Site]:
    """A system in a folder, ended in good order."""
    system = System(folder, database, None)
    system.cpu_places = 2
    try:
        system.start_host(HOSTS[0])
        system.await_ready()
        site = Site(system, seed)
        with site.http:
            yield site
    finally:
        system.stop()


def change_under_load(site: Site, changes: int) -> dict[str, Any]:
    """Change settings again and again while workflows run; what came of both."""
    stop, ends = threading.Event(), Counter[str]()
    with ThreadPoolExecutor(_LOAD) as crowd:
        load = [crowd.submit(_submit_until, site, stop) for _ in range(_LOAD)]
        try:
            made = _change(site, changes)
        finally:
            stop.set()
        for one in load:
            ends.update(one.result())
    until(site.agree)
    return {
        **made,
        "workflows": sum(ends.values()),
        "failed": sum(ends.values()) - ends["succeeded"],
        "processes": len(site.running()),
        "agree": site.agree(),
        "version": site.current(),
    }


def _submit_until(site: Site, stop: threading.Event) -> list[str]:
    found: list[str] = []
    while not stop.is_set():
        found.append(site.end(site.submit(*CHAIN)))
    return found


def _change(site: Site, changes: int) -> dict[str, Any]:
    ways = (_set_a_key, _set_a_key, _set_a_key, _roll_back, _try, _end_trial, _race)
    done: Counter[str] = Counter()
    races: list[bool] = []
    spreads: list[float] = []
    # Each way at least once, whatever the dice say.
    plan = [*ways, *(site.random.choice(ways) for _ in range(max(0, changes - len(ways))))]
    for number, way in enumerate(plan):
        kind, good = way(site)
        done[kind] += 1
        if kind == "race":
            races.append(good)
        if number % _SPREAD_EVERY == 0:
            spreads.append(until(site.agree))
        time.sleep(site.random.uniform(0, 0.1))
    return {
        "changes": sum(done.values()),
        "by_kind": dict(done),
        "races": len(races),
        "conflicts": sum(races),
        "spread_s": _spread(spreads),
    }


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(seconds), 3), "worst": round(max(seconds), 3)}


def _other(site: Site, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with one key set to something that works."""
    dice = site.random
    keys: dict[tuple[str, str], object] = {
        ("gpu_lock", "max_retries"): dice.randint(50, 500),
        ("gpu_lock", "retry_interval"): dice.randint(1, 30),
        ("gpu_lock", "max_retry_interval"): dice.randint(60, 600),
        ("steps", "lock_timeout"): dice.randint(60, 3600),
        ("retention", "number"): dice.randint(100_000, 1_000_000),
        ("uploads", "limit"): dice.randint(2**20, 2**40),
        ("guard", "watch"): dice.randint(60, 600),
    }
    (section, key), value = dice.choice(list(keys.items()))
    return {**settings, section: {**settings[section], key: value}}


def _set_a_key(site: Site) -> tuple[str, bool]:
    settings, tag = site.settings()
    return "set", site.put(_other(site, settings), tag) == 200


def _roll_back(site: Site) -> tuple[str, bool]:
    version = site.random.randint(1, site.current())
    answer = site.http.post(f"{_CONFIG}/rollback", json={"version": version})
    return "rollback", answer.raise_for_status().status_code == 200


def _try(site: Site) -> tuple[str, bool]:
    version = site.random.randint(1, site.current())
    answer = site.http.put(f"{_CONFIG}/canary", json={"version": version, "share": 0.25})
    # One is being tried already, or it rules.
    return "trial" if answer.status_code == 200 else "no trial", answer.status_code in {200, 412}


def _end_trial(site: Site) -> tuple[str, bool]:
    if site.random.random() < 0.5:
        answer = site.http.post(f"{_CONFIG}/canary/promote")
        kind = "promoted"
    else:
        answer = site.http.delete(f"{_CONFIG}/canary")
        kind = "aborted"
    return kind if answer.status_code == 200 else "nothing to end", answer.status_code in {200, 412}


def _race(site: Site) -> tuple[str, bool]:
    """Two write at once from the same version; whether exactly one of them was refused."""
    settings, tag = site.settings()
    lock = settings["gpu_lock"]
    # Numbers that never were: who asks for what rules already changes nothing, and may.
    ones = [{**settings, "gpu_lock": {**lock, "max_retries": next(site.fresh)}} for _ in range(2)]
    with ThreadPoolExecutor(2) as pair:
        answers = sorted(pair.map(lambda one: site.put(one, tag), ones))
    return "race", answers == [200, 412]


def harm(site: Site) -> dict[str, Any]:
    """Make a version that ends steps on a device too early; what the guard made of it."""
    _calm(site, "lock_timeout", 600)
    good = [site.end(site.submit("storm.device")) for _ in range(10)]
    _calm(site, "lock_timeout", _TOO_SHORT_S)
    bad = site.current()
    began = time.monotonic()
    work = [site.submit("storm.render", seconds=_LONG_STEP_S) for _ in range(2)]
    until(lambda: site.current() != bad)
    after = time.monotonic() - began
    ends = Counter(site.end(one) for one in work)
    back = site.http.get(f"{_CONFIG}/versions/{site.current()}").json()
    alerts = site.http.get(f"{_CONFIG}/versions/{bad}").json()["alerts"]
    again = site.end(site.submit("storm.render", seconds=_LONG_STEP_S))
    return {
        "before": Counter(good)["succeeded"],
        "taken_back": back["author"] == "guard",
        "reason": back["reason"],
        "alerts": sorted(alerts),
        "after_s": round(after, 1),
        "ends": dict(ends),
        "then": again,
    }


def no_harm(site: Site) -> dict[str, Any]:
    """Make a version that changes nothing for steps; whether it stays."""
    _calm(site, "lock_timeout", 900)
    version = site.current()
    ends = Counter(site.end(site.submit("storm.device", "storm.short")) for _ in range(10))
    # Long enough for the guard to have looked.
    time.sleep(8)
    return {"ends": dict(ends), "stays": site.current() == version}


def _calm(site: Site, key: str, value: float) -> None:
    """Set a key of steps, with a guard that needs few cases."""
    settings, tag = site.settings()
    guard = {**settings["guard"], **_GUARD}
    wanted = {**settings, "guard": guard, "steps": {**settings["steps"], key: value}}
    assert site.put(wanted, tag) == 200
    until(site.agree)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--ledger", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yivideo-changes-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with site_in(folder, given.ledger, given.seed) as site:
            result = {
                "ledger": given.ledger,
                "seed": given.seed,
                **change_under_load(site, given.changes),
                "harmful": harm(site),
                "harmless": no_harm(site),
            }
    report("faults/changes", result, save=given.save)


if __name__ == "__main__":
    main()
