"""Whether somebody wants to see everything."""

import os


def debugging() -> bool:
    """Whether tracebacks are to be shown: the environment variable `YIVIDEO_DEBUG` is set."""
    return os.environ.get("YIVIDEO_DEBUG", "") not in {"", "0"}
