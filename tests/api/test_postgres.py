"""The same on PostgreSQL, where a server answers."""

import socket
import uuid
from collections.abc import Generator

import pytest
from tests.api.conftest import CHAIN, House


def there() -> bool:
    try:
        socket.create_connection(("127.0.0.1", 5432), 0.5).close()
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not there(), reason="no PostgreSQL answers on 127.0.0.1:5432")
SERVER = "postgresql://postgres@127.0.0.1:5432"


@pytest.fixture
def database() -> Generator[str]:
    """A database of its own."""
    import psycopg

    name = f"yivideo_api_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{SERVER}/{name}"
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_workflow_goes_its_way_on_postgresql(house: House, database: str) -> None:
    """Submitted, listed, told, carried out, refused a NUL, and deleted."""
    with house.serve(database_url=database) as served:
        identity = served.submit(chain=CHAIN[:1], labels={"on": "postgresql"})["id"]
        listed = served.client.get("/v1/workflows?label=on:postgresql&text=电影").json()
        assert [workflow["id"] for workflow in listed["workflows"]] == [identity]
        served.submit(422, labels={"on": "\0"})
        served.finish(identity, {"a.txt": b"a"})
        told = served.client.get(f"/v1/workflows/{identity}/events").text
        assert "event: workflow.succeeded" in told
        assert served.show(identity)["status"] == "succeeded"
        assert 'yivideo_workflows{status="succeeded"} 1.0' in served.client.get("/metrics").text
        assert served.client.delete(f"/v1/workflows/{identity}").status_code == 204
