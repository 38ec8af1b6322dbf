"""A grant that two processes are told of has one holder, and its journal names that one."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gpu.pool.conftest import Hall, holder

from yivideo.errors import NotHolder
from yivideo.gpu import holding
from yivideo.gpu.amounts import Demand
from yivideo.gpu.journal import Journal
from yivideo.gpu.processes import Process
from yivideo.gpu.records import Holder, Request


def _here() -> Holder:
    own = Process.current()
    return Holder("h", os.getpid(), own.start, own.namespace, own.boot)


def test_the_second_who_is_told_leaves_the_journal_of_the_first(hall: Hall, tmp_path: Path) -> None:
    """A doubled message costs the second an error, and never the first its device."""
    first = _here()
    hall.pool.register(
        host="h",
        agent="agent-h",
        boot=first.boot,
        namespace=first.namespace,
        journal=str(tmp_path),
        services=[],
        pid=1,
        devices=[
            {"index": 0, "uuid": "GPU", "model": "X", "memory": 8, "compute": 1, "decoders": 1}
        ],
    )
    hall.attest("h", "1")
    request = Request(id="r", demand=Demand(memory=8))
    grant = hall.pool.request(request).grant
    assert grant is not None
    holding.claim(hall.pool, grant, request, first)
    second = replace(first, pid=os.getppid(), start=holder().start)
    with pytest.raises(NotHolder):
        holding.claim(hall.pool, grant, request, second)
    entries = Journal(tmp_path).entries()
    assert [entry["holder"] for entry in entries] == [first.record()]
