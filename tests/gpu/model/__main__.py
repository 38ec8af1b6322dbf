"""``python -m tests.gpu.model --steps 1000000``: the model-based test, for as long as one likes.

Prints JSON: steps, transitions by kind, how often something interesting happened, violations.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.gpu.model.machine import KINDS, Machine, Violation
from tests.gpu.model.server import Server, own_server

from yivideo.gpu import scripts
from yivideo.storage.redis import with_database

# A run begins anew after so many steps: a violation is then told by a short list.
RUN = 300


def drive(server: Server, steps: int, seed: int, look: int = 1) -> dict[str, Any]:
    """Steps by a seed, until they are done or one is wrong."""
    dice = random.Random(seed)
    told: dict[str, Any] = {"steps": 0, "seed": seed, "kinds": {}, "seen": {}, "violations": []}
    began = time.perf_counter()
    while told["steps"] < steps and not told["violations"]:
        taken: list[tuple[str, int]] = []
        server.fresh()
        machine: Machine | None = None
        try:
            machine = Machine(server, look)
            for _ in range(min(RUN, steps - told["steps"])):
                taken.append((dice.choice(KINDS), dice.getrandbits(64)))
                machine.step(*taken[-1])
            machine.end()
        except Violation as violation:
            told["violations"].append({"what": str(violation), "steps": taken})
        told["steps"] += len(taken)
        if machine is not None:
            for name, part in (("kinds", machine.kinds), ("seen", machine.seen)):
                for what, number in part.items():
                    told[name][what] = told[name].get(what, 0) + number
    told["kinds"] = dict(sorted(told["kinds"].items()))
    told["seen"] = dict(sorted(told["seen"].items()))
    told["seconds"] = round(time.perf_counter() - began, 1)
    return told


def main() -> int:
    """Run it; the status is 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="a server to use; its own embedded one by default")
    parser.add_argument("--look", type=int, default=1, help="compare all keys every so many steps")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yv-model-") as folder, own_server(Path(folder)) as own:
        server = Server(with_database(given.url or own, 15), scripts.source)
        try:
            told = drive(server, given.steps, given.seed, given.look)
        finally:
            server.close()
    json.dump(told, sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 1 if told["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
