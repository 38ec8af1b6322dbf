"""The commands, in the order in which help shows them."""

from typing import Annotated

import typer

from yivideo import __version__
from yivideo.cli.agent import agent
from yivideo.cli.config import config
from yivideo.cli.doctor import doctor
from yivideo.cli.export import export
from yivideo.cli.extract import extract
from yivideo.cli.gpu import gpu
from yivideo.cli.key import key
from yivideo.cli.preview import preview
from yivideo.cli.probe import probe
from yivideo.cli.serving import api, reconciler, up, worker
from yivideo.cli.step import step
from yivideo.cli.streams import say
from yivideo.cli.submit import submit
from yivideo.cli.workflows import workflows

# Plain help: Rich's boxes cost more time than all the rest of `yivideo --help`.
app = typer.Typer(
    name="yivideo",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer's callbacks are called so
    if wanted:
        say(f"yivideo {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Turn the subtitles burned into a video's picture into subtitle files.

    Begin with: yivideo extract VIDEO
    """


# In the order of help. The second string is what `yivideo --help` has room for.
_COMMANDS = (
    (extract, "Write the subtitles of videos as files."),
    (preview, "Read one frame and draw what was found."),
    (probe, "Show what a video is."),
    (export, "Write a JSON result in other formats again."),
    (doctor, "Try what works here, and what is missing."),
)
for _command, _summary in _COMMANDS:
    app.command(short_help=_summary)(_command)
app.add_typer(step, name="step", short_help="List the steps, or run one alone.")
app.command(short_help="Run a whole system on this machine.")(up)
app.command(short_help="Submit videos to a running system.")(submit)
app.add_typer(workflows, name="workflows", short_help="Show and change what was submitted.")
app.add_typer(config, name="config", short_help="Show and change settings while all runs.")
app.add_typer(key, name="key", short_help="Make and revoke keys of the HTTP API.")
app.add_typer(gpu, name="gpu", short_help="Show and operate the pool of GPUs.")
app.command(short_help="Offer this host's GPUs to a pool.")(agent)
app.command(short_help="Run this host's workers.")(worker)
app.command(short_help="Put right what was lost.")(reconciler)
app.command(short_help="Serve workflows over HTTP.")(api)

_OTHERS = (
    "step", "up", "submit", "workflows", "key", "gpu", "agent", "worker", "reconciler", "api",
)  # fmt: skip


def command_names() -> set[str]:
    """The first words that are commands."""
    return {*(command.__name__ for command, _ in _COMMANDS), *_OTHERS}
