"""Estimates of waiting: what is known, what is not, and who is counted before whom."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from yivideo.gpu.amounts import Demand
from yivideo.gpu.estimates import estimate
from yivideo.gpu.flow import Flow
from yivideo.gpu.forecast import MOST
from yivideo.gpu.records import MICROSECONDS, Device, Held, Snapshot, Waiter

NOW = 1_000_000.0
WHOLE = Demand(exclusive=True)


class Known:
    """A history told by hand: seconds by step, ratios by step."""

    def __init__(
        self,
        durations: Mapping[str, Sequence[float]],
        ratios: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        self._durations = durations
        self._ratios = ratios or {}

    def durations(self, what: str, model: str) -> Sequence[float]:
        """See `History`."""
        assert model == "model-a"
        return self._durations.get(what, ())

    def ratios(self, what: str, model: str) -> Sequence[float]:
        """See `WorkHistory`."""
        assert model == "model-a"
        return self._ratios.get(what, ())


def lease(name: str, since: float, *, what: str = "step", whole: bool = True) -> Held:
    return Held(
        request=name,
        fence="1",
        state="held",
        what=what,
        workflow=f"workflow-{name}",
        group="a",
        memory=1000 if whole else 0,
        compute=1000 if whole else 500,
        decoders=1000 if whole else 0,
        granted_at=NOW - since,
        claimed_at=NOW - since,
        expected=0.0,
        limit=0.0,
        evicting=False,
        holder=None,
        shape=WHOLE.shape if whole else Demand(compute=500).shape,
    )


def device(index: int, *leases: Held) -> Device:
    return Device(
        id=f"host:{index}",
        host="host",
        index=index,
        uuid=f"GPU-{index}",
        model="model-a",
        memory=1000,
        compute=1000,
        decoders=1000,
        free_memory=1000 - sum(one.memory for one in leases),
        free_compute=1000 - sum(one.compute for one in leases),
        free_decoders=1000 - sum(one.decoders for one in leases),
        state="open",
        quarantine="",
        facts={},
        leases=leases,
    )


def waiter(name: str, position: int, *, group: str = "a", what: str = "step") -> Waiter:
    return Waiter(
        request=name,
        demand=WHOLE,
        position=position,
        group=group,
        weight=1.0,
        key=(NOW + position) * MICROSECONDS,
        asked=NOW,
        expected=0.0,
        what=what,
        workflow=f"workflow-{name}",
        reserved="",
    )


def snapshot(devices: Sequence[Device], waiters: Sequence[Waiter]) -> Snapshot:
    return Snapshot(NOW, 1, len(waiters), (), tuple(devices), {"a": 0.0, "b": 0.0}, waiters)


def test_waits_add_up() -> None:
    """The second in line waits for the rest of the lease and for the whole of the first."""
    queue = snapshot([device(0, lease("l", 4.0))], [waiter("x", 1), waiter("y", 2)])
    found = estimate(queue, Known({"step": [10.0]}))
    assert found["x"].median == pytest.approx(6.0)
    assert found["y"].median == pytest.approx(16.0)
    assert [found[name].position for name in "xy"] == [1, 2]


def test_waits_for() -> None:
    """Each is told the lease, or the waiter, that is expected to end last before it, and where."""
    queue = snapshot([device(0, lease("l", 4.0))], [waiter("x", 1), waiter("y", 2)])
    found = estimate(queue, Known({"step": [10.0]}))
    first, second = found["x"].waits_for, found["y"].waits_for
    assert first and second
    assert (first.request, first.workflow, first.device) == ("l", "workflow-l", "host:0")
    assert second.request == "x"


def test_unknown_without_history() -> None:
    """Nobody knows how long an unknown step takes, so that nobody knows who waits for it."""
    queue = snapshot([device(0, lease("l", 4.0))], [waiter("x", 1)])
    found = estimate(queue, Known({}))["x"]
    assert found.median is None
    assert found.bound is None
    assert found.waits_for and found.waits_for.request == "l"


def test_unknown_only_behind_it() -> None:
    """A step without history makes unknown what comes after it, not what comes before."""
    queue = snapshot(
        [device(0, lease("l", 4.0))],
        [waiter("x", 1, what="new"), waiter("y", 2)],
    )
    found = estimate(queue, Known({"step": [10.0]}))
    assert found["x"].median == pytest.approx(6.0)
    assert found["y"].median is None


def test_another_device_need_not_be_known() -> None:
    """Who can have another device does not wait for what nobody knows."""
    unknown = lease("l", 4.0, what="new")
    queue = snapshot([device(0, unknown), device(1, lease("m", 0.0))], [waiter("x", 1)])
    found = estimate(queue, Known({"step": [10.0]}))["x"]
    assert found.median == pytest.approx(10.0)
    assert found.waits_for and found.waits_for.device == "host:1"


def test_what_has_lasted_counts() -> None:
    """A lease that has outlasted the short durations has a long one."""
    queue = snapshot([device(0, lease("l", 30.0))], [waiter("x", 1)])
    found = estimate(queue, Known({"step": [10.0] * 99 + [50.0]}))["x"]
    assert found.median == pytest.approx(20.0, abs=1.0)


def test_bound_is_above_median() -> None:
    """Where durations differ, nine in ten takes longer than one in two."""
    queue = snapshot([device(0, lease("l", 0.0))], [waiter("x", 1)])
    found = estimate(queue, Known({"step": [float(n) for n in range(1, 101)]}), samples=400)["x"]
    assert found.median == pytest.approx(50.0, abs=8.0)
    assert found.bound == pytest.approx(90.0, abs=6.0)


def test_group_behind_goes_first() -> None:
    """The group that has had less is served first, whatever the keys say."""
    queue = replace(
        snapshot(
            [device(0, lease("l", 4.0))],
            [waiter("x", 1), waiter("y", 2, group="b")],
        ),
        virtual_times={"a": 9e7, "b": 1e7},
    )
    found = estimate(queue, Known({"step": [10.0]}))
    assert found["y"].median == pytest.approx(6.0)
    assert found["x"].median == pytest.approx(16.0)


def test_shared_device_starts_at_once() -> None:
    """Half a device that is free is had now, a whole one only after the lease."""
    half = replace(waiter("x", 2), demand=Demand(compute=500))
    queue = snapshot([device(0, lease("l", 4.0, whole=False))], [half, waiter("y", 1)])
    found = estimate(queue, Known({"step": [10.0]}))
    assert found["y"].median == pytest.approx(6.0)
    assert found["x"].median == pytest.approx(16.0)
    alone = replace(queue, waiters=[half])
    assert estimate(alone, Known({"step": [10.0]}))["x"].median == 0.0


def test_per_unit_of_work() -> None:
    """A history over what was expected makes a long film's step long."""
    long = replace(waiter("x", 1), expected=100.0)
    queue = snapshot([device(0, lease("l", 4.0))], [long, waiter("y", 2)])
    found = estimate(queue, Known({"step": [10.0]}, {"step": [1.5]}))
    assert found["y"].median == pytest.approx(6.0 + 150.0)


def test_far_behind_is_extrapolated() -> None:
    """Beyond some thousands the rate of those before is carried on, and said to be."""
    many = MOST + 500
    queue = snapshot([device(0, lease("l", 0.0))], [waiter(f"w{n}", n + 1) for n in range(many)])
    found = estimate(queue, Known({"step": [10.0]}), samples=4)
    last = found[f"w{many - 1}"]
    assert last.extrapolated
    assert not found["w0"].extrapolated
    assert last.median == pytest.approx(10.0 * many, rel=0.01)


def test_same_seed_same_estimate() -> None:
    """The dice are seeded."""
    queue = snapshot([device(0, lease("l", 0.0))], [waiter("x", 1)])
    history = Known({"step": [1.0, 5.0, 30.0]})
    assert estimate(queue, history, seed=7) == estimate(queue, history, seed=7)


def test_later_steps_of_older_workflows_pass() -> None:
    """What was seen to follow a step comes before younger workflows of its group."""
    flow = Flow()
    moment = NOW - 1000.0
    for number in range(20):
        one = waiter(f"{number}/0", 1, what="first")
        two = replace(waiter(f"{number}/1", 1, what="then"), workflow=one.workflow)
        for seen in ([one], [], [two], []):
            moment += 5.0
            at = [replace(each, asked=moment) for each in seen]
            flow.see(replace(snapshot([device(0)], at), now=moment))
    queue = replace(
        snapshot([device(0, lease("l", 0.0, what="first"))], [waiter("x", 1, what="first")]),
        now=moment,
    )
    held = replace(lease("l", 0.0, what="first"), claimed_at=moment, key=0.0)
    queue = replace(queue, devices=(device(0, held),))
    history = Known({"first": [10.0], "then": [1000.0]})
    young = replace(waiter("y", 2, what="first"), workflow="workflow-y")
    queue = replace(queue, waiters=[*queue.waiters, young])
    without = estimate(queue, history)["y"].median
    flow.fresh.clear()
    passed = estimate(queue, history, flow=flow)["y"].bound
    assert without == pytest.approx(20.0)
    assert passed is not None and passed > 1000.0


def test_a_thousand_waiters() -> None:
    """A thousand waiters of two groups on four devices are played to their end."""
    queue = snapshot(
        [device(n, lease(f"l{n}", 0.0)) for n in range(4)],
        [waiter(f"w{n}", n + 1, group="ab"[n % 2]) for n in range(1000)],
    )
    found = estimate(queue, Known({"step": [9.0, 10.0, 11.0]}), samples=20)
    assert found["w999"].median == pytest.approx(2500.0, rel=0.02)
