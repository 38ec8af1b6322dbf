"""An agent in the foreground, with the server it may own."""

import json
import logging
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from yivideo.cli.agent_server import OwnServer, redis_cli, stop_server
from yivideo.cli.stopping import Stopping
from yivideo.cli.streams import printable, say, tell
from yivideo.engine.agent_hints import AgentHints
from yivideo.engine.following import BoardSource, Follower
from yivideo.engine.presence import absent_services
from yivideo.errors import AgentExists, UsageError
from yivideo.gpu.agent import Agent, alone
from yivideo.gpu.discovery import FoundDevice
from yivideo.gpu.health import Health
from yivideo.gpu.pool import GpuPool
from yivideo.storage.configuration import Board
from yivideo.storage.redis import without_password

# A second is promised for stopping; an agent whose server hangs may need longer, and is left.
_END_S = 0.7
_LOOK_S = 0.05


@dataclass(frozen=True)
class Setting:
    """What an agent is started with.

    Attributes:
        state: the state folder.
        redis: the server's address; None for one in the state folder.
        port: of that server; None for a socket.
        host: this host's name.
        services: what runs here.
        devices: what is offered.
        heartbeat_limit: seconds.
    """

    state: Path
    redis: str | None
    port: int | None
    host: str
    services: Sequence[str]
    devices: Sequence[FoundDevice]
    heartbeat_limit: float


def run_agent(setting: Setting, *, as_json: bool) -> None:
    """Run until somebody asks to stop.

    Raises:
        AgentExists: another agent has the state folder, or vouches for this host.
        ServerUnavailable: the server in the state folder does not start.
        UsageError: there are no agents on this system.
    """
    if sys.platform == "win32":
        raise UsageError("`yivideo agent` runs on Linux and macOS.")
    unlock = alone(setting.state)
    if unlock is None:
        raise AgentExists(f"Another agent runs with the state folder {setting.state}.")
    _log_to_stderr()
    with Stopping() as stopping:
        server = None if setting.redis else OwnServer(setting.state, setting.port)
        try:
            _serve(setting, server, stopping, as_json=as_json)
        finally:
            if server is not None:
                stop_server(server)
            unlock()


def _serve(
    setting: Setting, server: OwnServer | None, stopping: Stopping, *, as_json: bool
) -> None:
    """Run agents, one after the other: a server that moved needs another."""
    while not stopping.requested():
        address = server.url if server else setting.redis
        assert address is not None
        worker = _Worker(setting, address)
        told = False
        try:
            while not stopping.requested() and not worker.ended.wait(_LOOK_S):
                if not told and worker.agent.ready.is_set():
                    _tell_ready(setting, address, server, as_json=as_json)
                    told = True
                if server and server.url != address:
                    break
        finally:
            worker.stop()
        if worker.error is not None:
            raise worker.error


class _Worker:
    """An agent in a thread of its own, so that the main one hears signals."""

    def __init__(self, setting: Setting, address: str) -> None:
        self.error: BaseException | None = None
        self.ended = threading.Event()
        self._pool = GpuPool(address)
        self._pool.on_grants = AgentHints(self._pool, address)
        self.agent = Agent(
            self._pool,
            setting.state,
            setting.devices,
            host=setting.host,
            services=setting.services,
            health=Health(setting.devices),
            absent=lambda index: absent_services(setting.state, setting.services, index),
            beat_limit=setting.heartbeat_limit,
        )
        self._board = Board(address)
        # It has no ledger: what it runs by is the copy in Redis.
        self._follower = Follower(
            BoardSource(self._board), self._board, host=setting.host, name="agent"
        )
        self._follower.start()
        self._thread = threading.Thread(target=self._run, name="agent", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.agent.run()
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            self.error = error
        finally:
            self.ended.set()

    def stop(self) -> None:
        """End it; one whose server hangs is left to the end of the process."""
        self.agent.stop()
        self._follower.stop()
        self._thread.join(_END_S)
        if not self._thread.is_alive():
            self._pool.close()


def _tell_ready(setting: Setting, address: str, server: OwnServer | None, *, as_json: bool) -> None:
    line = redis_cli(address)
    if as_json:
        record: dict[str, object] = {
            "ready": True,
            "host": setting.host,
            "address": without_password(address),
            "redis_cli": line,
            "server": None if server is None else server.origin,
            "state": str(setting.state),
            "services": list(setting.services),
            "devices": [asdict(device) for device in setting.devices],
        }
        say(json.dumps(record, ensure_ascii=False))
        return
    devices = ", ".join(
        f"{device.index} {device.model} ({device.memory / 1024:.1f} GiB)"
        for device in setting.devices
    )
    say(printable(f"ready: {setting.host} offers {devices} at {without_password(address)}"))
    if server is not None:
        tell(f"To look into its server: {line}")
        if not _is_found(setting):
            tell(
                f"Others find it with YIVIDEO_STATE={setting.state} or YIVIDEO_REDIS_URL={address}"
            )


def _is_found(setting: Setting) -> bool:
    """Whether programs find the state folder without being told."""
    from yivideo.gpu.address import state_folder

    return state_folder().resolve() == setting.state.resolve()


class _Lines(logging.Handler):
    """Plain lines with the time; what is said again and again is said once."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        message = printable(record.getMessage())
        if message != self._last:
            self._last = message
            tell(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {message}")


def _log_to_stderr() -> None:
    logger = logging.getLogger("yivideo")
    logger.setLevel(logging.INFO)
    logger.addHandler(_Lines())
    logger.propagate = False
