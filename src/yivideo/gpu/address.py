"""Where things are when nobody says: the server, the state folder, this host's name."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from yivideo.errors import ServerUnavailable


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of this host's journal and embedded server.

    ``YIVIDEO_STATE``, else ``yivideo`` in the user's folder for state (``XDG_STATE_HOME``).
    """
    given = environment.get("YIVIDEO_STATE")
    if given:
        return Path(given).absolute()
    base = environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "yivideo"


def host_name(environment: Mapping[str, str] = os.environ) -> str:
    """The name under which this host's devices are known: ``YIVIDEO_HOST``, else its host name."""
    return environment.get("YIVIDEO_HOST") or socket.gethostname()


def server_address(environment: Mapping[str, str] = os.environ) -> str:
    """``YIVIDEO_REDIS_URL``, else the embedded server of the state folder while one runs.

    Raises:
        ServerUnavailable: neither is there.
    """
    given = environment.get("YIVIDEO_REDIS_URL")
    if given:
        return given
    from yivideo.storage.valkey import running_address

    folder = state_folder(environment)
    found = running_address(folder)
    if found is None:
        raise ServerUnavailable(
            f"No address is set in YIVIDEO_REDIS_URL and no server runs in {folder}: "
            "set one, or start `yivideo agent`."
        )
    return found
