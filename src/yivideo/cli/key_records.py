"""What `yivideo key` does in the ledger, and how it tells of it."""

import contextlib
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from yivideo.cli.api_options import need
from yivideo.cli.gpu_options import state_of
from yivideo.cli.streams import printable, say, say_json, tell
from yivideo.cli.tables import Sheet, show
from yivideo.errors import LedgerUnavailable, UsageError
from yivideo.files import ensure_folder

if TYPE_CHECKING:
    from collections.abc import Generator

    from yivideo.engine.ledger.records import ApiKey
    from yivideo.engine.ledger.store import Ledger


@contextlib.contextmanager
def open_ledger(database: str | None, state: str | None) -> "Generator[Ledger]":
    """The ledger that is meant, with its tables.

    Raises:
        UsageError: the address is none, or the ledger's part of YiVideo is not installed.
        LedgerUnavailable: it does not answer.
    """
    need("sqlalchemy", "The ledger")
    from yivideo.engine.ledger.store import Ledger
    from yivideo.engine.settings import default_database

    url = database or os.environ.get("YIVIDEO_DATABASE_URL")
    if not url:
        url = default_database(ensure_folder(state_of(state)))
    ledger = Ledger(url)
    try:
        try:
            ledger.ping()
        except LedgerUnavailable:
            # It has no tables yet; to look for that alone is much quicker than to make sure.
            ledger.migrate()
        yield ledger
    finally:
        ledger.close()


def make_key(ledger: "Ledger", name: str, *, as_json: bool) -> None:
    """Make a key and print it.

    Raises:
        UsageError: a key without a name is one that nobody dares to revoke.
    """
    if not name.strip() or not name.isprintable():
        raise UsageError("A key needs a name, such as who or what it is for.")
    identity, secret = ledger.add_key(name.strip())
    if as_json:
        say_json({"id": identity, "name": name.strip(), "key": secret})
        return
    say(secret)
    tell(f"This is key {identity}. Keep it: it is stored hashed and cannot be shown again.")
    tell("From now on the API asks everybody for a key: --key, or better YIVIDEO_KEY.")


def list_keys(ledger: "Ledger", *, as_json: bool) -> None:
    """Print all keys, revoked ones too."""
    keys = ledger.keys()
    if as_json:
        say_json({"keys": [_record(key) for key in keys]})
        return
    if not keys:
        say("There are no keys: the API answers on this machine only.")
        return
    sheet = Sheet(["id", "name", "state", "made", "last used"])
    for key in keys:
        sheet.rows.append(
            [
                key.id,
                printable(key.name),
                "good" if key.revoked_at is None else f"revoked: {clock(key.revoked_at)}",
                clock(key.created_at),
                clock(key.used_at),
            ]
        )
    show(sheet)


def revoke_key(ledger: "Ledger", identity: str, *, as_json: bool) -> None:
    """Revoke a key.

    Raises:
        UsageError: there is none of that id, or it was revoked before.
    """
    if not ledger.revoke_key(identity):
        raise UsageError(
            f"There is no good key with the id '{printable(identity)}'; `yivideo key list` shows "
            "them all."
        )
    if as_json:
        say_json({"id": identity, "revoked": True})
        return
    say(f"{printable(identity)}  revoked")
    keys = ledger.keys()
    if all(key.revoked_at is not None for key in keys):
        tell("That was the last good key: the API answers on this machine only, to anybody there.")


def _record(key: "ApiKey") -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "created_at": _iso(key.created_at),
        "used_at": _iso(key.used_at),
        "revoked_at": _iso(key.revoked_at),
    }


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def clock(seconds: float | None) -> str:
    """A time for people, in their time zone."""
    if seconds is None:
        return "-"
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def show_secret(state: str | None, *, as_json: bool) -> None:
    """Print the secret of callbacks.

    Raises:
        UsageError: the part of YiVideo that sends callbacks is not installed.
        OutputError: it cannot be made.
    """
    need("sqlalchemy", "The ledger")
    from yivideo.engine.callbacks import kept_secret

    secret = os.environ.get("YIVIDEO_WEBHOOK_SECRET") or kept_secret(state_of(state))
    if as_json:
        say_json({"webhook_secret": secret})
    else:
        say(secret)
