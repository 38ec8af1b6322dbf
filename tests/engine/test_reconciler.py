"""A reconciler of the test's own, in a thread."""

import socket
import threading
import time
from pathlib import Path

import pytest

from yivideo.config.schema import Callbacks, Runtime
from yivideo.engine.ledger.records import NewStep, NewWorkflow, Place
from yivideo.engine.parts import assemble
from yivideo.engine.reconciler import Reconciler
from yivideo.engine.settings import EngineSettings
from yivideo.steps import keyframes
from yivideo.storage.redis import connect
from yivideo.storage.valkey import embedded


def test_slow_receiver_holds_nobody_up(tmp_path: Path) -> None:
    """Hints go out while a callback's receiver takes its time."""
    server = embedded(tmp_path)
    settings = EngineSettings(
        redis_url=server.url,
        database_url=f"sqlite:///{tmp_path / 'ledger.db'}",
        state=tmp_path,
        store=(tmp_path / "store").as_uri(),
    )
    parts = assemble(settings, "test")
    parts.ledger.migrate()
    allowed = Runtime(callbacks=Callbacks(private=True))
    parts.ledger.configuration.change(allowed.document(), author="test", reason="")
    one = Reconciler(parts)
    thread = threading.Thread(target=one.run)
    with socket.create_server(("127.0.0.1", 0)) as receiver, connect(server.url) as client:
        receiver.settimeout(30)
        url = f"http://127.0.0.1:{receiver.getsockname()[1]}/"
        chain = [NewStep(name=keyframes.NAME, params={})]
        new = NewWorkflow(video_path="film", source="film", chain=chain, callback_url=url)
        first = parts.ledger.accept(new)
        parts.ledger.cancel(first.workflow_id)
        thread.start()
        try:
            caller, _ = receiver.accept()
            with caller:
                caller.settimeout(30)
                assert caller.recv(65536)
                parts.ledger.accept(new)
                end = time.monotonic() + 30
                while not client.llen("ffmpeg_queue"):
                    assert time.monotonic() < end
                    time.sleep(0.02)
                # The caller still waits: the hint did not wait for it.
                caller.setblocking(False)
                with pytest.raises(BlockingIOError):
                    while caller.recv(65536):
                        continue
        finally:
            one.stop()
            thread.join(30)
            parts.ledger.close()
            parts.pool.close()
            server.stop()


def test_silence_is_measured_while_the_ledger_listens(tmp_path: Path) -> None:
    """An attempt that is silent at first sight has the time of a beat to be heard."""
    server = embedded(tmp_path)
    settings = EngineSettings(
        redis_url=server.url,
        database_url=f"sqlite:///{tmp_path / 'ledger.db'}",
        state=tmp_path,
        store=(tmp_path / "store").as_uri(),
        beat_s=0.5,
        silence_s=0.01,
    )
    parts = assemble(settings, "test")
    parts.ledger.migrate()
    try:
        chain = [NewStep(name=keyframes.NAME, params={})]
        accepted = parts.ledger.accept(NewWorkflow(video_path="f", source="f", chain=chain))
        (ready,) = accepted.ready
        claimed = parts.ledger.claim(ready.step_id, 1, Place(host="far", worker="w", pid=1))
        assert claimed is not None
        one = Reconciler(parts)
        time.sleep(0.1)
        one.find_dead()
        assert len(parts.ledger.running()) == 1
        time.sleep(0.6)
        one.find_dead()
        assert parts.ledger.running() == []
    finally:
        parts.ledger.close()
        parts.pool.close()
        server.stop()
