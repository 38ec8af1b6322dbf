"""Submitting: what is taken, what is refused and where, and what the same key means."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.api.conftest import CHAIN, Served, wait_for

from yivideo.storage.redis import connect, with_database


def test_a_workflow_is_accepted_as_the_design_writes_it(api: Served) -> None:
    """202, with an address, links, and a row in the ledger before the answer."""
    body = {"video_path": str(api.video), "workflow_config": {"workflow_chain": CHAIN}}
    answer = api.client.post("/v1/workflows", json=body)
    assert answer.status_code == 202
    identity = answer.json()["id"]
    assert answer.headers["location"] == f"/v1/workflows/{identity}"
    assert answer.json()["links"]["subtitles"]["srt"].endswith("/subtitles.srt")
    record = api.ledger.workflow(identity)
    assert [step.name for step in record.steps] == CHAIN
    assert record.source == str(api.video.resolve())


def test_the_default_chain_is_the_six_steps(api: Served) -> None:
    """A body with nothing but a video."""
    answer = api.client.post("/v1/workflows", json={"video_path": str(api.video)})
    assert answer.status_code == 202
    record = api.ledger.workflow(answer.json()["id"])
    assert [step.name for step in record.steps] == CHAIN


def test_the_hint_goes_to_the_queue_of_the_service(api: Served) -> None:
    """As `redis-cli -n 0 llen ffmpeg_queue` shows."""
    with connect(with_database(api.settings.redis_url, 0)) as queues:
        before = queues.llen("ffmpeg_queue")
        api.submit()
        wait_for(lambda: queues.llen("ffmpeg_queue") > before)


def test_parameters_come_with_the_step_or_beside_the_chain(api: Served) -> None:
    """Both are checked and kept; those with the step win."""
    identity = api.submit(
        chain=[{"name": CHAIN[0], "params": {"places": 7}}],
        params={CHAIN[0]: {"places": 8, "side": 320}},
        priority=9,
        group="night",
        labels={"shelf": "纪录片"},
    )["id"]
    shown = api.show(identity)
    assert shown["steps"][0]["params"] == {"places": 7, "side": 320}
    assert (shown["priority"], shown["group"]) == (9, "night")
    assert shown["labels"] == {"shelf": "纪录片"}


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"chain": ["ffmpeg.no_such_step"]}, "/workflow_config/workflow_chain/0"),
        ({"chain": [*CHAIN[:2], "paddleocr.perform_ocr"]}, "/workflow_config/workflow_chain/2"),
        ({"chain": [CHAIN[1], CHAIN[0]]}, "/workflow_config/workflow_chain/0"),
        ({"chain": [CHAIN[0], CHAIN[0]]}, "/workflow_config/workflow_chain/1"),
        ({"chain": []}, "/workflow_config/workflow_chain"),
        ({"chain": [5]}, "/workflow_config/workflow_chain/0"),
        (
            {"chain": [{"name": CHAIN[0], "params": {"side": 1}}]},
            "/workflow_config/workflow_chain/0/params/side",
        ),
        (
            {"chain": [{"name": CHAIN[0], "params": {"sides": 640}}]},
            "/workflow_config/workflow_chain/0/params/sides",
        ),
        ({"chain": [{"name": CHAIN[0], "parms": {}}]}, "/workflow_config/workflow_chain/0/parms"),
        ({"params": {CHAIN[0]: {"side": "wide"}}}, f"/params/{CHAIN[0]}/side"),
        ({"params": {CHAIN[5]: {}}}, f"/params/{CHAIN[5]}"),
        ({"priority": 10}, "/priority"),
        ({"priority": True}, "/priority"),
        ({"priority": 10**400}, "/priority"),
        ({"prio": 5}, "/prio"),
        ({"group": ""}, "/group"),
        ({"labels": {str(n): "" for n in range(33)}}, "/labels"),
        ({"labels": {"a": "b" * 256}}, "/labels/a"),
        ({"labels": {"a": "\0"}}, "/labels/a"),
        ({"callback_url": "ftp://example.com/"}, "/callback_url"),
        ({"callback_url": "http://127.0.0.1:8080/"}, "/callback_url"),
        ({"callback_url": "http://[::ffff:10.0.0.1]/"}, "/callback_url"),
        ({"callback_url": "http://169.254.169.254/latest"}, "/callback_url"),
        ({"callback_url": "http://user@example.com/"}, "/callback_url"),
        ({"video_path": "x" * 5000}, "/video_path"),
        ({"video_path": 5}, "/video_path"),
        ({"video_path": "/a\0b"}, "/video_path"),
        ({"video_path": "upload:../../etc"}, "/video_path"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(
    api: Served, more: dict[str, Any], pointer: str
) -> None:
    """422, a problem with a sentence for the place in the body."""
    problem = api.submit(422, **more)
    assert pointer in [fault["pointer"] for fault in problem["errors"]]
    assert all(fault["message"].endswith(".") for fault in problem["errors"])
    assert problem["type"].startswith("/problems/")


def test_several_mistakes_are_told_at_once(api: Served) -> None:
    """Whoever writes a chain by hand mends it in one go."""
    problem = api.submit(422, chain=["a.b", CHAIN[2]])
    assert len(problem["errors"]) == 3


def test_videos_lie_below_the_media_roots_only(api: Served, tmp_path: Path) -> None:
    """Links are resolved first, and nothing is said of what is there outside."""
    inside = api.video.parent
    (tmp_path / "secret.mp4").write_bytes(b"")
    (inside / "way-out").symlink_to(tmp_path)
    (inside / "loop").symlink_to(inside / "loop")
    outside = "/problems/video-outside-media-roots"
    missing = "/problems/video-missing"
    for path, kind in {
        "/etc/passwd": outside,
        "/etc/no-such-file": outside,
        f"{inside}/../../secret.mp4": outside,
        f"{inside}/way-out/secret.mp4": outside,
        f"{inside}/none.mp4": missing,
        f"{inside}": missing,
        f"{inside}/loop": missing,
        f"{inside}/{'n' * 300}": missing,
        "film.mp4": missing,
    }.items():
        assert api.submit(422, video_path=path)["type"] == kind, path


def test_the_same_key_means_the_same_workflow(api: Served) -> None:
    """Also at the same moment; with another body it is refused."""
    headers = {"Idempotency-Key": "once"}

    def send(_: int) -> tuple[str, str]:
        body = {"video_path": str(api.video)}
        answer = api.client.post("/v1/workflows", json=body, headers=headers)
        assert answer.status_code == 202
        return answer.json()["id"], answer.headers.get("idempotent-replayed", "")

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(send, range(6)))
    assert len({identity for identity, _ in answers}) == 1
    assert sorted(replayed for _, replayed in answers) == ["", *["true"] * 5]
    problem = api.submit(422, headers=headers, priority=1)
    assert problem["type"] == "/problems/idempotency-key-reused"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"video_path": "\xff"}',
        b'{"video_path": "/\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"video_path": "/a", "labels": {"\\ud800": "a"}}',
        b'{"video_path": "/a", "priority": 1e999}',
        b'{"video_path": "/a", "priority": ' + b"9" * 5000 + b"}",
        b'{"video_path": "/a", "params": {"ffmpeg.extract_keyframes": {"start": NaN}}}',
        b"[" * 100_000,
        b'{"a": "' + b"b" * 2**20 + b'"}',
    ],
    ids=str,
)  # fmt: skip
def test_no_body_breaks_the_server(api: Served, body: bytes) -> None:
    """Half characters, endless numbers, depths: the sender's fault, and said so."""
    headers = {"content-type": "application/json"}
    answer = api.client.post("/v1/workflows", content=body, headers=headers)
    assert answer.status_code in {400, 413, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.content)["status"] == answer.status_code


@pytest.mark.parametrize("value", ["\\u0000", "\\ud800"])
def test_parameters_hold_only_what_databases_can_keep(api: Served, value: str) -> None:
    """NUL and half characters are refused wherever they hide."""
    chain = json.dumps([*CHAIN[:5]])[:-1]
    body = (
        f'{{"video_path": {json.dumps(str(api.video))}, "workflow_config": {{"workflow_chain": '
        f'{chain}, {{"name": "{CHAIN[5]}", "params": {{"languages": ["{value}"]}}}}]}}}}'
    )
    headers = {"content-type": "application/json"}
    answer = api.client.post("/v1/workflows", content=body.encode(), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/workflow_config/workflow_chain/5")
