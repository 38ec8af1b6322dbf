"""Resumable uploads, as a client of tus 1.0.0 makes them."""

import base64
import contextlib
from pathlib import Path

import httpx
from tests.api.conftest import Served

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


def begin(api: Served, length: int, name: str = "电影 one.mp4") -> str:
    metadata = f"filename {base64.b64encode(name.encode()).decode()},kind"
    headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": metadata}
    answer = api.client.post("/v1/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["upload-expires"].endswith("GMT")
    return answer.headers["location"]


def send(api: Served, address: str, offset: int, data: bytes) -> httpx.Response:
    headers = {**PIECE, "Upload-Offset": str(offset)}
    return api.client.patch(address, headers=headers, content=data)


def test_an_upload_in_pieces_is_read_by_a_workflow(api: Served) -> None:
    """It goes on where it stood, and its id stands for the video."""
    address = begin(api, 10)
    assert send(api, address, 0, b"0123").headers["upload-offset"] == "4"
    assert api.client.head(address, headers=TUS).headers["upload-offset"] == "4"
    path = f"upload:{address.rpartition('/')[2]}"
    early = api.submit(422, video_path=path)
    assert "not finished: 4 of 10 bytes" in early["detail"]
    done = send(api, address, 4, b"456789")
    assert (done.status_code, done.headers["upload-offset"]) == (204, "10")
    head = api.client.head(address, headers=TUS).headers
    assert (head["upload-offset"], head["upload-length"]) == ("10", "10")
    shown = api.client.get(address).json()
    assert (shown["finished"], shown["video_path"]) == (True, path)
    record = api.ledger.workflow(api.submit(video_path=path)["id"])
    assert record.video_path == path
    assert Path(record.source).read_bytes() == b"0123456789"
    assert Path(record.source).suffix == ".mp4"


def test_a_broken_connection_loses_nothing_that_came(api: Served) -> None:
    """What was sent before is there, and the client goes on after it."""
    address = begin(api, 900_000)

    def breaking() -> "list[bytes]":
        raise OSError

    def pieces():  # noqa: ANN202 - httpx takes any iterator
        yield b"a" * 400_000
        breaking()

    headers = {**PIECE, "Upload-Offset": "0"}
    with contextlib.suppress(OSError):
        api.client.patch(address, headers=headers, content=pieces())
    for _ in range(100):
        offset = int(api.client.head(address, headers=TUS).headers["upload-offset"])
        answer = send(api, address, offset, b"a" * (900_000 - offset))
        # The first request may not have noticed yet that nothing more comes.
        if answer.status_code == 204:
            break
    assert answer.headers["upload-offset"] == "900000"


def test_pieces_that_do_not_fit_are_refused(api: Served) -> None:
    """At another byte, of another kind, or too much."""
    address = begin(api, 4)
    assert send(api, address, 2, b"x").status_code == 409
    assert send(api, address, 0, b"12345").status_code == 413
    headers = {**TUS, "Upload-Offset": "0", "Content-Type": "text/plain"}
    assert api.client.patch(address, headers=headers, content=b"x").status_code == 415


def test_what_is_too_large_is_refused_at_once(api: Served) -> None:
    """The limit is told to those who ask."""
    limit = int(api.client.options("/v1/uploads").headers["tus-max-size"])
    headers = {**TUS, "Upload-Length": str(limit + 1)}
    assert api.client.post("/v1/uploads", headers=headers).status_code == 413


def test_another_version_is_not_spoken(api: Served) -> None:
    """412, and the version that is."""
    answer = api.client.post("/v1/uploads", headers={"Upload-Length": "5"})
    assert (answer.status_code, answer.headers["tus-version"]) == (412, "1.0.0")


def test_an_upload_can_be_given_up(api: Served) -> None:
    """Whole or not."""
    for data in (b"12", b"1234"):
        address = begin(api, 4)
        send(api, address, 0, data)
        assert api.client.delete(address, headers=TUS).status_code == 204
        assert api.client.head(address, headers=TUS).status_code == 404


def test_bad_headers_are_refused(api: Served) -> None:
    """Lengths that are none, and metadata that is not in base 64."""
    for more in (
        {"Upload-Length": "-1"},
        {"Upload-Length": "9" * 30},
        {"Upload-Length": "many"},
        {"Upload-Length": "4", "Upload-Metadata": "filename ***"},
        {},
    ):
        assert api.client.post("/v1/uploads", headers={**TUS, **more}).status_code == 422
    for identity in ("..", "%2e%2e%2fledger", "a%00", "x" * 300):
        answer = api.client.head(f"/v1/uploads/{identity}", headers=TUS)
        assert answer.status_code in {404, 405, 307}


def test_a_piece_may_be_larger_than_any_other_body(api: Served) -> None:
    """The limit on bodies is for those that are held in memory."""
    address = begin(api, 3_000_000)
    assert send(api, address, 0, b"a" * 3_000_000).headers["upload-offset"] == "3000000"
