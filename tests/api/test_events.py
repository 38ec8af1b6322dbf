"""Events as they happen, and after a connection was lost."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
from tests.api.conftest import Served


def read(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """The events of a stream: id, event and data."""
    event: dict[str, Any] = {}
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if not line and event:
            if "data" in event:
                yield {**event, "data": json.loads(event["data"])}
            event = {}
        elif name:
            event[name] = value


def test_a_workflow_tells_its_story_until_its_end(api: Served) -> None:
    """From the first event on, also to those who come late; the stream ends with it."""
    identity = api.submit()["id"]
    happened = threading.Timer(0.3, lambda: api.finish(identity))
    happened.start()
    with api.client.stream("GET", f"/v1/workflows/{identity}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = list(read(answer))
    happened.join()
    kinds = [event["event"] for event in told]
    assert kinds[0] == "workflow.accepted"
    assert kinds[-1] == "workflow.succeeded"
    assert kinds.index("step.started") < kinds.index("step.succeeded")
    numbers = [int(event["id"]) for event in told]
    assert numbers == sorted(numbers)
    assert {event["data"]["workflow_id"] for event in told} == {identity}


def test_a_reconnect_goes_on_where_it_was(api: Served) -> None:
    """Nothing twice and nothing missing; after the end there is nothing to come back for."""
    identity = api.submit()["id"]
    api.finish(identity)
    address = f"/v1/workflows/{identity}/events"
    with api.client.stream("GET", address) as answer:
        told = list(read(answer))
    with api.client.stream("GET", address, headers={"Last-Event-ID": told[1]["id"]}) as answer:
        assert list(read(answer)) == told[2:]
    last = {"Last-Event-ID": told[-1]["id"]}
    assert api.client.get(address, headers=last).status_code == 204


def test_all_workflows_tell_in_one_stream(api: Served) -> None:
    """From now on, or after a known event."""
    first = api.submit()["id"]
    known = max(event.id for event in api.ledger.events(0, first))
    second = api.submit()["id"]
    with api.client.stream("GET", f"/v1/events?after={known}") as answer:
        told = next(read(answer))
    assert (told["event"], told["data"]["workflow_id"]) == ("workflow.accepted", second)


def test_a_bad_event_id_is_refused(api: Served) -> None:
    """Not taken for a beginning."""
    answer = api.client.get("/v1/events", headers={"Last-Event-ID": "abc"})
    assert answer.status_code == 422
    assert api.client.get("/v1/events?after=-1").status_code == 422


def test_streams_end_when_the_server_does(apart: Served) -> None:
    """Ctrl-C does not wait for those who listen."""
    with apart.client.stream("GET", "/v1/events") as answer:
        apart.process.terminate()
        assert list(read(answer)) == []
    assert apart.process.wait(10) == 0
