"""Hints on their way: who sends them, and what becomes of those that cannot be sent."""

import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Generator
from pathlib import Path

import pytest

from yivideo.engine.agent_hints import AgentHints
from yivideo.engine.dispatch import Dispatcher
from yivideo.engine.hints import celery_app
from yivideo.engine.ledger.records import ReadyStep
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.records import Grant
from yivideo.steps import keyframes
from yivideo.storage.redis import connect
from yivideo.storage.valkey import EmbeddedValkey, embedded


@pytest.fixture
def server(tmp_path: Path) -> Generator[EmbeddedValkey]:
    """A server of the test's own."""
    server = embedded(tmp_path)
    yield server
    server.stop()


def grant(request: str) -> Grant:
    """A device for a request."""
    return Grant(
        request=request,
        fence="7",
        device="ash:0",
        host="ash",
        index=0,
        uuid="CPU-1",
        model="stand-in",
        memory=1,
        compute=0,
        decoders=0,
        what="toy.add",
    )


def ready(step_id: int, until: float = 0.0) -> ReadyStep:
    """A step that needs no device."""
    return ReadyStep(
        step_id=step_id,
        number=1,
        name=keyframes.NAME,
        workflow_id="w",
        position=0,
        priority=5,
        group="default",
        weight=1.0,
        workflow_since=0.0,
        excluded_until=until,
    )


def test_agent_hints_of_steps_alone(server: EmbeddedValkey) -> None:
    """A grant for a step becomes a message to its device's place; others are not the engine's."""
    with GpuPool(server.url) as pool, connect(server.url) as client:
        hints = AgentHints(pool, server.url)
        pool.on_grants = hints
        hints([grant("task:1:0")])
        assert client.keys("toy*") == []
        hints([grant("step:3:2"), grant("task:1:1")])
        assert pool.on_grants is hints
        (message,) = client.lrange("toy_queue.ash:0", 0, -1)
        step_id, number, told = json.loads(b64decode(json.loads(message)["body"]))[0]
    assert (step_id, number, told["fence"]) == (3, 2, "7")


@pytest.mark.parametrize("module", ["yivideo.cli.agent_running", "yivideo.api.serve"])
def test_who_sends_no_hint_loads_no_celery(module: str) -> None:
    """A pool may be used without the engine, and an API is to answer soon."""
    code = f"import sys, {module}; sys.exit('celery' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_was_sent_is_told(server: EmbeddedValkey) -> None:
    """A step in back-off is not sent, and none that a server did not take counts as sent."""
    with GpuPool(server.url) as pool:
        dispatcher = Dispatcher(celery_app(server.url), pool)
        assert dispatcher.send([ready(1), ready(2, until=1e12), ready(3)]) == [(1, 1), (3, 1)]
        server.stop()
        assert dispatcher.send([ready(4), ready(5)]) == []


def test_full_server_takes_no_hint(server: EmbeddedValkey) -> None:
    """That is no error of the sender's: the hint waits."""
    with GpuPool(server.url) as pool, connect(server.url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1kb")
        assert Dispatcher(celery_app(server.url), pool).send([ready(1)]) == []
