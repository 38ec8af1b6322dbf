"""The simulator: the pool's own scripts in simulated time, beside other policies."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yivideo.errors import InputUnreadable
from yivideo.gpu.amounts import Demand
from yivideo.gpu.simulator.calibration import calibration, told
from yivideo.gpu.simulator.command import main
from yivideo.gpu.simulator.engine import Outcome
from yivideo.gpu.simulator.generate import flood, mixed, standard
from yivideo.gpu.simulator.load import (
    Load,
    SimDevice,
    Step,
    Workflow,
    cluster,
    read_load,
    recorded,
)
from yivideo.gpu.simulator.measures import fairness, jain, lower_bound, measures
from yivideo.gpu.simulator.run import compare, outcome_of
from yivideo.gpu.simulator.scripted import server


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with server() as address:
        yield address


def mean_completion(outcome: Outcome) -> float:
    return measures(outcome)["mean_completion_s"]


def test_same_seed_same_result(url: str) -> None:
    """Two runs of one load give the same times, on the same devices."""
    load = standard(cluster(2, 3), 40, seed=3)
    one, other = outcome_of(load, "pool", url), outcome_of(load, "pool", url)
    assert [(t.id, t.started, t.device) for t in one.tasks] == [
        (t.id, t.started, t.device) for t in other.tasks
    ]


@pytest.mark.parametrize("seed", range(3))
def test_no_worse_than_first_come_inside_a_group(url: str, seed: int) -> None:
    """Older workflows first ends workflows of one group no later, in the mean."""
    load = standard(cluster(1, 2), 60, seed=seed, groups=1, load=1.2)
    same = replace(load, workflows=tuple(replace(w, priority=5) for w in load.workflows))
    pool, first = outcome_of(same, "pool", url), outcome_of(same, "fcfs", url)
    assert mean_completion(pool) <= mean_completion(first) * 1.001


def test_flood_keeps_fairness(url: str) -> None:
    """A group that asks for everything at once gets its share and no more."""
    load = flood(cluster(1, 1), 300, groups=5)
    pool, first = outcome_of(load, "pool", url), outcome_of(load, "fcfs", url)
    fair, unfair = fairness(pool), fairness(first)
    assert fair is not None and unfair is not None
    assert fair >= 0.99
    assert unfair < 0.9


def test_nobody_starves(url: str) -> None:
    """Whoever needs the whole device gets it, though small requests never stop coming."""
    small = Step("small", 1.0, Demand(compute=400), 1.0)
    flows = [Workflow(f"s{n}", n * 0.45, "small", 9, (small,)) for n in range(200)]
    large = Workflow("large", 5.0, "large", 0, (Step("large", 2.0, Demand(exclusive=True), 2.0),))
    load = Load(cluster(1, 1), (*flows, large))
    outcome = outcome_of(load, "pool", url)
    assert len(outcome.completions) == 201
    started = next(task.started for task in outcome.tasks if task.workflow.id == "large")
    assert started < 20.0


@pytest.mark.parametrize("policy", ["pool", "fcfs"])
def test_devices_are_never_overbooked(url: str, policy: str) -> None:
    """At no time do leases on a device add up to more than it has."""
    load = mixed(cluster(1, 2), 40, seed=5)
    outcome = outcome_of(load, policy, url)
    for number, device in enumerate(load.devices):
        changes = []
        for task in outcome.tasks:
            demand = task.workflow.steps[task.at].demand
            if task.device == number and demand is not None:
                amounts = np.array([demand.memory, demand.compute, demand.decoders])
                changes += [(task.started, 1, amounts), (task.ended, 0, -amounts)]
        used = np.zeros(3, int)
        for _, _, amounts in sorted(changes, key=lambda change: change[:2]):
            used += amounts
            assert (used <= [device.memory, device.compute, device.decoders]).all()


def test_every_workflow_ends_after_its_bound(url: str) -> None:
    """No policy beats the bound; the original lock is the worst of them and loses workflows."""
    load = standard(cluster(1, 2), 60, seed=2, load=1.5)
    bound = lower_bound(load)
    figures = {name: measures(outcome_of(load, name, url)) for name in ("pool", "fcfs")}
    original = measures(outcome_of(load, "original", url))
    for one in figures.values():
        assert one["completed"] == 60
        assert one["makespan_s"] >= bound["makespan_s"]
        assert one["mean_completion_s"] >= bound["mean_completion_s"]
        assert one["mean_completion_s"] < original["mean_completion_s"]


def test_recorded_load_comes_back(tmp_path: Path) -> None:
    """A load that was written is read as it was."""
    load = mixed(cluster(2, 3), 10)
    path = tmp_path / "load.json"
    path.write_text(json.dumps(recorded(load)))
    assert read_load(path) == load


@pytest.mark.parametrize("text", ["", "{}", '{"devices": [], "workflows": [{"at": 1}]}', "[1]"])
def test_bad_recorded_load(tmp_path: Path, text: str) -> None:
    """What is no load is refused in one sentence."""
    path = tmp_path / "load.json"
    path.write_text(text)
    with pytest.raises(InputUnreadable, match="no recorded load"):
        read_load(path)


def test_faster_devices_take_less(url: str) -> None:
    """A step on a device of twice the speed takes half as long."""
    step = Step("step", 4.0, Demand(exclusive=True), 4.0)
    load = Load((SimDevice("h", 0, speed=2.0),), (Workflow("w", 0.0, "g", 5, (step,)),))
    assert outcome_of(load, "pool", url).completions["w"] == pytest.approx(2.0)


def test_estimates_are_calibrated(url: str) -> None:
    """Most waits keep within the bound, and about half within the median."""
    estimates, _ = told(standard(cluster(1, 1), 80, seed=4), url=url, every=4.0)
    figures = calibration(estimates)
    assert figures["estimates"] > 50
    assert figures["unknown"] == 0
    assert 0.7 <= figures["within_bound"] <= 1.0
    assert 0.2 <= figures["within_median"] <= 0.8


def test_keys_are_removed(url: str) -> None:
    """A simulation leaves nothing on the server it was lent."""
    from yivideo.gpu.pool import DATABASE
    from yivideo.storage.redis import connect, with_database

    compare(standard(cluster(1, 1), 5), ("pool",), url=url)
    with connect(with_database(url, DATABASE)) as client:
        assert not list(client.scan_iter(match="simulated:*"))


def test_command(url: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The command prints one JSON object with each policy's figures, also from a recorded load."""
    path = tmp_path / "load.json"
    asked = ["--workflows", "20", "--policy", "pool,fcfs", "--url", url, "--json"]
    assert main([*asked, "--record", str(path)]) == 0
    first = json.loads(capsys.readouterr().out)
    assert set(first["policies"]) == {"lower_bound", "pool", "fcfs"}
    assert set(first["policies"]["pool"]["waits_s"]) >= {"all", "5"}
    assert main([*asked, "--load", str(path)]) == 0
    again = json.loads(capsys.readouterr().out)
    pool, repeated = first["policies"]["pool"], again["policies"]["pool"]
    assert {**pool, "wall_s": 0} == {**repeated, "wall_s": 0}


def test_jain() -> None:
    """Equal shares are 1, one for all is 1/n."""
    assert jain([2.0, 2.0, 2.0]) == pytest.approx(1.0)
    assert jain([1.0, 0.0, 0.0, 0.0]) == pytest.approx(0.25)
