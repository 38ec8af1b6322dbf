"""Ways of taking turns on one device: the pool, and what it is compared with.

Each is a function that a group's process runs until ``until``; it gives the times (start, end) for
which it had the device, and the commands it sent to the server where it can count them.
"""

import time
from collections.abc import Callable
from typing import Any

from yivideo.errors import PoolError
from yivideo.gpu import GpuPool, Request
from yivideo.gpu.amounts import Demand
from yivideo.gpu.holding import claim, release, this_process
from yivideo.gpu.records import Grant
from yivideo.storage.redis import connect

WORK_S = 0.05
BETWEEN_S = 0.05
# The original's intervals of 10 and 60 s, a hundredth of them.
_RETRY_S, _MAX_RETRY_S = 0.1, 0.6
Turns = dict[str, Any]


def pool_way(url: str, group: int, until: float) -> Turns:
    """A lease of the pool, the way programs take it: journal, agent and all."""
    pool = GpuPool(url)
    held: list[tuple[float, float]] = []
    while time.monotonic() < until:
        with pool.lease(exclusive=True, group=f"group-{group}", what="bench", expected=WORK_S):
            start = time.monotonic()
            time.sleep(WORK_S)
            held.append((start, time.monotonic()))
        time.sleep(BETWEEN_S)
    return {"held": held}


def pool_flood(url: str, group: int, until: float, requests: int) -> Turns:
    """A group with very many requests in the queue, served one by one."""
    pool = GpuPool(url)
    me = this_process()
    wishes = {
        f"flood:{n}": Request(
            id=f"flood:{n}",
            demand=Demand(exclusive=True),
            group=f"group-{group}",
            what="bench",
            expected=WORK_S,
            wake="wake:flood",
            owner=me,
        )
        for n in range(requests)
    }
    for wish in wishes.values():
        pool.request(wish)
    held: list[tuple[float, float]] = []
    while time.monotonic() < until:
        message = pool.messages("wake:flood", 0.5)
        if message is None:
            continue
        grant = claim(pool, Grant.of(message), wishes[message["request"]], me)
        start = time.monotonic()
        time.sleep(WORK_S)
        held.append((start, time.monotonic()))
        release(pool, grant, me)
    _cancel_all(pool, wishes)
    return {"held": held}


def _cancel_all(pool: GpuPool, wishes: dict[str, Request]) -> None:
    for wish in reversed(wishes):
        try:
            pool.cancel(wish)
        except PoolError:
            return


def original_way(url: str, _: int, until: float) -> Turns:
    """SET NX with exponential back-off, and a DELETE, at a hundredth of its times."""
    client = connect(url)
    held: list[tuple[float, float]] = []
    while time.monotonic() < until:
        tries = 0
        while not client.set("gpu_lock:0", "locked", nx=True, ex=60):
            time.sleep(min(_RETRY_S * 2 ** min(tries, 9), _MAX_RETRY_S))
            tries += 1
            if time.monotonic() > until:
                return {"held": held}
        start = time.monotonic()
        time.sleep(WORK_S)
        held.append((start, time.monotonic()))
        client.delete("gpu_lock:0")
        time.sleep(BETWEEN_S)
    return {"held": held}


def redis_lock_way(url: str, _: int, until: float) -> Turns:
    """The lock that comes with redis-py, as it comes."""
    client = connect(url)
    held: list[tuple[float, float]] = []
    while time.monotonic() < until:
        lock = client.lock("bench-lock", timeout=60)
        if not lock.acquire(blocking_timeout=max(0.0, until - time.monotonic())):
            break
        start = time.monotonic()
        time.sleep(WORK_S)
        held.append((start, time.monotonic()))
        lock.release()
        time.sleep(BETWEEN_S)
    return {"held": held}


def celery_way(url: str, group: int, until: float) -> Turns:
    """A task in a queue with one worker of concurrency 1, its result waited for."""
    from celery.exceptions import TimeoutError as NotInTime

    from benchmarks.pool.celery_app import make

    hold = make(url).tasks["hold"]
    held: list[tuple[float, float]] = []
    while time.monotonic() < until:
        try:
            start, end = hold.delay(group).get(timeout=max(0.1, until - time.monotonic()))
        except NotInTime:
            break
        held.append((start, end))
        time.sleep(BETWEEN_S)
    return {"held": held}


def celery_flood(url: str, group: int, until: float, requests: int) -> Turns:
    """A group with very many tasks in that queue; what was done of them by then."""
    from benchmarks.pool.celery_app import make

    hold = make(url).tasks["hold"]
    asked = [hold.delay(group) for _ in range(requests)]
    time.sleep(max(0.0, until - time.monotonic()))
    held: list[tuple[float, float]] = []
    for one in asked:
        if not one.ready():
            break
        start, end = one.get()
        held.append((start, end))
    return {"held": held}


WAYS: dict[str, Callable[[str, int, float], Turns]] = {
    "pool": pool_way,
    "original_lock_scaled_100": original_way,
    "redis_py_lock": redis_lock_way,
    "celery_one_worker": celery_way,
}
