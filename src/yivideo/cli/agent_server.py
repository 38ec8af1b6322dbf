"""The server in the state folder: kept alive by its agent, stopped with it if nobody needs it."""

import contextlib
import logging
import shlex
import threading
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from redis.exceptions import RedisError

from yivideo.errors import ServerUnavailable, YiVideoError
from yivideo.gpu.pool import GpuPool
from yivideo.storage.redis import connect
from yivideo.storage.valkey import embedded, running_address

logger = logging.getLogger(__name__)

# How often it is looked at. Its agent notices at once when it is gone.
_LOOK_S = 0.3
# How long connections of our own that were just closed may still be listed.
_CLOSING_S = 0.15


class OwnServer:
    """The server of a state folder, started or adopted, and kept alive by a thread.

    Attributes:
        origin: "started", "adopted", or "used" where another process owns it.
        url: where it listens now.
    """

    def __init__(self, state: Path, port: int | None) -> None:
        ran = running_address(state) is not None
        self.server = embedded(state, port=port)
        self.url = self.server.url
        self.origin = ("adopted" if ran else "started") if self.server.owner else "used"
        logger.info("The server at %s was %s.", self.url, self.origin)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="server", daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        while not self._stop.wait(_LOOK_S):
            try:
                if self.server.look() is None:
                    logger.warning("The server at %s is gone.", self.url)
                    self.url = self.server.ensure()
                    logger.info("The server at %s is back.", self.url)
            except YiVideoError as error:
                logger.warning("%s", error)

    def leave(self) -> bool:
        """Look after it no more; False when that is just being done and takes its time."""
        self._stop.set()
        self._thread.join(0.2)
        return not self._thread.is_alive()


def stop_server(server: OwnServer) -> None:
    """Stop the server if it is ours and nobody needs it, and say so or why not."""
    if not server.leave():
        logger.info("The server at %s does not answer, and is left as it is.", server.url)
        return
    if not server.server.owner:
        logger.info("The server at %s runs on: another process owns it.", server.url)
        return
    needed = in_use(server.url)
    if needed:
        logger.info("The server at %s runs on: %s. To stop it: %s", server.url, needed,
                    f"{redis_cli(server.url, database=None)} shutdown")  # fmt: skip
        server.server.close()
        return
    try:
        server.server.stop()
        logger.info("The server is stopped; what it knew is kept in its file.")
    except ServerUnavailable as error:
        logger.warning("%s", error)


def in_use(url: str) -> str:
    """Who needs the server, in words; "" when nobody does."""
    try:
        with GpuPool(url) as pool:
            snapshot = pool.snapshot()
        held = sum(len(device.leases) for device in snapshot.devices)
        if held or snapshot.waiting:
            return (
                f"{_counted(held, 'lease')} held, {_counted(snapshot.waiting, 'request')} waiting"
            )
        others = _others(url)
    except (YiVideoError, RedisError):
        # One that does not answer is stopped, if it can be.
        return ""
    return f"{_counted(others, 'other client')} connected" if others else ""


def _others(url: str) -> int:
    """How many clients are connected beside ourselves."""
    deadline = time.monotonic() + _CLOSING_S
    with contextlib.closing(connect(url)) as client:
        while True:
            own = str(client.client_id())
            others = [one for one in client.client_list(_type="normal") if one["id"] != own]
            if not others or time.monotonic() > deadline:
                return len(others)
            time.sleep(0.02)


def redis_cli(url: str, database: int | None = 2) -> str:
    """The command line that looks into the pool's database, without a password."""
    parts = urlsplit(url)
    words = ["redis-cli"]
    if parts.scheme == "unix":
        words += ["-s", unquote(parts.path)]
    elif parts.scheme == "sentinel":
        return ""
    else:
        words += ["-h", parts.hostname or "127.0.0.1", "-p", str(parts.port or 6379)]
        if parts.scheme == "rediss":
            words.append("--tls")
    if database is not None:
        words += ["-n", str(database)]
    return shlex.join(words)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
