"""A Celery application as anyone might have it, for real workers to load."""

import os
import time
from pathlib import Path

from celery import Celery, Task

from yivideo.gpu import gpu_lock
from yivideo.gpu.tasks import current_gpu

app = Celery(
    "anyone",
    broker=os.environ["ANYONE_BROKER"],
    backend=os.environ["ANYONE_BACKEND"],
)
app.conf.update(
    task_acks_late=os.environ.get("ANYONE_LATE") == "1",
    task_reject_on_worker_lost=os.environ.get("ANYONE_LATE") == "1",
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)


def note(name: str, what: str) -> None:
    """Append a line with the time to this run's diary, in one write."""
    with Path(os.environ["ANYONE_DIARY"]).open("a", encoding="utf-8") as diary:
        diary.write(f"{time.monotonic():.6f} {what} {name} {os.getpid()}\n")


@app.task(bind=True)
@gpu_lock()
def use(self: Task, name: str, seconds: float = 0.0) -> dict[str, object]:
    """Hold a whole device for a while."""
    note(name, "begins")
    time.sleep(seconds)
    note(name, "ends")
    return {"name": name, "id": self.request.id, "device": current_gpu().device}


@app.task(bind=True, max_retries=2)
@gpu_lock(retry_interval=1)
def twice(self: Task, name: str) -> int:
    """Fail once, by Celery's own retry, then succeed."""
    note(name, "begins")
    if self.request.retries == 0:
        raise self.retry(countdown=0.1)
    return self.request.retries


@app.task(bind=True)
@gpu_lock(lock_key="gpu_lock:0", timeout=1800, retry_interval=30)
def original(self: Task, name: str) -> str:
    """In the original's own words."""
    note(name, "begins")
    return f"{name} {self.name}"


@app.task(bind=True)
@gpu_lock(max_retries=2, retry_interval=0.3, exponential_backoff=False)
def hasty(self: Task, name: str) -> str:
    """Willing to wait for 0.6 seconds."""
    note(name, "begins")
    return f"{name} {self.name}"


@app.task(bind=True)
@gpu_lock(timeout=1)
def overrun(self: Task, name: str) -> str:
    """Hold the device for longer than it may."""
    note(name, "begins")
    time.sleep(60)
    return f"{name} {self.name}"


@app.task(bind=True)
@gpu_lock(enable_priority_queue=True)
def ranked(self: Task, name: str) -> str:
    """Run by priority."""
    note(name, "begins")
    return f"{name} {self.name}"


@app.task(bind=True)
@gpu_lock(without_pool="run")
def careless(self: Task, name: str) -> str:
    """Run even where no pool is."""
    note(name, "begins")
    return f"{name} {self.name}"


@app.task
def join(parts: list[object]) -> list[object]:
    """The end of a chord."""
    return parts
