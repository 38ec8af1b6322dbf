"""What must hold of workflows, whatever happened to the hosts that worked on them."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.faults.hosts_system import Hosts
from benchmarks.score import Truth, read_truth, score
from benchmarks.srt import parse_srt
from yivideo.engine.ledger.records import AttemptRecord, AttemptStatus, WorkflowRecord
from yivideo.steps.folder import OUTPUT

_ENDS = {"workflow.succeeded", "workflow.failed", "workflow.cancelled"}


def truth_of(film: Path) -> Truth:
    """What a film shows."""
    return read_truth(film.with_name(f"{film.stem}.truth.json"))


def wrong_with(srt: str, truth: Truth) -> str:
    """What is wrong with an SRT; "" when it has every subtitle, in its words and its time."""
    found = score(truth, parse_srt(srt)).row()
    right = found["f1"] == 1 and found["cer"] == 0 and found["borders_ok"] == 1
    return "" if right else f"not what the film shows: {found}"


def problems(hosts: Hosts, records: Sequence[WorkflowRecord], asked: str) -> list[str]:
    """What was broken; the subtitles are asked of that host's API."""
    truth = truth_of(hosts.order.film)
    ends = _ends(hosts)
    found: list[str] = []
    for record in records:
        if record.status != "succeeded":
            found.append(f"{record.id} {record.status}: {record.error}")
            continue
        if ends[record.id] != 1:
            found.append(f"{record.id} ended {ends[record.id]} times")
        if wrong := wrong_with(hosts.subtitles(record.id, asked), truth):
            found.append(f"{record.id}: {wrong}")
        found += _of_results(hosts, record)
    return found


def _ends(hosts: Hosts) -> Counter[str]:
    found: Counter[str] = Counter()
    last = 0
    while events := hosts.ledger.events(last):
        found.update(event.workflow_id for event in events if event.kind in _ENDS)
        last = events[-1].id
    return found


def _of_results(hosts: Hosts, record: WorkflowRecord) -> Iterable[str]:
    for step in record.steps:
        good = [one for one in step.attempts if one.status == AttemptStatus.SUCCEEDED]
        if len(good) != 1:
            yield f"{record.id} has {len(good)} results of {step.name}"
            continue
        place = hosts.store.place(record.id, step.name, good[0].number)
        with hosts.store.open(place, OUTPUT) as file:
            if json.load(file) != step.output:
                yield f"{place} is not the result that was committed"


def steps_by_host(records: Iterable[WorkflowRecord]) -> dict[str, int]:
    """How many of the committed results each host made."""
    good = (a for r in records for s in r.steps for a in s.attempts if a.status == "succeeded")
    return dict(sorted(Counter(attempt.host for attempt in good).items()))


def on_both(records: Iterable[WorkflowRecord]) -> int:
    """How many workflows had results of more than one host."""
    return sum(len(steps_by_host([record])) > 1 for record in records)


def gone_on(
    records: Iterable[WorkflowRecord], host: str, at: float
) -> list[tuple[AttemptRecord, AttemptRecord]]:
    """Attempts that were under way on a host at a time and did not succeed, with the next ones."""
    return [
        (one, following)
        for record in records
        for step in record.steps
        for one, following in zip(step.attempts, step.attempts[1:], strict=False)
        if one.host == host and one.started_at <= at <= (one.ended_at or at)
    ]


def recovery(
    pairs: Sequence[tuple[AttemptRecord, AttemptRecord]], at: float, limit_s: float
) -> Mapping[str, Any]:
    """How soon steps went on after a time, and whether all did so soon enough, elsewhere."""
    took = sorted(following.started_at - at for _, following in pairs)
    return {
        "steps_under_way": len(pairs),
        "went_on_after_s": [round(one, 2) for one in took],
        "limit_s": limit_s,
        "in_time": bool(took) and took[-1] <= limit_s,
        "elsewhere": all(following.host != one.host for one, following in pairs),
    }
