"""A Celery task that waits for a device: its message kept in the pool, and sent again later.

What is kept is the signature that Celery itself would send for a retry: with the task's id,
arguments, chain, chord, callbacks, expiry, time limits and queue.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kombu import serialization

# The header in which a task finds its grant, or why there will be none.
HEADER = "yivideo_gpu"


def pack(task: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """The running task's message as text; ``task`` is a bound Celery task inside its run."""
    request = task.request
    signature = task.signature_from_request(request, args, dict(kwargs), retries=request.retries)
    serializer = task.serializer or task.app.conf.task_serializer
    kind, encoding, data = serialization.dumps(dict(signature), serializer=serializer)
    raw = data.encode() if isinstance(data, str) else data
    return json.dumps([kind, encoding, base64.b64encode(raw).decode("ascii")])


def send_again(app: Any, message: Mapping[str, Any]) -> None:
    """Send a parked task's message again, with what the pool says in a header.

    Args:
        app: the Celery application.
        message: the pool's message: a grant, or ``ended`` with ``held``; both with ``payload``.
    """
    kind, encoding, text = json.loads(message["payload"])
    signature = serialization.loads(
        base64.b64decode(text), kind, encoding, accept=None if kind is None else {kind}
    )
    told = {key: value for key, value in message.items() if key != "payload"}
    parked = app.signature(signature)
    headers = {**(parked.options.get("headers") or {}), HEADER: told}
    parked.apply_async(headers=headers)


def told_with(request: Any) -> Mapping[str, Any] | None:
    """What the pool told with this delivery of a task's message; None at the first.

    Args:
        request: Celery's context of the task.
    """
    headers = getattr(request, "headers", None) or {}
    return headers.get(HEADER) or getattr(request, HEADER, None)


def seconds_left(task: Any) -> float | None:
    """Until the task expires; None where it does not."""
    expires = task.request.expires
    if expires is None:
        return None
    if isinstance(expires, str):
        expires = datetime.fromisoformat(expires)
    if expires.tzinfo is None:
        expires = expires.replace(tzinfo=UTC)
    return max(0.0, (expires - datetime.now(UTC)).total_seconds())
