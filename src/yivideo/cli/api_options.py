"""What the commands that ask the HTTP API have in common: where it is, and the key to it."""

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yivideo.errors import UsageError

if TYPE_CHECKING:
    from yivideo.cli.client import Client

ADDRESS = "http://127.0.0.1:8788"

Api = Annotated[
    str | None,
    typer.Option(
        "--api",
        metavar="URL",
        help=f"Where the API is; otherwise YIVIDEO_API, otherwise {ADDRESS}.",
        show_default=False,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="The API key, where one is needed; otherwise YIVIDEO_KEY, which other users of this "
        "machine cannot see.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def open_client(api: str | None, key: str | None) -> "Client":
    """The API that is meant; nothing is sent before it is used.

    Raises:
        UsageError: that is no address, or the commands' part of YiVideo is not installed.
    """
    need("httpx", "Talking to the API")
    # Where Rich is installed httpx brings a command line of its own, which takes longer to import
    # than all the rest of a command: it does without when that cannot be had.
    modules: dict[str, Any] = sys.modules
    modules.setdefault("httpx._main", None)
    from yivideo.cli.client import Client

    return Client(
        api or os.environ.get("YIVIDEO_API") or ADDRESS, key or os.environ.get("YIVIDEO_KEY")
    )


def need(module: str, purpose: str) -> None:
    """Make sure that a library of the extra `server` is installed.

    Raises:
        UsageError: it is not.
    """
    if find_spec(module) is None:
        raise UsageError(f"{purpose} needs more than is installed: pip install 'yivideo[server]'.")
