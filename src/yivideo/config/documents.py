"""Settings as documents: nested mappings of plain values, laid over each other and compared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Mappings whose keys are data and not names of settings: one value each.
_WHOLE = frozenset({"steps.memory"})
MISSING = "(not set)"


@dataclass(frozen=True, slots=True)
class Change:
    """One key that differs; a side without it has None and is not ``present`` there."""

    key: str
    before: Any
    after: Any

    def record(self) -> dict[str, Any]:
        """As it is stored and shown."""
        return {"key": self.key, "before": self.before, "after": self.after}


def flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each setting as a dotted key with its value, in the document's order."""
    for name, value in document.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and key not in _WHOLE:
            yield from flat(value, f"{key}.")
        else:
            yield key, value


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The keys whose values differ, in order."""
    old, new = dict(flat(before)), dict(flat(after))
    return [
        Change(key, old.get(key), new.get(key))
        for key in dict.fromkeys([*old, *new])
        if old.get(key, MISSING) != new.get(key, MISSING)
    ]


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The lower document with what the upper one sets laid over it."""
    result = dict(below)
    for name, value in above.items():
        under = result.get(name)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            result[name] = merged(under, value)
        else:
            result[name] = value
    return result


def with_key(document: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """The document with one dotted key set."""
    first, _, rest = key.partition(".")
    if not rest:
        return {**document, first: value}
    under = document.get(first)
    return {**document, first: with_key(under if isinstance(under, Mapping) else {}, rest, value)}


def applied(document: Mapping[str, Any], changes: list[Change]) -> dict[str, Any]:
    """The document with these changes made."""
    result = dict(document)
    for change in changes:
        result = with_key(result, change.key, change.after)
    return result
