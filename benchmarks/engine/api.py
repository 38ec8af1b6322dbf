"""An API of the engine's benchmarks' own, and what they ask of one."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from yivideo.engine.settings import EngineSettings, default_store
from yivideo.storage.valkey import embedded

_SERVER = """
from yivideo.api.serve import serve
from yivideo.engine.settings import EngineSettings
settings = EngineSettings.from_environment()
serve(settings, port=0, on_ready=lambda address: print(address, flush=True))
"""
_WORKFLOWS = "/v1/workflows"


class Api:
    """A running API on this machine; use it in `with`."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def submit(
        self, video: Path, chain: Sequence[Mapping[str, Any]] = (), *, group: str = "default"
    ) -> str:
        """Submit a workflow, with the default chain if none is given; its id."""
        body: dict[str, Any] = {"video_path": str(video), "group": group}
        if chain:
            body["workflow_config"] = {"workflow_chain": list(chain)}
        answer = self._client.post(_WORKFLOWS, json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def status(self, workflow: str) -> str:
        """How a workflow stands."""
        return str(self._client.get(f"{_WORKFLOWS}/{workflow}").raise_for_status().json()["status"])

    def cancel(self, workflow: str) -> None:
        """Cancel a workflow."""
        self._client.post(f"{_WORKFLOWS}/{workflow}/cancel").raise_for_status()

    def all(self) -> list[Any]:
        """The first page of workflows."""
        return self._client.get(_WORKFLOWS).raise_for_status().json()["workflows"]


@contextlib.contextmanager
def serving(folder: Path, database_url: str) -> Iterator[str]:
    """One API process on a ledger, with a Valkey server of its own; its address.

    Videos may lie in the folder.
    """
    server = embedded(folder / "state")
    settings = EngineSettings(
        redis_url=server.url,
        database_url=database_url,
        state=folder / "state",
        store=default_store(folder / "state"),
        media_roots=(folder.resolve(),),
    )
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        env={**os.environ, **settings.environment()},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()
        server.stop()
