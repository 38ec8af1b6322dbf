"""Pages of `GET /v1/workflows` over HTTP: `python -m benchmarks.engine.pages [--save]` prints JSON.

A ledger of so many ended workflows, on SQLite and on PostgreSQL, and one API process on it. For
each filter a page of 50 is fetched again and again by one client: milliseconds, median and the
slowest of a hundred. `wanted_ms` is what each must stay within.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import httpx

from benchmarks.engine.api import serving
from benchmarks.engine.ledger import POSTGRES, filled, milliseconds, postgres_database
from benchmarks.reporting import report
from yivideo.engine.settings import default_database

_WORKFLOWS = "/v1/workflows"
_WANTED_MS = 20.0
Query = dict[str, str | list[str]]
QUERIES: dict[str, Query] = {
    "all": {},
    "status": {"status": "succeeded"},
    "rare status": {"status": "failed"},
    "statuses": {"status": ["succeeded", "failed"]},
    "label": {"label": "shelf:7"},
    "rare label": {"label": "film:00777"},
    "two labels": {"label": ["shelf:7", "kind:opera"]},
    "group": {"group": "tenant 3"},
    "rare group": {"group": "tenant 1000"},
    "time": {"created_after": "2027-01-15T13:00:00Z", "created_before": "2027-01-15T15:00:00Z"},
    "text of all": {"text": "film"},
    "text of the oldest tenth": {"text": "film 00"},
    "rare text": {"text": "Film 000123"},
    "no such text": {"text": "nowhere"},
    "short text": {"text": "9."},
    "no such short text": {"text": "zq"},
    "text and status": {"text": "film 00", "status": "failed"},
    "text and label": {"text": "film 01", "label": "kind:opera"},
}


def measure(folder: Path, database_url: str, workflows: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of a page by what it is filtered by, and of pages deep in the list."""
    filled(database_url, workflows)
    with (
        serving(folder, database_url) as url,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
    ):
        found = {name: _times(client, query, rounds) for name, query in QUERIES.items()}
        for name, query in {"deep": {}, "deep, label": QUERIES["label"]}.items():
            found[name] = _times(client, {**query, "cursor": _middle(client, query)}, rounds)
    return found


def _times(client: httpx.Client, query: Query, rounds: int) -> dict[str, float]:
    def fetch() -> None:
        client.get(_WORKFLOWS, params=query).raise_for_status()

    fetch()
    found = milliseconds(fetch, rounds)
    return {"median_ms": found["median_ms"], "p99_ms": found["p99_ms"]}


def _middle(client: httpx.Client, query: Query) -> str:
    """The cursor of a page in the middle of the list."""
    since = {"created_before": "2027-01-15T21:53:20Z"}
    page = client.get(_WORKFLOWS, params={**query, **since, "limit": "1"}).raise_for_status().json()
    return httpx.URL(page["next"]).params["cursor"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--postgres", default=POSTGRES, help='a server, or "" for none')
    parser.add_argument("--workflows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    result: dict[str, Any] = {"workflows": given.workflows, "wanted_ms": _WANTED_MS}
    with tempfile.TemporaryDirectory(prefix="yivideo-pages-") as name:
        folder = Path(name)
        url = default_database(folder)
        result["sqlite"] = measure(folder, url, given.workflows, given.rounds)
    if given.postgres:
        with (
            tempfile.TemporaryDirectory(prefix="yivideo-pages-") as name,
            postgres_database(given.postgres) as url,
        ):
            result["postgresql"] = measure(Path(name), url, given.workflows, given.rounds)
    report("engine/pages", result, save=given.save)


if __name__ == "__main__":
    main()
