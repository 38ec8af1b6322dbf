"""Where videos may lie: below the media roots, links resolved, or in a finished upload."""

import os
from pathlib import Path

from yivideo.api.problems import Problem
from yivideo.engine.settings import EngineSettings

_POINTER = "/video_path"


def checked_video(path: str, settings: EngineSettings) -> str:
    """The absolute real path of a video.

    Raises:
        Problem: ``video-missing`` or ``video-outside-media-roots``.
    """
    given = Path(path)
    if not given.is_absolute():
        raise _problem("video-missing", f"{path} is not an absolute path.")
    try:
        real = given.resolve()
    except (OSError, RuntimeError, ValueError):
        # A loop of links, or a name that no file can have.
        raise _problem("video-missing", f"There is no file {path}.") from None
    if not any(real.is_relative_to(root) for root in settings.media_roots):
        # Before anything is said of what is there: the rest of the disk is nobody's business.
        raise _problem("video-outside-media-roots", _outside(path, settings))
    try:
        if not real.is_file():
            kind = "is a folder, not a file" if real.is_dir() else "is not there"
            raise _problem("video-missing", f"{path} {kind}.")
        readable = os.access(real, os.R_OK)
    except (OSError, ValueError):
        raise _problem("video-missing", f"There is no file {path}.") from None
    if not readable:
        raise _problem("video-missing", f"{path} may not be read.")
    return str(real)


def _outside(path: str, settings: EngineSettings) -> str:
    if not settings.media_roots:
        return "No media root is configured: set YIVIDEO_MEDIA_ROOTS, or upload the video."
    roots = ", ".join(map(str, settings.media_roots))
    return f"{path} does not lie below a media root ({roots})."


def _problem(name: str, detail: str) -> Problem:
    return Problem.at(name, _POINTER, detail)
