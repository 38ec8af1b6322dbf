"""`yivideo submit`: videos to a running system, over HTTP."""

from typing import Annotated

import typer

from yivideo.cli.api_options import Api, AsJson, Key, open_client


def submit(  # noqa: PLR0913 - every option is a parameter: Typer reads the signature
    *,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            help="Videos, folders of videos, or patterns such as 'season 1/*.mkv'.",
            show_default=False,
        ),
    ],
    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            "-w",
            help="Wait for the ends, and end as they did. Ctrl-C leaves the workflows running.",
        ),
    ] = False,
    priority: Annotated[
        int, typer.Option("--priority", min=0, max=9, help="9 comes first; each is worth a minute.")
    ] = 5,
    group: Annotated[
        str,
        typer.Option(metavar="NAME", help="The tenant whose share of device time it takes."),
    ] = "default",
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="To find them by; may be repeated.", show_default=False
        ),
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(
            metavar="STEP,STEP",
            help="The steps to run, in order, with commas between; otherwise the six that make "
            "subtitles.",
            show_default=False,
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEP.NAME=VALUE",
            help="A parameter of a step; may be repeated. The value is JSON, or else a text: "
            "ffmpeg.extract_keyframes.side=640.",
            show_default=False,
        ),
    ] = None,
    callback: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Told of each end by POST.", show_default=False),
    ] = None,
    upload: Annotated[
        bool,
        typer.Option(
            "--upload",
            help="Send the videos themselves: for an API on another machine. One that "
            "broke off goes on where it stopped.",
        ),
    ] = False,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key",
            metavar="KEY",
            help="The same command with the same key again makes no new workflows.",
            show_default=False,
        ),
    ] = None,
    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-r", help="Look into the folders inside folders as well."),
    ] = False,
    api: Api = None,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Submit videos to the system that `yivideo up` runs, and print the ids of their workflows.

    Once its id is printed a workflow ends exactly once, whatever dies meanwhile.
    """
    from yivideo.cli.inputs import find_videos
    from yivideo.cli.submitting import Submission, carry_out
    from yivideo.cli.workflow_orders import order_body

    order = order_body(
        priority=priority,
        group=group,
        labels=label or (),
        chain=chain,
        params=param or (),
        callback=callback,
    )
    with open_client(api, key) as client:
        submission = Submission(
            videos=find_videos(paths, recursive=recursive),
            order=order,
            upload=upload,
            idempotency_key=idempotency_key,
        )
        return carry_out(client, submission, wait=wait, as_json=as_json)
