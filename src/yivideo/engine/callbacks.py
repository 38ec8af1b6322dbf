"""Tells those who asked for it that a workflow has ended: Standard Webhooks, from the outbox."""

import asyncio
import json
import logging
import os
import secrets
import ssl
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from standardwebhooks.webhooks import Webhook

from yivideo.engine.addresses import AddressRefused, check_address, resolve
from yivideo.engine.ledger.records import Callback
from yivideo.engine.settings import EngineSettings
from yivideo.errors import UsageError
from yivideo.files import ensure_folder, output_error

if TYPE_CHECKING:
    from yivideo.engine.ledger.store import Ledger

logger = logging.getLogger(__name__)
# For one delivery in all, however slowly the other side drips.
_LIMIT_S = 10.0
_AT_ONCE = 16


def deliver_due(
    ledger: "Ledger", settings: EngineSettings, *, private: bool = False, limit: int = 50
) -> int:
    """Deliver what is due; what fails is due again later, by the ledger's back-off.

    Args:
        ledger: knows what is due.
        settings: the system's; they know the secret.
        private: whether addresses of private networks are allowed.
        limit: so many at most.

    Returns:
        How many were delivered.

    Raises:
        LedgerUnavailable: the ledger does not answer; what was delivered may be so again.
    """
    due = ledger.callbacks_due(limit)
    if not due:
        return 0
    results = asyncio.run(_deliver_all(due, webhook_secret(settings), private=private))
    for callback, error in zip(due, results, strict=True):
        if error:
            logger.warning("The callback for %s failed: %s", callback.workflow_id, error)
        ledger.note_callback(callback.id, delivered=not error, error=error)
    return results.count("")


def webhook_secret(settings: EngineSettings) -> str:
    """What callbacks are signed with: configured, or made once in the state folder.

    Raises:
        OutputError: it cannot be made.
    """
    return settings.webhook_secret or kept_secret(settings.state)


def kept_secret(state: Path) -> str:
    """The secret in a state folder, made if there is none yet.

    Raises:
        OutputError: it cannot be made.
    """
    path = state / "webhook.secret"
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        return _made(path)
    except OSError as error:
        raise output_error(error, path) from error


def signed(callback: Callback, secret: str, now: datetime) -> tuple[bytes, dict[str, str]]:
    """A callback's body and headers. The id is the same however often it is sent.

    Raises:
        UsageError: the secret is none.
    """
    payload = {
        "type": callback.kind,
        "timestamp": datetime.fromtimestamp(callback.at, UTC).isoformat(),
        "data": {"workflow_id": callback.workflow_id, **callback.data},
    }
    body = json.dumps(payload, ensure_ascii=False)
    identity = f"msg_{callback.id}"
    try:
        signature = Webhook(secret).sign(identity, now, body)
    except Exception as error:
        raise UsageError("The webhook secret is not whsec_ and base 64.") from error
    headers = {
        "content-type": "application/json",
        "user-agent": "YiVideo",
        "webhook-id": identity,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return body.encode(), headers


async def _deliver_all(due: Sequence[Callback], secret: str, *, private: bool) -> list[str]:
    gate = asyncio.Semaphore(_AT_ONCE)
    # No proxy of the environment: it would resolve the name anew.
    context = ssl.create_default_context()
    async with httpx.AsyncClient(
        verify=context, trust_env=False, follow_redirects=False, timeout=_LIMIT_S
    ) as client:

        async def one(callback: Callback) -> str:
            async with gate:
                try:
                    async with asyncio.timeout(_LIMIT_S):
                        return await _deliver(client, callback, secret, private=private)
                except TimeoutError:
                    return f"no answer within {_LIMIT_S:g} s"
                except AddressRefused as error:
                    return str(error)
                except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
                    return f"{type(error).__name__}: {error}"

        return list(await asyncio.gather(*map(one, due)))


async def _deliver(
    client: httpx.AsyncClient, callback: Callback, secret: str, *, private: bool
) -> str:
    """Deliver one; "" when it was taken, else what is wrong."""
    parts = check_address(callback.url, private=private)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = await asyncio.to_thread(resolve, host, port, private=private)
    body, headers = signed(callback, secret, datetime.now(UTC))
    # The very address that was looked at is connected to: the name may mean another by then.
    url = httpx.URL(callback.url).copy_with(host=addresses[0])
    async with client.stream(
        "POST",
        url,
        content=body,
        headers={**headers, "host": parts.netloc},
        extensions={"sni_hostname": host},
    ) as response:
        if response.is_success:
            return ""
        if response.is_redirect:
            return f"answered {response.status_code}; redirects are not followed"
        return f"answered {response.status_code}"


def _made(path: Path) -> str:
    """Make the secret, unless another process is quicker."""
    secret = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    ensure_folder(path.parent)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # Unlike a rename, a link does not replace what another process has put there.
            os.link(aside, path)
        except FileExistsError:
            return path.read_text("ascii").strip()
        finally:
            aside.unlink()
    except OSError as error:
        raise output_error(error, path) from error
    return secret
