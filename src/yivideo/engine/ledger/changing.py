"""Changing the configuration: numbered versions, one of which rules, and one that may be tried.

Versions are never changed; what rules is one row. Whoever changes it holds that row, so that two
who do it at once do it one after the other, and the second is told.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from yivideo.config.checking import check_runtime
from yivideo.config.documents import applied, difference
from yivideo.config.schema import Runtime
from yivideo.engine.ledger.config_records import Canary, ConfigState, Version
from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.outbox import tell
from yivideo.engine.ledger.tables import config_state, config_versions
from yivideo.errors import ConfigConflict, ConfigInvalid, ConfigVersionUnknown

GUARD = "guard"
_ROW = 1
# Any number that no other program uses on the same database.
_CONFIG_KEY = 0x5956_434F
_SHARES = 1_000_000


def state(tx: Transaction) -> ConfigState | None:
    """Which version rules, and which is tried; None before the first."""
    row = tx.execute(sa.select(config_state)).one_or_none()
    return None if row is None else _state(row)


def version(tx: Transaction, number: int) -> Version:
    """A version.

    Raises:
        ConfigVersionUnknown: there is none of that number.
    """
    chosen = sa.select(config_versions).where(config_versions.c.number == number)
    # SQLite's numbers end here; nobody has made so many.
    row = tx.execute(chosen).one_or_none() if 0 < number < 2**63 else None
    if row is None:
        raise ConfigVersionUnknown(f"There is no version {number} of the configuration.")
    return _version(row)


def versions(tx: Transaction, limit: int) -> Sequence[Version]:
    """Versions, newest first."""
    chosen = sa.select(config_versions).order_by(config_versions.c.number.desc()).limit(limit)
    return [_version(row) for row in tx.execute(chosen)]


def change(
    tx: Transaction,
    document: Mapping[str, Any],
    *,
    author: str,
    reason: str,
    expected: int | None = None,
    pinned: bool = False,
) -> Version:
    """Make a version of a checked document, and have it rule; the one that rules if it is the same.

    Raises:
        ConfigConflict: another version rules than was ``expected``.
    """
    held = _hold(tx)
    current = None if held is None else held.current
    if expected is not None and expected != (current or 0):
        raise ConfigConflict(
            f"The configuration was changed meanwhile: version {current or 0} rules, and the "
            f"change was made from version {expected}. Look at it, and change that."
        )
    if current is not None:
        ruling = version(tx, current)
        if dict(ruling.document) == dict(document) and not pinned:
            return ruling
    made = _insert(tx, document, author=author, reason=reason, base=current, pinned=pinned)
    _rule(tx, held, made)
    return made


def import_file(
    tx: Transaction, document: Mapping[str, Any], *, author: str, first: Mapping[str, Any]
) -> Version | None:
    """Take over what changed in a file since it was last imported; None if nothing did.

    Args:
        tx: the transaction.
        document: the file's runtime settings, checked.
        author: who is said to have made the change.
        first: the settings of the first version, where there is none yet.

    Raises:
        ConfigInvalid: what changed cannot work together with what was changed elsewhere.
    """
    held = _hold(tx)
    if held is None:
        made = _insert(tx, first, author=author, reason="the first start", base=None)
        _rule(tx, None, made, file=document)
        return made
    before = Runtime().document() if held.file is None else held.file
    changes = difference(before, document)
    if held.file is None or changes:
        _set(tx, {"file": dict(document)})
    if not changes:
        return None
    ruling = version(tx, held.current)
    wanted = applied(ruling.document, changes)
    # Each half was checked; together they may still not work.
    _check(wanted)
    if wanted == dict(ruling.document):
        return None
    made = _insert(tx, wanted, author=author, reason="the file was edited", base=held.current)
    _rule(tx, held, made)
    return made


def rule_again(
    tx: Transaction,
    number: int,
    *,
    author: str,
    reason: str,
    expected: int | None = None,
    alerts: Mapping[str, Any] | None = None,
) -> Version | None:
    """Go back to the settings of a version, as a new one.

    Args:
        tx: the transaction.
        number: the version to go back to.
        author: who does it.
        reason: why.
        expected: the version that must rule, where it matters; None is returned where it does not.
        alerts: what was found against the version that ruled, to be kept with it.

    Raises:
        ConfigVersionUnknown: there is no such version.
    """
    wanted = version(tx, number)
    held = _hold(tx)
    if expected is not None and (held is None or held.current != expected):
        return None
    if held is not None and alerts:
        _note_alerts(tx, held.current, alerts)
    # Also where it is the same: somebody wanted it to rule, and the history shows it.
    made = _insert(
        tx,
        wanted.document,
        author=author,
        reason=reason,
        base=None if held is None else held.current,
    )
    _rule(tx, held, made)
    return made


def pin(tx: Transaction, number: int, *, pinned: bool) -> Version:
    """Have a version stay, whatever the guard finds; or let it go again.

    Raises:
        ConfigVersionUnknown: there is no such version.
    """
    version(tx, number)
    _hold(tx)
    tx.execute(
        sa.update(config_versions).where(config_versions.c.number == number).values(pinned=pinned)
    )
    _set(tx, {})
    return version(tx, number)


def try_version(
    tx: Transaction, number: int, *, share: float | None, labels: Mapping[str, str] | None
) -> ConfigState:
    """Have a version rule a part of the workflows that are accepted from now on.

    Raises:
        ConfigVersionUnknown: there is no such version.
        ConfigConflict: it rules already, or another one is being tried.
    """
    version(tx, number)
    held = _hold(tx)
    assert held is not None
    if held.current == number:
        raise ConfigConflict(f"Version {number} rules already.")
    if held.canary is not None:
        raise ConfigConflict(f"Version {held.canary} is being tried: promote it or abort it first.")
    _set(
        tx,
        {
            "canary": number,
            "canary_since": tx.now,
            "canary_share": share,
            "canary_labels": dict(labels) if labels else None,
        },
    )
    tell(tx, "", ("config.canary", {"version": number, "share": share, "labels": labels or {}}))
    found = state(tx)
    assert found is not None
    return found


def end_trial(
    tx: Transaction,
    *,
    promote: bool,
    author: str,
    reason: str = "",
    expected: int | None = None,
    alerts: Mapping[str, Any] | None = None,
) -> ConfigState | None:
    """End a trial: the version rules from now on, or nothing any more.

    Returns:
        None if nothing, or not the ``expected`` version, is being tried.
    """
    held = _hold(tx)
    if held is None or held.canary is None or expected not in {None, held.canary}:
        return None
    tried = held.canary
    if alerts:
        _note_alerts(tx, tried, alerts)
    kind = "config.promoted" if promote else "config.aborted"
    if promote:
        _rule(tx, held, version(tx, tried))
    else:
        _set(tx, _NO_CANARY)
    tell(tx, "", (kind, {"version": tried, "author": author, "reason": reason}))
    return state(tx)


def note_alerts(tx: Transaction, number: int, alerts: Mapping[str, Any]) -> bool:
    """Keep what was found against a version, and tell of it; False if all of it was known."""
    _hold(tx)
    return _note_alerts(tx, number, alerts)


def version_for(tx: Transaction, workflow_id: str, labels: Mapping[str, str]) -> int:
    """The version that a workflow which is being accepted begins with; 0 before the first."""
    row = tx.execute(sa.select(config_state)).one_or_none()
    if row is None:
        return 0
    if row.canary is not None and _is_tried_on(row, workflow_id, labels):
        return row.canary
    return row.current


def _is_tried_on(row: Any, workflow_id: str, labels: Mapping[str, str]) -> bool:
    if row.canary_labels:
        return all(labels.get(name) == value for name, value in row.canary_labels.items())
    # By its name, so that all who look agree.
    digest = hashlib.blake2s(workflow_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % _SHARES < (row.canary_share or 0.0) * _SHARES


_NO_CANARY = {
    "canary": None,
    "canary_since": None,
    "canary_share": None,
    "canary_labels": None,
}


def _check(document: Mapping[str, Any]) -> None:
    try:
        check_runtime(document)
    except ConfigInvalid as error:
        raise ConfigInvalid(
            f"With what was changed elsewhere, this does not work: {error}", faults=error.faults
        ) from None


def _hold(tx: Transaction) -> sa.Row[Any] | None:
    tx.lock_for_order(_CONFIG_KEY)
    return tx.execute(sa.select(config_state).with_for_update()).one_or_none()


def _set(tx: Transaction, values: Mapping[str, Any]) -> None:
    tx.execute(
        sa.update(config_state)
        .where(config_state.c.id == _ROW)
        .values(revision=config_state.c.revision + 1, **values)
    )


def _insert(
    tx: Transaction,
    document: Mapping[str, Any],
    *,
    author: str,
    reason: str,
    base: int | None,
    pinned: bool = False,
) -> Version:
    before = version(tx, base).document if base else Runtime().document()
    changes = [one.record() for one in difference(before, document)]
    number = tx.execute(
        sa.insert(config_versions)
        .values(
            at=tx.now,
            author=author,
            reason=reason,
            document=dict(document),
            changes=changes,
            base=base,
            pinned=pinned,
            alerts={},
        )
        .returning(config_versions.c.number)
    ).scalar_one()
    return version(tx, number)


def _rule(
    tx: Transaction, held: Any | None, made: Version, file: Mapping[str, Any] | None = None
) -> None:
    """Have a version rule; a trial of it ends with that."""
    if held is None:
        tx.execute(
            sa.insert(config_state).values(
                id=_ROW,
                current=made.number,
                since=tx.now,
                revision=1,
                file=None if file is None else dict(file),
            )
        )
    else:
        ended = _NO_CANARY if held.canary == made.number else {}
        _set(tx, {"current": made.number, "since": tx.now, "previous": held.current, **ended})
    told = {
        "version": made.number,
        "author": made.author,
        "reason": made.reason,
        "changes": list(made.changes),
    }
    tell(tx, "", ("config.changed", told))


def _note_alerts(tx: Transaction, number: int, alerts: Mapping[str, Any]) -> bool:
    known = version(tx, number).alerts
    fresh = {name: found for name, found in alerts.items() if name not in known}
    if not fresh:
        return False
    tx.execute(
        sa.update(config_versions)
        .where(config_versions.c.number == number)
        .values(alerts={**known, **fresh})
    )
    tell(tx, "", *(("config.alert", {"version": number, **found}) for found in fresh.values()))
    return True


def _state(row: Any) -> ConfigState:
    canary = None
    if row.canary is not None:
        canary = Canary(
            version=row.canary,
            since=row.canary_since,
            share=row.canary_share,
            labels=row.canary_labels or {},
        )
    return ConfigState(
        current=row.current,
        since=row.since,
        previous=row.previous,
        revision=row.revision,
        canary=canary,
    )


def _version(row: Any) -> Version:
    return Version(
        number=row.number,
        at=row.at,
        author=row.author,
        reason=row.reason,
        document=row.document,
        changes=row.changes,
        base=row.base,
        pinned=row.pinned,
        alerts=row.alerts,
    )
