"""Serving the API: one process, ended in good order by SIGTERM or SIGINT."""

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Generator

import uvicorn

from yivideo.api.app import create_app
from yivideo.api.keys import is_loopback
from yivideo.api.services import Services
from yivideo.engine.settings import EngineSettings
from yivideo.errors import UsageError

PORT = 8788
# Answers under way may take so long when it is to end.
_GRACE_S = 5


def serve(
    settings: EngineSettings,
    host: str = "127.0.0.1",
    port: int = PORT,
    *,
    on_ready: Callable[[str], None] = lambda _address: None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: the system's settings.
        host: where to listen; beyond this machine only when there is an API key.
        port: where to listen; 0 for any that is free.
        on_ready: told the address when requests are answered.

    Raises:
        UsageError: it may not listen there, or cannot.
        LedgerUnavailable: whether there are keys cannot be found out.
    """
    services = Services(settings, key_needed=not is_loopback(host))
    if services.key_needed:
        require_key(services, host)
    listener = _listen(host, port)
    config = uvicorn.Config(
        create_app(services),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        # A proxy in front is believed by nobody: nothing here depends on who asks from where.
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_S,
        h11_max_incomplete_event_size=64 * 1024,
    )
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"
    with listener:
        _Server(config, services, lambda: on_ready(address)).run(sockets=[listener])


def require_key(services: Services, host: str) -> None:
    """Refuse to listen beyond this machine while nobody would need a key.

    Raises:
        UsageError: there is no key.
        LedgerUnavailable: nobody knows.
    """
    if not services.has_key():
        raise UsageError(
            f"Without an API key the API listens on 127.0.0.1 or ::1 only, not on {host}: make one"
            " with `yivideo key create NAME` first."
        )


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, services: Services, on_started: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._services = services
        self._on_started = on_started

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """As uvicorn does, but without raising them again at the end: that was a good end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {n: signal.signal(n, self.handle_exit) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when requests are answered."""
        await super().startup(sockets)
        if self.started:
            self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, which would go on for ever, before waiting for what is under way."""
        self._services.stopping.set()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on: the second part of an answer would wait
    # for the receiver's delayed acknowledgement, 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # Some hundred that submit at the same moment are not refused.
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"The API cannot listen on {host}, port {port}: {error.strerror or error}."
        ) from error
    listener.set_inheritable(True)
    return listener
