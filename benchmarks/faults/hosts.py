"""Real videos on two hosts, of which one dies, freezes, and comes back.

`python -m benchmarks.faults.hosts [--store folder] [--videos 2] [--heartbeat-limit 15] [--save]`
prints JSON, and exits with 1 when a promise was broken. With `--engine celery` plain Celery chains
carry out the same steps: they must lose work when a host is killed, or the kill is none.

Each host is a PID namespace with a host name, a state and a scratch folder of its own; on each run
`yivideo api`, `agent` and `worker`. They share a Redis, a PostgreSQL database, and S3 or a folder.
With S3 videos are uploaded, with a folder they lie in one that both hosts see.

split    one host has the workers of ffmpeg, the other those of paddleocr: each workflow needs both
killed   both hosts have all workers; each in turn is killed whole while it works, by SIGKILL, stays
         away until all is done, and comes back
frozen   all processes of a host are stopped for longer than the heartbeat limit and go on

problems           workflows that did not end well exactly once, with one committed result a step,
                   and the subtitles that the film shows
results_by_host    steps whose result a host made; on_both: workflows with results of both
went_on_after_s    from the kill or stop until each step that was under way there began elsewhere
took_part_after_s  from switching a killed host on again until it had begun a step
at_rest            whether in the end all devices were open and held by nobody
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.faults import hosts_verdict as verdict
from benchmarks.faults.chaos import say
from benchmarks.faults.hosts_chains import control
from benchmarks.faults.hosts_servers import missing, shared
from benchmarks.faults.hosts_system import HOSTS, Hosts, Order
from benchmarks.reporting import report

SAMPLE = Path(__file__).parents[2] / "samples" / "harbour.mp4"
ALL: Mapping[str, str] = dict.fromkeys(HOSTS, "all")
SPLIT: Mapping[str, str] = dict(zip(HOSTS, ("ffmpeg", "paddleocr"), strict=True))
# By when the steps of a host that is gone are to go on elsewhere, after the heartbeat limit.
SOON_S = 2.0


@contextmanager
def system(store: str, order: Order) -> Iterator[Hosts]:
    """A system in a folder of its own, with servers of its own, not yet switched on."""
    with tempfile.TemporaryDirectory(prefix="yivideo-hosts-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with shared(folder, store) as servers:
            hosts = Hosts(folder, servers, order)
            try:
                yield hosts
            finally:
                hosts.stop()


def split(hosts: Hosts, videos: int) -> dict[str, Any]:
    """Have workflows carried out by hosts that need each other."""
    workflows = hosts.submit(videos, HOSTS[0])
    return _told(hosts, workflows, HOSTS[1])


def kill(hosts: Hosts, host: str, videos: int) -> dict[str, Any]:
    """Kill a host while it works, let the other do it all, and have the dead one back."""
    other = next(name for name in HOSTS if name != host)
    workflows = hosts.submit(videos, other)
    hosts.await_work(host)
    at = hosts.machines[host].kill()
    told = _told(hosts, workflows, other)
    records = [hosts.ledger.workflow(one) for one in workflows]
    limit = hosts.order.silence_s + SOON_S
    told |= verdict.recovery(verdict.gone_on(records, host, at), at, limit)
    began = time.monotonic()
    hosts.start(host)
    more = hosts.submit(videos, other)
    hosts.await_work(host)
    told["took_part_after_s"] = round(time.monotonic() - began, 2)
    told["afterwards"] = _told(hosts, more, host)
    return {"host": host, **told, "at_rest": hosts.comes_to_rest()}


def freeze(hosts: Hosts, host: str, videos: int) -> dict[str, Any]:
    """Stop a host for longer than the heartbeat limit while it works, and let it go on."""
    other = next(name for name in HOSTS if name != host)
    workflows = hosts.submit(videos, other)
    hosts.await_work(host)
    limit = hosts.order.silence_s + SOON_S
    with hosts.machines[host].frozen() as at:
        time.sleep(limit + 1)
    told = _told(hosts, workflows, other)
    records = [hosts.ledger.workflow(one) for one in workflows]
    pairs = verdict.gone_on(records, host, at)
    told |= verdict.recovery(pairs, at, limit)
    return {"host": host, **told, "at_rest": hosts.comes_to_rest()}


def _told(hosts: Hosts, workflows: list[str], asked: str) -> dict[str, Any]:
    """Wait until all have ended; what came of them."""
    began = time.monotonic()
    records = hosts.await_ends(workflows)
    return {
        "workflows": len(records),
        "seconds": round(time.monotonic() - began, 1),
        "results_by_host": verdict.steps_by_host(records),
        "on_both": verdict.on_both(records),
        "problems": verdict.problems(hosts, records, asked),
    }


def held(result: dict[str, Any]) -> bool:
    """Whether a run kept all promises."""
    parts = [result, result.get("afterwards", {})]
    wanted = ("in_time", "elsewhere", "at_rest")
    return not any(part.get("problems") for part in parts) and all(
        result.get(name, True) for name in wanted
    )


def run(store: str, videos: int, silence_s: float) -> dict[str, Any]:
    """All that is done to systems with that store."""
    upload = store == "s3"
    results: dict[str, dict[str, Any]] = {}
    apart = Order(film=SAMPLE, services=SPLIT, silence_s=silence_s, upload=upload)
    with system(store, apart) as hosts:
        say(f"{store}: split")
        hosts.start(*HOSTS)
        results["split"] = split(hosts, videos)
        if results["split"]["on_both"] != videos:
            results["split"]["problems"].append("a workflow did not need both hosts")
    together = Order(film=SAMPLE, services=ALL, silence_s=silence_s, upload=upload)
    with system(store, together) as hosts:
        hosts.start(*HOSTS)
        for host in reversed(HOSTS):
            say(f"{store}: {host} is killed")
            results[f"{host} killed"] = kill(hosts, host, videos)
        say(f"{store}: {HOSTS[1]} is frozen")
        results[f"{HOSTS[1]} frozen"] = freeze(hosts, HOSTS[1], videos)
    return results


def main() -> int:
    """Run all and print; say by the exit status whether everything held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", choices=("s3", "folder"), default="s3")
    parser.add_argument("--videos", type=int, default=2, help="handed in each time")
    parser.add_argument("--heartbeat-limit", type=float, default=15.0)
    parser.add_argument("--engine", choices=("yivideo", "celery"), default="yivideo")
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    if lacking := missing():
        sys.exit(lacking)
    if given.engine == "celery":
        result = control(SAMPLE, given.videos)
        report("faults/hosts-celery", result, save=given.save)
        return int(bool(result["lost"]))
    runs = run(given.store, given.videos, given.heartbeat_limit)
    result = {"store": given.store, "heartbeat_limit_s": given.heartbeat_limit, **runs}
    name = "faults/hosts" if given.store == "s3" else "faults/hosts-folder"
    report(name, result, save=given.save)
    return int(not all(held(one) for one in runs.values()))


if __name__ == "__main__":
    sys.exit(main())
