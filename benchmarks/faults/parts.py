"""The processes of a chaos: agents, and holders with the pool or with one of two faulty locks."""

import contextlib
import logging
import os
import random
import sys
import time
import uuid
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import redis

from benchmarks.faults.observer import (
    IDLE,
    INSIDE,
    MEMORY_SLOT,
    SHARE_SLOT,
    WAITING,
    Board,
    Observer,
    Size,
    append,
)
from yivideo.errors import PoolError, ServerUnavailable
from yivideo.gpu.agent import Agent, alone
from yivideo.gpu.discovery import FoundDevice
from yivideo.gpu.pool import GpuPool
from yivideo.storage.redis import connect

LONGEST_WAIT_S = 20.0
# The time limit of the two faulty locks.
LOCK_LIMIT_S = 0.5
_COMPARE_AND_DELETE = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
)


@dataclass(frozen=True)
class Stage:
    """What all processes of a run know."""

    folder: Path
    url: str
    lock: str
    # Devices by name, "HOST:INDEX".
    sizes: dict[str, Size]
    rows: int
    beat_limit: float
    claim_limit: float

    @property
    def board(self) -> Board:
        """The shared memory, mapped anew."""
        return Board(self.folder / "board", self.rows)

    @property
    def observer(self) -> Observer:
        """An observer for the calling process."""
        return Observer(self.folder, self.sizes)


def tend(stage: Stage, host: str) -> None:
    """Be the agent of a host."""
    _quiet(stage.folder / f"agent-{host}.log")
    os.environ["YIVIDEO_HOST"] = host
    state = stage.folder / host
    while (unlock := alone(state)) is None:
        time.sleep(0.05)
    devices = [
        FoundDevice(
            int(name.split(":")[1]), f"CPU-{name}", "stand-in", s.memory, s.compute, s.decoders
        )
        for name, s in stage.sizes.items()
        if name.startswith(f"{host}:")
    ]
    with GpuPool(stage.url) as pool:
        agent = Agent(
            pool,
            state,
            devices,
            host=host,
            beat_limit=stage.beat_limit,
            claim_limit=stage.claim_limit,
        )
        agent.run()
    unlock()


def hold(stage: Stage, host: str, row: int, seed: int) -> None:
    """Ask for devices of a host, work and give them back, until the board says that it is over."""
    _quiet(stage.folder / f"holder-{row}.log")
    os.environ["YIVIDEO_HOST"] = host
    dice = random.Random(seed)
    board, observer = stage.board, stage.observer
    worker = _PoolWorker(stage, host) if stage.lock == "pool" else _LockWorker(stage, host)
    while not board.over:
        began = time.monotonic()
        board.say(row, WAITING)
        try:
            with worker.device(dice) as (device, amounts, fence), observer.inside(device, amounts):
                board.say(row, INSIDE, fence)
                time.sleep(dice.choice((0.003, 0.01, 0.05, 0.2)))
                board.say(row, WAITING)
            outcome = "released"
        except (PoolError, ServerUnavailable, redis.RedisError) as error:
            outcome = type(error).__name__
            logging.info("%s", error)  # noqa: LOG015 - a process of its own
        except Exception as error:
            outcome = f"crash: {type(error).__name__}"
            logging.exception("A holder failed.")  # noqa: LOG015 - as above
        board.say(row, IDLE)
        took = round(time.monotonic() - began, 4)
        append(stage.folder / "requests", {"row": row, "outcome": outcome, "took": took})
        time.sleep(dice.choice((0, 0.002, 0.02)) if outcome == "released" else 0.05)


class _PoolWorker:
    def __init__(self, stage: Stage, host: str) -> None:
        self._pool = GpuPool(stage.url)
        self._mine = [s for name, s in stage.sizes.items() if name.startswith(f"{host}:")]

    @contextlib.contextmanager
    def device(self, dice: random.Random) -> Generator[tuple[str, tuple[int, int, int], int]]:
        size = dice.choice(self._mine)
        wish: dict[str, object] = {"exclusive": True}
        if dice.random() < 0.6:
            wish = {
                "memory": MEMORY_SLOT * dice.randint(1, size.memory // MEMORY_SLOT),
                "compute": SHARE_SLOT * dice.randint(0, size.compute // SHARE_SLOT) / 1000,
                "decode": SHARE_SLOT * dice.randint(0, size.decoders // SHARE_SLOT) / 1000,
            }
        wish["limit"] = 1.0 if dice.random() < 0.2 else None
        wish["group"] = dice.choice("ab")
        wish["priority"] = dice.randint(3, 7)
        with self._pool.lease(**wish, what="chaos", longest_wait=LONGEST_WAIT_S) as gpu:  # type: ignore[arg-type]
            amounts = (
                gpu.memory // MEMORY_SLOT,
                gpu.compute // SHARE_SLOT,
                gpu.decoders // SHARE_SLOT,
            )
            yield gpu.device, amounts, gpu.fence


class _LockWorker:
    """Locks that trust a time limit: what the pool replaces."""

    def __init__(self, stage: Stage, host: str) -> None:
        self._client = connect(stage.url)
        self._blind = stage.lock == "original"
        self._sizes = {n: s for n, s in stage.sizes.items() if n.startswith(f"{host}:")}

    @contextlib.contextmanager
    def device(self, dice: random.Random) -> Generator[tuple[str, tuple[int, int, int], int]]:
        device = dice.choice(list(self._sizes))
        key = f"gpu_lock:{device}"
        token = "locked" if self._blind else str(uuid.uuid4())
        while not self._client.set(key, token, nx=True, px=int(LOCK_LIMIT_S * 1000)):
            time.sleep(0.005)
        try:
            yield device, self._sizes[device].slots, 1
        finally:
            if self._blind:
                self._client.delete(key)
            else:
                self._client.eval(_COMPARE_AND_DELETE, 1, key, token)


def _quiet(log: Path) -> None:
    logging.basicConfig(
        filename=log,
        level=logging.INFO,
        format="%(asctime)s.%(msecs)03d %(process)d %(message)s",
        force=True,
    )
    # What a process has to say when it fails outside of all handlers.
    sys.stderr = open(log, "a", buffering=1, encoding="utf-8")  # noqa: PTH123, SIM115 - for its life
