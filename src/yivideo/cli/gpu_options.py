"""What the commands of the GPU pool have in common: its server, and that it can be asked at all."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yivideo.errors import ServerUnavailable, UsageError

if TYPE_CHECKING:
    from yivideo.gpu.pool import GpuPool

Redis = Annotated[
    str | None,
    typer.Option(
        "--redis",
        metavar="URL",
        help="The pool's server: redis://, rediss://, unix:// or sentinel://. Otherwise "
        "YIVIDEO_REDIS_URL, otherwise the server in the state folder.",
        show_default=False,
    ),
]
State = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="The state folder; otherwise YIVIDEO_STATE, otherwise yivideo in the user's folder "
        "for state.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def need_server_extra() -> None:
    """Make sure that what the pool needs is installed.

    Raises:
        UsageError: it is not.
    """
    if find_spec("redis") is None:
        raise UsageError(
            "The GPU pool needs more than is installed: pip install 'yivideo[server]'."
        )


def state_of(given: str | None) -> Path:
    """The state folder that is meant."""
    from yivideo.gpu.address import state_folder

    return Path(given).absolute() if given else state_folder()


def address_of(redis: str | None, state: str | None) -> str:
    """Where the pool's server is.

    Raises:
        ServerUnavailable: nobody says, and none runs in the state folder.
        UsageError: the pool's part of YiVideo is not installed.
    """
    need_server_extra()
    given = redis or os.environ.get("YIVIDEO_REDIS_URL")
    if given:
        return given
    from yivideo.storage.valkey import running_address

    folder = state_of(state)
    found = running_address(folder)
    if found is None:
        raise ServerUnavailable(
            f"No server of a GPU pool runs in {folder}: start `yivideo agent`, or name one with "
            "--redis or YIVIDEO_REDIS_URL."
        )
    return found


def open_pool(redis: str | None, state: str | None) -> "GpuPool":
    """The pool that is meant; nothing is sent before it is used.

    Raises:
        ServerUnavailable, UsageError: as `address_of`.
    """
    address = address_of(redis, state)
    from yivideo.gpu.pool import GpuPool

    return GpuPool(address)


def shown_address(pool: "GpuPool") -> str:
    """The pool's address without its password."""
    from yivideo.storage.redis import without_password

    return without_password(pool.url)
