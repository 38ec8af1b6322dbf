"""Advice from measurements, and when there is none."""

import pytest

from yivideo.config.checking import check_runtime
from yivideo.config.schema import Runtime
from yivideo.engine.advising import advise, applied
from yivideo.engine.ledger.config_records import Figures, StepUse

OCR = "paddleocr.perform_ocr"


def use(*seconds: float, memory: float = 0.0) -> StepUse:
    spent = [memory] * len(seconds) if memory else []
    return StepUse(name=OCR, model="m", seconds=seconds, memory_mib=spent)


@pytest.mark.parametrize(
    ("seconds", "low", "high"), [(8.0, 1, 5), (100.0, 5, 15), (1000.0, 15, 30)]
)
def test_the_retry_interval_follows_the_length_of_the_steps(
    seconds: float, low: float, high: float
) -> None:
    """Within the plan's bands, and with as many retries as the longest step needs."""
    present = check_runtime(
        {"gpu_lock": {"retry_interval": 50, "max_retries": 1, "lock_timeout": 20}}
    )
    found = applied(advise(present, [use(*[seconds] * 6)], Figures(), 15))
    interval = found["gpu_lock.retry_interval"]
    assert low <= interval <= high
    assert found["gpu_lock.max_retries"] == max(1, -(-seconds * 2 // interval))
    assert found.get("gpu_lock.lock_timeout", 20) == max(20, seconds * 1.5)


def test_what_is_right_needs_no_advice() -> None:
    """Nor does what too little was measured of."""
    assert advise(Runtime(), [use(*[100.0] * 6)], Figures(), 15) == []
    assert advise(Runtime(), [use(5000.0, 5000.0)], Figures(), 15) == []


def test_each_warning_has_its_figure() -> None:
    """Waits, failures, idle devices."""
    figures = Figures(
        workflows=20,
        failures=4,
        attempts=20,
        waits=9,
        wait_s=900.0,
        samples=30,
        device_use=0.5,
    )
    found = advise(Runtime(), [], figures, 15)
    assert [one.figure for one in found] == [900.0, 0.8, 0.5]
    assert [one.cases for one in found] == [9, 20, 30]
    assert applied(found) == {}


def test_memory_requests_follow_what_was_used() -> None:
    """A fifth more than the most, in steps of 64 MiB; near enough is left alone."""
    found = applied(advise(Runtime(), [use(*[60.0] * 6, memory=5000)], Figures(), 15))
    assert found == {"steps.memory": {OCR: "6016 MiB"}}
    right = check_runtime({"steps": {"memory": found["steps.memory"]}})
    assert advise(right, [use(*[60.0] * 6, memory=5000)], Figures(), 15) == []
