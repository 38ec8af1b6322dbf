"""The HTTP API as the commands ask it, and what goes wrong with it as YiVideo's errors."""

import contextlib
import json
import os
import ssl
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from yivideo.cli.problems import error_of
from yivideo.cli.streams import printable
from yivideo.errors import LedgerUnavailable, ServerUnavailable, UsageError, YiVideoError

Record = dict[str, Any]
T = TypeVar("T")
Query = Sequence[tuple[str, str]]

_CONNECT_S = 5.0
_ANSWER_S = 60.0
# The server sends a comment every 15 s: a stream that is silent for longer is broken.
_STREAM_S = 40.0
# What came to nothing for a reason that passes is asked again after so long.
_PAUSES_S = (0.3, 1.0, 2.0)
_COME_BACK_S = 1.0


class Client:
    """The API at an address.

    Its methods raise what the API's problems amount to: `UsageError` and `InputError` for what the
    user can mend, `ServerUnavailable` and `LedgerUnavailable` for what may pass.

    Args:
        url: where it is, such as ``http://127.0.0.1:8788``.
        key: an API key, if it needs one.

    Raises:
        UsageError: that is no address.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = _checked(url)
        self._http = httpx.Client(
            base_url=self.url,
            headers=_authorization(key),
            timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S),
            # Reading all authorities takes a while; without TLS none is asked. One that trusts
            # nobody stands in, so that nothing could ever go over TLS unchecked.
            verify=self.url.startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            # What is on this machine is not asked by way of a proxy.
            trust_env=httpx.URL(self.url).host not in {"localhost", "127.0.0.1", "::1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def submit(
        self,
        video: str | os.PathLike[str],
        order: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Record:
        """Submit a workflow; what was committed before the connection broke is not made twice.

        Args:
            video: its absolute path where the API runs, or ``upload:ID``.
            order: the rest of the body of ``POST /v1/workflows``.
            key: the idempotency key; one of its own when left out.
        """
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        body = {"video_path": os.fspath(video), **(order or {})}
        return self._patiently(
            lambda: self._json("POST", "/v1/workflows", json=body, headers=headers)
        )

    def get(self, workflow_id: str) -> Record:
        """A workflow as it stands, with its steps."""
        return self._patiently(lambda: self._json("GET", _path(workflow_id)))

    def page(self, query: Query = (), following: str | None = None) -> tuple[list[Record], str]:
        """A page of workflows, newest first, and where the next one is; "" after the last."""
        address = following or f"/v1/workflows?{httpx.QueryParams(list(query))}"
        page = self._patiently(lambda: self._json("GET", address))
        return page["workflows"], page["next"] or ""

    def cancel(self, workflow_id: str) -> Record:
        """Cancel a workflow; as it stands then."""
        return self._json("POST", f"{_path(workflow_id)}/cancel")

    def retry(self, workflow_id: str, order: Mapping[str, Any]) -> Record:
        """Retry a workflow; as it stands then."""
        return self._json("POST", f"{_path(workflow_id)}/retry", json=dict(order))

    def artifacts(self, workflow_id: str) -> list[Record]:
        """The files of a workflow's finished steps."""
        return self._patiently(lambda: self._json("GET", f"{_path(workflow_id)}/artifacts"))

    def subtitles(self, workflow_id: str, name: str) -> bytes:
        """The subtitles of a workflow in a format."""
        address = f"{_path(workflow_id)}/subtitles.{name}"
        return self._patiently(lambda: self.send("GET", address).content)

    def upload(self, address: str) -> Record:
        """How an upload stands: ``offset`` of ``length``."""
        return self._json("GET", address)

    def send(self, method: str, address: str, **more: Any) -> httpx.Response:
        """Send a request, and give its good answer."""
        with self._told():
            answer = self._http.request(method, address, **more)
        if not answer.is_success:
            raise error_of(answer, self.url)
        return answer

    @contextlib.contextmanager
    def events(
        self, workflow_id: str | None = None, *, quiet: float | None = None
    ) -> Generator[Iterator[Record | None]]:
        """What happens, as it happens; connected when the block begins.

        The iterator comes back by itself when the connection breaks, without losing or repeating
        an event, and says so by None: what was said while it was away is to be asked for if it
        had not yet got an event. It ends with the workflow, where one is named.

        Args:
            workflow_id: of this workflow, from its first event; None for all, from now on.
            quiet: end when nothing has come for so many seconds after an event.
        """
        address = f"{_path(workflow_id)}/events" if workflow_id else "/v1/events"
        stream = _Stream(self._http, self.url, address, quiet)
        try:
            stream.connect()
            yield stream.events()
        finally:
            stream.close()

    def _json(self, method: str, address: str, **more: Any) -> Any:
        answer = self.send(method, address, **more)
        try:
            return answer.json()
        except ValueError:
            raise ServerUnavailable(f"What answers at {self.url} is not YiVideo's API.") from None

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask again for a little while when nobody answers; only for what may be said twice."""
        for pause in _PAUSES_S:
            try:
                return ask()
            except (ServerUnavailable, LedgerUnavailable) as error:
                # Where nothing listens, waiting would only make the sentence come later.
                if isinstance(error.__cause__, httpx.ConnectError):
                    raise
                time.sleep(pause)
        return ask()

    @contextlib.contextmanager
    def _told(self) -> Generator[None]:
        with _transport_told(self.url):
            yield


class _Stream:
    """A stream of server-sent events that comes back with the last id it has seen."""

    def __init__(self, http: httpx.Client, url: str, address: str, quiet: float | None) -> None:
        self._http, self._url, self._address, self._quiet = http, url, address, quiet
        self._last: str | None = None
        self._answer: httpx.Response | None = None

    def connect(self) -> None:
        headers = {"Accept": "text/event-stream"}
        if self._last is not None:
            headers["Last-Event-ID"] = self._last
        patience = httpx.Timeout(_STREAM_S if self._quiet is None else self._quiet, connect=5.0)
        request = self._http.build_request("GET", self._address, headers=headers, timeout=patience)
        with _transport_told(self._url):
            answer = self._http.send(request, stream=True)
            if not answer.is_success:
                answer.read()
                answer.close()
        if not answer.is_success:
            raise error_of(answer, self._url)
        self._answer = answer

    def close(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def events(self) -> Iterator[Record | None]:
        while self._answer is not None:
            # 204: it has ended, and there is nothing more to come.
            if self._answer.status_code == 204:
                return
            try:
                yield from self._read(self._answer)
            except httpx.ReadTimeout:
                if self._quiet is not None:
                    return
            except httpx.TransportError:
                pass
            self.close()
            self._come_back()
            yield None

    def _read(self, answer: httpx.Response) -> Iterator[Record]:
        data: list[str] = []
        identity = self._last
        for line in answer.iter_lines():
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line and data:
                self._last = identity
                yield json.loads("\n".join(data))
                data = []
            elif name == "data":
                data.append(value)
            elif name == "id":
                identity = value

    def _come_back(self) -> None:
        while True:
            time.sleep(_COME_BACK_S)
            try:
                self.connect()
            except (ServerUnavailable, LedgerUnavailable):
                continue
            return


def _path(workflow_id: str) -> str:
    """Where a workflow is; whatever was typed for its id stays one piece of the address."""
    from urllib.parse import quote

    return f"/v1/workflows/{quote(workflow_id, safe='') or '-'}"


def _checked(url: str) -> str:
    given = url if "://" in url else f"http://{url}"
    try:
        parsed = httpx.URL(given)
        good = parsed.scheme in {"http", "https"} and bool(parsed.host)
    except httpx.InvalidURL:
        good = False
    if not good:
        raise UsageError(
            f"'{printable(url)}' is no address of an API; write one such as http://127.0.0.1:8788."
        )
    return given.rstrip("/")


def _authorization(key: str | None) -> dict[str, str]:
    if not key:
        return {}
    if not key.isascii() or not key.isprintable():
        raise UsageError("That is no API key: it has letters that none has.")
    return {"Authorization": f"Bearer {key}"}


@contextlib.contextmanager
def _transport_told(url: str) -> Generator[None]:
    """Say of a connection that failed what the user can do about it."""
    try:
        yield
    except httpx.TransportError as error:
        raise unreachable(url, error) from error
    except httpx.InvalidURL as error:
        raise UsageError(f"The API cannot be asked that: {error}.") from error


def unreachable(url: str, error: httpx.TransportError) -> YiVideoError:
    """Nobody answers at that address."""
    reason = str(error).rstrip(".") or type(error).__name__
    return ServerUnavailable(
        f"The API at {url} does not answer ({printable(reason)}). Is `yivideo up` running?"
    )
