"""The configuration changes while a system of real processes works."""

import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from benchmarks.faults.changes import Site, change_under_load, harm, no_harm, site_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="a system's processes are found by Linux"),
]


@pytest.fixture(scope="module")
def site() -> Generator[Site]:
    """A system of one host."""
    with (
        tempfile.TemporaryDirectory(prefix="yivideo-changes-") as name,
        site_in(Path(name), "sqlite", 7) as made,
    ):
        yield made


def test_nothing_fails_while_settings_change(site: Site) -> None:
    """Two hundred changes, trials and roll-backs among them; all end on the same version."""
    came = change_under_load(site, 200)
    assert came["changes"] == 200
    assert {"set", "rollback", "trial", "race"} <= came["by_kind"].keys()
    assert came["failed"] == 0
    assert came["workflows"] > 20
    assert came["conflicts"] == came["races"] > 0
    assert came["agree"]
    # API, agent, reconciler, two places of the processor, one of the device.
    assert came["processes"] == 6


def test_the_guard_takes_back_what_breaks_steps(site: Site) -> None:
    """And leaves alone what does not; work goes on as before."""
    came = harm(site)
    assert came["taken_back"], came
    assert "error-rate" in came["alerts"]
    assert came["then"] == "succeeded"
    assert no_harm(site) == {"ends": {"succeeded": 10}, "stays": True}
