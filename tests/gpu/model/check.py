"""What must hold after every step, on what the server really keeps."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.gpu.model.model import Amounts, Asked, Device, Pool

Keys = list[list[Any]]


def compare(pool: Pool, keys: Keys) -> list[str]:  # noqa: C901 - a list of comparisons
    """Every key against what it should be by the model: hashes, queues and all indices."""
    real: dict[str, Any] = {name: _value(kind, value) for name, kind, value in keys}
    want, bounds = _expected(pool)
    wrong = []
    for name, value in want.items():
        got = real.get(name)
        if isinstance(value, dict) and isinstance(got, dict):
            got = {field: got.get(field) for field in value} if _partial(name) else got
        if got != value:
            wrong.append(f"{name} is {got}, and should be {value}")
    for name, (least, most) in bounds.items():
        got = real.get(name) or {}
        if any(got.get(key) != score for key, score in least.items()):
            wrong.append(f"{name} is {got}, and should have at least {least}")
        if any(key not in most or most[key] != score for key, score in got.items()):
            wrong.append(f"{name} is {got}, and should have at most {most}")
    for name, got in real.items():
        watched = name.startswith(_WATCHED) and not _SHORT.fullmatch(name)
        if watched and name not in want:
            wrong.append(f"{name} is left behind: {got}")
    wrong += _sums(pool, real)
    home = (real.get("meta") or {}).get("home", "")
    for index in range(2):
        short, long = f"gpu_lock:{index}", f"gpu_lock:{home}:{index}"
        if (short in real) != (long in real):
            wrong.append(f"{short} and {long} are not there together")
    return wrong


_SHORT = re.compile(r"gpu_lock:\d")
# These exist only for what stands or is held now.
_WATCHED = ("queue:", "groups:", "in:", "leases:", "warm:", "gpu_lock:", "owned:")


def _partial(name: str) -> bool:
    return name.startswith(("request:", "device:", "meta"))


def _value(kind: str, value: Any) -> Any:
    if not value:
        return {} if kind in {"hash", "zset"} else set()
    if kind == "hash" and value[0] == "ended" and len(value) == 3:
        return {"state": "ended", "ttl": value[1] > 0, "how": value[2]}
    if kind == "hash":
        return dict(zip(value[::2], value[1::2], strict=True))
    if kind == "zset":
        return {member: float(score) for member, score in zip(value[::2], value[1::2], strict=True)}
    if kind == "set":
        return set(value)
    return value


def _expected(pool: Pool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Exact values by key, and for the index of what fits a least and a most."""
    want: dict[str, Any] = {}
    waiting = pool.waiting()
    for one in pool.asked.values():
        want[f"request:{one.id}"] = _hash(one)
    for one in waiting:
        shape = one.shape.text
        want.setdefault(f"queue:{shape}:{one.group}", {})[one.id] = float(one.key)
        want.setdefault(f"groups:{shape}", {})[one.group] = pool.time(one.group)
        lanes = want.setdefault(f"in:{one.group}", {})
        lanes[shape] = min(lanes.get(shape, float(one.key)), float(one.key))
    _whole(pool, want)
    bounds: dict[str, Any] = {}
    shapes = {one.shape for one in waiting}
    for device in pool.devices.values():
        _of_device(pool, device, want)
    for shape in shapes:
        can = {d.id: d for d in pool.devices.values() if pool.could_run(d, shape)}
        want[f"can:{shape.text}"] = dict.fromkeys(can, 0.0) or None
        fits = {
            name: float(pool.free(d)[0])
            for name, d in can.items()
            if pool.attested(d) and not d.cordon and not d.quarantine and pool.fits(d, shape)
        }
        open_ = {name: m for name, m in fits.items() if pool.is_open(can[name])}
        # A device whose agent has just fallen silent may still stand in it.
        bounds[f"fits:{shape.text}"] = (open_, fits)
    return want, bounds


def _hash(one: Asked) -> dict[str, Any]:
    if one.state == "ended":
        return {"state": "ended", "how": one.how}
    known: dict[str, Any] = {
        "state": one.state,
        "shape": one.shape.text,
        "group": one.group,
        "device": one.device,
        "fence": one.fence,
        "reserved": one.reserved,
    }
    if one.state in {"granted", "held", "warm"}:
        known |= dict(zip(("gm", "gc", "gd"), map(str, one.got), strict=True))
    if one.state == "warm":
        del known["shape"]
    return known


def _whole(pool: Pool, want: dict[str, Any]) -> None:
    live = pool.live()
    by = {
        "grants": {one.id: float(one.claim_by) for one in live if one.claim_by is not None},
        "limits": {one.id: float(one.ends_by) for one in live if one.ends_by is not None},
        "deadlines": {
            one.id: float(one.deadline)
            for one in live
            if one.state == "waiting" and one.deadline is not None
        },
        "warmed": {d.id for d in pool.devices.values() if pool.warm_memory(d) > 0},
    }
    want.update({name: value or None for name, value in by.items()})
    want["meta"] = {"epoch": str(pool.epoch)}
    for one in live:
        if one.owner:
            want.setdefault(f"owned:{one.owner}", set()).add(one.id)


def _of_device(pool: Pool, device: Device, want: dict[str, Any]) -> None:
    m, c, d = pool.free(device)
    want[f"device:{device.id}"] = {
        "m": str(m),
        "c": str(c),
        "d": str(d),
        "wm": str(pool.warm_memory(device)),
        "epoch": str(device.epoch),
    }
    leases = pool.leases(device)
    want[f"leases:{device.id}"] = {lease.id for lease in leases} or None
    warm = {w.id: f"{w.shape.model} {w.got[0]}" for w in pool.warm(device)}
    want[f"warm:{device.id}"] = warm or None
    if any(lease.state == "held" for lease in leases):
        # Its text is for people; that it is there is what matters.
        want[f"gpu_lock:{device.host}:{device.id[2:]}"] = 1


def _sums(pool: Pool, real: Mapping[str, Any]) -> list[str]:
    """Whatever the model says: the server's own leases never exceed a device."""
    wrong = []
    for device in pool.devices.values():
        used = [0, 0, 0]
        leases = real.get(f"leases:{device.id}") or ()
        if any("restored" in (real.get(f"request:{name}") or {}) for name in leases):
            # A journal also names who has not yet claimed: then more is counted than is used.
            continue
        for name in leases:
            lease = real.get(f"request:{name}") or {}
            for at, field in enumerate(("gm", "gc", "gd")):
                used[at] += int(lease.get(field) or 0)
        if any(u > t for u, t in zip(used, device.total, strict=True)):
            wrong.append(f"{device.id} has given away {used} of {device.total}")
    ones = sum(len(queue) for name, queue in real.items() if name.startswith("queue:"))
    counted = int((real.get("meta") or {}).get("waiting") or 0)
    if ones != counted:
        wrong.append(f"{ones} wait, and the counter says {counted}")
    standing = {name[len("groups:") :] for name in real if name.startswith("groups:")}
    if not standing <= (real.get("shapes") or set()):
        wrong.append(f"shapes that are waited for are forgotten: {standing}")
    return wrong


def truth(pool: Pool, alive: Sequence[Any], totals: Mapping[str, Amounts]) -> list[str]:
    """What living processes use fits on each device, and the pool knows it where it may grant."""
    wrong = []
    used: dict[str, list[int]] = {}
    for entry in alive:
        lease = entry.lease
        device = pool.devices.get(lease["device"])
        amounts = [lease["memory"], lease["compute"], lease["decoders"]]
        sums = used.setdefault(lease["device"], [0, 0, 0])
        used[lease["device"]] = [x + y for x, y in zip(sums, amounts, strict=True)]
        if device is None or not pool.attested(device):
            continue
        known = pool.lease_of(lease["request"], lease["fence"])
        states = {"held", "warm", "merged"}
        if known is None or known.fence != lease["fence"] or known.state not in states:
            wrong.append(f"{lease['request']} lives on {device.id}, and the pool says {known}")
    for name, sums in used.items():
        total = totals[name]
        if any(u > t for u, t in zip(sums, total, strict=True)):
            wrong.append(f"living processes use {sums} of {name}, which has {total}")
    return wrong
