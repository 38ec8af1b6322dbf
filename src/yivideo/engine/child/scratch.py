"""Temporary folders that name their owner, so that those of killed ones can be removed."""

import re
import shutil
import tempfile
from pathlib import Path

from yivideo.errors import OutputError
from yivideo.files import ensure_folder, output_error
from yivideo.gpu.processes import Process, is_alive

_NAME = re.compile(r"yivideo-child-(\d+)-(\d+)-(\w*)-(\w*)-\w+")


def make_scratch(parent: Path | None) -> Path:
    """A new folder in `parent` (the system's temporary folder by default) for this process.

    Folders there whose process is seen gone are removed.

    Raises:
        OutputError: it cannot be made.
    """
    parent = ensure_folder(parent or Path(tempfile.gettempdir()))
    _sweep(parent)
    try:
        return Path(tempfile.mkdtemp(prefix=_prefix(Process.current()), dir=parent))
    except ProcessLookupError as error:
        raise OutputError("Without /proc no owner of a temporary folder can be named.") from error
    except OSError as error:
        raise output_error(error, parent / "yivideo-child") from error


def _prefix(owner: Process) -> str:
    place, boot = _letters(owner.namespace), _letters(owner.boot)
    return f"yivideo-child-{owner.pid}-{owner.start}-{place}-{boot}-"


def _letters(text: str) -> str:
    return re.sub(r"\W", "", text)


def _sweep(parent: Path) -> None:
    try:
        us = Process.current()
    except ProcessLookupError:
        return
    for folder in parent.glob("yivideo-child-*"):
        match = _NAME.fullmatch(folder.name)
        if match is None:
            continue
        pid, start, place, boot = match.groups()
        # In another namespace nobody here can tell; in another boot it is gone.
        known = Process(int(pid), int(start), us.namespace, us.boot)
        elsewhere = place != _letters(us.namespace)
        if boot != _letters(us.boot) or (not elsewhere and is_alive(known) is False):
            shutil.rmtree(folder, ignore_errors=True)
