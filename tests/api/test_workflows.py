"""Workflows as they are listed, shown and changed."""

from tests.api.conftest import CHAIN, Served, wait_for

from yivideo.engine.ledger.records import ErrorKind, StepStatus
from yivideo.gpu.pool import GpuPool


def test_a_list_is_paged_by_links(api: Served) -> None:
    """Newest first, each once, the filters kept from page to page."""
    made = [api.submit(labels={"batch": "paged"}, priority=n)["id"] for n in range(5)]
    seen: list[str] = []
    address = "/v1/workflows?label=batch:paged&limit=2"
    while address:
        answer = api.client.get(address)
        seen += [workflow["id"] for workflow in answer.json()["workflows"]]
        address = answer.json()["next"]
        linked = answer.links.get("next", {}).get("url")
        assert linked == address
    assert seen == made[::-1]


def test_a_list_is_filtered(api: Served) -> None:
    """By status, label, group, text and time; all of them together."""
    one = api.submit(labels={"of": "filters"}, group="filters")["id"]
    two = api.submit(labels={"of": "filters", "b": "x:y"}, group="others")["id"]
    api.client.post(f"/v1/workflows/{two}/cancel")

    def listed(query: str) -> list[str]:
        answer = api.client.get(f"/v1/workflows?label=of:filters&{query}")
        assert answer.status_code == 200, answer.text
        return [workflow["id"] for workflow in answer.json()["workflows"]]

    assert listed("") == [two, one]
    assert listed("group=filters") == [one]
    assert listed("label=b:x:y") == [two]
    assert listed("status=queued") == [one]
    assert listed("status=cancelled&status=queued") == [two, one]
    assert listed("text=电影") == [two, one]
    assert listed("text=nothing of the kind") == []
    assert listed("created_after=2020-01-01T00:00:00Z") == [two, one]
    assert listed("created_before=2020-01-01T00:00:00Z") == []


def test_a_bad_query_is_refused(api: Served) -> None:
    """422 with the parameter's name."""
    for query, name in {
        "status=asleep": "status",
        "label=nothing": "label",
        "limit=0": "limit",
        "limit=99999999999999999999": "limit",
        "created_after=yesterday": "created_after",
    }.items():
        answer = api.client.get(f"/v1/workflows?{query}")
        assert answer.status_code == 422
        assert name in str(answer.json()["errors"])
    assert api.client.get("/v1/workflows?cursor=%00nonsense").status_code == 422


def test_a_workflow_shows_its_steps_and_progress(api: Served) -> None:
    """With attempts and times."""
    identity = api.submit(chain=CHAIN[:2])["id"]
    claimed = api.claim(identity)
    api.ledger.note_progress(claimed.attempt_id, 0.5)
    shown = api.show(identity)
    assert (shown["status"], shown["progress"]) == ("running", 25.0)
    step = shown["steps"][0]
    assert (step["status"], step["progress"]) == ("running", 50.0)
    assert step["attempts"][0]["worker"] == "w1"
    assert step["started_at"].startswith("20")


def test_it_says_what_a_cpu_step_waits_for(api: Served) -> None:
    """The queue and its length."""
    waiting = api.show(api.submit()["id"])["waiting_for"]
    assert waiting["waits_for"] == "worker"
    assert waiting["queue"] == "ffmpeg_queue"
    assert waiting["queue_length"] >= 0


def test_it_says_what_a_gpu_step_waits_for(api: Served) -> None:
    """Its place in the pool's queue, and who holds the device."""
    with GpuPool(api.settings.redis_url) as pool, pool.lease(exclusive=True):
        identity = api.submit(chain=CHAIN[:2])["id"]
        api.finish(identity)
        # A worker would ask the pool when it has committed; the priority's change does it here.
        api.client.post(f"/v1/workflows/{identity}/priority", json={"priority": 8})
        wait_for(lambda: (api.show(identity)["waiting_for"] or {}).get("position"))
        waiting = api.show(identity)["waiting_for"]
        queue = api.client.get("/v1/gpu/queue").json()
    assert waiting["waits_for"] == "device"
    assert waiting["holders"][0]["device"] == "here:0"
    assert identity in [waiter["workflow_id"] for waiter in queue["waiters"]]


def test_a_cancelled_workflow_ends_at_once_while_it_waits(api: Served) -> None:
    """And leaves the pool's queue."""
    with GpuPool(api.settings.redis_url) as pool, pool.lease(exclusive=True):
        identity = api.submit(chain=CHAIN[:2])["id"]
        api.finish(identity)
        api.client.post(f"/v1/workflows/{identity}/priority", json={"priority": 8})
        wait_for(lambda: identity in {w.workflow for w in pool.snapshot(50).waiters})
        answer = api.client.post(f"/v1/workflows/{identity}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
        wait_for(lambda: identity not in {w.workflow for w in pool.snapshot(50).waiters})
    again = api.client.post(f"/v1/workflows/{identity}/cancel")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/workflow-ended")


def test_a_failed_workflow_is_retried_with_other_parameters(api: Served) -> None:
    """From the step that failed, the fault told until then."""
    identity = api.submit()["id"]
    early = api.client.post(f"/v1/workflows/{identity}/retry")
    assert early.json()["type"] == "/problems/workflow-not-ended"
    attempt = api.claim(identity).attempt_id
    api.ledger.fail(attempt, ErrorKind.USER, "not-a-video", "It is no video.")
    shown = api.show(identity)
    assert (shown["status"], shown["error"]["message"]) == ("failed", "It is no video.")
    body = {"params": {CHAIN[0]: {"side": 320}}}
    answer = api.client.post(f"/v1/workflows/{identity}/retry", json=body)
    assert answer.status_code == 202
    assert answer.json()["steps"][0]["params"]["side"] == 320
    assert api.ledger.workflow(identity).steps[0].status is StepStatus.READY
    api.finish(identity)
    assert api.show(identity)["status"] == "succeeded"


def test_a_retry_names_what_is_wrong_with_it(api: Served) -> None:
    """An unknown step, parameters of none, and a body that is none."""
    identity = api.submit()["id"]
    api.finish(identity)
    for body, pointer in (
        ({"from_step": "a.b"}, "/from_step"),
        ({"params": {"a.b": {}}}, "/params/a.b"),
        ({"params": {CHAIN[0]: {"side": -1}}}, f"/params/{CHAIN[0]}/side"),
    ):
        answer = api.client.post(f"/v1/workflows/{identity}/retry", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer


def test_only_what_has_ended_is_deleted(api: Served) -> None:
    """Its files go with it."""
    identity = api.submit()["id"]
    assert api.client.delete(f"/v1/workflows/{identity}").status_code == 409
    api.finish(identity, {"picture.jpg": b"picture"})
    assert api.client.delete(f"/v1/workflows/{identity}").status_code == 204
    assert api.client.get(f"/v1/workflows/{identity}").status_code == 404


def test_unknown_workflows_are_not_found(api: Served) -> None:
    """Whatever is asked of them."""
    for method, address in (
        ("GET", "/v1/workflows/none"),
        ("DELETE", "/v1/workflows/none"),
        ("POST", "/v1/workflows/none/cancel"),
        ("POST", "/v1/workflows/none/retry"),
        ("GET", "/v1/workflows/%00/events"),
        ("GET", "/v1/workflows/none/events"),
        ("GET", "/v1/workflows/none/artifacts"),
        ("GET", "/v1/workflows/none/artifacts/a/b"),
        ("GET", "/v1/workflows/none/subtitles.srt"),
    ):
        answer = api.client.request(method, address)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/workflow-unknown")
