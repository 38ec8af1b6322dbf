"""A system on two hosts: one is killed whole, its steps go on elsewhere, and it comes back."""

import sys
from pathlib import Path

import pytest
from benchmarks.faults.hosts import ALL, kill, system
from benchmarks.faults.hosts_servers import missing
from benchmarks.faults.hosts_system import HOSTS, Order

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="hosts are made of Linux's namespaces"),
]


def test_a_host_dies_and_comes_back(film: Path) -> None:
    """Each workflow ends once, with the right subtitles, over S3, PostgreSQL and a real Redis."""
    if lacking := missing():
        pytest.skip(lacking)
    with system("s3", Order(film=film, services=ALL, silence_s=2.0, upload=True)) as hosts:
        hosts.start(*HOSTS)
        # More than one host works on at once: the other gets its share whatever is warm where.
        came = kill(hosts, HOSTS[1], 4)
        log = hosts.machines[HOSTS[0]].log
    assert came["problems"] == came["afterwards"]["problems"] == []
    assert came["steps_under_way"] > 0
    assert came["elsewhere"]
    assert set(came["afterwards"]["results_by_host"]) == set(HOSTS)
    assert came["at_rest"]
    # Nobody asks a host that is gone to end what it held.
    assert "after its end" not in log
