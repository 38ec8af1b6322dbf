"""Accepted workflows a second: by the ledger alone, and by one API process over HTTP.

`python -m benchmarks.engine.accept [--number 500] [--senders 8]` prints JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from yivideo.engine.ledger.records import NewStep, NewWorkflow
from yivideo.engine.ledger.store import Ledger
from yivideo.engine.settings import EngineSettings, default_database, default_store
from yivideo.steps import BUILT_IN
from yivideo.storage.valkey import embedded

SERVER = """
from yivideo.api.serve import serve
from yivideo.engine.settings import EngineSettings
settings = EngineSettings.from_environment()
serve(settings, port=0, on_ready=lambda address: print(address, flush=True))
"""


def ledger_alone(folder: Path, number: int) -> float:
    """Accepted a second by one thread, without HTTP."""
    ledger = Ledger(default_database(folder))
    ledger.migrate()
    chain = [NewStep(name=name) for name in BUILT_IN]
    new = NewWorkflow(video_path="/a.mp4", source="/a.mp4", chain=chain)
    begun = time.perf_counter()
    for _ in range(number):
        ledger.accept(new)
    ledger.close()
    return number / (time.perf_counter() - begun)


def over_http(folder: Path, number: int, senders: int) -> dict[str, Any]:
    """Accepted a second by one API process, and how long each answer took."""
    video = folder / "a.mp4"
    video.touch()
    state = folder / "state"
    server = embedded(state)
    settings = EngineSettings(
        redis_url=server.url,
        database_url=default_database(state),
        state=state,
        store=default_store(state),
        media_roots=(folder.resolve(),),
    )
    environment = {**os.environ, **settings.environment()}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with (
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
    finally:
        process.terminate()
        process.communicate()
        server.stop()
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
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        alone = ledger_alone(Path(first), options.number)
        http = over_http(Path(second), options.number, options.senders)
    result = {
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
