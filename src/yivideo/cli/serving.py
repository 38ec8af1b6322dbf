"""The parts of a running system: `yivideo up`, `api`, `worker`, `reconciler`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yivideo.cli.config_options import ConfigFile, Profile, load_settings
from yivideo.cli.gpu_options import Redis, State
from yivideo.errors import ExitCode

if TYPE_CHECKING:
    from yivideo.engine.settings import EngineSettings

API_PORT = 8788

Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The ledger, such as postgresql+psycopg://user@host/name; otherwise "
        "YIVIDEO_DATABASE_URL, otherwise SQLite in the state folder.",
        show_default=False,
    ),
]
Store = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Where results lie: file:///folder or s3://bucket/prefix; otherwise YIVIDEO_STORE, "
        "otherwise a folder in the state folder.",
        show_default=False,
    ),
]
MediaRoot = Annotated[
    list[Path] | None,
    typer.Option(
        "--media-root",
        metavar="DIR",
        help="Videos may lie below it; repeatable. Otherwise YIVIDEO_MEDIA_ROOTS, otherwise the "
        "folder this is started in.",
        show_default=False,
    ),
]
Host = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="This host's name; otherwise YIVIDEO_HOST.", show_default=False
    ),
]
Service = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="ffmpeg, paddleocr or all.", show_default="all"),
]
CpuPlaces = Annotated[
    int | None,
    typer.Option(
        min=1, max=1024, help="So many steps of the CPU at once.", show_default="cores - 1"
    ),
]
RetainDays = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Forget ended workflows older than this, results with them; otherwise none is "
        "forgotten.",
        show_default=False,
    ),
]
RetainNumber = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="With --retain-days: keep at most so many ended workflows.",
        show_default="1000000",
    ),
]
StandIn = Annotated[
    bool, typer.Option("--stand-in", help="Offer the processor in a GPU's place, GPU or not.")
]


def worker(  # noqa: PLR0913 - options, each by its name
    *,
    service: Service = None,
    redis: Redis = None,
    state: State = None,
    database: Database = None,
    store: Store = None,
    host: Host = None,
    cpu_places: CpuPlaces = None,
    stand_in: StandIn = False,
    config: ConfigFile = None,
    profile: Profile = None,
) -> int:
    """Run a host's workers: CPU steps, and one place for each service on each device.

    The host needs its `yivideo agent` as well. Ctrl-C lets running steps finish for a while and
    gives them back after that; a second Ctrl-C ends at once.
    """
    from yivideo.engine.places import chosen_services, own_devices
    from yivideo.engine.system import Layout, reconciler_program, supervisor, worker_programs
    from yivideo.telemetry.logs import set_up_logs

    settings = _settings(
        config, profile, redis, state, database_url=database, store=store, host=host
    )
    set_up_logs("worker")
    layout = Layout(
        settings=settings,
        services=chosen_services(service or ()),
        devices=own_devices(stand_in=stand_in),
        cpu_places=cpu_places,
    )
    # It alone sees at once which of this host's processes have died.
    found = [reconciler_program(settings), *worker_programs(layout)]
    supervisor(settings, found).run()
    return int(ExitCode.OK)


def reconciler(
    *,
    redis: Redis = None,
    state: State = None,
    database: Database = None,
    store: Store = None,
    retain_days: RetainDays = None,
    retain_number: RetainNumber = None,
    config: ConfigFile = None,
    profile: Profile = None,
) -> int:
    """Put right what was lost: hints, steps of dead workers, callbacks. Any number may run.

    One of them owns the file of settings: that with --config. It takes over each edit of it.
    """
    import signal

    from yivideo.cli.reconciling import keeper_for, loaded_for
    from yivideo.engine.parts import assemble
    from yivideo.engine.reconciler import Reconciler
    from yivideo.engine.system import settings_of
    from yivideo.telemetry.logs import set_up_logs

    set_up_logs("reconciler")
    options = {"redis_url": redis, "state": state, "database_url": database, "store": store}
    loaded = loaded_for(config, profile, options)
    parts = assemble(settings_of(loaded), "reconciler")
    retention = {"days": retain_days, "number": retain_number}
    one = Reconciler(parts, keeper_for(parts, loaded, config, retention))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: one.stop())
    one.run()
    return int(ExitCode.OK)


def api(  # noqa: PLR0913 - options, each by its name
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond 127.0.0.1 it needs an API key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = API_PORT,
    redis: Redis = None,
    state: State = None,
    database: Database = None,
    store: Store = None,
    media_root: MediaRoot = None,
    config: ConfigFile = None,
    profile: Profile = None,
) -> int:
    """Serve workflows over HTTP."""
    from yivideo.api.serve import serve
    from yivideo.telemetry.logs import set_up_logs

    settings = _settings(
        config, profile, redis, state, database_url=database, store=store, media_roots=media_root
    )
    set_up_logs("api")
    serve(settings, host, port)
    return int(ExitCode.OK)


def up(  # noqa: PLR0913 - options, each by its name
    *,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Of the API.", show_default=str(API_PORT)),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            help="Address of the API; beyond 127.0.0.1 it needs an API key.",
            show_default="127.0.0.1",
        ),
    ] = None,
    media_root: MediaRoot = None,
    redis: Redis = None,
    redis_port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Of the embedded Valkey on 127.0.0.1; otherwise 6379, or the next that is free.",
            show_default=False,
        ),
    ] = None,
    state: State = None,
    database: Database = None,
    store: Store = None,
    host: Host = None,
    cpu_places: CpuPlaces = None,
    stand_in: StandIn = False,
    retain_days: RetainDays = None,
    retain_number: RetainNumber = None,
    config: ConfigFile = None,
    profile: Profile = None,
    demo: Annotated[bool, typer.Option("--demo", help="Submit the sample when ready.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the ready line as one JSON object.")
    ] = False,
) -> int:
    """Run a whole system on this machine: API, agent, workers, reconciler, and what they need.

    Without addresses, a Valkey server and a SQLite ledger in the state folder are used. What dies
    is started again. Ctrl-C lets running steps finish for a while and gives them back after that; a
    second Ctrl-C ends at once. After either, everything goes on at the next start.
    """
    from yivideo.cli.upping import Wish, run_system

    loaded = load_settings(
        config,
        profile,
        redis_url=redis,
        state=state,
        database_url=database,
        store=store,
        host=host,
        media_roots=media_root or None,
        listen=listen,
        port=port,
        redis_port=redis_port,
        cpu_places=cpu_places,
    )
    run_system(
        Wish(
            loaded=loaded,
            stand_in=stand_in,
            retain_days=retain_days,
            retain_number=retain_number,
            demo=demo,
            as_json=as_json,
        )
    )
    return int(ExitCode.OK)


def _settings(
    config: str | None, profile: str | None, redis: str | None, state: str | None, **options: Any
) -> "EngineSettings":
    loaded = load_settings(config, profile, redis_url=redis, state=state, **options)
    from yivideo.engine.system import settings_of

    return settings_of(loaded)
