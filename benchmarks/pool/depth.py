"""A queue of 100,000: what each operation takes, and what each waiter costs in memory.

``python -m benchmarks.pool.depth [--waiters 100000] [--save]``. The same operations on a queue of a
hundred are the baseline; round trips of PING tell what the machine itself adds.
"""

import argparse
import hashlib
import json
import random
import time
from collections.abc import Callable
from typing import Any

from benchmarks.pool.common import HOST, percentiles, server, vouched
from benchmarks.reporting import report
from yivideo.gpu import GpuPool, Request, scripts
from yivideo.gpu.amounts import Demand
from yivideo.gpu.discovery import FoundDevice
from yivideo.gpu.holding import this_process
from yivideo.gpu.records import Grant

_DEVICES = 8
_GROUPS = 40
_ROUNDS = 1000
_BASELINE = 100
_LOG = 50_000
_SCRIPTS = {
    "request": "request",
    "claim": "claim",
    "release": "release",
    "cancel": "cancel",
    "tell": "snapshot_of_50",
    "first": "snapshot_of_50",
}
_PAYLOAD = "x" * 200
_SHAPES = (
    Demand(exclusive=True),
    Demand(memory=4096, compute=500),
    Demand(memory=8192, compute=500),
    Demand(memory=1024, decoders=500),
    Demand(memory=2048, compute=250, host=HOST),
    Demand(memory=2048, decoders=1000),
)


def main() -> None:
    """Fill the queue, and measure at both depths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiters", type=int, default=100_000)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    waiters = given.waiters
    devices = [
        FoundDevice(
            index=n, uuid=f"GPU-{n}", model="bench", memory=24576, compute=1000, decoders=1000
        )
        for n in range(_DEVICES)
    ]
    with server() as (url, state):
        vouched(url, state, devices)
        with GpuPool(url) as pool:
            bench = _Bench(pool)
            bench.fill(_BASELINE)
            baseline = bench.operations()
            before = bench.memory()
            waiting = pool.snapshot().waiting
            bench.fill(waiters - waiting)
            each = (bench.memory() - before) / (waiters - waiting)
            ping = bench.timed(_ROUNDS, pool.client.ping)
            deep = bench.operations()
            left = pool.snapshot().waiting
    report(
        "pool/depth",
        {
            "waiters": waiters,
            "waiting_after": left,
            "devices": _DEVICES,
            "groups": _GROUPS,
            "shapes": len(_SHAPES),
            "operations": deep,
            "operations_at_100": baseline,
            "ping": percentiles(ping),
            "bytes_per_waiter_beside_payload": round(each - len(_PAYLOAD)),
            "targets": {"p99_ms": 2.0, "bytes_per_waiter": 1024},
        },
        save=given.save,
    )


def _text(command: str | bytes) -> str:
    return command if isinstance(command, str) else command.decode("utf-8", "replace")


class _Bench:
    def __init__(self, pool: GpuPool) -> None:
        self.pool = pool
        self.me = this_process()
        self.dice = random.Random(1)
        self.number = 0
        self.held: list[Grant] = []
        self.waiting: list[str] = []
        self.digest = pool.client.script_load(scripts.source("request"))

    def wish(self) -> Request:
        self.number += 1
        return Request(
            id=f"workflow-{self.number:08d}/paddleocr.perform_ocr",
            demand=self.dice.choice(_SHAPES),
            group=f"group-{self.dice.randrange(_GROUPS)}",
            priority=self.dice.choice((3, 5, 7)),
            what="paddleocr.perform_ocr",
            workflow=f"workflow-{self.number:08d}",
            expected=self.dice.uniform(5, 60),
            wake="wake:bench",
            payload=_PAYLOAD,
        )

    def fill(self, number: int) -> None:
        """Ask for very many, a thousand per round trip; claim what is granted."""
        while number > 0:
            with self.pool.client.pipeline(transaction=False) as pipe:
                for _ in range(min(number, 1000)):
                    wish = self.wish()
                    self.waiting.append(wish.id)
                    given = {
                        "id": wish.id,
                        "shape": wish.demand.shape,
                        "priority": wish.priority,
                        "aging": 6e7,
                        "group": wish.group,
                        "weight": 1.0,
                        "expected": round((wish.expected or 0) * 1e6),
                        "what": wish.what,
                        "workflow": wish.workflow,
                        "wake": wish.wake,
                        "payload": wish.payload,
                    }
                    pipe.evalsha(self.digest, 1, self.pool.prefix, json.dumps(given))
                answers = pipe.execute()
            for said in answers:
                for grant in json.loads(said)["grants"] or ():
                    self.claim(Grant.of(grant))
            number -= 1000

    def claim(self, grant: Grant) -> None:
        self.held.append(self.pool.claim(grant, self.me))
        self.waiting.remove(grant.request)

    def operations(self) -> dict[str, Any]:
        """Each operation a thousand times, in turns that leave the queue as deep as it was."""
        spans: dict[str, list[float]] = {}

        def timed(name: str, operation: Callable[[], Any]) -> Any:
            begun = time.perf_counter()
            answer = operation()
            spans.setdefault(name, []).append(time.perf_counter() - begun)
            return answer

        self.pool.client.config_set("slowlog-max-len", _LOG)
        self.pool.client.config_set("slowlog-log-slower-than", 40)
        self.pool.client.slowlog_reset()
        for round_ in range(_ROUNDS):
            wish = self.wish()
            reply = timed("request", lambda wish=wish: self.pool.request(wish))
            self.waiting.append(wish.id)
            grants = list(reply.grants)
            if self.held:
                lease = self.held.pop(self.dice.randrange(len(self.held)))
                released = timed(
                    "release",
                    lambda lease=lease: self.pool.release(lease.request, lease.fence, self.me),
                )
                grants += released.grants
            for grant in grants:
                held = timed("claim", lambda grant=grant: self.pool.claim(grant, self.me))
                self.held.append(held)
                self.waiting.remove(grant.request)
            if len(self.waiting) > _BASELINE // 2:
                name = self.waiting.pop(self.dice.randrange(len(self.waiting)))
                back = timed("cancel", lambda name=name: self.pool.cancel(name))
                for grant in back:
                    self.claim(grant)
            if round_ % 5 == 0:
                timed("snapshot_of_50", lambda: self.pool.snapshot(50))
        told: dict[str, dict[str, Any]] = {
            name: dict(percentiles(times)) for name, times in sorted(spans.items())
        }
        for name, times in self.on_server().items():
            # Without the round trip, and without other programs on this machine's cores.
            told[name]["server"] = percentiles(times)
        return told

    def on_server(self) -> dict[str, list[float]]:
        """What the operations took the server itself: all calls since this was set up."""
        digests = {
            hashlib.sha1(scripts.source(script).encode()).hexdigest(): name  # noqa: S324 - as EVALSHA
            for script, name in _SCRIPTS.items()
        }
        found: dict[str, list[float]] = {}
        log: Any = self.pool.client.slowlog_get(_LOG)
        for entry in log:
            name = digests.get(_text(entry["command"]).split(" ")[:2][-1])
            if name:
                found.setdefault(name, []).append(entry["duration"] / 1e6)
        if "snapshot_of_50" in found:
            # Two scripts each: half as many of both together.
            both = found["snapshot_of_50"]
            found["snapshot_of_50"] = [a + b for a, b in zip(both[::2], both[1::2], strict=False)]
        return found

    def timed(self, times: int, operation: Callable[[], Any]) -> list[float]:
        spans = []
        for _ in range(times):
            begun = time.perf_counter()
            operation()
            spans.append(time.perf_counter() - begun)
        return spans

    def memory(self) -> int:
        info: Any = self.pool.client.info("memory")
        return int(info["used_memory"])


if __name__ == "__main__":
    main()
