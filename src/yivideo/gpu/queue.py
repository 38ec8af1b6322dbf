"""Who waits, in the order in which the pool would serve them if nothing else came."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import redis

from yivideo.gpu.amounts import Demand
from yivideo.gpu.records import Waiter, seconds
from yivideo.gpu.transitions import Transitions

# So many waiters are read by one script.
_AT_ONCE = 100
_FIELDS = ("group", "weight", "key", "asked", "expected", "what", "workflow", "shape", "reserved")


@dataclass(frozen=True, slots=True)
class Queue:
    """The groups' virtual times, and the first waiters in order."""

    virtual_times: Mapping[str, float]
    waiters: Sequence[Waiter]


def read_queue(transitions: Transitions, most: int) -> Queue:
    """Read the first ``most`` waiters.

    A few in one moment; many not in one atomic read, so that a long queue does not stop the pool:
    a waiter that was served meanwhile is left out.
    """
    if most <= _AT_ONCE:
        told = transitions.run("first", most=most)
        records: Sequence[Mapping[str, Any]] = told["waiters"] or ()
        return Queue(
            {group: float(time) for group, time in dict(told["virtual"] or {}).items()},
            [_waiter(record, place) for place, record in enumerate(records, 1)],
        )
    client, prefix = transitions.client, transitions.prefix
    times, lists = _lists(client, prefix, most)
    found = _details(client, prefix, [identity for one in lists.values() for _, identity in one])
    by_group = {
        group: [found[identity] for _, identity in one if identity in found]
        for group, one in lists.items()
    }
    chosen = in_order(by_group, times, most)
    return Queue(times, [_waiter(record, place) for place, record in enumerate(chosen, 1)])


def in_order(
    by_group: Mapping[str, Sequence[Mapping[str, Any]]], times: Mapping[str, float], most: int
) -> list[Mapping[str, Any]]:
    """Merge the groups' own orders as fair sharing does: the one furthest behind is next."""
    heap = [(times.get(group, 0.0), group, 0) for group, one in by_group.items() if one]
    heapq.heapify(heap)
    chosen: list[Mapping[str, Any]] = []
    while heap and len(chosen) < most:
        time, group, at = heapq.heappop(heap)
        record = by_group[group][at]
        chosen.append(record)
        if at + 1 < len(by_group[group]):
            # Without an estimate every request counts alike.
            cost = float(record.get("expected") or 0) or 1e6
            heapq.heappush(heap, (time + cost / float(record["weight"]), group, at + 1))
    return chosen


def _lists(
    client: redis.Redis, prefix: str, most: int
) -> tuple[dict[str, float], dict[str, list[tuple[float, str]]]]:
    """Virtual time by group, and each group's first waiters as (key, id), sorted."""
    shapes: Iterable[str] = sorted(client.smembers(f"{prefix}shapes"))  # type: ignore[arg-type]
    with client.pipeline(transaction=False) as pipe:
        for shape in shapes:
            pipe.zrange(f"{prefix}groups:{shape}", 0, -1, withscores=True)
        groups = pipe.execute()
    wanted = [
        (shape, group, time)
        for shape, one in zip(shapes, groups, strict=True)
        for group, time in one
    ]
    with client.pipeline(transaction=False) as pipe:
        for shape, group, _ in wanted:
            pipe.zrange(f"{prefix}queue:{shape}:{group}", 0, most - 1, withscores=True)
        queues = pipe.execute() if wanted else []
    times: dict[str, float] = {}
    lists: dict[str, list[tuple[float, str]]] = {}
    for (_, group, time), queue in zip(wanted, queues, strict=True):
        times[group] = time
        lists.setdefault(group, []).extend((key, identity) for identity, key in queue)
    return times, {group: sorted(one)[:most] for group, one in lists.items()}


def _details(
    client: redis.Redis, prefix: str, identities: Sequence[str]
) -> dict[str, dict[str, Any]]:
    with client.pipeline(transaction=False) as pipe:
        for identity in identities:
            pipe.hmget(f"{prefix}request:{identity}", _FIELDS)
        rows = pipe.execute() if identities else []
    return {
        identity: {**dict(zip(_FIELDS, row, strict=True)), "id": identity}
        for identity, row in zip(identities, rows, strict=True)
        if row[0] is not None
    }


@lru_cache(4096)
def _demand(shape: str) -> Demand:
    return Demand.from_shape(shape)


def _waiter(record: Mapping[str, Any], place: int) -> Waiter:
    return Waiter(
        request=record["id"],
        demand=_demand(record["shape"]),
        position=place,
        group=record["group"],
        weight=float(record["weight"]),
        key=float(record["key"]),
        asked=seconds(record["asked"]) or 0.0,
        expected=seconds(record["expected"]) or 0.0,
        what=record.get("what") or "",
        workflow=record.get("workflow") or "",
        reserved=record.get("reserved") or "",
    )
