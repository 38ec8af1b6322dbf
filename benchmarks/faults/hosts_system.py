"""A system on two hosts: what runs where, videos handed in over HTTP, and what came of them."""

import base64
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.faults.hosts_machine import Machine
from benchmarks.faults.hosts_servers import Shared
from benchmarks.faults.storm_servers import free_port
from yivideo.engine.ledger.records import Running, WorkflowRecord
from yivideo.engine.ledger.store import Ledger
from yivideo.errors import YiVideoError
from yivideo.gpu.pool import GpuPool
from yivideo.storage.files import FileStore

HOSTS = ("ash", "birch")
_PATIENCE_S = 90.0
_REST_S = 30.0
_TUS = {"Tus-Resumable": "1.0.0"}


@dataclass(frozen=True)
class Order:
    """What a system is to be.

    Attributes:
        film: the video that is handed in; its truth lies beside it.
        services: what each host's workers run, by the host's name.
        silence_s: the heartbeat limit.
        upload: videos are uploaded; otherwise they lie in a folder that all hosts see.
    """

    film: Path
    services: Mapping[str, str]
    silence_s: float
    upload: bool


class Hosts:
    """A system on several hosts.

    Args:
        folder: where everything of it lies.
        shared: what the hosts share.
        order: what it is to be.
    """

    def __init__(self, folder: Path, shared: Shared, order: Order) -> None:
        self.ledger = Ledger(shared.database_url)
        self.ledger.migrate()
        self.pool = GpuPool(shared.redis_url)
        self.store = FileStore(shared.store, scratch=folder / "seen", options=shared.options)
        self.order = order
        self._media = folder / "media"
        self._media.mkdir()
        self._ports = {host: free_port() for host in order.services}
        inherited = {n: v for n, v in os.environ.items() if not n.startswith(("YIVIDEO_", "AWS_"))}
        environment = {
            **inherited,
            **shared.environment,
            "YIVIDEO_REDIS_URL": shared.redis_url,
            "YIVIDEO_DATABASE_URL": shared.database_url,
            "YIVIDEO_STORE": shared.store,
            "YIVIDEO_MEDIA_ROOTS": str(self._media),
            "YIVIDEO_HEARTBEAT_LIMIT": f"{order.silence_s:g}",
        }
        self.machines = {
            host: Machine(host, folder, environment, _commands(self._ports[host], services))
            for host, services in order.services.items()
        }

    def start(self, *hosts: str) -> float:
        """Switch hosts on and wait until they are ready; returns the seconds it took."""
        began = time.monotonic()
        for host in hosts:
            self.machines[host].start()
        while not all(self._is_ready(host) for host in hosts):
            if time.monotonic() - began > _PATIENCE_S:
                raise TimeoutError(f"{' and '.join(hosts)} did not become ready")
            time.sleep(0.1)
        return time.monotonic() - began

    def stop(self) -> None:
        """End everything."""
        for machine in self.machines.values():
            machine.kill()
        self.pool.close()
        self.store.close()
        self.ledger.close()

    def _is_ready(self, host: str) -> bool:
        with contextlib.suppress(YiVideoError, httpx.HTTPError), self._client(host) as client:
            devices = self.pool.snapshot().devices
            is_open = any(d.host == host and d.state == "open" for d in devices)
            return is_open and client.get("/healthz").status_code == 200
        return False

    def _client(self, host: str) -> httpx.Client:
        url = f"http://127.0.0.1:{self._ports[host]}"
        return httpx.Client(base_url=url, timeout=60, trust_env=False)

    def submit(self, number: int, host: str) -> list[str]:
        """Hand in so many copies of the film at a host; the workflows' ids."""
        with self._client(host) as client:
            return [self._submit(client, n) for n in range(number)]

    def _submit(self, client: httpx.Client, number: int) -> str:
        film = self.order.film
        name = f"{film.stem} {number}{film.suffix}"
        if self.order.upload:
            path = _upload(client, film, name)
        else:
            path = str(shutil.copyfile(film, self._media / name))
        answer = client.post("/v1/workflows", json={"video_path": path})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def running(self, host: str) -> list[Running]:
        """The attempts under way on a host."""
        return [one for one in self.ledger.running() if one.host == host]

    def await_work(self, host: str) -> None:
        """Wait until an attempt has just begun on a host's device."""
        known = {one.attempt_id for one in self.ledger.running()}
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            if any(one.device and one.attempt_id not in known for one in self.running(host)):
                return
            time.sleep(0.02)
        raise TimeoutError(f"nothing began on {host}")

    def await_ends(self, workflows: Sequence[str]) -> list[WorkflowRecord]:
        """Wait until all have ended, or nobody would wait any longer; the workflows."""
        end = time.monotonic() + _PATIENCE_S + 10 * len(workflows)
        while time.monotonic() < end:
            found = [self.ledger.workflow(one) for one in workflows]
            if all(one.status.ended for one in found):
                return found
            time.sleep(0.25)
        return [self.ledger.workflow(one) for one in workflows]

    def comes_to_rest(self) -> bool:
        """Whether all devices are open and nobody holds any, within a while."""
        end = time.monotonic() + _REST_S
        while time.monotonic() < end:
            devices = self.pool.snapshot().devices
            if all(device.state == "open" and not device.leases for device in devices):
                return True
            time.sleep(0.2)
        return False

    def subtitles(self, workflow: str, host: str) -> str:
        """The SRT of a workflow, as a host's API gives it."""
        with self._client(host) as client:
            return client.get(f"/v1/workflows/{workflow}/subtitles.srt").raise_for_status().text


def _commands(port: int, services: str) -> list[list[str]]:
    yivideo = [sys.executable, "-m", "yivideo"]
    names = "ffmpeg,paddleocr" if services == "all" else services
    return [
        [*yivideo, "agent", "--stand-in", f"--service={names}"],
        [*yivideo, "worker", "--stand-in", f"--service={services}", "--cpu-places=1"],
        [*yivideo, "api", f"--port={port}"],
    ]


def _upload(client: httpx.Client, film: Path, name: str) -> str:
    """Upload a film under a name; the path by which it is known."""
    data = film.read_bytes()
    filename = base64.b64encode(name.encode()).decode()
    told = {"Upload-Length": str(len(data)), "Upload-Metadata": f"filename {filename}"}
    begun = client.post("/v1/uploads", headers={**_TUS, **told}).raise_for_status()
    address = begun.headers["location"]
    piece = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    client.patch(address, content=data, headers={**_TUS, **piece}).raise_for_status()
    return f"upload:{address.rpartition('/')[2]}"
