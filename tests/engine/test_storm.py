"""Storms over whole systems: nothing accepted is lost; plain Celery loses work in the same."""

import json
import random
import subprocess
import sys
from typing import Any

import pytest
from benchmarks.faults.storm_servers import postgres_programs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux",
        reason="a system's processes are found, and ended with their supervisor, by Linux",
    ),
]


def _storm(*options: str) -> dict[str, Any]:
    seed = random.SystemRandom().getrandbits(32)
    line = [sys.executable, "-m", "benchmarks.faults.storm", "--seed", str(seed), *options]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    # Shown when the test fails: with its seed the same plan runs again.
    sys.stderr.write(f"{line}\n{done.stderr}\n{done.stdout}\n")
    figures: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == bool(figures["problems"] or figures.get("late"))
    return figures


@pytest.mark.parametrize(("ledger", "rounds"), [("sqlite", "8"), ("postgresql", "2")])
def test_system_in_a_storm(ledger: str, rounds: str) -> None:
    """Each accepted workflow ends once, as it should, and no result is committed twice."""
    if ledger == "postgresql" and postgres_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    figures = _storm("--ledger", ledger, "--rounds", rounds)
    assert figures["problems"] == []
    assert figures["accepted"] == 6 * int(rounds)
    # One of a round's six is poisonous.
    assert figures["statuses"]["failed"] >= int(rounds)
    assert sum(figures["deeds"].values()) >= 2 * int(rounds)


def test_plain_chains_in_the_same_storm() -> None:
    """The storm is one: Celery chains lose work in it."""
    assert _storm("--engine", "celery", "--rounds", "2")["lost"] > 0
