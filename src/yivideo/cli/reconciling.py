"""What a reconciler is started with: its settings, and the file it may own."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yivideo.config.checking import check_runtime
from yivideo.config.documents import merged
from yivideo.config.sources import Loaded, load
from yivideo.engine.keeping import Keeper, Start
from yivideo.errors import ConfigInvalid

if TYPE_CHECKING:
    from yivideo.engine.parts import Parts

logger = logging.getLogger(__name__)


def loaded_for(config: str | None, profile: str | None, options: Mapping[str, Any]) -> Loaded:
    """Its settings; those of a file that was spoilt meanwhile stay as they are in the ledger.

    Raises:
        ConfigInvalid: the environment or an option makes no sense.
    """
    try:
        return load(_path(config), profile=profile, options=options)
    except ConfigInvalid as error:
        if config is None:
            raise
        logger.error("The settings stay as they are: %s", error)  # noqa: TRY400 - one sentence
        return load(None, profile=profile, options=options)


def keeper_for(
    parts: "Parts", loaded: Loaded, config: str | None, retention: Mapping[str, Any]
) -> Keeper:
    """What makes the first version, and takes over edits of the file if it owns one."""
    given = {name: value for name, value in retention.items() if value is not None}
    options = {"retention": given} if given else {}
    limit = parts.settings.silence_s
    first = check_runtime(merged(loaded.runtime, options), limit).document()
    start = Start(
        file=_path(config),
        profile=loaded.profile,
        first=first,
        options=options,
        heartbeat_limit=limit,
    )
    return Keeper(parts.ledger.configuration, start, parts.announce)


def _path(config: str | None) -> Path | None:
    return None if config is None else Path(config).absolute()
