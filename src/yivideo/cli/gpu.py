"""`yivideo gpu`: who uses which GPU, who waits, and what an operator may do about it."""

from typing import Annotated

import typer

from yivideo.cli.gpu_options import AsJson, Redis, State
from yivideo.errors import ExitCode, UsageError

gpu = typer.Typer()

_NO_DEVICES = "The pool has no devices: start `yivideo agent` on a host with one."
_Device = Annotated[
    str | None,
    typer.Argument(
        metavar="DEVICE",
        help="HOST:INDEX, or INDEX alone for a device of this host (of --host, where given).",
        show_default=False,
    ),
]
_Host = Annotated[
    str | None,
    typer.Option(metavar="HOST", help="All devices of this host.", show_default=False),
]


@gpu.callback()
def _about() -> None:
    """Show and operate the pool of GPUs that `yivideo agent` offers."""


@gpu.command(short_help="Show the devices and who holds them.")
def status(*, redis: Redis = None, state: State = None, as_json: AsJson = False) -> None:
    """Show the devices, what is leased of them, who holds them, and how many wait.

    Memory is what leases take and what was measured; load and heat are of the agent's last look.
    """
    from yivideo.cli.gpu_options import open_pool, shown_address
    from yivideo.cli.gpu_records import status_record
    from yivideo.cli.gpu_tables import devices_sheet, holders_sheet, waiting_sentence
    from yivideo.cli.streams import say, say_json
    from yivideo.cli.tables import show

    with open_pool(redis, state) as pool:
        snapshot = pool.snapshot()
        if as_json:
            say_json(status_record(shown_address(pool), snapshot))
            return
    if not snapshot.devices:
        say(_NO_DEVICES)
        return
    show(devices_sheet(snapshot))
    holders = holders_sheet(snapshot)
    if holders.rows:
        show(holders)
    else:
        say("Nothing is held.")
    say(waiting_sentence(snapshot))


@gpu.command(short_help="Show who waits, in order.")
def queue(
    *,
    redis: Redis = None,
    state: State = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Show so many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show who waits, in the order in which they would be served, for what, and how long yet.

    The key age is the time waited with a minute added for each level of priority: the oldest of a
    group is next.
    """
    from yivideo.cli.gpu_estimates import estimates
    from yivideo.cli.gpu_options import open_pool, shown_address
    from yivideo.cli.gpu_records import queue_record
    from yivideo.cli.gpu_tables import queue_sheet, waiting_sentence
    from yivideo.cli.streams import say, say_json
    from yivideo.cli.tables import show

    with open_pool(redis, state) as pool:
        snapshot = pool.snapshot(limit)
        expected = estimates(pool, snapshot)
        if as_json:
            say_json(queue_record(shown_address(pool), snapshot, expected))
            return
    if snapshot.waiters:
        show(queue_sheet(snapshot, expected))
    say(waiting_sentence(snapshot))


@gpu.command(short_help="Watch devices and queue live.")
def top(
    *,
    redis: Redis = None,
    state: State = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, once: status with the waiters.")
    ] = False,
) -> None:
    """Watch the devices and the first who wait, anew twice a second; q or Ctrl-C ends it.

    Where standard output is no terminal it is shown once.
    """
    from yivideo.cli.gpu_top import watch

    watch(redis, state, as_json=as_json)


@gpu.command(short_help="Show what happened, and follow it.")
def history(
    *,
    redis: Redis = None,
    state: State = None,
    limit: Annotated[
        int, typer.Option(min=0, max=100_000, help="Show so many of the past at most.")
    ] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")
    ] = False,
    device: Annotated[
        str | None,
        typer.Option(metavar="DEVICE", help="Only of this device.", show_default=False),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Only of this kind, such as grant or quarantine; may be repeated.",
            show_default=False,
        ),
    ] = None,
    workflow: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only of this workflow.", show_default=False),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON object; with --follow one for each event, a line each."
        ),
    ] = False,
) -> int:
    """Show what happened in the pool, oldest first: grants, releases, reclaims, refusals and more.

    The pool keeps about the last 20,000 events.
    """
    from yivideo.cli.gpu_history import Filter, show_history
    from yivideo.cli.gpu_options import open_pool

    with open_pool(redis, state) as pool:
        wanted = Filter.of(device, kind or (), workflow)
        return show_history(pool, wanted, limit, follow=follow, as_json=as_json)


@gpu.command(short_help="Grant nothing new on a device.")
def drain(
    *,
    device: _Device = None,
    host: _Host = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until nothing is held.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", min=0, help="With --wait: fail after so long.", show_default=False
        ),
    ] = None,
    redis: Redis = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Grant nothing new on a device until it is resumed; who holds it goes on.

    With --wait the command ends when nothing is held. Stopping it leaves the device drained.
    """
    from yivideo.cli.gpu_operating import drain_devices
    from yivideo.cli.gpu_options import open_pool

    if timeout is not None and not wait:
        raise UsageError("--timeout says how long --wait waits: give both.")
    with open_pool(redis, state) as pool:
        drain_devices(pool, device, host, wait=wait, timeout=timeout, as_json=as_json)


@gpu.command(short_help="Open a drained or quarantined device again.")
def resume(
    *,
    device: _Device = None,
    host: _Host = None,
    redis: Redis = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Grant on a device again: end a drain, and lift a quarantine.

    Lifting a quarantine says that you looked; what is still wrong its agent finds again.
    """
    from yivideo.cli.gpu_operating import resume_devices
    from yivideo.cli.gpu_options import open_pool

    with open_pool(redis, state) as pool:
        resume_devices(pool, device, host, as_json=as_json)


@gpu.command(short_help="Take a lease back where no agent can.")
def reclaim(
    *,
    request: Annotated[
        str,
        typer.Argument(
            metavar="REQUEST", help="The lease, as `status` shows it.", show_default=False
        ),
    ],
    process_is_gone: Annotated[
        bool,
        typer.Option(
            "--process-is-gone",
            help="You have made sure that the holder's process has ended, and vouch for it.",
        ),
    ] = False,
    redis: Redis = None,
    state: State = None,
    as_json: AsJson = False,
) -> int:
    """Take back a lease whose host's agent can vouch for nothing any more.

    Without --process-is-gone it only shows what is held and by whom, and ends with 7. With it you
    vouch in the agent's place: the device is handed on at once, and if the process does live, two
    use it. It is refused while an agent sees the process, or the process can be seen to live.
    """
    from yivideo.cli.gpu_operating import reclaim_lease
    from yivideo.cli.gpu_options import open_pool

    with open_pool(redis, state) as pool:
        done = reclaim_lease(pool, request, vouched=process_is_gone, as_json=as_json)
    return int(ExitCode.OK if done else ExitCode.DEVICE)
