"""Keys: nothing without one as soon as there is one, and nothing beyond this machine without."""

import httpx
import pytest
from tests.api.conftest import House, Served, wait_for

from yivideo.api.serve import serve
from yivideo.errors import UsageError

OPEN = ("/healthz", "/readyz", "/openapi.json", "/docs", "/problems", "/problems/internal")


def paths(api: Served) -> list[tuple[str, str]]:
    described = api.client.get("/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, found in described.items() for method in found]


def test_a_key_is_needed_as_soon_as_there_is_one(apart: Served) -> None:
    """By either header; revoked, it opens nothing, and without keys none is needed again."""
    wait_for(lambda: apart.client.get("/v1/workflows").status_code == 200)
    identity, secret = apart.ledger.add_key("first")
    wait_for(lambda: apart.client.get("/v1/workflows").status_code == 401)
    for headers in ({"Authorization": f"Bearer {secret}"}, {"X-API-Key": secret}):
        assert apart.client.get("/v1/workflows", headers=headers).status_code == 200
    for wrong in ("Bearer yv_wrong", "Bearer", "Basic abc", f"Bearer {secret}x", "Bearer é"):
        headers = {"Authorization": wrong.encode()}
        answer = apart.client.get("/v1/workflows", headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    other, _ = apart.ledger.add_key("second")
    apart.ledger.revoke_key(identity)
    bearer = {"Authorization": f"Bearer {secret}"}
    wait_for(lambda: apart.client.get("/v1/workflows", headers=bearer).status_code == 401)
    apart.ledger.revoke_key(other)
    wait_for(lambda: apart.client.get("/v1/workflows").status_code == 200)


def test_nothing_is_told_without_a_key_where_one_is_needed(apart: Served) -> None:
    """Every operation of the description, but those that tell nothing of anybody's work."""
    only, _ = apart.ledger.add_key("only")
    wait_for(lambda: apart.client.get("/v1/steps").status_code == 401)
    for method, path in paths(apart):
        shown = path.replace("{workflow_id}", "x").replace("{name}", "internal")
        answer = apart.client.request(method, shown)
        if path in {*OPEN, "/problems/{name}"}:
            assert answer.status_code in {200, 503}, path
        else:
            assert answer.status_code == 401, (method, path)
    # Before anything of it is read.
    answer = apart.client.post("/v1/workflows", content=b"{")
    assert answer.status_code == 401
    apart.ledger.revoke_key(only)
    wait_for(lambda: apart.client.get("/v1/steps").status_code == 200)


def test_the_keys_are_apart_for_idempotency(apart: Served) -> None:
    """The same name of two senders means two workflows."""
    made: set[str] = set()
    keys: list[str] = []
    for name in ("one", "two"):
        identity, secret = apart.ledger.add_key(name)
        keys.append(identity)
        headers = {"X-API-Key": secret, "Idempotency-Key": "same"}
        made.add(apart.submit(headers=headers)["id"])
    for identity in keys:
        apart.ledger.revoke_key(identity)
    assert len(made) == 2


def test_it_listens_beyond_this_machine_only_with_a_key(house: House, apart: Served) -> None:
    """Else it says what to do, and does not start."""
    with pytest.raises(UsageError, match="Without an API key the API listens on"):
        serve(apart.settings, "0.0.0.0", 0)
    identity, secret = apart.ledger.add_key("for others")
    with house.serve("0.0.0.0", database_url=apart.settings.database_url) as served:
        assert served.client.get("/v1/steps").status_code == 401
        bearer = {"Authorization": f"Bearer {secret}"}
        assert served.client.get("/v1/steps", headers=bearer).status_code == 200
        # The last key's end does not open it.
        apart.ledger.revoke_key(identity)
        wait_for(lambda: served.client.get("/v1/steps", headers=bearer).status_code == 401)
        assert served.client.get("/v1/steps").status_code == 401


def test_a_page_in_a_browser_cannot_pose_as_this_machine(api: Served) -> None:
    """Without keys only the names of this machine are answered to."""
    for host, status in {
        "evil.example": 421,
        "localhost.evil.example": 421,
        "localhost:8788": 200,
        "127.0.0.1": 200,
        "[::1]:8788": 200,
        "": 421,
    }.items():
        answer = httpx.get(f"{api.url}/v1/steps", headers={"Host": host}, trust_env=False)
        assert answer.status_code == status, host
