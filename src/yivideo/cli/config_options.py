"""Where the commands that start processes find their settings."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from yivideo.config.sources import Loaded

ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="A file of settings; otherwise YIVIDEO_CONFIG, otherwise config.yml in the folder "
        "this is started in, if there is one.",
        show_default=False,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Settings for a purpose, below those of the file: development, test or production; "
        "otherwise YIVIDEO_PROFILE.",
        show_default=False,
    ),
]


def load_settings(config: str | None, profile: str | None, **options: Any) -> "Loaded":
    """All settings: profile, file, environment, and the options given.

    Raises:
        ConfigInvalid: with file, line and key.
    """
    from yivideo.cli.gpu_options import need_server_extra
    from yivideo.cli.streams import tell

    need_server_extra()
    from yivideo.config.sources import file_meant, load

    loaded = load(file_meant(config), profile=profile, options=options)
    for fault in loaded.warnings:
        tell(f"{fault.key}: {fault.message}")
    return loaded
