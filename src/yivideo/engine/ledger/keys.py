"""API keys: shown once, stored hashed.

A key is 256 random bits. Nobody guesses one of those however fast the hash, so a single SHA-256
is enough: slow hashes protect passwords, which people choose from a small set.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.records import ApiKey
from yivideo.engine.ledger.tables import api_keys
from yivideo.engine.ledger.wording import clean

PREFIX = "yv_"
_BYTES = 32
_NOTED_EVERY_S = 60.0


def make_key(tx: Transaction, name: str) -> tuple[str, str]:
    """Make a key; returns its id, and its secret, which is kept nowhere."""
    identity, secret = secrets.token_hex(6), PREFIX + secrets.token_urlsafe(_BYTES)
    tx.execute(
        sa.insert(api_keys).values(
            id=identity, name=clean(name), digest=_digest(secret), created_at=tx.now
        )
    )
    return identity, secret


def list_keys(tx: Transaction) -> Sequence[ApiKey]:
    """All keys, oldest first, revoked ones too."""
    chosen = sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
    return [
        ApiKey(
            id=row.id,
            name=row.name,
            created_at=row.created_at,
            used_at=row.used_at,
            revoked_at=row.revoked_at,
        )
        for row in tx.execute(chosen)
    ]


def revoke_key(tx: Transaction, identity: str) -> bool:
    """Make a key good for nothing; False if there is none, or it was revoked before."""
    revoked = (
        sa.update(api_keys)
        .where(api_keys.c.id == clean(identity), api_keys.c.revoked_at.is_(None))
        .values(revoked_at=tx.now)
    )
    return tx.execute(revoked).rowcount == 1


def find_key(tx: Transaction, secret: str) -> tuple[str, bool] | None:
    """The id of the good key with that secret, and whether its use is to be noted; or None."""
    digest = _digest(secret)
    chosen = sa.select(api_keys).where(api_keys.c.digest == digest, api_keys.c.revoked_at.is_(None))
    row: Any = tx.execute(chosen).one_or_none()
    # An index looks at digests, of which a caller controls no part; this compares all of it.
    if row is None or not hmac.compare_digest(row.digest, digest):
        return None
    return row.id, row.used_at is None or row.used_at <= tx.now - _NOTED_EVERY_S


def note_use(tx: Transaction, identity: str) -> None:
    """Note that a key was used, unless somebody did within the last minute."""
    unknown = api_keys.c.used_at.is_(None) | (api_keys.c.used_at <= tx.now - _NOTED_EVERY_S)
    tx.execute(sa.update(api_keys).where(api_keys.c.id == identity, unknown).values(used_at=tx.now))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
