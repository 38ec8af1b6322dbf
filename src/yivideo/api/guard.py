"""What stands before every request: keys, names of the server, and the clock of the metrics."""

import time
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yivideo.api.keys import OPEN, Keys, host_of, is_loopback, key_of, key_required
from yivideo.api.metrics import Metrics
from yivideo.api.problems import Problem, of_error
from yivideo.errors import YiVideoError

# A body is a few names and numbers; pieces of uploads have a limit of their own.
MOST_BODY = 2**20


class Guard:
    """Lets requests through that may ask; the key's id goes with them as ``state["key"]``.

    Args:
        app: what is guarded.
        keys: who may ask.
        metrics: told how long each request took.
    """

    def __init__(self, app: ASGIApp, keys: Keys, metrics: Metrics) -> None:
        self._app = app
        self._keys = keys
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await self._let_in(scope, Headers(scope=scope))
        except (Problem, YiVideoError) as error:
            problem = error if isinstance(error, Problem) else of_error(error)
            await problem.response()(scope, receive, watched)
        else:
            # Pieces of uploads are not held in memory, and have a limit of their own.
            limited = receive if scope["method"] == "PATCH" else _limited(receive)
            await self._app(scope, limited, watched)
        finally:
            route: Any = scope.get("route")
            # The pattern and not the address: there are as many addresses as workflows.
            path = getattr(route, "path", "") or "other"
            self._metrics.note(scope["method"], path, status, time.perf_counter() - begun)

    async def _let_in(self, scope: Scope, headers: Headers) -> None:
        path: str = scope["path"]
        state = scope.setdefault("state", {})
        state["key"] = ""
        if path in OPEN or path.startswith("/problems/"):
            return
        secret = key_of(headers)
        if secret is not None:
            # A key that was given must be good, also where none is needed.
            state["key"] = await run_in_threadpool(self._keys.owner, secret)
            return
        needed = self._keys.known_needed()
        if needed is None:
            needed = await run_in_threadpool(self._keys.needed)
        if needed:
            raise key_required("An API key is needed: Authorization: Bearer yv_...")
        if not is_loopback(host_of(headers.get("host", ""))):
            # A page in a browser may have any name point to this machine, but not call it so.
            detail = f"{headers.get('host', 'No host')[:200]!r} is not this server's name."
            raise Problem("host-not-allowed", detail)


def _limited(receive: Receive) -> Receive:
    """Refuse to read more of a body than any may have."""
    room = MOST_BODY

    async def limited() -> Message:
        nonlocal room
        message = await receive()
        room -= len(message.get("body", b""))
        if room < 0:
            raise HTTPException(413, f"A body has at most {MOST_BODY} bytes")
        return message

    return limited
