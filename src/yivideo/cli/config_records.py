"""What `yivideo config` does, and how it tells of it."""

import contextlib
import getpass
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from yivideo.cli.gpu_options import address_of
from yivideo.cli.key_records import clock, open_ledger
from yivideo.cli.streams import printable, say, say_json, tell
from yivideo.cli.tables import Sheet, show
from yivideo.cli.values import parse_settings as parse_pairs
from yivideo.config.checking import Fault, suggestion
from yivideo.config.documents import Change, difference, flat
from yivideo.config.files import as_yaml, parse_settings, read_settings, write_settings
from yivideo.config.schema import Runtime
from yivideo.config.sources import bootstrap, file_document, file_meant, load, runtime_part
from yivideo.engine.ledger.config_records import Version
from yivideo.engine.ledger.configuration import Configuration
from yivideo.engine.ruling import LedgerSource, Ruling, record_of
from yivideo.engine.tuning import Changed, Tuning
from yivideo.errors import (
    ConfigInvalid,
    ConfigVersionUnknown,
    ServerUnavailable,
    UsageError,
    YiVideoError,
)


@contextlib.contextmanager
def open_tuning(database: str | None, state: str | None, redis: str | None) -> Generator[Tuning]:
    """The configuration that is meant; changes are announced where its Redis answers.

    Raises:
        LedgerUnavailable: the ledger does not answer.
    """
    with open_ledger(database, state) as ledger:
        configuration = ledger.configuration
        limit = bootstrap().heartbeat_limit
        yield Tuning(configuration, limit, lambda: _announce(configuration, redis, state))


def author() -> str:
    """Who is at the keyboard."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"user {os.getuid()}"


def show_settings(tuning: Tuning, version: int | None, *, as_json: bool) -> None:
    """Print all settings of what rules, or of a version."""
    one = tuning.ruling() if version is None else tuning.configuration.version(version)
    if as_json:
        say_json(record(one))
        return
    say(f"# version {one.number}" + (f", {_told(one)}" if one.number else ": the defaults"))
    say(as_yaml(dict(one.document)).rstrip())


def get_key(tuning: Tuning, key: str, *, as_json: bool) -> None:
    """Print one setting, or those below a section.

    Raises:
        UsageError: there is no such setting.
    """
    value: Any = tuning.ruling().document
    for name in key.split("."):
        if not isinstance(value, Mapping) or name not in value:
            known = [name for name, _ in flat(Runtime().document())]
            raise UsageError(f"There is no setting '{printable(key)}'; {suggestion(key, known)}")
        value = value[name]
    if as_json:
        say_json({"key": key, "value": value})
    else:
        say(as_yaml(dict(value)).rstrip() if isinstance(value, Mapping) else _plain(value))


def set_keys(
    tuning: Tuning, pairs: Sequence[str], *, reason: str, pinned: bool, as_json: bool
) -> None:
    """Change single settings."""
    values = {key: _value(key, text) for key, text in parse_pairs(pairs).items()}
    changed = tuning.set_keys(values, author=author(), reason=reason, pinned=pinned)
    tell_change(changed, as_json=as_json)


def edit_settings(tuning: Tuning, *, reason: str) -> None:
    """Have them changed in an editor; a version that makes no sense is offered again.

    Raises:
        UsageError: there is no editor, or it failed.
        ConfigConflict: somebody else changed them meanwhile; the edited file is kept.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    ruling = tuning.ruling()
    before = as_yaml(dict(ruling.document))
    handle, name = tempfile.mkstemp(prefix="yivideo-", suffix=".yml")
    path = Path(name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(before)
    while True:
        _run_editor(editor, path)
        if path.read_text(encoding="utf-8") == before:
            path.unlink()
            tell("Nothing was changed.")
            return
        try:
            document = file_document(read_settings(path).filled())
            changed = tuning.change(
                runtime_part(document), author=author(), reason=reason, expected=ruling.number
            )
        except ConfigInvalid as error:
            tell(f"yivideo: {error.message}")
            if sys.stdin.isatty() and input("Edit again? [Y/n] ").strip().lower() in {"", "y"}:
                continue
            raise _kept(error, path) from None
        except YiVideoError as error:
            raise _kept(error, path) from None
        path.unlink()
        tell_change(changed, as_json=False)
        return


def _kept(error: YiVideoError, path: Path) -> YiVideoError:
    tell(f"What you wrote is kept in {path}.")
    return error


def _run_editor(editor: str, path: Path) -> None:
    try:
        status = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode  # noqa: S603
    except (OSError, ValueError) as error:
        raise UsageError(f"The editor {editor} does not start: set EDITOR to one.") from error
    if status:
        raise UsageError(f"The editor {editor} failed; nothing was changed.")


def validate_file(file: str | None, profile: str | None, *, as_json: bool) -> None:
    """Check a file with all that lies below and above it.

    Raises:
        ConfigInvalid: with file, line and key.
        UsageError: there is no file.
    """
    path = file_meant(file)
    if path is None:
        raise UsageError("There is no config.yml here: name a file.")
    loaded = load(path, profile=profile)
    if as_json:
        warnings = [{"key": one.key, "message": one.message} for one in loaded.warnings]
        say_json({"file": str(path), "valid": True, "warnings": warnings})
        return
    tell_warnings(loaded.warnings)
    say(f"{path} is right.")


def show_difference(
    tuning: Tuning, first: int | None, second: int | None, *, as_json: bool
) -> None:
    """Print what differs between two versions."""
    configuration = tuning.configuration
    after = tuning.ruling() if second is None else configuration.version(second)
    if first is None:
        first = after.base
    before = Runtime().document() if not first else configuration.version(first).document
    changes = difference(before, after.document)
    if as_json:
        say_json(
            {
                "from": first or 0,
                "to": after.number,
                "changes": [one.record() for one in changes],
            }
        )
    elif changes:
        show(_changes(changes))
    else:
        say("Nothing differs.")


def show_history(tuning: Tuning, number: int, *, as_json: bool) -> None:
    """Print the versions, newest first."""
    found = tuning.configuration.history(number)
    state = tuning.configuration.state()
    if as_json:
        say_json({"versions": [record(one) for one in found]})
        return
    if not found or state is None:
        say("There are no versions yet: the defaults rule.")
        return
    sheet = Sheet(["version", "state", "when", "who", "why", "changes"])
    tried = state.canary.version if state.canary else None
    for one in found:
        states = ["rules"] if one.number == state.current else []
        states += ["tried"] if one.number == tried else []
        states += ["pinned"] if one.pinned else []
        states += ["alerts"] if one.alerts else []
        sheet.rows.append(
            [
                str(one.number),
                ", ".join(states) or "-",
                clock(one.at),
                printable(one.author),
                printable(one.reason) or "-",
                ", ".join(f"{c['key']}={_plain(c['after'])}" for c in one.changes) or "-",
            ]
        )
    show(sheet)


def roll_back(tuning: Tuning, version: int | None, *, reason: str, as_json: bool) -> None:
    """Go back to a version, or to the one that ruled before.

    Raises:
        ConfigVersionUnknown: there is none.
    """
    if version is None:
        state = tuning.configuration.state()
        if state is None or state.previous is None:
            raise ConfigVersionUnknown("There is no version before the one that rules.")
        version = state.previous
    tell_change(tuning.roll_back(version, author=author(), reason=reason), as_json=as_json)


def export_settings(tuning: Tuning, file: str) -> None:
    """Write what rules as a file."""
    document = dict(tuning.ruling().document)
    if file == "-":
        say(as_yaml(document).rstrip())
    else:
        write_settings(Path(file), document)
        tell(f"The settings of version {tuning.ruling().number} are in {file}.")


def import_settings(
    tuning: Tuning,
    file: str,
    profile: str | None,
    *,
    reason: str,
    pinned: bool,
    as_json: bool,
) -> None:
    """Have a file's settings rule."""
    if file == "-":
        read = parse_settings(sys.stdin.buffer.read(), Path("standard input"))
    else:
        read = read_settings(Path(file))
    document = runtime_part(file_document(read.filled(), profile or ""))
    changed = tuning.change(
        document, author=author(), reason=reason or f"imported from {file}", pinned=pinned
    )
    tell_change(changed, as_json=as_json)


def show_status(tuning: Tuning, redis: str | None, state: str | None, *, as_json: bool) -> bool:
    """Print which process runs which version; whether all run the one that rules.

    Raises:
        ServerUnavailable: Redis does not answer.
    """
    from redis import RedisError

    from yivideo.storage.configuration import Board

    board = Board(address_of(redis, state))
    try:
        found = board.processes()
    except RedisError as error:
        raise ServerUnavailable(f"Redis does not answer: {error}.") from error
    finally:
        board.close()
    number = tuning.ruling().number
    agree = all(one.version == number for one in found)
    if as_json:
        say_json(
            {
                "version": number,
                "agree": agree,
                "processes": [
                    {
                        "host": one.host,
                        "name": one.name,
                        "pid": one.pid,
                        "version": one.version,
                        "canary": one.canary,
                        "seen_s": round(max(0.0, time.time() - one.at), 1),
                    }
                    for one in found
                ],
            }
        )
        return agree
    if not found:
        say(f"Version {number} rules; no process has been heard of within the last minute.")
        return agree
    sheet = Sheet(["host", "process", "pid", "version", "tries", "seen"], frozenset({"pid"}))
    for one in found:
        seen = f"{max(0.0, time.time() - one.at):.0f} s ago"
        tries = "-" if one.canary is None else str(one.canary)
        sheet.rows.append([one.host, one.name, str(one.pid), str(one.version), tries, seen])
    show(sheet)
    tell(f"Version {number} rules" + ("." if agree else ", and not all run it yet."))
    return agree


def pin_version(tuning: Tuning, version: int, *, pinned: bool, as_json: bool) -> None:
    """Pin a version, or let it go."""
    one = tuning.pin(version, pinned=pinned)
    if as_json:
        say_json(record(one))
    else:
        say(f"version {one.number}  {'pinned' if one.pinned else 'not pinned'}")


def tell_change(changed: Changed, *, as_json: bool) -> None:
    """Tell of a change that was made."""
    if as_json:
        warnings = [{"key": one.key, "message": one.message} for one in changed.warnings]
        say_json({**record(changed.version), "warnings": warnings})
        return
    tell_warnings(changed.warnings)
    say(f"version {changed.version.number} rules")
    if changed.version.changes:
        show(_changes([Change(c["key"], c["before"], c["after"]) for c in changed.version.changes]))


def tell_warnings(warnings: Sequence[Fault]) -> None:
    """Tell what is allowed but unwise."""
    for one in warnings:
        tell(f"{one.key}: {one.message}")


def record(one: Version) -> dict[str, Any]:
    """A version as JSON."""
    return {
        "version": one.number,
        "at": one.at or None,
        "author": one.author,
        "reason": one.reason,
        "base": one.base,
        "pinned": one.pinned,
        "changes": [dict(change) for change in one.changes],
        "alerts": dict(one.alerts),
        "settings": dict(one.document),
    }


def _announce(configuration: Configuration, redis: str | None, state: str | None) -> None:
    """Tell the processes; those that do not hear it look for themselves within seconds."""
    from redis import RedisError

    from yivideo.storage.configuration import Board

    with contextlib.suppress(ServerUnavailable, RedisError):
        board = Board(address_of(redis, state))
        try:
            board.publish(record_of(LedgerSource(configuration).look(Ruling())))
        finally:
            board.close()


def _changes(changes: Sequence[Change]) -> Sheet:
    sheet = Sheet(["key", "before", "after"])
    for one in changes:
        sheet.rows.append([one.key, _plain(one.before), _plain(one.after)])
    return sheet


def _told(one: Version) -> str:
    why = f": {printable(one.reason)}" if one.reason else ""
    return f"{clock(one.at)}, {printable(one.author)}{why}"


def _plain(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def _value(key: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigInvalid(f"{key}: '{printable(text)}' is no value.") from error
