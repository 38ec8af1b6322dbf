"""Which places of a host run: each writes down which process it is, for the agent to look."""

import contextlib
import json
import logging
from collections.abc import Iterable
from pathlib import Path

from yivideo.errors import YiVideoError
from yivideo.files import ensure_folder, write_atomic
from yivideo.gpu.processes import Process, is_alive

logger = logging.getLogger(__name__)


def device_place(service: str, index: int) -> str:
    """The name of the place of a service on a device: ``paddleocr-0``."""
    return f"{service}-{index}"


def note_presence(state: Path, name: str) -> None:
    """Write down that this process is the place of that name.

    Where nothing can be written, the place only is not missed when it dies.
    """
    file = _file(state, name)
    try:
        # First of all its predecessor is forgotten: there is room for that on a full disk, too.
        file.unlink(missing_ok=True)
        ensure_folder(file.parent)
        write_atomic(file, json.dumps(Process.current().as_record()))
    except (OSError, YiVideoError) as error:
        logger.warning("%s is not written down: %s", name, error)


def absent_services(state: Path, services: Iterable[str], index: int) -> list[str]:
    """Those of the services whose place on the device ran once and is gone.

    A service that never had a place here may be run by other programs of the pool.
    """
    return [name for name in services if _is_gone(_file(state, device_place(name, index)))]


def _file(state: Path, name: str) -> Path:
    return state / "places" / f"{name}.json"


def _is_gone(file: Path) -> bool:
    # A file that cannot be read says nothing.
    with contextlib.suppress(OSError, ValueError):
        return is_alive(Process.from_record(json.loads(file.read_bytes()))) is False
    return False
