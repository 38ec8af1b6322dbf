"""Without room, what can be kept is accepted and waits; the rest is refused with a reason."""

import base64
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import House, Served

from yivideo.engine.settings import default_database, default_store
from yivideo.storage.redis import connect

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


def kind(body: dict[str, str]) -> str:
    """What kind of problem that is."""
    return body["type"].rpartition("/")[2]


def test_redis_without_room(api: Served) -> None:
    """It is said to be missing; a workflow is accepted all the same, for the ledger has it."""
    with connect(api.settings.redis_url) as client:
        client.config_set("maxmemory", "1kb")
        try:
            ready = api.client.get("/readyz")
            accepted = api.submit()
        finally:
            client.config_set("maxmemory", "0")
    assert (ready.status_code, ready.json()["accepting"]) == (503, True)
    assert "no room" in ready.json()["missing"]["redis"]
    assert api.ledger.workflow(accepted["id"]).steps[0].status == "ready"
    assert "redis" not in api.client.get("/readyz").json()["missing"]


@dataclass
class Disk:
    """A disk of its own."""

    folder: Path

    def resize(self, size: str) -> None:
        """Make it larger or smaller."""
        options = f"remount,size={size}"
        subprocess.run(["mount", "-o", options, str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Generator[Disk]:
    """A disk with plenty of room, at first."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1g", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    yield Disk(tmp_path)
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def begin(api: Served, length: int) -> httpx.Response:
    """Begin an upload."""
    name = base64.b64encode(b"a.mp4").decode()
    headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": f"filename {name}"}
    return api.client.post("/v1/uploads", headers=headers)


def test_disk_full(house: House, disk: Disk) -> None:
    """Uploads and workflows are refused with a reason; what came is kept, and goes on with room."""
    more = {"database_url": default_database(disk.folder), "store": default_store(disk.folder)}
    data = bytes(range(256)) * 4096
    with house.serve(state=disk.folder, **more) as api:
        disk.resize("256m")
        refused = begin(api, 1 << 20)
        assert (refused.status_code, kind(refused.json())) == (507, "storage-full")
        disk.resize("1g")
        address = begin(api, len(data)).headers["location"]
        assert api.submit()["id"]
        used = sum(file.stat().st_blocks for file in disk.folder.rglob("*")) * 512
        disk.resize(f"{used // 1024 + 256}k")
        answer = api.client.patch(address, headers={**PIECE, "Upload-Offset": "0"}, content=data)
        assert (answer.status_code, kind(answer.json())) == (507, "storage-full")
        assert int(answer.headers["retry-after"]) > 0
        refused = api.client.post("/v1/workflows", json={"video_path": str(api.video)})
        assert (refused.status_code, kind(refused.json())) == (503, "ledger-unavailable")
        assert int(refused.headers["retry-after"]) > 0
        disk.resize("1g")
        offset = int(api.client.head(address, headers=TUS).headers["upload-offset"])
        assert 0 < offset < len(data)
        headers = {**PIECE, "Upload-Offset": str(offset)}
        answer = api.client.patch(address, headers=headers, content=data[offset:])
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(len(data)))
        assert api.submit(video_path=f"upload:{address.rpartition('/')[2]}")["id"]
