"""Devices as a forecast sees them: what fits where, in arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yivideo.gpu.amounts import Demand
from yivideo.gpu.records import Device, Snapshot

if TYPE_CHECKING:
    from yivideo.gpu.entrants import Entrants


@dataclass(slots=True)
class Places:
    """The devices, by number; amounts are memory, compute and decoders.

    Attributes:
        names: their ids.
        model: the number of each one's model.
        free: devices x 3, less what the leases have.
        need: shapes x devices x 3.
        can: shapes x devices: could ever run there.
        fit: shapes x devices: fits now.
        share: shapes x devices: the part of it that it takes of what it takes most of.
        beside: shapes x shapes x devices: both fit there at once.
    """

    names: Sequence[str]
    model: NDArray[np.intp]
    free: NDArray[np.int64]
    need: NDArray[np.int64]
    can: NDArray[np.bool_]
    fit: NDArray[np.bool_]
    share: NDArray[np.float64]
    beside: NDArray[np.bool_]

    @classmethod
    def of(cls, snapshot: Snapshot, shapes: Sequence[str]) -> "Places":
        """The devices of a snapshot for these shapes."""
        devices = snapshot.devices
        services = {host.host: set(host.services) for host in snapshot.hosts}
        models = sorted({device.model for device in devices})
        total = np.array([[d.memory, d.compute, d.decoders] for d in devices], np.int64)
        # An idle model's memory can be had.
        free = np.array(
            [
                [
                    d.free_memory + sum(one.memory for one in d.leases if one.state == "warm"),
                    d.free_compute,
                    d.free_decoders,
                ]
                for d in devices
            ],
            np.int64,
        )
        demands = [Demand.from_shape(shape) for shape in shapes]
        need = np.empty((len(shapes), len(devices), 3), np.int64)
        can = np.zeros((len(shapes), len(devices)), bool)
        for at, demand in enumerate(demands):
            amounts = (demand.memory, demand.compute, demand.decoders)
            need[at] = total if demand.exclusive else np.array(amounts)
            for number, device in enumerate(devices):
                can[at, number] = _may(demand, device, services.get(device.host, set()))
        can &= (need <= total).all(axis=2)
        share = (need / np.maximum(total, 1)).max(axis=2)
        return cls(
            [device.id for device in devices],
            np.array([models.index(device.model) for device in devices], np.intp),
            free,
            need,
            can,
            can & (need <= free).all(axis=2),
            share,
            np.asarray((need[:, None] + need[None, :] <= total).all(axis=3)),
        )

    def most_running(self, entrants: "Entrants") -> int:
        """How many leases can there be at once."""
        smallest = np.maximum(np.where(self.can, self.share, 1.0).min(axis=0), 1e-3)
        return min(int((1 / smallest).sum()) + 1, entrants.number) + len(entrants.leases)


def _may(demand: Demand, device: Device, services: set[str]) -> bool:
    return (
        device.state == "open"
        and demand.host in {"", device.host}
        and demand.device in {"", device.id}
        and (not demand.service or demand.service in services)
    )
