"""The file formats, a module each: what they can say, they say; the rest stays in the JSON."""

from collections.abc import Callable, Iterable
from pathlib import Path

from yivideo.errors import BadSubtitlesFile, InputMissing, InputUnreadable, UsageError
from yivideo.subtitles.formats.ass import write_ass
from yivideo.subtitles.formats.json import read_json, write_json
from yivideo.subtitles.formats.srt import write_srt
from yivideo.subtitles.formats.txt import write_txt
from yivideo.subtitles.formats.vtt import write_vtt
from yivideo.subtitles.model import Subtitles

WRITERS: dict[str, Callable[[Subtitles], str]] = {
    "srt": write_srt,
    "vtt": write_vtt,
    "ass": write_ass,
    "txt": write_txt,
    "json": write_json,
}


def parse_formats(text: str) -> tuple[str, ...]:
    """Read a list such as "srt,ASS" into names of formats, each once, in the order given.

    Raises:
        UsageError: a name is not that of a format, or there is none.
    """
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    if not names:
        raise UsageError(f"No format is named; there are {', '.join(WRITERS)}.")
    for name in names:
        _writer(name)
    return names


def write_format(subtitles: Subtitles, name: str) -> str:
    """The text of `subtitles` in the format `name`.

    Raises:
        UsageError: there is no such format.
    """
    return _writer(name)(subtitles)


def load(path: str | Path) -> Subtitles:
    """Read the JSON file at `path`.

    Raises:
        InputMissing: there is no such file.
        InputUnreadable: it cannot be read.
        BadSubtitlesFile: it is not a YiVideo JSON file; the message names the place.
    """
    source = Path(path)
    try:
        # Editors on Windows put a byte order mark before what they save.
        text = source.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputMissing(f"There is no file {source}.") from error
    except OSError as error:
        raise InputUnreadable(f"{source} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise BadSubtitlesFile(
            f"{source} is not UTF-8 text (byte {error.start} is not); save it as UTF-8."
        ) from error
    try:
        return read_json(text)
    except BadSubtitlesFile as error:
        raise BadSubtitlesFile(f"{source}: {error}") from error


def export(
    source: str | Path, formats: Iterable[str], *, stem: str | Path | None = None
) -> dict[str, tuple[Path, str]]:
    """Turn a JSON file into other formats, without the video; nothing is written yet.

    Args:
        source: the JSON file, perhaps edited by hand.
        formats: names such as "srt".
        stem: where the results go, without the suffix; beside the JSON when not given.

    Returns:
        For each format the path it belongs at and its text.

    Raises:
        InputError: as `load`.
        UsageError: a format is unknown.
    """
    subtitles = load(source)
    base = Path(stem) if stem is not None else Path(source).with_suffix("")
    # A suffix is added, not replaced: "film.zh" must become "film.zh.srt".
    return {
        name: (base.with_name(f"{base.name}.{name}"), write_format(subtitles, name))
        for name in formats
    }


def _writer(name: str) -> Callable[[Subtitles], str]:
    writer = WRITERS.get(name)
    if writer is None:
        raise UsageError(f'There is no format "{name}"; there are {", ".join(WRITERS)}.')
    return writer
