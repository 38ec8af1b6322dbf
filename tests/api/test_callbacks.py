"""Callbacks: signed as Standard Webhooks, told until they are taken, never to private places."""

import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from yivideo.engine.addresses import AddressRefused, check_address, resolve
from yivideo.engine.callbacks import deliver_due, webhook_secret
from yivideo.engine.ledger.records import NewStep, NewWorkflow
from yivideo.engine.ledger.store import Ledger
from yivideo.engine.settings import EngineSettings, default_database, default_store


@dataclass
class Receiver:
    """Somebody who is told: an address, and what came."""

    url: str = ""
    status: int = 204
    came: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Generator[Receiver]:
    """A receiver on this machine."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.came.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(made.status)
            self.send_header("location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://localhost:{server.server_port}/told?by=yivideo"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def settings(tmp_path: Path) -> EngineSettings:
    """A system that may call this machine."""
    return EngineSettings(
        redis_url="redis://127.0.0.1:1",
        database_url=default_database(tmp_path),
        state=tmp_path,
        store=default_store(tmp_path),
    )


@pytest.fixture
def ledger(settings: EngineSettings) -> Generator[Ledger]:
    """Its ledger."""
    made = Ledger(settings.database_url)
    made.migrate()
    yield made
    made.close()


def ended(ledger: Ledger, url: str) -> str:
    step = NewStep(name="ffmpeg.extract_keyframes")
    new = NewWorkflow(video_path="/a", source="/a", chain=[step], callback_url=url)
    identity = ledger.accept(new).workflow_id
    ledger.cancel(identity)
    return identity


def test_a_callback_is_signed_and_delivered_once(
    ledger: Ledger, settings: EngineSettings, receiver: Receiver
) -> None:
    """Its receiver can verify it with the secret in the state folder."""
    identity = ended(ledger, receiver.url)
    assert deliver_due(ledger, settings, private=True) == 1
    assert deliver_due(ledger, settings, private=True) == 0
    ((headers, body),) = receiver.came
    told = Webhook(webhook_secret(settings)).verify(body, dict(headers))
    assert (told["type"], told["data"]["workflow_id"]) == ("workflow.cancelled", identity)
    assert headers["host"].startswith("localhost:")
    assert (settings.state / "webhook.secret").stat().st_mode & 0o77 == 0


@pytest.mark.parametrize("status", [302, 500, 404])
def test_what_is_not_taken_is_told_again_later(
    ledger: Ledger, settings: EngineSettings, receiver: Receiver, status: int
) -> None:
    """Redirects are not followed, and it is not due again at once."""
    receiver.status = status
    ended(ledger, receiver.url)
    assert deliver_due(ledger, settings, private=True) == 0
    assert not ledger.callbacks_due(10)
    assert len(receiver.came) == 1


def test_private_places_are_not_told(
    ledger: Ledger, settings: EngineSettings, receiver: Receiver
) -> None:
    """Also where only the name means one, which is known when it is resolved."""
    ended(ledger, receiver.url)
    assert deliver_due(ledger, settings) == 0
    assert receiver.came == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "10.1.2.3", "100.64.0.1",
        "169.254.169.254", "172.31.0.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
        "[::1]", "[::]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[2002:a00:1::]", "[fc00::1]",
        "[fe80::1]", "[fe80::1%25lo]", "[ff02::1]", "localhost", "a.localhost", "localhost.",
    ],
)  # fmt: skip
def test_private_addresses_are_seen_in_every_spelling(host: str) -> None:
    """By the look of them, or by what the system makes of them."""
    with pytest.raises((AddressRefused, OSError)):
        parts = check_address(f"http://{host}/", private=False)
        resolve(parts.hostname or "", 80, private=False)


@pytest.mark.parametrize("host", ["93.184.216.34", "[2606:2800:220:1::1]", "example.com"])
def test_public_addresses_are_not_refused(host: str) -> None:
    """None of the ranges is too wide."""
    assert check_address(f"https://{host}/a?b=c", private=False).scheme == "https"


def test_the_secret_is_made_once(settings: EngineSettings) -> None:
    """Whoever asks first."""
    secret = webhook_secret(settings)
    assert secret.startswith("whsec_")
    assert webhook_secret(settings) == secret
    assert webhook_secret(replace(settings, webhook_secret="whsec_YWJj")) == "whsec_YWJj"
