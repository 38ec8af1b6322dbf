"""The guard over changes of the configuration, on what real attempts came to in the ledger."""

from typing import Any

import pytest
from tests.engine.ledger.making import Clock, claim, new, succeed

from yivideo.config.checking import check_runtime
from yivideo.engine.guarding import watch_over
from yivideo.engine.ledger.changing import GUARD
from yivideo.engine.ledger.records import ErrorKind
from yivideo.engine.ledger.store import Ledger
from yivideo.engine.ruling import Ruling

LIMITS = {"cases": 20, "alert_cases": 10}


def document(retries: int, **guard: Any) -> dict[str, Any]:
    guarding = {**LIMITS, **guard}
    return check_runtime({"gpu_lock": {"max_retries": retries}, "guard": guarding}).document()


def work(ledger: Ledger, good: int, bad: int = 0, kind: ErrorKind = ErrorKind.MACHINE) -> None:
    """Carry out workflows of one step, of which some fail each time they are tried."""
    for number in range(good + bad):
        (ready,) = ledger.accept(new(steps=1)).ready
        if number >= bad:
            succeed(ledger, claim(ledger, ready).attempt_id)
            continue
        while True:
            outcome = ledger.fail(claim(ledger, ready).attempt_id, kind, "x", "It broke.")
            assert outcome is not None
            if outcome.ended:
                break
            (ready,) = outcome.ready


def changed(ledger: Ledger, clock: Clock, **guard: Any) -> None:
    """A first version with good work behind it, then a second one."""
    ledger.configuration.change(document(1, **guard), author="ann", reason="")
    work(ledger, 25)
    clock.ahead += 100
    ledger.configuration.change(document(2, **guard), author="ann", reason="faster")
    clock.ahead += 1


def watch(ledger: Ledger) -> int:
    """Let the guard look; the version that rules then."""
    state = ledger.configuration.state()
    assert state is not None
    settings = check_runtime(ledger.configuration.version(state.current).document)
    watch_over(ledger.configuration, Ruling(settings=settings))
    after = ledger.configuration.state()
    assert after is not None
    return after.current


def test_a_change_that_breaks_steps_is_taken_back(ledger: Ledger, clock: Clock) -> None:
    """By a version that says why; and the guard does not fight with itself."""
    changed(ledger, clock)
    work(ledger, 10, bad=10)
    assert watch(ledger) == 3
    back, broken, first = ledger.configuration.history()
    assert (back.author, back.document) == (GUARD, first.document)
    assert "version 2 is taken back: " in back.reason
    assert "of 40 attempts failed (at most 5.0%, 0.0% before)" in back.reason
    assert set(broken.alerts) == {"error-rate", "success-rate"}
    work(ledger, 0, bad=30)
    assert watch(ledger) == 3
    assert ledger.configuration.version(3).alerts


def test_a_change_that_does_no_harm_stays(ledger: Ledger, clock: Clock) -> None:
    """A few failures are within the limits."""
    changed(ledger, clock)
    work(ledger, 60, bad=1)
    assert watch(ledger) == 2
    assert ledger.configuration.version(2).alerts == {}


def test_the_faults_of_videos_are_no_harm(ledger: Ledger, clock: Clock) -> None:
    """However many there are."""
    changed(ledger, clock)
    work(ledger, 20, bad=30, kind=ErrorKind.USER)
    assert watch(ledger) == 2
    assert ledger.configuration.version(2).alerts == {}


def test_too_few_cases_mean_nothing_yet(ledger: Ledger, clock: Clock) -> None:
    """First nothing, then an alert, then it acts."""
    changed(ledger, clock)
    work(ledger, 3, bad=2)
    assert watch(ledger) == 2
    assert ledger.configuration.version(2).alerts == {}
    work(ledger, 3)
    assert watch(ledger) == 2
    assert set(ledger.configuration.version(2).alerts) == {"error-rate"}
    work(ledger, 9)
    assert watch(ledger) == 3


def test_what_was_as_bad_before_is_no_reason(ledger: Ledger, clock: Clock) -> None:
    """It is told, and nothing is taken back."""
    ledger.configuration.change(document(1), author="ann", reason="")
    work(ledger, 0, bad=30)
    clock.ahead += 100
    ledger.configuration.change(document(2), author="ann", reason="")
    clock.ahead += 1
    work(ledger, 15, bad=15)
    assert watch(ledger) == 2
    assert ledger.configuration.version(2).alerts


@pytest.mark.parametrize("how", ["told not to act", "pinned", "too late"])
def test_the_guard_never_fights_a_person(ledger: Ledger, clock: Clock, how: str) -> None:
    """What it may not touch stays; it says what it found where it is still to watch."""
    changed(ledger, clock, **({"act": False} if how == "told not to act" else {}))
    if how == "pinned":
        ledger.configuration.pin(2, pinned=True)
    work(ledger, 10, bad=10)
    if how == "too late":
        clock.ahead += 601
    assert watch(ledger) == 2
    assert bool(ledger.configuration.version(2).alerts) == (how != "too late")


def test_a_trial_that_does_harm_is_ended(ledger: Ledger, clock: Clock) -> None:
    """The rest of the workflows never met it."""
    config = ledger.configuration
    config.change(document(1), author="ann", reason="")
    config.change(document(2), author="ann", reason="")
    config.rule_again(1, author="ann", reason="")
    clock.ahead += 10_000
    config.try_version(2, labels={"risk": "yes"})
    work(ledger, 25)
    for _ in range(10):
        (ready,) = ledger.accept(new(steps=1, labels={"risk": "yes"})).ready
        for _ in range(3):
            end = ledger.fail(claim(ledger, ready).attempt_id, ErrorKind.MACHINE, "x", "Broke.")
            assert end is not None
            ready = end.ready[0] if end.ready else ready
    assert watch(ledger) == 3
    state = config.state()
    assert state is not None
    assert state.canary is None
    assert set(config.version(2).alerts) == {"error-rate", "success-rate"}


def test_idle_devices_while_steps_wait_are_harm(ledger: Ledger, clock: Clock) -> None:
    """Beside how busy they usually are."""
    ledger.configuration.change(document(1), author="ann", reason="")
    for _ in range(30):
        ledger.configuration.note_devices(1.0, 3)
    clock.ahead += 100
    ledger.configuration.change(document(2), author="ann", reason="")
    clock.ahead += 1
    for _ in range(30):
        ledger.configuration.note_devices(0.4, 3)
    assert watch(ledger) == 3
    assert set(ledger.configuration.version(2).alerts) == {"device-use"}
