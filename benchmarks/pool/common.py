"""What the pool's benchmarks share: a server, an agent, and processes."""

import contextlib
import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from yivideo.files import ensure_folder
from yivideo.gpu import GpuPool
from yivideo.gpu.agent import Agent
from yivideo.gpu.discovery import FoundDevice
from yivideo.gpu.journal import Journal
from yivideo.gpu.processes import Process
from yivideo.storage.valkey import embedded

HOST = "bench"
# FORK: so that twenty processes do not each import everything anew.
DEVICE = FoundDevice(
    index=0, uuid="GPU-bench", model="bench", memory=24576, compute=1000, decoders=1000
)
_FOUND = ("index", "uuid", "model", "memory", "compute", "decoders")
FORK = multiprocessing.get_context("fork")


@contextlib.contextmanager
def server(*, port: int | None = None) -> Generator[tuple[str, Path]]:
    """An embedded Valkey with its usual settings; its address and its state folder."""
    os.environ["YIVIDEO_HOST"] = HOST
    with tempfile.TemporaryDirectory(prefix="yivideo-bench-") as folder:
        valkey = embedded(Path(folder), port=port)
        try:
            yield valkey.url, Path(folder)
        finally:
            valkey.stop()


@contextlib.contextmanager
def agent(url: str, state: Path) -> Generator[None]:
    """An agent in a process of its own that vouches for one device that is none."""
    ready = FORK.Event()
    end = FORK.Event()
    process = FORK.Process(target=_agent, args=(url, state, ready, end))
    process.start()
    if not ready.wait(30):
        raise RuntimeError("the agent does not start")
    try:
        yield
    finally:
        end.set()
        process.join(20)


def vouched(url: str, state: Path, devices: Sequence[FoundDevice] = ()) -> None:
    """Register and open devices whose agent never falls silent, without one that runs."""
    own = Process.current()
    with GpuPool(url) as pool:
        said = pool.register(
            host=HOST,
            agent="by hand",
            boot=own.boot,
            namespace=own.namespace,
            journal=str(Journal(ensure_folder(state) / "journal").folder),
            services=[],
            pid=own.pid,
            devices=[{name: getattr(one, name) for name in _FOUND} for one in devices or (DEVICE,)],
            beat_limit=10**15,
            claim_limit=10**15,
        )
        pool.attest(host=HOST, agent="by hand", seen=str(said["epoch"]), journal_epoch=0, living=[])


def _agent(url: str, state: Path, ready: Any, end: Any) -> None:
    one = Agent(GpuPool(url), state, [DEVICE], host=HOST)

    def watch() -> None:
        one.ready.wait()
        ready.set()
        end.wait()
        one.stop()

    threading.Thread(target=watch, daemon=True).start()
    one.run()


def together(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Run ``work`` once for each tuple, each in a process of its own; their results in order."""
    pipes = []
    for given in arguments:
        ours, theirs = FORK.Pipe(duplex=False)
        process = FORK.Process(target=_send, args=(theirs, work, given))
        process.start()
        theirs.close()
        pipes.append((process, ours))
    results = []
    for process, pipe in pipes:
        results.append(pipe.recv())
        process.join()
    return results


def _send(pipe: Any, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
    pipe.send(work(*given))
    pipe.close()


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 99 % and number, in milliseconds."""
    values = np.asarray(seconds) * 1000
    if not len(values):
        return {"number": 0}
    return {
        "median_ms": round(float(np.median(values)), 3),
        "p99_ms": round(float(np.percentile(values, 99)), 3),
        "number": len(values),
    }
