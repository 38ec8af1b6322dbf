"""Who may ask: API keys, as `Authorization: Bearer yv_...` or `X-API-Key`."""

import threading
import time
from collections.abc import Mapping
from ipaddress import ip_address
from typing import cast

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from yivideo.api.problems import Problem
from yivideo.api.services import Services

# So long a key that was revoked, or a first one that was made, may go unnoticed.
_FRESH_S = 1.0
_MOST = 1000
# What says nothing of anybody's work: probes and descriptions.
OPEN = frozenset({"/healthz", "/readyz", "/openapi.json", "/docs", "/problems"})
_LONGEST = 200

# For the description alone: the guard looks before anything of a request is read.
declared_schemes = [
    Security(HTTPBearer(auto_error=False, description="A key: `Bearer yv_...`.")),
    Security(APIKeyHeader(name="X-API-Key", auto_error=False, description="A key: `yv_...`.")),
]


class Keys:
    """What is known of the keys, asked of the ledger about once a second."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, str | None]] = {}
        self._any: tuple[float, bool] = (-1e9, False)

    def known_needed(self) -> bool | None:
        """As `needed`, without asking anybody; None where that is not known."""
        asked, there = self._any
        fresh = time.monotonic() - asked <= _FRESH_S
        return True if self._services.key_needed else there if fresh else None

    def needed(self) -> bool:
        """Whether requests need a key.

        Raises:
            LedgerUnavailable: it cannot be asked, and nobody knows.
        """
        known = self.known_needed()
        if known is None:
            known = self._services.has_key()
            self._any = time.monotonic(), known
        return known

    def owner(self, secret: str) -> str:
        """The id of a key.

        Raises:
            Problem: ``key-required``.
            LedgerUnavailable: it cannot be asked.
        """
        asked, owner = self._known.get(secret, (-1e9, None))
        if time.monotonic() - asked > _FRESH_S:
            owner = self._services.ledger.check_key(secret)
            with self._lock:
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[secret] = time.monotonic(), owner
        if owner is None:
            raise key_required("The API key is unknown or revoked.")
        return owner


def key_of(headers: Mapping[str, str]) -> str | None:
    """The key that a request brings, if any."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    secret = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "").strip()
    if not secret:
        return None
    if len(secret) > _LONGEST or not secret.isascii() or not secret.isprintable():
        raise key_required("That is not an API key.")
    return secret


def owner_of(request: Request) -> str:
    """The id of the key that a request came with; "" without one."""
    return cast("str", request.scope.get("state", {}).get("key") or "")


def key_required(detail: str) -> Problem:
    """The answer to requests without a good key."""
    return Problem("key-required", detail, headers={"WWW-Authenticate": "Bearer"})


def is_loopback(host: str) -> bool:
    """Whether a host's name means this machine alone: ``localhost``, 127.0.0.0/8 or ::1."""
    name = host.strip("[]").partition("%")[0].rstrip(".").lower()
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """The host in a ``Host`` header, without its port."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0]
