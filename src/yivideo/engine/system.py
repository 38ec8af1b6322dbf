"""A whole system on one machine: which programs it is made of, and when it is ready."""

import contextlib
import http.client
import os
import signal
import socket
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yivideo.config.sources import Loaded
from yivideo.engine.settings import EngineSettings
from yivideo.engine.supervisor import Program, Supervisor
from yivideo.errors import ServerUnavailable
from yivideo.storage.valkey import EmbeddedValkey, embedded, running_address

if TYPE_CHECKING:
    from yivideo.gpu.discovery import FoundDevice

# Where people with redis-cli look first.
REDIS_PORT = 6379
_PORTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What runs on a machine.

    Attributes:
        settings: of all of its processes.
        services: what its workers run.
        devices: what its agent offers.
        agent: further arguments of its agent.
        reconciler: further arguments of its reconciler.
        cpu_places: how many steps of the CPU may run at once; by the number of cores when None.
    """

    settings: EngineSettings
    services: tuple[str, ...]
    devices: "tuple[FoundDevice, ...]"
    agent: tuple[str, ...] = ()
    reconciler: tuple[str, ...] = ()
    cpu_places: int | None = None


def settings_of(
    loaded: Loaded, *, redis: str | None = None, environment: Mapping[str, str] = os.environ
) -> EngineSettings:
    """The settings of a system's processes, from all sources.

    Args:
        loaded: what was read.
        redis: an address that nobody named: of a server started for this system.
        environment: of this process.

    Raises:
        ServerUnavailable: no Redis is named, and none runs in the state folder.
    """
    given = loaded.config
    values: dict[str, Any] = {"redis_url": given.redis_url or redis}
    if not given.media_roots:
        values["media_roots"] = here()
    return EngineSettings.of(given.model_copy(update=values), environment)


def api_program(settings: EngineSettings, host: str, port: int) -> Program:
    """The program of the API."""
    words = ("api", f"--host={host}", f"--port={port}")
    return _command(settings, words, loads=("yivideo.api.serve",))


def programs(layout: Layout) -> list[Program]:
    """The programs of a system beside its API, in the order in which they are started."""
    settings = layout.settings
    service = f"--service={','.join(layout.services)}"
    limit = f"--heartbeat-limit={settings.silence_s:g}"
    words = ("agent", service, limit, *layout.agent)
    agent = _command(settings, words, loads=("yivideo.cli.agent_running",))
    # The last to end: it vouches for those who hold devices.
    agent.last = True
    return [agent, reconciler_program(settings, layout.reconciler), *worker_programs(layout)]


def reconciler_program(settings: EngineSettings, arguments: tuple[str, ...] = ()) -> Program:
    """The program of a host's reconciler: it alone sees which of the host's processes live."""
    return _command(settings, ("reconciler", *arguments), loads=("yivideo.engine.reconciler",))


def _command(
    settings: EngineSettings, words: tuple[str, ...], *, loads: tuple[str, ...]
) -> Program:
    """A program that is a command of `yivideo`."""
    return Program(
        name=words[0],
        module="yivideo.__main__",
        arguments=words,
        loads=("yivideo.cli.app", *loads),
        environment=settings.environment(),
    )


def worker_programs(layout: Layout) -> list[Program]:
    """The programs of a machine's places."""
    from yivideo.engine.places import places, program

    host = layout.settings.host
    specs = places(host, layout.services, layout.devices, layout.cpu_places)
    found = [program(spec, host) for spec in specs]
    for one in found:
        one.environment = layout.settings.environment()
    return found


def supervisor(settings: EngineSettings, found: list[Program]) -> Supervisor:
    """What keeps them running; a step under way has a grace, and is then given back."""
    return Supervisor(programs=found, grace_s=settings.grace_s, give_back=signal.SIGUSR1)


@contextlib.contextmanager
def own_valkey(state: Path, port: int | None) -> Generator[EmbeddedValkey]:
    """The Valkey server of the state folder, on a TCP port of 127.0.0.1; stopped in the end.

    One that runs there already is adopted with the port it has.

    Raises:
        ServerUnavailable: it does not start.
    """
    running = running_address(state)
    wanted = port or REDIS_PORT
    server: EmbeddedValkey | None = None
    if running is not None:
        server = embedded(state)
    for candidate in range(wanted, wanted + (1 if port else _PORTS)):
        if server is not None:
            break
        if is_free(candidate):
            with contextlib.suppress(ServerUnavailable):
                server = embedded(state, port=candidate)
    if server is None:
        raise ServerUnavailable(
            f"The embedded Valkey could not be started on port {wanted} of 127.0.0.1: "
            "name a free one, or the address of a server."
        )
    try:
        yield server
    finally:
        with contextlib.suppress(ServerUnavailable):
            server.stop()


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nothing listens on the port."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError:
            return False
    return True


def answers(host: str, port: int) -> bool:
    """Whether the API answers there."""
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def here() -> tuple[Path, ...]:
    """Where videos may lie when nobody says: the folder the system was started in."""
    return (Path(os.curdir).resolve(),)
