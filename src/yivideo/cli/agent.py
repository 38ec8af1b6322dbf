"""`yivideo agent`: the one process of a host that offers its GPUs and vouches for their holders."""

from typing import TYPE_CHECKING, Annotated

import typer

from yivideo.cli.gpu_options import Redis, State
from yivideo.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from yivideo.gpu.discovery import FoundDevice


def agent(  # noqa: PLR0913 - options, each by its name
    *,
    redis: Redis = None,
    state: State = None,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="This host's name in the pool; otherwise YIVIDEO_HOST, otherwise its host name. "
            "Programs that hold its devices need the same.",
            show_default=False,
        ),
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="What runs here, such as ffmpeg,paddleocr: requests may ask for a host with it.",
            show_default=False,
        ),
    ] = None,
    stand_in: Annotated[
        bool,
        typer.Option("--stand-in", help="Offer the processor in a GPU's place, GPU or not."),
    ] = False,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help='Of the stand-in, such as "8 GiB"; otherwise half of the memory there is.',
            show_default=False,
        ),
    ] = None,
    places: Annotated[
        int, typer.Option(min=1, max=64, help="How many whole devices the stand-in counts for.")
    ] = 1,
    heartbeat_limit: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=2,
            max=3600,
            help="Silent for so long, an agent counts as lost; otherwise YIVIDEO_HEARTBEAT_LIMIT. "
            "One number for the whole pool: the last agent to start sets it.",
            show_default="15",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Have the server in the state folder listen on this port of 127.0.0.1, open to "
            "every user of this machine, in place of a socket.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the ready line as one JSON object, on one line.")
    ] = False,
) -> int:
    """Offer this host's GPUs to a pool, and vouch for who holds them, until it is stopped.

    Without an address of a Redis or Valkey server, one is started in the state folder, or adopted
    if it runs there already. A line on standard output tells when all is ready; the log goes to
    standard error. Ctrl-C or SIGTERM ends it within a second, with exit code 0: leases stay as they
    are, and everything goes on at the next start.
    """
    from yivideo.cli.gpu_options import need_server_extra, state_of

    need_server_extra()
    from yivideo.cli.agent_running import Setting, run_agent
    from yivideo.config.sources import bootstrap
    from yivideo.gpu.address import host_name

    setting = Setting(
        state=state_of(state),
        redis=_address(redis, port),
        port=port,
        host=_host(host or host_name()),
        services=_services(service or ()),
        devices=_devices(memory, places, stand_in=stand_in),
        heartbeat_limit=heartbeat_limit or bootstrap().heartbeat_limit,
    )
    run_agent(setting, as_json=as_json)
    return int(ExitCode.OK)


def _address(redis: str | None, port: int | None) -> str | None:
    import os

    address = redis or os.environ.get("YIVIDEO_REDIS_URL") or None
    if address and port is not None:
        raise UsageError("--port is for the server in the state folder, and an address is given.")
    if address:
        from yivideo.storage.redis import connect

        connect(address).close()
    return address


def _host(name: str) -> str:
    if not name or not name.isprintable() or any(letter in ": " for letter in name):
        raise UsageError(f"{name!r} is no name for a host: it has no colons and no spaces.")
    return name


def _services(texts: "list[str] | tuple[str, ...]") -> tuple[str, ...]:
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    for name in names:
        if any(letter.isspace() for letter in name):
            raise UsageError(f"{name!r} is no service: its name has no spaces.")
    return tuple(dict.fromkeys(names))


def _devices(memory: str | None, places: int, *, stand_in: bool) -> "tuple[FoundDevice, ...]":
    from yivideo.cli.streams import tell
    from yivideo.gpu.amounts import mebibytes
    from yivideo.gpu.discovery import cpu_stand_in, gpus

    size = None if memory is None else mebibytes(memory)
    if size == 0:
        raise UsageError("The stand-in needs some memory.")
    found = [] if stand_in else gpus()
    if found:
        if size is not None or places != 1:
            raise UsageError("--memory and --places are for the stand-in: there are GPUs here.")
        return tuple(found)
    why = "as asked for" if stand_in else "for no NVIDIA GPU answers on this host"
    tell(f"The processor stands in for a GPU, {why}.")
    return (cpu_stand_in(size, places),)
