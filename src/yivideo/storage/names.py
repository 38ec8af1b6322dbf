"""Names and addresses in the file store: checked, so that none leads out of it."""

import mimetypes
import re

from yivideo.errors import UsageError

# No control characters, no separators, nothing hidden, neither "." nor "..".
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\.][^\x00-\x1f\x7f/\\]{0,199}")
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
# What the system's table may lack.
_MEDIA_TYPES = {
    ".ass": "text/x-ssa",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".mkv": "video/x-matroska",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
}


def checked_name(name: str) -> str:
    """A file's name, as it is.

    Raises:
        UsageError: it is none: empty, hidden, too long, or a path.
    """
    if _NAME.fullmatch(name) is None:
        raise UsageError(f"{name!r} is no name of a file.")
    return name


def checked_part(part: str) -> str:
    """A part of an address that the engine makes: letters, digits, and ``._-`` after the first.

    Raises:
        UsageError: it holds anything else.
    """
    if _PART.fullmatch(part) is None:
        raise UsageError(f"{part!r} cannot be a part of an address in the file store.")
    return part


def media_type(name: str) -> str:
    """The media type of a file, by its name."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    known = _MEDIA_TYPES.get(suffix) or mimetypes.guess_type(name)[0]
    return known or "application/octet-stream"
