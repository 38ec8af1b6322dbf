"""What the ledger costs, as JSON.

    python -m benchmarks.engine.ledger [--postgres URL] [--workflows 100000] [--rounds 200]

accept       milliseconds of one `accept` of six steps, one after the other, and how many a second
             when eight threads accept at once
hand_over    milliseconds of one `claim` with the `succeed` that follows
page         milliseconds of a page of 50 at so many workflows, by what it is filtered by
due, running milliseconds of what the reconciler asks all the time, at so many ended workflows

`cpu_ms` is this process's part, which on SQLite is all but the waiting for the disk: what there is
to go by on a machine that others use too. Each database is made for the purpose and dropped; SQLite
lies in a temporary folder, so TMPDIR decides on which disk.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from yivideo.engine.ledger import tables
from yivideo.engine.ledger.database import Database, Transaction
from yivideo.engine.ledger.records import (
    Filter,
    NewStep,
    NewWorkflow,
    Place,
    ReadyStep,
    WorkflowStatus,
)
from yivideo.engine.ledger.store import Ledger

POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
STEPS = 6
PLACE = Place(host="host", worker="worker", pid=1)
BEGINNING, APART_S = 1_800_000_000.0, 1.0
FILTERS = {
    "all": Filter(),
    "status": Filter(statuses=[WorkflowStatus.SUCCEEDED]),
    "rare status": Filter(statuses=[WorkflowStatus.FAILED]),
    "statuses": Filter(statuses=[WorkflowStatus.SUCCEEDED, WorkflowStatus.FAILED]),
    "group": Filter(group="tenant 3"),
    "rare group": Filter(group="tenant 1000"),
    "label": Filter(labels={"shelf": "7"}),
    "rare label": Filter(labels={"film": "00777"}),
    "two labels": Filter(labels={"shelf": "7", "kind": "opera"}),
    "text": Filter(text="film 000"),
    "rare text": Filter(text="film 000123"),
    "no such text": Filter(text="nowhere"),
    "time": Filter(after=BEGINNING + 20_000, before=BEGINNING + 30_000),
    "status and label": Filter(statuses=[WorkflowStatus.FAILED], labels={"kind": "opera"}),
    "group and status": Filter(group="tenant 3", statuses=[WorkflowStatus.FAILED]),
    "all of them": Filter(
        group="tenant 3",
        statuses=[WorkflowStatus.FAILED],
        labels={"kind": "opera"},
        text="film",
        after=BEGINNING,
    ),
}


def workflow(number: int) -> NewWorkflow:
    """A workflow to be accepted."""
    return NewWorkflow(
        video_path=f"/videos/film {number:06}.mp4",
        source=f"/srv/videos/film {number:06}.mp4",
        chain=[NewStep(name=f"service.step_{step}", params={"n": step}) for step in range(STEPS)],
        labels={"shelf": str(number % 10)},
    )


def fill(tx: Transaction, count: int) -> None:
    """Write ``count`` ended workflows with their steps and attempts, as time would."""
    w, s = tables.workflows.c, tables.steps.c
    rows = [_row(number) for number in range(count)]
    tx.execute(sa.insert(tables.workflows), rows)
    tx.execute(
        sa.insert(tables.texts).from_select(
            ["created_at", "seq", "text"],
            sa.select(w.created_at, w.seq, sa.func.lower(w.video_path)),
        )
    )
    of_labels = [
        {"name": name, "value": value, "created_at": row["created_at"], "seq": row["seq"]}
        for row in rows
        for name, value in row["labels"].items()
    ]
    tx.execute(sa.insert(tables.labels), of_labels)
    for position in range(STEPS):
        row: dict[str, Any] = {
            "workflow_id": w.id,
            "position": sa.literal(position),
            "name": sa.literal(f"service.step_{position}"),
            "params": sa.literal({"n": position}, sa.JSON),
            "status": sa.literal("succeeded"),
            "number": sa.literal(1),
            "faults": sa.literal(0),
            "memory_factor": sa.literal(1.0),
            "progress": sa.literal(1.0),
            "excluded_until": sa.literal(0.0),
            "hints": sa.literal(1),
        }
        tx.execute(sa.insert(tables.steps).from_select(list(row), sa.select(*row.values())))
    row = {
        "workflow_id": s.workflow_id,
        "step_id": s.id,
        "number": sa.literal(1),
        "status": sa.literal("succeeded"),
        "host": sa.literal("host"),
        "worker": sa.literal("worker"),
        "pid": sa.literal(1),
        "process": sa.literal({}, sa.JSON),
        "device": sa.literal(""),
        "fence": sa.literal(""),
        "place": s.workflow_id + sa.literal("/1"),
        "started_at": sa.literal(BEGINNING),
        "beat_at": sa.literal(BEGINNING),
    }
    tx.execute(sa.insert(tables.attempts).from_select(list(row), sa.select(*row.values())))
    if tx.connection.dialect.name == "postgresql":
        # The next accepted one goes on where this ended.
        tx.connection.exec_driver_sql(
            "SELECT setval(pg_get_serial_sequence('workflows', 'seq'), max(seq)) FROM workflows"
        )


def _row(number: int) -> dict[str, Any]:
    failed = number % 500 == 0
    created_at = BEGINNING + number * APART_S
    return {
        "seq": number + 1,
        "id": f"{number:08}-0000-7000-8000-000000000000",
        "status": "failed" if failed else "succeeded",
        "video_path": f"/videos/shelf/film {number:06}.mp4",
        "source": f"/srv/store/videos/shelf/film {number:06}.mp4",
        "priority": 5,
        "tenant": f"tenant {number % 7 if number % 1000 else 1000}",
        "weight": 1.0,
        "labels": {
            "shelf": str(number % 10),
            "kind": "opera" if number % 3 else "news",
            "film": f"{number // 10:05}",
        },
        "config_version": 0,
        "created_at": created_at,
        "started_at": created_at + 1,
        "ended_at": created_at + 60,
        "error": "The file is no video." if failed else "",
    }


def milliseconds(act: Callable[[], object], rounds: int) -> dict[str, float]:
    """Median and 99 % of doing it so often, and what it costs this process on the average."""
    times: list[float] = []
    cpu = time.process_time()
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        times.append((time.perf_counter() - began) * 1000)
    cpu = time.process_time() - cpu
    times.sort()
    return {
        "median_ms": round(statistics.median(times), 2),
        "p99_ms": round(times[min(len(times) - 1, int(len(times) * 0.99))], 2),
        "cpu_ms": round(cpu / rounds * 1000, 2),
    }


def measure(url: str, workflows: int, rounds: int) -> dict[str, Any]:
    """All figures of one database."""
    ledger = Ledger(url)
    ledger.migrate()
    numbers = iter(range(10**9))
    figures: dict[str, Any] = {
        "accept": milliseconds(lambda: ledger.accept(workflow(next(numbers))), rounds)
    }
    began = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        accepted = list(pool.map(lambda number: ledger.accept(workflow(number)), range(2 * rounds)))
    figures["accept"]["per_s_of_8_threads"] = round(2 * rounds / (time.perf_counter() - began))
    ready = [one.ready[0] for one in accepted[:rounds]]
    figures["hand_over"] = milliseconds(lambda: _hand_over(ledger, ready.pop()), rounds)
    ledger.close()
    filled(url, workflows)
    figures["workflows"] = workflows
    figures["page"] = {
        name: milliseconds(lambda chosen=chosen: ledger.page(chosen), min(rounds, 100))
        for name, chosen in FILTERS.items()
    }
    figures["page"]["deep"] = _deep(ledger, rounds)
    figures["due"] = milliseconds(ledger.due, rounds)
    figures["running"] = milliseconds(ledger.running, rounds)
    one = ledger.page(Filter(), limit=1).workflows[0].id
    figures["workflow"] = milliseconds(lambda: ledger.workflow(one), rounds)
    figures["accept_then"] = milliseconds(lambda: ledger.accept(workflow(next(numbers))), rounds)
    ledger.close()
    return figures


def filled(url: str, workflows: int) -> None:
    """Have a ledger hold so many ended workflows and no others."""
    ledger = Ledger(url)
    ledger.migrate()
    ledger.close()
    database = Database(url)
    database.write(lambda tx: tx.execute(sa.delete(tables.workflows)))
    database.write(lambda tx: fill(tx, workflows))
    if not database.is_sqlite:
        # What a PostgreSQL does by itself within minutes.
        with sa.create_engine(
            url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
        ).connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.engine.dispose()
    database.close()


def _hand_over(ledger: Ledger, ready: ReadyStep) -> None:
    claimed = ledger.claim(ready.step_id, ready.number, PLACE)
    assert claimed is not None
    ledger.succeed(claimed.attempt_id, {}, [], units=1, seconds=1, model="cpu")


def _deep(ledger: Ledger, rounds: int) -> dict[str, float]:
    """Pages in the middle of the list."""
    middle = ledger.page(Filter(before=BEGINNING + 50_000 * APART_S), limit=1).cursor
    return milliseconds(lambda: ledger.page(Filter(), cursor=middle), min(rounds, 100))


@contextmanager
def postgres_database(url: str) -> Generator[str]:
    """A database of its own on that server, dropped afterwards."""
    name = f"yivideo_bench_{time.time_ns()}"
    engine = sa.create_engine(
        url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield url.rpartition("/")[0] + f"/{name}"
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        engine.dispose()


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine.ledger")
    parser.add_argument("--postgres", default=POSTGRES, help='a server, or "" for none')
    parser.add_argument("--workflows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args(arguments)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="yivideo-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'ledger.db'}"
        figures["sqlite"] = measure(url, options.workflows, options.rounds)
    if options.postgres:
        with postgres_database(options.postgres) as url:
            figures["postgresql"] = measure(url, options.workflows, options.rounds)
    print(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
