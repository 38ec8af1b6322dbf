"""`yivideo config`: the settings of a system, in the ledger itself and not over HTTP."""

from typing import Annotated

import typer

from yivideo.cli.api_options import AsJson, need
from yivideo.cli.config_options import Profile
from yivideo.cli.gpu_options import Redis, State
from yivideo.cli.serving import Database
from yivideo.errors import ExitCode

config = typer.Typer()

Reason = Annotated[
    str, typer.Option("--reason", "-m", metavar="TEXT", help="Why, for the history.")
]
Pin = Annotated[bool, typer.Option("--pin", help="The guard leaves this version alone.")]
Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The version's number.")]
File = Annotated[
    str,
    typer.Argument(metavar="FILE", help="A file of settings, or - for standard input/output."),
]


@config.callback()
def _about() -> None:
    """Show and change settings; every process takes a change within a second.

    Each change is a numbered version: who, when, why, and what differs.
    """
    need("pydantic_settings", "The configuration")


@config.command(short_help="Show the settings that rule.")
def show(
    *,
    version: Annotated[
        int | None, typer.Option(min=1, help="Of that version instead.", show_default=False)
    ] = None,
    database: Database = None,
    state: State = None,
    redis: Redis = None,
    as_json: AsJson = False,
) -> None:
    """Show all runtime settings, as YAML."""
    from yivideo.cli.config_records import open_tuning, show_settings

    with open_tuning(database, state, redis) as tuning:
        show_settings(tuning, version, as_json=as_json)


@config.command(short_help="Show one setting.")
def get(
    *,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Such as gpu_lock.retry_interval.")],
    database: Database = None,
    state: State = None,
    redis: Redis = None,
    as_json: AsJson = False,
) -> None:
    """Print the value of one setting, or of all below a section."""
    from yivideo.cli.config_records import get_key, open_tuning

    with open_tuning(database, state, redis) as tuning:
        get_key(tuning, key, as_json=as_json)


@config.command("set", short_help="Change settings.")
def set_(
    *,
    pairs: Annotated[
        list[str],
        typer.Argument(metavar="KEY=VALUE...", help="Values as YAML has them."),
    ],
    reason: Reason = "",
    pin: Pin = False,
    database: Database = None,
    state: State = None,
    redis: Redis = None,
    as_json: AsJson = False,
) -> None:
    """Change settings at once: `yivideo config set gpu_lock.retry_interval=5 -m "short steps"`."""
    from yivideo.cli.config_records import open_tuning, set_keys

    with open_tuning(database, state, redis) as tuning:
        set_keys(tuning, pairs, reason=reason, pinned=pin, as_json=as_json)


@config.command(short_help="Change settings in an editor.")
def edit(
    *,
    reason: Reason = "",
    database: Database = None,
    state: State = None,
    redis: Redis = None,
) -> None:
    """Open the settings in $VISUAL or $EDITOR; what is saved rules, if nobody changed them too."""
    from yivideo.cli.config_records import edit_settings, open_tuning

    with open_tuning(database, state, redis) as tuning:
        edit_settings(tuning, reason=reason)


@config.command(short_help="Check a file of settings.")
def validate(
    *,
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="Otherwise as for --config.", show_default=False),
    ] = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with a file, with line and key, and what is unwise; nothing is changed."""
    from yivideo.cli.config_records import validate_file

    validate_file(file, profile, as_json=as_json)


@config.command(short_help="Show what differs.")
def diff(
    *,
    first: Annotated[
        int | None,
        typer.Argument(metavar="N", help="Otherwise the one before.", show_default=False),
    ] = None,
    second: Annotated[
        int | None,
        typer.Argument(metavar="M", help="Otherwise the one that rules.", show_default=False),
    ] = None,
    database: Database = None,
    state: State = None,
    redis: Redis = None,
    as_json: AsJson = False,
) -> None:
    """Show what differs from version N to version M."""
    from yivideo.cli.config_records import open_tuning, show_difference

    with open_tuning(database, state, redis) as tuning:
        show_difference(tuning, first, second, as_json=as_json)


@config.command(short_help="List the versions.")
def history(
    *,
    number: Annotated[int, typer.Option("--number", "-n", min=1, max=1000)] = 20,
    database: Database = None,
    state: State = None,
    redis: Redis = None,
    as_json: AsJson = False,
) -> None:
    """List versions, newest first: who, when, why, and what differs."""
    from yivideo.cli.config_records import open_tuning, show_history

    with open_tuning(database, state, redis) as tuning:
        show_history(tuning, number, as_json=as_json)


@config.command(short_help="Go back to a version.")
def rollback(
    *,
    version: Annotated[
        int | None,
        typer.Argument(metavar="N", min=1, help="Otherwise the one before.", show_default=False),
    ] = None,
    reason: Reason = "",
    database: Database = None,
    state: State = None,
    redis: Redis = None,
    as_json: AsJson = False,
) -> None:
    """Have the settings of a version rule again, as a new version."""
    from yivideo.cli.config_records import open_tuning, roll_back

    with open_tuning(database, state, redis) as tuning:
        roll_back(tuning, version, reason=reason, as_json=as_json)


@config.command("export", short_help="Write the settings to a file.")
def export_(
    *, file: File = "-", database: Database = None, state: State = None, redis: Redis = None
) -> None:
    """Write the runtime settings as a file that `import` reads."""
    from yivideo.cli.config_records import export_settings, open_tuning

    with open_tuning(database, state, redis) as tuning:
        export_settings(tuning, file)


@config.command("import", short_help="Take the settings of a file.")
def import_(
    *,
    file: File,
    reason: Reason = "",
    pin: Pin = False,
    profile: Profile = None,
    database: Database = None,
    state: State = None,
    redis: Redis = None,
    as_json: AsJson = False,
) -> None:
    """Have a file's runtime settings rule; what it leaves out has its default."""
    from yivideo.cli.config_records import import_settings, open_tuning

    with open_tuning(database, state, redis) as tuning:
        import_settings(tuning, file, profile, reason=reason, pinned=pin, as_json=as_json)


@config.command(short_help="Show which process runs which version.")
def status(
    *, database: Database = None, state: State = None, redis: Redis = None, as_json: AsJson = False
) -> int:
    """List the processes that follow the configuration; the exit code tells whether all agree."""
    from yivideo.cli.config_records import open_tuning, show_status

    with open_tuning(database, state, redis) as tuning:
        agree = show_status(tuning, redis, state, as_json=as_json)
    return int(ExitCode.OK if agree else ExitCode.UNAVAILABLE)


@config.command(short_help="Try a version on a part of the workflows.")
def canary(
    *,
    version: Annotated[
        int | None,
        typer.Argument(metavar="N", min=1, help="The version to try.", show_default=False),
    ] = None,
    workflows: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Of the new ones, such as 25%.", show_default=False),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Those with the label.", show_default=False),
    ] = None,
    database: Database = None,
    state: State = None,
    redis: Redis = None,
    as_json: AsJson = False,
) -> None:
    """Try a version on a part of the new workflows, or show how the trial goes."""
    from yivideo.cli.config_records import open_tuning
    from yivideo.cli.config_trials import begin_trial, show_trial

    with open_tuning(database, state, redis) as tuning:
        if version is not None:
            begin_trial(tuning, version, workflows, label or (), as_json=as_json)
        else:
            show_trial(tuning, as_json=as_json)


@config.command(short_help="Have the tried version rule.")
def promote(
    *, database: Database = None, state: State = None, redis: Redis = None, as_json: AsJson = False
) -> None:
    """End the trial: its version rules all workflows."""
    from yivideo.cli.config_records import open_tuning
    from yivideo.cli.config_trials import end_trial

    with open_tuning(database, state, redis) as tuning:
        end_trial(tuning, promote=True, as_json=as_json)


@config.command(short_help="End the trial.")
def abort(
    *, database: Database = None, state: State = None, redis: Redis = None, as_json: AsJson = False
) -> None:
    """End the trial: all workflows run by what rules."""
    from yivideo.cli.config_records import open_tuning
    from yivideo.cli.config_trials import end_trial

    with open_tuning(database, state, redis) as tuning:
        end_trial(tuning, promote=False, as_json=as_json)


@config.command(short_help="Keep a version, whatever the guard finds.")
def pin(
    *,
    version: Number,
    off: Annotated[bool, typer.Option("--off", help="Let it go again.")] = False,
    database: Database = None,
    state: State = None,
    redis: Redis = None,
    as_json: AsJson = False,
) -> None:
    """Have the guard leave a version alone."""
    from yivideo.cli.config_records import open_tuning, pin_version

    with open_tuning(database, state, redis) as tuning:
        pin_version(tuning, version, pinned=not off, as_json=as_json)


@config.command(short_help="Say what the figures advise.")
def advise(
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Make it a version.")] = False,
    database: Database = None,
    state: State = None,
    redis: Redis = None,
    as_json: AsJson = False,
) -> None:
    """Say what the measurements of the last day advise, each with the figure behind it."""
    from yivideo.cli.config_records import open_tuning
    from yivideo.cli.config_trials import show_advice

    with open_tuning(database, state, redis) as tuning:
        show_advice(tuning, apply=apply, as_json=as_json)
