"""The pool's state as it stands in `--json`: seconds, MiB, and shares of one device."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from yivideo.cli import gpu_words as words

if TYPE_CHECKING:
    from yivideo.gpu.estimates import Estimate
    from yivideo.gpu.records import Device, Held, Host, Snapshot, Waiter

Record = dict[str, object]


def status_record(address: str, snapshot: "Snapshot") -> Record:
    """Hosts, devices with their leases, and how many wait."""
    return {
        "server": address,
        "now": snapshot.now,
        "epoch": snapshot.epoch,
        "waiting": snapshot.waiting,
        "hosts": [_host(host, snapshot.now) for host in snapshot.hosts],
        "devices": [device_record(device, snapshot) for device in snapshot.devices],
    }


def device_record(device: "Device", snapshot: "Snapshot") -> Record:
    """A device, what is leased of it and to whom."""
    return {
        "device": device.id,
        "host": device.host,
        "index": device.index,
        "uuid": device.uuid,
        "model": device.model,
        "state": device.state,
        "reason": words.reason(device, snapshot),
        "memory_mib": device.memory,
        "memory_leased_mib": device.memory - device.free_memory,
        "memory_used_mib": device.facts.get("used_memory"),
        "compute": device.compute / 1000,
        "compute_leased": (device.compute - device.free_compute) / 1000,
        "decoders": device.decoders / 1000,
        "decoders_leased": (device.decoders - device.free_decoders) / 1000,
        "utilisation": device.facts.get("utilisation"),
        "decoder_utilisation": device.facts.get("decoder_utilisation"),
        "temperature": device.facts.get("temperature"),
        "leases": [lease_record(lease, snapshot.now) for lease in device.leases],
    }


def lease_record(lease: "Held", now: float) -> Record:
    """A lease and the process that holds it."""
    return {
        "request": lease.request,
        "fence": lease.fence,
        "state": lease.state,
        "what": lease.what,
        "workflow": lease.workflow,
        "group": lease.group,
        "memory_mib": lease.memory,
        "compute": lease.compute / 1000,
        "decoders": lease.decoders / 1000,
        "host": lease.holder.host if lease.holder else None,
        "pid": lease.holder.pid if lease.holder else None,
        "held_s": words.held_for(lease, now),
        "expected_s": lease.expected or None,
        "limit_s": lease.limit or None,
        "evicting": lease.evicting,
    }


def queue_record(
    address: str, snapshot: "Snapshot", estimates: Mapping[str, "Estimate"]
) -> dict[str, object]:
    """Who waits, in order, and how many there are in all."""
    return {
        "server": address,
        "now": snapshot.now,
        "waiting": snapshot.waiting,
        "waiters": [
            _waiter(waiter, snapshot.now, estimates.get(waiter.request))
            for waiter in snapshot.waiters
        ],
    }


def _waiter(waiter: "Waiter", now: float, estimate: "Estimate | None") -> Record:
    demand = waiter.demand
    return {
        "position": waiter.position,
        "request": waiter.request,
        "what": waiter.what,
        "workflow": waiter.workflow,
        "group": waiter.group,
        "weight": waiter.weight,
        "waiting_s": max(0.0, now - waiter.asked),
        "key_age_s": key_age(waiter, now),
        "demand": {
            "exclusive": demand.exclusive,
            "memory_mib": demand.memory,
            "compute": demand.compute / 1000,
            "decoders": demand.decoders / 1000,
            "service": demand.service,
            "host": demand.host,
            "device": demand.device,
            "model": demand.model,
        },
        "expected_s": waiter.expected or None,
        "reserved": waiter.reserved or None,
        "waits_for": asdict(estimate.waits_for) if estimate and estimate.waits_for else None,
        "start_median_s": estimate.median if estimate else None,
        "start_bound90_s": estimate.bound if estimate else None,
    }


def key_age(waiter: "Waiter", now: float) -> float:
    """Seconds that it counts as having waited, its priority included."""
    return now - waiter.key / 1e6


def _host(host: "Host", now: float) -> Record:
    return {
        "host": host.host,
        "agent": host.agent,
        "agent_pid": host.pid,
        "lives": host.lives,
        "silent_s": max(0.0, now - host.beat),
        "services": list(host.services),
    }
