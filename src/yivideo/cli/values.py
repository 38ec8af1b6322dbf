"""Values as people write them on the command line, checked before any work begins."""

import re
from collections.abc import Iterable, Sequence

from yivideo.errors import UsageError
from yivideo.subtitles.areas import parse_area

_CLOCK = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,6}(?:[.,]\d{1,9})?)s?")
_DEVICE = re.compile(r"auto|cpu|cuda(?::\d{1,3})?")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*", re.IGNORECASE)


def parse_time(text: str) -> float:
    """Seconds from "90", "90.5", "1:30" or "01:02:03.500".

    Raises:
        UsageError: it is not of that form, or has more than 59 minutes or seconds.
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f'The time "{text}" cannot be read; write seconds (90.5) or [HH:]MM:SS[.mmm] (1:30.5).'
        )
    hours, minutes = int(match[1] or 0), int(match[2] or 0)
    seconds = float(match[3].replace(",", "."))
    if (match[1] and minutes >= 60) or (match[2] and seconds >= 60):
        raise UsageError(f'The time "{text}" has more than 59 minutes or seconds.')
    return hours * 3600 + minutes * 60 + seconds


def parse_span(start: str | None, end: str | None) -> tuple[float | None, float | None]:
    """Both ends of the part to read, in seconds; None where it is not limited.

    Raises:
        UsageError: a time cannot be read, or the end is not after the start.
    """
    begin = None if start is None else parse_time(start)
    stop = None if end is None else parse_time(end)
    if stop is not None and stop <= (begin or 0):
        raise UsageError(f"Nothing lies between --start {start or 0} and --end {end}.")
    return begin, stop


def parse_areas(texts: Iterable[str]) -> tuple[str, ...]:
    """The areas as they came, each known to be well-formed.

    Raises:
        UsageError: as `parse_area`.
    """
    return tuple(parse_area(text).text for text in texts)


def parse_languages(texts: Iterable[str]) -> tuple[str, ...]:
    """Codes from options such as "zh,en", each once, in lower case.

    Raises:
        UsageError: one is no language code.
    """
    codes = [code.strip() for text in texts for code in text.split(",") if code.strip()]
    for code in codes:
        if not _LANGUAGE.fullmatch(code):
            raise UsageError(f'"{code}" is no language code; write one such as zh, en or ja.')
    return tuple(dict.fromkeys(code.lower() for code in codes))


def parse_device(text: str) -> str:
    """The device as "auto", "cpu" or "cuda:N"; "cuda" alone is the first GPU.

    Raises:
        UsageError: it is none of these.
    """
    device = text.strip().lower()
    if not _DEVICE.fullmatch(device):
        raise UsageError(f'There is no device "{text}"; write auto, cpu, or cuda:0 (1, 2, ...).')
    return "cuda:0" if device == "cuda" else device


def parse_settings(texts: Sequence[str]) -> dict[str, str]:
    """Names and values from options such as "key=value".

    Raises:
        UsageError: one has no name or no equals sign, or a name comes twice.
    """
    settings: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not name or not equals:
            raise UsageError(f'The setting "{text}" cannot be read; write NAME=VALUE.')
        if name in settings:
            raise UsageError(f"The setting {name} is given twice.")
        settings[name] = value
    return settings


def clock(seconds: float) -> str:
    """Seconds as "0:01:02.500", to the millisecond."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest / 1000:06.3f}"
