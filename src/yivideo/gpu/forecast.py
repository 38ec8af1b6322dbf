"""A snapshot of the queue played forward, many samples at once.

Each sample is a pool of its own with its own dice; numpy moves all of them on together, one event
of each at a time. The order is the pool's: among those that fit, the group furthest behind, inside
it the smallest key; who does not fit keeps a device, on which only those may start that can
run beside it. Left out: idle models, which are taken to give way at once, best fit among several
devices, and passing by those expected to end before the first could start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from yivideo.gpu.entrants import Entrants, enter
from yivideo.gpu.places import Places

if TYPE_CHECKING:
    from yivideo.gpu.flow import Flow
    from yivideo.gpu.history import History, WaitsFor
    from yivideo.gpu.records import Snapshot

# So many waiters are played; those behind them are extrapolated.
MOST = 3000

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(slots=True)
class Forecast:
    """When each waiter started, in each sample.

    Attributes:
        names: the waiters played, in the snapshot's order.
        starts: seconds from the snapshot, samples x waiters; infinite where it never came.
        devices: on which device, as a number; -1 for none.
        after: what ended last on that device before, as a number; -1 for nothing.
    """

    names: Sequence[str]
    starts: Floats
    devices: Ints
    after: Ints
    entrants: Entrants
    places: Places
    snapshot: "Snapshot"
    _holders: dict[int, Any] = field(default_factory=dict[int, Any])

    def told(self, device: int, after: int) -> "WaitsFor | None":
        """What a number for what ended last stands for."""
        from yivideo.gpu.history import WaitsFor

        name = self.places.names[device]
        if after < 0:
            return WaitsFor("", "", "", name)
        known = self.entrants.known(after)
        return WaitsFor(*known, name) if known else WaitsFor("", "", "", name)

    def stuck_on(self, waiter: int) -> "WaitsFor | None":
        """A lease that nobody knows the length of, where nothing else can come first."""
        from yivideo.gpu.history import WaitsFor

        shape = self.entrants.waiting_shape(waiter)
        for at, device in enumerate(self.snapshot.devices):
            if self.places.can[shape, at] and device.leases:
                lease = device.leases[0]
                return WaitsFor(lease.request, lease.what, lease.workflow, device.id)
        return None


def play(
    snapshot: "Snapshot",
    history: "History",
    flow: "Flow | None",
    *,
    samples: int,
    dice: np.random.Generator,
) -> Forecast:
    """Play the queue until each of its waiters has started."""
    entrants = enter(snapshot, history, flow, samples=samples, dice=dice, most=MOST)
    places = Places.of(snapshot, entrants.shapes)
    game = _Game(entrants, places, snapshot, samples)
    game.run()
    return Forecast(
        entrants.waiting_names,
        game.starts,
        game.devices,
        game.after,
        entrants,
        places,
        snapshot,
    )


class _Game:
    """The state of all samples; rows are samples throughout."""

    def __init__(
        self, entrants: Entrants, places: Places, snapshot: "Snapshot", samples: int
    ) -> None:
        self.e = entrants
        self.p = places
        self.samples = samples
        waiters = len(entrants.waiting_names)
        self.targets = waiters
        self.starts = np.full((samples, waiters), np.inf)
        self.devices = np.full((samples, waiters), -1, np.intp)
        self.after = np.full((samples, waiters), -1, np.intp)
        self.missing = np.full(samples, waiters)
        self.now = np.zeros(samples)
        self.stage = np.zeros((samples, entrants.number), np.intp)
        # What waits: keys by lane (a group and a shape) and slot; infinity where nobody is.
        groups, shapes = len(entrants.groups), len(entrants.shapes)
        self.shape_count = shapes
        lanes = groups * shapes
        self.keys = np.full((samples, lanes, entrants.slots), np.inf)
        self.head = np.full((samples, lanes), np.inf)
        self.head_slot = np.zeros((samples, lanes), np.intp)
        self.virtual = np.broadcast_to(entrants.virtual, (samples, groups)).copy()
        self.system = np.full(samples, snapshot.system_v / 1e6)
        self.queued = np.zeros((samples, groups), np.intp)
        self.free = np.broadcast_to(places.free, (samples, *places.free.shape)).copy()
        self.fit = np.broadcast_to(places.fit, (samples, *places.fit.shape)).copy()
        self.busy_until = np.zeros((samples, len(places.names)))
        self.last = np.full((samples, len(places.names)), -1, np.intp)
        # What runs.
        running = places.most_running(entrants)
        self.ends = np.full((samples, running), np.inf)
        self.run_entity = np.full((samples, running), -1, np.intp)
        self.run_device = np.zeros((samples, running), np.intp)
        self.run_paid = np.zeros((samples, running))
        self.run_used = np.zeros((samples, running))
        # What comes later: those between two steps, and new ones in their order.
        self.pending = np.full((samples, 8), np.inf)
        self.pending_entity = np.full((samples, 8), -1, np.intp)
        self.next_fresh = np.zeros(samples, np.intp)
        self.begin()

    def begin(self) -> None:
        """Put the snapshot's leases, waiters and absent workflows in their places."""
        e = self.e
        every = np.arange(self.samples)
        for at, lease in enumerate(e.leases):
            self.ends[:, at] = lease.left
            self.run_entity[:, at] = lease.entity
            self.run_device[:, at] = lease.device
            self.run_paid[:, at] = lease.paid
            self.run_used[:, at] = lease.since + lease.left
            self.busy_until[:, lease.device] = np.maximum(
                self.busy_until[:, lease.device], lease.left
            )
        for entity in range(e.first_waiting, e.first_waiting + self.targets):
            self.arrive(every, np.full(self.samples, entity), rise=False)
        for entity, times in e.absent:
            self.later(every, np.full(self.samples, entity), times)

    def run(self) -> None:
        """Move on until all waiters have started or nothing can happen any more."""
        rows = np.arange(self.samples)
        may_start = np.ones(self.samples, bool)
        while rows.size:
            waits = rows[~may_start[rows]]
            if waits.size:
                waits = self.advance(waits)
                may_start[waits] = True
            # Those for whom nothing comes any more are still not marked.
            rows = rows[may_start[rows]]
            if not rows.size:
                break
            started = self.start(rows)
            may_start[rows] = started
            rows = rows[self.missing[rows] > 0]

    def advance(self, rows: Ints) -> Ints:
        """Go to the next event of each sample; returns the samples that had one."""
        e = self.e
        end_at = self.ends[rows].argmin(axis=1)
        end = self.ends[rows, end_at]
        wait_at = self.pending[rows].argmin(axis=1)
        wait = self.pending[rows, wait_at]
        fresh = e.fresh_times[rows, self.next_fresh[rows]]
        time = np.minimum(np.minimum(end, wait), fresh)
        comes = np.isfinite(time)
        self.now[rows[comes]] = time[comes]
        ended = comes & (end <= time)
        if ended.any():
            self.finish(rows[ended], end_at[ended])
        back = comes & ~ended & (wait <= time)
        if back.any():
            who = rows[back]
            entity = self.pending_entity[who, wait_at[back]]
            self.pending[who, wait_at[back]] = np.inf
            self.arrive(who, entity)
        new = comes & ~ended & ~back
        if new.any():
            who = rows[new]
            entity = e.first_fresh + self.next_fresh[who]
            self.next_fresh[who] += 1
            self.arrive(who, entity)
        return rows[comes]

    def finish(self, rows: Ints, at: Ints) -> None:
        """A lease ends: room on its device, its group's account put right, its workflow goes on."""
        entity, device = self.run_entity[rows, at], self.run_device[rows, at]
        stage = self.stage[rows, entity]
        shape = self.e.shape[rows, entity, stage]
        group = self.e.group[rows, entity]
        self.ends[rows, at] = np.inf
        self.run_entity[rows, at] = -1
        self.free[rows, device] += self.p.need[shape, device]
        self.refit(rows, device)
        self.last[rows, device] = entity
        cost = self.p.share[shape, device] / self.e.weight[rows, entity]
        self.virtual[rows, group] += self.run_used[rows, at] * cost - self.run_paid[rows, at]
        on = self.e.gap[rows, entity, stage] < np.inf
        if on.any():
            rows, entity, stage = rows[on], entity[on], stage[on]
            self.stage[rows, entity] += 1
            self.later(rows, entity, self.now[rows] + self.e.gap[rows, entity, stage])

    def later(self, rows: Ints, entity: Ints, times: Floats) -> None:
        """Remember that a workflow asks again at a time."""
        room = np.isinf(self.pending[rows])
        if not room.any(axis=1).all():
            more = np.full((self.samples, self.pending.shape[1]), np.inf)
            self.pending = np.concatenate([self.pending, more], axis=1)
            none = np.full(more.shape, -1, np.intp)
            self.pending_entity = np.concatenate([self.pending_entity, none], axis=1)
            room = np.isinf(self.pending[rows])
        slot = room.argmax(axis=1)
        self.pending[rows, slot] = times
        self.pending_entity[rows, slot] = entity

    def arrive(self, rows: Ints, entity: Ints, *, rise: bool = True) -> None:
        """Queue up. A group that had nothing waiting starts where the pool is."""
        e = self.e
        group = e.group[rows, entity]
        lane = group * self.shape_count + e.shape[rows, entity, self.stage[rows, entity]]
        key, slot = e.key[rows, entity], e.slot[rows, entity]
        if rise:
            idle = self.queued[rows, group] == 0
            level = np.maximum(self.virtual[rows, group], self.system[rows])
            self.virtual[rows[idle], group[idle]] = level[idle]
        self.queued[rows, group] += 1
        self.keys[rows, lane, slot] = key
        first = key < self.head[rows, lane]
        self.head[rows[first], lane[first]] = key[first]
        self.head_slot[rows[first], lane[first]] = slot[first]

    def start(self, rows: Ints) -> NDArray[np.bool_]:
        """Start at most one waiter in each sample; returns where another may start at once."""
        shapes = self.shape_count
        head = self.head[rows].reshape(len(rows), -1, shapes)
        allowed = self.allowed(rows, head) if shapes > 1 else self.fit[rows]
        fits = np.asarray(allowed.any(axis=2))
        open_heads = np.where(fits[:, None, :], head, np.inf)
        best = open_heads.min(axis=2)
        virtual = np.where(np.isfinite(best), self.virtual[rows], np.inf)
        group = virtual.argmin(axis=1)
        each = np.arange(len(rows))
        shape = open_heads[each, group].argmin(axis=1)
        found = np.asarray(np.isfinite(open_heads[each, group, shape]))
        if not found.any():
            return found
        each, group, shape = each[found], group[found], np.asarray(shape)[found]
        who = rows[found]
        device = allowed[each, shape].argmax(axis=1)
        lane = group * shapes + shape
        slot = self.head_slot[who, lane]
        entity = self.e.in_slot[who, group, slot]
        self.leave(who, group, lane, slot)
        self.occupy(who, entity, group, shape, device)
        target = entity - self.e.first_waiting
        asked = (target >= 0) & (target < self.targets)
        asked &= self.stage[who, entity] == 0
        if asked.any():
            who, target, device = who[asked], target[asked], device[asked]
            self.starts[who, target] = self.now[who]
            self.devices[who, target] = device
            self.after[who, target] = self.last[who, device]
            self.missing[who] -= 1
        return found

    def allowed(self, rows: Ints, head: Floats) -> NDArray[np.bool_]:
        """Where each shape may start: it fits, and is not in the way of the first, who does not."""
        fit = self.fit[rows]
        best = head.min(axis=2)
        group = np.where(np.isfinite(best), self.virtual[rows], np.inf).argmin(axis=1)
        each = np.arange(len(rows))
        first = head[each, group].argmin(axis=1)
        stands = np.isfinite(head[each, group, first]) & ~fit[each, first].any(axis=1)
        if stands.any():
            until = np.where(self.p.can[first], self.busy_until[rows], np.inf)
            kept = until.argmin(axis=1)
            beside = self.p.beside[first, :, kept]
            blocked = fit[each, :, kept] & ~beside & stands[:, None]
            fit[each, :, kept] &= ~blocked
        return fit

    def leave(self, rows: Ints, group: Ints, lane: Ints, slot: Ints) -> None:
        """Take who starts out of its lane, and see who is first there now."""
        self.keys[rows, lane, slot] = np.inf
        left = self.keys[rows, lane]
        next_slot = left.argmin(axis=1)
        self.head_slot[rows, lane] = next_slot
        self.head[rows, lane] = left[np.arange(len(rows)), next_slot]
        self.queued[rows, group] -= 1

    def occupy(self, rows: Ints, entity: Ints, group: Ints, shape: Ints, device: Ints) -> None:
        """Hold the device from now on."""
        stage = self.stage[rows, entity]
        lasts = self.e.duration(rows, entity, stage, self.p.model[device])
        at = (self.run_entity[rows] < 0).argmax(axis=1)
        ends = self.now[rows] + lasts
        self.ends[rows, at] = ends
        self.run_entity[rows, at] = entity
        self.run_device[rows, at] = device
        self.run_used[rows, at] = lasts
        cost = self.p.share[shape, device] / self.e.weight[rows, entity]
        paid = self.e.expected[rows, entity, stage] * cost
        self.run_paid[rows, at] = paid
        self.system[rows] = np.maximum(self.system[rows], self.virtual[rows, group])
        self.virtual[rows, group] += paid
        self.free[rows, device] -= self.p.need[shape, device]
        self.busy_until[rows, device] = np.maximum(self.busy_until[rows, device], ends)
        self.refit(rows, device)

    def refit(self, rows: Ints, device: Ints) -> None:
        """What fits on a device now."""
        free = self.free[rows, device][:, None, :]
        need = self.p.need[:, device].transpose(1, 0, 2)
        can = self.p.can[:, device].T
        self.fit[rows, :, device] = can & (free >= need).all(axis=2)


__all__ = ["MOST", "Forecast", "Mapping", "play"]
