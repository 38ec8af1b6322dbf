"""What the engine's benchmarks ask of an API."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

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
