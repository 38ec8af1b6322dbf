"""What several hosts share: a Redis, a PostgreSQL database, and S3 or a folder for files."""

import contextlib
import importlib.util
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.engine.ledger import POSTGRES, postgres_database
from benchmarks.faults.hosts_machine import can_isolate
from benchmarks.faults.storm_servers import free_port

# Of servers that live as long as this run.
_PASSWORD = _KEY = "of-the-hosts"  # noqa: S105
_BUCKET = "videos"
_PATIENCE_S = 20.0


@dataclass(frozen=True)
class Shared:
    """What the hosts are told of.

    Attributes:
        redis_url: of a Redis.
        database_url: of a PostgreSQL database.
        store: of the files.
        environment: what else the hosts need to reach those.
        options: the same for a file store opened here.
    """

    redis_url: str
    database_url: str
    store: str
    environment: dict[str, str] = field(default_factory=dict[str, str])
    options: dict[str, str] = field(default_factory=dict[str, str])


def missing() -> str:
    """What several hosts need and is not here, as a sentence; "" when all is."""
    if not can_isolate():
        return "This user may not make PID namespaces, or there is no unshare."
    if shutil.which("redis-server") is None:
        return "There is no redis-server."
    for name in ("moto", "flask", "flask_cors", "s3fs"):
        if importlib.util.find_spec(name) is None:
            return f"{name} is not installed."
    try:
        socket.create_connection(("127.0.0.1", 5432), 1).close()
    except OSError:
        return "No PostgreSQL answers on 127.0.0.1:5432."
    return ""


@contextlib.contextmanager
def shared(folder: Path, store: str) -> Iterator[Shared]:
    """Servers of our own, the files in "s3" or in a "folder"."""
    with contextlib.ExitStack() as stack:
        redis_url = stack.enter_context(redis_server(folder))
        database_url = stack.enter_context(postgres_database(POSTGRES))
        if store == "folder":
            yield Shared(redis_url, database_url, (folder / "shared").as_uri())
            return
        environment, options = stack.enter_context(_s3(folder))
        yield Shared(redis_url, database_url, f"s3://{_BUCKET}/yivideo", environment, options)


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis set up as the documentation asks, in a folder; its address."""
    port = free_port()
    options = f"--port {port} --bind 127.0.0.1 --dir {folder} --requirepass {_PASSWORD}"
    options += " --appendonly yes --maxmemory-policy noeviction"
    with _running(["redis-server", *options.split()], folder / "redis.log"):
        _await(port)
        yield f"redis://:{_PASSWORD}@127.0.0.1:{port}"


@contextlib.contextmanager
def _s3(folder: Path) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """An HTTP server that speaks S3, with a bucket; its clients' environment, our options."""
    import fsspec

    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, folder / "s3.log"):
        _await(port)
        address = f"http://127.0.0.1:{port}"
        options = {"endpoint_url": address, "key": _KEY, "secret": _KEY}
        fsspec.filesystem("s3", **options).mkdir(_BUCKET)
        environment = {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": _KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        yield environment, options


@contextlib.contextmanager
def _running(command: Sequence[str], log: Path) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _await(port: int) -> None:
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
