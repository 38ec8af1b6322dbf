"""What nobody foresaw: one sentence for the user, the traceback for whoever mends it."""

import os
import platform
import tempfile
import time
from pathlib import Path

from yivideo import __version__
from yivideo.engine.child.debugging import debugging

_ASK = "please report it with that file"


def crash_sentence(what: str, details: str) -> str:
    """Keep `details` where the user can find them, and say so.

    Args:
        what: the sentence's beginning, such as "Reading film.mp4 failed unexpectedly".
        details: the traceback.

    Returns:
        One sentence; with `YIVIDEO_DEBUG=1` the traceback follows it instead of going to a file.
    """
    if debugging():
        return f"{what}.\n{details}"
    try:
        return f"{what}; {_ASK}: {_write(details)}"
    except OSError:
        return f"{what}; set YIVIDEO_DEBUG=1 to see where."


def _write(details: str) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    handle, name = tempfile.mkstemp(prefix=f"yivideo-crash-{stamp}-", suffix=".txt")
    head = f"YiVideo {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n"
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(head + details)
    return Path(name)
