"""YiVideo's own JSON, the only format that keeps everything and can be read back."""

import json

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from yivideo.errors import BadSubtitlesFile
from yivideo.subtitles.model import SCHEMA_VERSION, Subtitles


def write_json(subtitles: Subtitles) -> str:
    """All of `subtitles` as indented JSON, Chinese as itself and not as escapes."""
    return json.dumps(subtitles.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"


def read_json(text: str) -> Subtitles:
    """Read what `write_json` wrote, perhaps edited since.

    Raises:
        BadSubtitlesFile: with the line and column of broken JSON, or the name of the wrong value.
    """
    try:
        data: object = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise BadSubtitlesFile(
            f"This is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from error
    except (RecursionError, ValueError) as error:
        raise BadSubtitlesFile(
            "This is not a subtitles file: it is nested too deeply, or a number is too long."
        ) from error
    if not _is_text(data):
        raise BadSubtitlesFile("This is not a subtitles file: it holds half a character (\\ud8..).")
    if not isinstance(data, dict):
        raise BadSubtitlesFile("This is not a subtitles file: it does not begin with an object.")
    version: object = data.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise BadSubtitlesFile(
            f"schema_version: {version} is not known here, only {SCHEMA_VERSION}; "
            "use the version of YiVideo that wrote the file, or a newer one."
        )
    try:
        return Subtitles.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise BadSubtitlesFile(_sentence(first, error.error_count())) from error


def _sentence(error: ErrorDetails, count: int) -> str:
    """One sentence with the place, such as "events[3].start: input should be ..."."""
    place = ""
    for part in error["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "there is no such field"
    elif error["type"] == "missing":
        message = "this field is missing"
    more = f" ({count - 1} more like it)" if count > 1 else ""
    return f"{place or 'file'}: {message[:1].lower()}{message[1:]}{more}."


def _is_text(data: object) -> bool:
    """Whether all strings can be written as UTF-8; JSON's escapes can name what cannot."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
