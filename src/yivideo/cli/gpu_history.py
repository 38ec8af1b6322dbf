"""`yivideo gpu history`: the pool's events, filtered, for people and for programs."""

import json
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from yivideo.cli import gpu_words as words
from yivideo.cli.stopping import Stopping
from yivideo.cli.streams import printable, say, say_json, tell
from yivideo.errors import ServerUnavailable, UsageError

if TYPE_CHECKING:
    from yivideo.gpu.pool import GpuPool

KINDS = (
    "cancel", "close", "cordon", "evict", "found", "give-back", "grant", "lost", "open", "overdue",
    "quarantine", "reclaim", "refuse", "register", "release", "restore", "resume", "trust",
)  # fmt: skip
_TIMES = {"waited", "held"}
_NUMBERS = {"epoch", "devices"}
# What is said of a request once, at its grant, and holds for its other events.
_NAMES = ("what", "workflow", "group", "device")
# So many requests' names are remembered.
_REMEMBERED = 20_000
_BLOCK_S = 0.3

Event = dict[str, object]


@dataclass
class Filter:
    """Which events are wanted.

    Attributes:
        device: its name, "" for any.
        kinds: empty for all.
        workflow: its name, "" for any.
    """

    device: str = ""
    kinds: frozenset[str] = frozenset()
    workflow: str = ""
    _names: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    @classmethod
    def of(cls, device: str | None, kinds: Sequence[str], workflow: str | None) -> Self:
        """From what was typed.

        Raises:
            UsageError: there is no such kind.
        """
        for kind in kinds:
            if kind not in KINDS:
                raise UsageError(f'There is no kind "{kind}" of event: {", ".join(KINDS)}.')
        from yivideo.cli.gpu_operating import device_name

        return cls(device_name(device, None) if device else "", frozenset(kinds), workflow or "")

    def record(self, fields: Mapping[str, str]) -> Event | None:
        """The event for `--json`, times in seconds; None if it is not wanted."""
        named = dict(fields)
        request = fields.get("request", "")
        if request:
            known = self._names.setdefault(request, {})
            known.update({name: fields[name] for name in _NAMES if fields.get(name)})
            named = {**{name: known[name] for name in _NAMES if name in known}, **named}
            if len(self._names) > _REMEMBERED:
                self._names.pop(next(iter(self._names)))
        if self.kinds and named["kind"] not in self.kinds:
            return None
        if self.workflow and named.get("workflow") != self.workflow:
            return None
        if self.device and not self._concerns_device(named):
            return None
        return _typed(named)

    def _concerns_device(self, named: Mapping[str, str]) -> bool:
        if "device" in named:
            return named["device"] == self.device
        # What befalls a host befalls its devices.
        return named.get("host") == self.device.rpartition(":")[0]


def show_history(
    pool: "GpuPool", wanted: Filter, limit: int, *, follow: bool, as_json: bool
) -> int:
    """Show the last `limit` events, then with `follow` what comes; returns the exit status."""
    with Stopping() as stopping:
        last = "0"
        past: deque[Event] = deque(maxlen=limit)
        for fields in pool.events("0"):
            last = fields["id"]
            event = wanted.record(fields)
            if event:
                past.append(event)
        if as_json and not follow:
            say_json({"events": list(past)})
        else:
            for event in past:
                _show(event, as_json=as_json)
        away = False
        while follow and not stopping.requested():
            try:
                for fields in pool.events(last, block=_BLOCK_S):
                    last = fields["id"]
                    event = wanted.record(fields)
                    if event:
                        _show(event, as_json=as_json)
                away = False
            except ServerUnavailable as error:
                if not away:
                    tell(f"{error.message} Waiting for it.")
                away = True
                time.sleep(_BLOCK_S)
        # Said without a sentence: it is how following ends, and its JSON is one event per line.
        return 128 + stopping.number if stopping.number is not None else 0


def _show(event: Event, *, as_json: bool) -> None:
    if as_json:
        say(json.dumps(event, ensure_ascii=False))
    else:
        say(line(event))
    sys.stdout.flush()


def line(event: Event) -> str:
    """The event for people: when, what kind, and the rest in words."""
    when = datetime.fromtimestamp(_seconds(event["at"]), UTC).astimezone()
    return f"{when:%Y-%m-%d %H:%M:%S}  {event['kind']:<10}  {_rest(event)}".rstrip()


def _rest(event: Event) -> str:
    said: list[str] = []
    place = event.get("device") or event.get("host")
    if place:
        said.append(printable(str(place)))
    who = event.get("what") or event.get("request")
    if who:
        workflow = event.get("workflow")
        said.append(printable(f"{who} of {workflow}" if workflow else str(who)))
    if event["kind"] == "grant" and "waited" in event:
        said.append(f"after {words.span(_seconds(event['waited']))}")
    if "held" in event:
        said.append(f"held for {words.span(_seconds(event['held']))}")
    said += [f"{name} {event[name]}" for name in ("epoch", "devices") if name in event]
    if event.get("why"):
        said.append(f"({printable(str(event['why']))})")
    return "  ".join(said)


def _typed(fields: Mapping[str, str]) -> Event:
    event: Event = {"id": fields["id"], "kind": fields["kind"], "at": int(fields["at"]) / 1e6}
    for name, value in fields.items():
        if name in _TIMES:
            event[name] = int(value) / 1e6
        elif name in _NUMBERS:
            event[name] = int(value)
        elif name not in event:
            event[name] = value
    return event


def _seconds(value: object) -> float:
    assert isinstance(value, int | float)
    return float(value)
