"""The scheme that the engine replaces: every step of every workflow under one lock in Redis.

Plain Celery chains, with the lock of `gpu_lock:0` taken by SET NX EX, given back by a DELETE that
looks at nothing, and waited for by Celery's retry with exponential back-off. Its times are scaled
down. It is spared what would end it early: here nothing swallows Celery's own Retry.

`celery -A benchmarks.engine.original worker -Q ffmpeg_queue -c 2` is how it started its workers.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from celery import chain

from benchmarks.engine import timed_steps
from benchmarks.faults.observer import append
from benchmarks.plain_celery import plain_app
from yivideo.engine.hints import broker_url, service_queue
from yivideo.engine.runner import LocalRunner
from yivideo.steps import BUILT_IN
from yivideo.steps.registry import find_step
from yivideo.storage.redis import connect, with_database

# The original waited 10 s first and 60 s at most, for steps of ten seconds to minutes.
SCALED_DOWN = 10
RETRY_S, LONGEST_RETRY_S = 10.0 / SCALED_DOWN, 60.0 / SCALED_DOWN
MOST_RETRIES = 60
LOCK_LIMIT_S = 600
SERVICES = ("ffmpeg", "paddleocr")
SLOTS = 2
_KEY, _DATABASE = "gpu_lock:0", 2
_ADDRESS = "YIVIDEO_BENCH_REDIS"
_READY_S = 60.0

app = plain_app("original", _ADDRESS)


def _carry_out(task: Any, order: dict[str, Any]) -> None:
    """One step, once the lock is ours."""
    redis = connect(with_database(os.environ[_ADDRESS], _DATABASE))
    if not redis.set(_KEY, "locked", nx=True, ex=LOCK_LIMIT_S):
        wait = min(RETRY_S * 2**task.request.retries, LONGEST_RETRY_S)
        raise task.retry(countdown=wait, max_retries=MOST_RETRIES)
    try:
        _work(order)
    finally:
        redis.delete(_KEY)


def _work(order: dict[str, Any]) -> None:
    name, file, token = order["step"], Path(order["file"]), order["token"]
    if "seconds" in order:
        timed = timed_steps.Order(seconds=order["seconds"], file=str(file), token=token)
        timed_steps.take_time(timed, name)
        return
    began = time.time()
    LocalRunner(Path(order["video"]), file.parent / token).run((name,))
    append(file, {"token": token, "step": name, "began": began, "ended": time.time()})


# What Celery makes of it is not what its stubs say.
carry_out: Any = app.task(name="original.carry_out", bind=True)(_carry_out)


class Original:
    """Its workers on a server, and workflows for them; every step is told in `file`."""

    def __init__(self, url: str, file: Path) -> None:
        self.file = file
        self._url = url
        app.conf.update(broker_url=broker_url(url))

    @contextlib.contextmanager
    def workers(self) -> Generator[None]:
        """The workers, two steps at once for each service."""
        with contextlib.ExitStack() as stack:
            for service in SERVICES:
                stack.enter_context(self._worker(service))
            self._await_ready()
            yield

    @contextlib.contextmanager
    def _worker(self, service: str) -> Generator[None]:
        command = [sys.executable, "-m", "celery", "-A", "benchmarks.engine.original", "worker"]
        command += ["-Q", service_queue(service), "-c", str(SLOTS), "-n", f"{service}@bench"]
        with (self.file.parent / f"{service}.log").open("wb") as log:
            worker = subprocess.Popen(
                [*command, "--loglevel=WARNING"],
                env={**os.environ, _ADDRESS: self._url},
                cwd=Path(__file__).parents[2],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            yield
        finally:
            worker.terminate()
            worker.wait()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_S
        while len(app.control.inspect(timeout=1.0).ping() or {}) < len(SERVICES):
            if time.monotonic() > deadline:
                raise TimeoutError("Celery's workers were not ready in time.")

    def submit(self, token: str, video: Path) -> None:
        """A workflow of the six real steps."""
        self._send(token, [{"step": name, "video": str(video)} for name in BUILT_IN])

    def submit_timed(self, token: str, steps: Sequence[tuple[str, float]]) -> None:
        """A workflow of six steps of known length, in the real ones' queues."""
        self._send(token, [{"step": name, "seconds": seconds} for name, seconds in steps])

    def _send(self, token: str, steps: Sequence[dict[str, Any]]) -> None:
        told = {"file": str(self.file), "token": token}
        sent = [
            carry_out.si({**told, **step}).set(queue=service_queue(find_step(real).service))
            for step, real in zip(steps, BUILT_IN, strict=True)
        ]
        chain(*sent, app=app).apply_async()
