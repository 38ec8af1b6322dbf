"""The reference of the GPU pool agrees with its code."""

import re
from pathlib import Path

from yivideo.cli import gpu_words
from yivideo.cli.gpu_history import KINDS
from yivideo.gpu import health

ROOT = Path(__file__).parents[2]
GPU = ROOT / "src" / "yivideo" / "gpu"
PAGE = (ROOT / "docs" / "reference" / "gpu.md").read_text(encoding="utf-8")
LUA = "\n".join(path.read_text("utf-8") for path in sorted(GPU.rglob("*.lua")))
SOURCE = "\n".join(
    path.read_text("utf-8")
    for room in ("gpu", "storage")
    for path in (ROOT / "src" / "yivideo" / room).rglob("*.py")
)
STATES = ("open", "cordoned", "quarantined", "unattested", "lost")


def rows(heading: str) -> dict[str, str]:
    """The first two cells of each row below a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([^|]+)` \| ([^|]+) \|", section, re.MULTILINE))


def events() -> dict[str, set[str]]:
    """The fields by kind of all events that the scripts write."""
    found: dict[str, set[str]] = {}
    for call in re.findall(r"(?<!function )\bevent\((.*?)\)\n", LUA, re.DOTALL):
        kind, *rest = split(call)
        names = re.findall(r"(?<!== )'([a-z-]+)'", kind)
        if kind == "how":
            names = re.findall(r"finish\(request, device, '([a-z-]+)'", LUA)
        for name in names:
            found.setdefault(name, set()).update(key.strip("'") for key in rest[::2])
    return found


def split(arguments: str) -> list[str]:
    """The arguments of a call, parted at the commas outside of brackets."""
    parts, depth = [""], 0
    for letter in arguments:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def test_every_kind_of_event_is_documented_with_its_fields() -> None:
    """No more, no fewer than the scripts write; the history can be filtered by each."""
    documented = {
        kind: set(re.findall(r"`([a-z_]+)`", fields)) for kind, fields in rows("Events").items()
    }
    assert documented == events()
    assert sorted(documented) == list(KINDS)


def test_every_reason_of_a_quarantine_is_documented() -> None:
    """The agent's own, and that of a device that is not there any more."""
    missing = re.findall(r"'quarantine', '([a-z]+)'\)", LUA)
    assert set(missing) == {gpu_words.MISSING}
    reasons = {health.STRANGER, health.NOT_RETURNED, gpu_words.MISSING}
    assert set(rows("Reasons of a quarantine")) == reasons


def test_every_state_of_a_device_is_documented() -> None:
    """As the pool names them."""
    assert tuple(rows("States of a device")) == STATES
    records = (GPU / "records.py").read_text(encoding="utf-8")
    told = records.split("def _state")[1].split("\n\n\n")[0]
    assert set(re.findall(r'"(open|\w+ed|lost)"', told)) - {"vouched", "attested"} == set(STATES)


def test_every_environment_variable_is_documented() -> None:
    """Those that the pool and its server look at."""
    assert set(rows("Environment variables")) == set(re.findall(r"YIVIDEO_[A-Z_]+", SOURCE))


def test_the_keys_are_those_that_the_scripts_write() -> None:
    """The readable mirror, by its name."""
    assert "'gpu_lock:'" in LUA
    assert {"gpu_lock:<n>", "gpu_lock:<host>:<n>", "pool:events"} == set(rows("Keys in Redis"))
