"""`yivideo workflows`: what was submitted, where it stands, and what can be done about it."""

from typing import Annotated

import typer

from yivideo.cli.api_options import Api, AsJson, Key, open_client
from yivideo.errors import UsageError

workflows = typer.Typer()

_Id = Annotated[str, typer.Argument(metavar="ID", help="The workflow's id.", show_default=False)]
_Ids = Annotated[
    list[str], typer.Argument(metavar="ID", help="Ids of workflows.", show_default=False)
]


@workflows.callback()
def _about() -> None:
    """List, show, watch, cancel and retry the workflows of a running system."""


@workflows.command("list", short_help="List workflows, newest first.")
def list_(  # noqa: PLR0913 - every option is a parameter: Typer reads the signature
    *,
    status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATUS",
            help="queued, running, cancelling, succeeded, failed or cancelled; may be repeated.",
            show_default=False,
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="With this label; may be repeated.", show_default=False
        ),
    ] = None,
    group: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of this group.", show_default=False)
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="With this in the video's path or the error.", show_default=False
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Show so many at most.")] = 50,
    everything: Annotated[bool, typer.Option("--all", help="Show all of them.")] = False,
    api: Api = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List workflows, newest first: where they stand, of which video, how long they took."""
    from yivideo.cli.workflow_listing import list_workflows, query_of

    query = query_of(status=status or (), labels=label or (), group=group, text=text)
    with open_client(api, key) as client:
        list_workflows(client, query, None if everything else limit, as_json=as_json)


@workflows.command(short_help="Show a workflow with its steps.")
def show(*, workflow: _Id, api: Api = None, key: Key = None, as_json: AsJson = False) -> None:
    """Show a workflow: its steps with their attempts, what it waits for, where its results are."""
    from yivideo.cli.streams import say_json
    from yivideo.cli.workflow_sheets import show_workflow

    with open_client(api, key) as client:
        record = client.get(workflow)
        if as_json:
            say_json(record)
        else:
            show_workflow(record, client.url)


@workflows.command(short_help="Watch workflows live.")
def watch(
    *,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID", help="Ids of workflows; all when none is given.", show_default=False
        ),
    ] = None,
    api: Api = None,
    key: Key = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON list of how they ended; without ids an event as a line each.",
        ),
    ] = False,
) -> int:
    """Watch workflows until they end, and end as they did; without ids all that happens.

    Ctrl-C ends the watching and leaves the workflows running.
    """
    from yivideo.cli.watching import watch_all, watch_these

    with open_client(api, key) as client:
        if not ids:
            watch_all(client, as_json=as_json)
            return 0
        return watch_these(client, ids, as_json=as_json)


@workflows.command(short_help="Cancel workflows.")
def cancel(*, ids: _Ids, api: Api = None, key: Key = None, as_json: AsJson = False) -> int:
    """Cancel workflows: what waits ends at once, a running step within seconds."""
    from yivideo.cli.workflow_changing import change

    with open_client(api, key) as client:
        return change(ids, client.cancel, as_json=as_json)


@workflows.command(short_help="Retry workflows that have ended.")
def retry(
    *,
    ids: _Ids,
    from_step: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="STEP",
            help="Begin again at this step; otherwise at the one that failed.",
            show_default=False,
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEP.NAME=VALUE",
            help="Another value of a step's parameter; may be repeated.",
            show_default=False,
        ),
    ] = None,
    api: Api = None,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Go on with workflows that have ended; the results of the steps before are kept."""
    from yivideo.cli.workflow_changing import change
    from yivideo.cli.workflow_orders import parse_params

    order: dict[str, object] = {"params": parse_params(param or ())}
    if from_step is not None:
        order["from_step"] = from_step
    with open_client(api, key) as client:
        return change(ids, lambda one: client.retry(one, order), as_json=as_json)


@workflows.command(short_help="Show what happened to a workflow.")
def logs(
    *,
    workflow: _Id,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens, until its end.")
    ] = False,
    api: Api = None,
    key: Key = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON object with its events; with --follow an event as a line each.",
        ),
    ] = False,
) -> None:
    """Show what happened to a workflow, oldest first, with the errors of all its attempts."""
    from yivideo.cli.watching import show_logs

    with open_client(api, key) as client:
        show_logs(client, workflow, follow=follow, as_json=as_json)


@workflows.command(short_help="Write a workflow's subtitles as files.")
def download(
    *,
    ids: _Ids,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR|FILE",
            help="Folder for the files, or for one workflow the file, whose suffix is its format. "
            "Otherwise the folder you are in.",
            show_default=False,
        ),
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="LIST",
            help="Formats, with commas between: srt, vtt, ass, txt, json.  [default: srt]",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there already.")
    ] = False,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave files as they are that are there.")
    ] = False,
    api: Api = None,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Write the subtitles that workflows found, named as `extract` names them: film.zh.srt.

    Prints the path of each file it writes.
    """
    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing contradict each other; give one.")
    from yivideo.cli.downloading import Download, carry_out
    from yivideo.cli.outputs import parse_destination

    wanted = Download(
        ids=ids,
        destination=parse_destination(output or "./", formats),
        existing="overwrite" if overwrite else "skip" if skip_existing else "refuse",
    )
    with open_client(api, key) as client:
        return carry_out(client, wanted, as_json=as_json)
