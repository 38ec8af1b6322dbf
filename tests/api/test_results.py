"""Results: the files that steps made, and the subtitles in every format."""

import json

import pytest
from tests.api.conftest import CHAIN, Served
from tests.unit.subtitles.making import line

from yivideo.subtitles.formats import WRITERS
from yivideo.subtitles.model import Event, Subtitles, Video


@pytest.fixture(scope="module")
def said() -> Subtitles:
    """Two subtitles."""
    events = (
        Event(start=1.0, end=2.5, lines=(line("Who is there?"),)),
        Event(start=3.0, end=4.0, lines=(line("是我。"),)),
    )
    video = Video(path="/videos/film.mp4", width=1280, height=720, codec="h264")
    return Subtitles(video=video, events=events)


def test_subtitles_come_in_every_format(api: Served, said: Subtitles) -> None:
    """As the last step wrote them, each with its media type."""
    identity = api.finish_all(said)
    kinds = {
        "srt": "application/x-subrip",
        "vtt": "text/vtt; charset=utf-8",
        "ass": "text/x-ssa; charset=utf-8",
        "txt": "text/plain; charset=utf-8",
        "json": "application/json",
    }
    assert kinds.keys() == WRITERS.keys()
    links = api.show(identity)["links"]["subtitles"]
    for name, kind in kinds.items():
        answer = api.client.get(links[name])
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.text == WRITERS[name](said)


def test_formats_that_were_not_written_are_made_of_the_json(api: Served, said: Subtitles) -> None:
    """A chain asked for one format gives all."""
    identity = api.submit(chain=CHAIN)["id"]
    for _ in CHAIN[1:]:
        api.finish(identity)
    api.finish(identity, {"subtitles.json": WRITERS["json"](said).encode()})
    answer = api.client.get(f"/v1/workflows/{identity}/subtitles.srt")
    assert answer.text == WRITERS["srt"](said)


def test_there_are_no_subtitles_before_the_end(api: Served) -> None:
    """404 that says how the workflow stands, and no format that is none."""
    identity = api.submit(chain=CHAIN)["id"]
    answer = api.client.get(f"/v1/workflows/{identity}/subtitles.srt")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/subtitles-missing")
    assert "queued" in answer.json()["detail"]
    assert api.client.get(f"/v1/workflows/{identity}/subtitles.doc").status_code == 422


def test_artifacts_are_listed_and_fetched(api: Served) -> None:
    """By the link in the list, in parts, and not again when nothing changed."""
    identity = api.submit()["id"]
    assert api.client.get(f"/v1/workflows/{identity}/artifacts").json() == []
    api.finish(identity, {"a picture.jpg": b"0123456789", "page.html": b"<script>"})
    listed = api.client.get(f"/v1/workflows/{identity}/artifacts").json()
    assert [made["name"] for made in listed] == ["a picture.jpg", "page.html"]
    assert (listed[0]["size"], listed[0]["media_type"]) == (10, "image/jpeg")
    link = listed[0]["link"]
    whole = api.client.get(link)
    assert (whole.content, whole.headers["content-type"]) == (b"0123456789", "image/jpeg")
    part = api.client.get(link, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    again = api.client.get(link, headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    beyond = api.client.get(link, headers={"Range": "bytes=99-"})
    assert beyond.status_code == 416
    page = api.client.get(listed[1]["link"])
    assert page.headers["content-disposition"].startswith("attachment")
    assert page.headers["x-content-type-options"] == "nosniff"
    short = api.client.get(f"/v1/workflows/{identity}/artifacts/page.html")
    assert short.content == b"<script>"


def test_only_what_was_made_is_fetched(api: Served) -> None:
    """No name leads out of the store."""
    identity = api.submit()["id"]
    api.finish(identity, {"a.txt": b"a"})
    for name in ("b.txt", "../../ledger.db", "%2e%2e/%2e%2e/x", "/etc/passwd", "a.txt%00"):
        answer = api.client.get(f"/v1/workflows/{identity}/artifacts/{name}")
        assert answer.status_code == 404, name
        assert "root:" not in json.dumps(answer.json())
