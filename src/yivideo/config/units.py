"""Numbers with units, as people write them: times and sizes."""

import re
from typing import Any

_SECONDS = {
    "": 1.0, "ms": 0.001, "s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0,
}  # fmt: skip
_BYTES = {
    "": 1, "B": 1, "kB": 10**3, "KiB": 2**10, "MB": 10**6, "MiB": 2**20, "GB": 10**9,
    "GiB": 2**30, "TB": 10**12, "TiB": 2**40,
}  # fmt: skip
_WRITTEN = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z]*)\s*")


def seconds(given: Any) -> Any:
    """Seconds from a number, or from a text such as "90 s" or "10 min"; what is neither stays.

    Raises:
        ValueError: the unit is none of time.
    """
    return _number(given, _SECONDS, "a time such as 30, 90 s, 10 min or 2 h")


def seconds_text(value: float) -> float | int:
    """As it is stored: a whole number where it is one."""
    return int(value) if value == int(value) else value


def byte_count(given: Any) -> Any:
    """Bytes from a number, or from a text such as "64 GiB".

    Raises:
        ValueError: the unit is none of size.
    """
    found = _number(given, _BYTES, "a size such as 500 MB or 64 GiB")
    return int(found) if isinstance(found, float) and found.is_integer() else found


def byte_text(value: int) -> str | int:
    """As it is stored: with the largest unit that leaves a whole number."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if value % _BYTES[unit] == 0:
            return f"{value // _BYTES[unit]} {unit}"
    return value


def mebibyte_text(given: Any) -> Any:
    """A size of device memory, written out: "4 GiB"; a bare number counts mebibytes.

    Raises:
        ValueError: the unit is none of size, or there is nothing of it.
    """
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return given
    text = f"{given} MiB" if isinstance(given, int | float) else given
    count = byte_count(text)
    if count < 2**20:
        raise ValueError("device memory is at least 1 MiB")
    return str(byte_text(round(count / 2**20) * 2**20))


def _number(given: Any, units: dict[str, Any], kind: str) -> Any:
    if isinstance(given, bool):
        raise ValueError(f"{given} is not {kind}")  # noqa: TRY004 - pydantic reports ValueErrors
    if not isinstance(given, str):
        return given
    match = _WRITTEN.fullmatch(given)
    if match is None or match[2] not in units:
        raise ValueError(f"'{given}' is not {kind}")
    return float(match[1]) * units[match[2]]
