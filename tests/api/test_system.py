"""What the API tells of the system: health, metrics, devices, steps, problems, its description."""

import re
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from tests.api.conftest import CHAIN, House, Served

from yivideo.api.kinds import KINDS
from yivideo.engine.settings import default_database

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def rows(page: str) -> list[list[str]]:
    """The cells of each row that begins with a name in back ticks, without the back ticks."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    lines = re.findall(r"^\| (`.+) \|$", text, re.MULTILINE)
    return [[cell.strip().strip("`") for cell in line.split(" | ")] for line in lines]


def described(api: Served) -> dict[str, Any]:
    return api.client.get("/openapi.json").json()


def test_it_is_ready_when_nothing_is_missing(api: Served) -> None:
    """With a ledger, Redis, an agent, and workers of both services."""
    assert api.client.get("/healthz").json() == {"status": "ok"}
    answer = api.client.get("/readyz")
    assert (answer.status_code, answer.json()["missing"]) == (200, {})


def test_it_answers_while_redis_is_away(house: House, tmp_path: Path) -> None:
    """Workflows are accepted and shown, readiness says what is missing, the pool is a 503."""
    changes = {
        "redis_url": f"unix://{tmp_path}/none.sock?db=0",
        "database_url": default_database(tmp_path),
    }
    with house.serve(**changes) as served:
        assert served.client.get("/healthz").status_code == 200
        ready = served.client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["missing"].keys() == {"redis"}
        assert ready.json()["accepting"] is True
        identity = served.submit()["id"]
        assert served.show(identity)["status"] == "queued"
        pool = served.client.get("/v1/gpu")
        assert (pool.status_code, pool.json()["type"]) == (503, "/problems/server-unavailable")
        assert int(pool.headers["retry-after"]) > 0
        metrics = served.client.get("/metrics").text
        assert 'yivideo_up{part="redis"} 0.0' in metrics


def test_it_refuses_with_503_while_the_ledger_is_away(house: House) -> None:
    """Nothing is taken on that is not committed; it says when to come again."""
    away = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"
    with house.serving(database_url=away) as served:
        client = served.client
        assert client.get("/healthz").status_code == 200
        assert "ledger" in client.get("/readyz").json()["missing"]
        answer = client.post("/v1/workflows", json={"video_path": "/a"})
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/ledger-unavailable")
        assert int(answer.headers["retry-after"]) > 0


def test_the_pool_is_shown(api: Served) -> None:
    """Hosts, devices, and nobody waiting for long."""
    pool = api.client.get("/v1/gpu").json()
    assert [device["id"] for device in pool["devices"]] == ["here:0"]
    assert (pool["devices"][0]["state"], pool["devices"][0]["memory_mib"]) == ("open", 8192)
    assert pool["hosts"][0]["services"] == ["ffmpeg", "paddleocr"]
    assert api.client.get("/v1/gpu/queue?limit=5").status_code == 200


def test_the_steps_have_schemas(api: Served) -> None:
    """In the order of the default chain, each with what it needs."""
    listed = api.client.get("/v1/steps").json()
    assert [step["name"] for step in listed] == CHAIN
    assert listed[1]["needs"]["memory"] == "2 GiB"
    assert listed[1]["after"] == [CHAIN[0]]
    assert listed[0]["params"]["properties"]["side"]["default"] == 640
    assert api.client.get(f"/v1/steps/{CHAIN[0]}").json() == listed[0]
    assert api.client.get("/v1/steps/a.b").status_code == 404


def test_the_metrics_page_has_the_metrics_there_are(api: Served) -> None:
    """Name, kind and labels of each, and they can be read by Prometheus."""
    api.submit()
    text = api.client.get("/metrics").text
    families = text_string_to_metric_families(text)
    found = {one.name: one for one in families if not one.name.endswith("_created")}
    documented = {row[0]: row[1] for row in rows("metrics.md")}
    assert documented == {name: family.type for name, family in found.items()}
    workflows = {s.labels["status"]: s.value for s in found["yivideo_workflows"].samples}
    assert workflows["queued"] >= 1
    steps = {
        (s.labels["name"], s.labels["status"]): s.value for s in found["yivideo_steps"].samples
    }
    assert steps[CHAIN[0], "ready"] >= 1
    routes = {s.labels.get("route") for s in found["yivideo_http_request_duration_seconds"].samples}
    assert "/v1/workflows" in routes


def test_the_problems_page_has_the_problems_there_are(api: Served) -> None:
    """Name, status and meaning, as the API tells them too."""
    documented = {(row[0], int(row[1]), row[2].replace("`", "")) for row in rows("problems.md")}
    assert documented == {
        (kind.name, kind.status, kind.meaning.replace("`", "")) for kind in KINDS.values()
    }
    listed = api.client.get("/problems").json()
    assert [kind["type"] for kind in listed] == [kind.type for kind in KINDS.values()]
    shown = api.client.get("/problems/invalid-chain").json()
    assert shown["meaning"] == KINDS["invalid-chain"].meaning
    assert api.client.get("/problems/none").json()["type"] == "/problems/not-found"


def test_the_http_page_has_the_operations_there_are(api: Served) -> None:
    """Method and path of each."""
    documented = {tuple(row[0].split(" ", 1)) for row in rows("http.md") if row[0].isascii()}
    there = {
        (method.upper(), path)
        for path, found in described(api)["paths"].items()
        for method in found
    }
    assert documented == there


def test_the_description_names_its_operations(api: Served) -> None:
    """OpenAPI 3.1, each operation with an id of its own, a tag, a summary, and its problems."""
    description = described(api)
    assert description["openapi"].startswith("3.1")
    operations = [one for found in description["paths"].values() for one in found.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in ids)
    assert all(operation["tags"] and operation["summary"] for operation in operations)
    schemas = description["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    references = re.findall(r"#/components/schemas/(\w+)", str(description))
    assert set(references) <= schemas.keys()


def test_what_is_not_there_is_a_problem(api: Served) -> None:
    """Also the wrong method, which names the right ones."""
    answer = api.client.get("/v2/nothing")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    answer = api.client.put("/v1/workflows")
    assert (answer.status_code, answer.json()["type"]) == (405, "/problems/method-not-allowed")
    assert "POST" in answer.headers["allow"]


def test_the_list_of_operations_needs_no_script(api: Served) -> None:
    """A page for people, with nothing from elsewhere."""
    page = api.client.get("/docs")
    assert "/v1/workflows/{workflow_id}/cancel" in page.text
    assert "<script" not in page.text
    assert "http" not in page.text.replace("https://yivideo", "")
