"""Accepted workflows a second: by the ledger alone, and by one API process over HTTP.

`python -m benchmarks.engine.accept [--number 500] [--senders 8] [--postgres URL]` prints JSON; the
ledger is SQLite, or a database made for the purpose on that PostgreSQL server.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.engine.api import serving
from benchmarks.engine.ledger import postgres_database
from yivideo.engine.ledger.records import NewStep, NewWorkflow
from yivideo.engine.ledger.store import Ledger
from yivideo.engine.settings import default_database
from yivideo.steps import BUILT_IN

# As long as such names are: texts that workflows are found by cost by their length.
_NAME = "A long day at the harbour - episode 01.mkv"


@contextmanager
def place(postgres: str) -> Iterator[tuple[Path, str]]:
    """A folder, and the address of an empty ledger there or on that server."""
    with tempfile.TemporaryDirectory(prefix="yivideo-accept-") as name:
        if postgres:
            with postgres_database(postgres) as url:
                yield Path(name), url
        else:
            yield Path(name), default_database(Path(name))


def ledger_alone(database_url: str, number: int) -> float:
    """Accepted a second by one thread, without HTTP."""
    ledger = Ledger(database_url)
    ledger.migrate()
    chain = [NewStep(name=name) for name in BUILT_IN]
    new = NewWorkflow(video_path=f"/videos/{_NAME}", source=f"/videos/{_NAME}", chain=chain)
    begun = time.perf_counter()
    for _ in range(number):
        ledger.accept(new)
    ledger.close()
    return number / (time.perf_counter() - begun)


def over_http(folder: Path, database_url: str, number: int, senders: int) -> dict[str, Any]:
    """Accepted a second by one API process, and how long each answer took."""
    video = folder / _NAME
    video.touch()
    with (
        serving(folder, database_url) as url,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
        ThreadPoolExecutor(senders) as threads,
    ):

        def submit(_: int) -> float:
            began = time.perf_counter()
            answer = client.post("/v1/workflows", json={"video_path": str(video)})
            assert answer.status_code == 202, answer.text
            return time.perf_counter() - began

        list(threads.map(submit, range(senders * 2)))
        begun = time.perf_counter()
        took = sorted(threads.map(submit, range(number)))
        rate = number / (time.perf_counter() - begun)
    return {
        "per_second": round(rate, 1),
        "median_ms": round(1000 * took[len(took) // 2], 1),
        "p99_ms": round(1000 * took[int(len(took) * 0.99)], 1),
    }


def main() -> None:
    """Measure both in one run and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=500)
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--postgres", default="", help="a server's address")
    options = parser.parse_args()
    with place(options.postgres) as (_, url):
        alone = ledger_alone(url, options.number)
    with place(options.postgres) as (folder, url):
        http = over_http(folder, url, options.number, options.senders)
    result = {
        "ledger": "postgresql" if options.postgres else "sqlite",
        "number": options.number,
        "senders": options.senders,
        "load": os.getloadavg()[0],
        "ledger_alone_per_second": round(alone, 1),
        "http": http,
        "ratio": round(http["per_second"] / alone, 2),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
