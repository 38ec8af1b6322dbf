"""Writes `docs/reference/config.md` from the schema: `python scripts/config_reference.py`.

With `--check` nothing is written; the exit status says whether the page is current.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from yivideo.config.profiles import PROFILES, profile_document
from yivideo.config.schema import Bootstrap, Bytes, Memory, Runtime, Seconds
from yivideo.config.units import byte_text

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "config.md"

HEAD = """\
# Settings

Written by `scripts/config_reference.py` from the schema; change that, then run it again.

All settings stand in one file, `config.yml`: the one of `--config`, else of `YIVIDEO_CONFIG`,
else the one in the folder that a command is started in. [How they are
changed](../how-to/configuration.md) is told elsewhere.

Times are numbers of seconds, or have a unit: `90 s`, `10 min`, `2 h`, `1 d`. Sizes are numbers of
bytes, or have a unit: `500 MB`, `64 GiB`. Unknown keys, wrong types, values out of range and
combinations that cannot work are refused with file, line and key.

Each key may also come from the environment, as `YIVIDEO_` and its name, with two underscores
between a section and a key: `YIVIDEO_PORT`, `YIVIDEO_GPU_LOCK__RETRY_INTERVAL`. A profile is
weakest, then comes the file, then the environment, then the command line.
"""
RUNTIME = """\
## Runtime keys

They live in the ledger as numbered versions, and act at once. The file, and the environment, are
read for them at the first start; after that an edit of the file changes what was edited.
"""
BOOTSTRAP = """\
## Bootstrap keys

They act at the next start of a process.
"""
PROFILE = """\
## Profiles

`--profile NAME` or `YIVIDEO_PROFILE`.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD, BOOTSTRAP, _table(_rows(Bootstrap)), RUNTIME, _table(_rows(Runtime))]
    return "\n".join([*parts, PROFILE, _profiles()])


def _rows(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _rows(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _kind(field), _default(field), field.description or ""


def _kind(field: FieldInfo) -> str:
    limits = {type(one).__name__.lower(): one for one in field.metadata}
    low = next((_plain(getattr(limits[n], n)) for n in ("ge", "gt") if n in limits), "")
    high = next((_plain(getattr(limits[n], n)) for n in ("le", "lt") if n in limits), "")
    above = "above " if "gt" in limits else ""
    between = f", {above}{low}" if low else ""
    between += f" to {high}" if high else ""
    return _name(field) + between


def _name(field: FieldInfo) -> str:
    known = {_mark(Seconds): "seconds", _mark(Bytes): "bytes", _mark(Memory): "size"}
    for one in field.metadata:
        if id(getattr(one, "func", None)) in known:
            return known[id(one.func)]
    text = str(field.annotation)
    names = {"bool": "true or false", "int": "whole number", "float": "number", "Path": "folder"}
    if text.startswith("dict"):
        return "sizes by name"
    if text.startswith("tuple"):
        return "list of folders"
    return next((word for name, word in names.items() if name in text), "text")


def _plain(number: float) -> str:
    whole = int(number)
    if whole >= 2**40:
        return str(byte_text(whole))
    return f"{whole:,}" if whole == number else f"{number:g}"


def _mark(kind: Any) -> int:
    return id(next(one.func for one in get_args(kind)[1:] if hasattr(one, "func")))


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", ()):
        return "-"
    if value == {}:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int) and value >= 2**30:
        return f"`{byte_text(value)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _table(rows: Iterator[tuple[str, str, str, str]]) -> str:
    lines = ["| Key | Takes | Default | Meaning |", "|---|---|---|---|"]
    lines += [f"| `{key}` | {kind} | {default} | {text} |" for key, kind, default, text in rows]
    return "\n".join(lines) + "\n"


def _profiles() -> str:
    documents = {name: profile_document(name)["gpu_lock"] for name in PROFILES}
    keys = list(next(iter(documents.values())))
    lines = [f"| Profile | {' | '.join(f'`gpu_lock.{key}`' for key in keys)} |"]
    lines.append("|---" * (len(keys) + 1) + "|")
    for name, document in documents.items():
        cells = [str(document[key]).lower() for key in keys]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
