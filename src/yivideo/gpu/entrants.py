"""Who takes part in a forecast, in arrays: those who hold, who wait, who are away, who will come.

Each is a workflow: its present request and, as far as a `Flow` has seen what follows what, the
requests that it will make later. Shapes are samples x workflows x stages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yivideo.gpu.flow import Seen
from yivideo.gpu.records import MICROSECONDS, Held, Snapshot, Waiter

if TYPE_CHECKING:
    from yivideo.gpu.flow import Flow
    from yivideo.gpu.history import History

# Longer chains of steps are cut.
_STAGES = 6
_QUANTILES = 128
_MIDDLES = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
# New workflows are expected for so many times as long as the devices need for what waits.
_HORIZON = 3.0

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Running:
    """A lease: seconds left by sample, seconds since it began, what its group has paid for it."""

    entity: int
    device: int
    left: Floats
    since: float
    paid: float


@dataclass(slots=True)
class Entrants:
    """See the module. Entities are numbered: leases, waiters, absent workflows, new ones.

    Attributes:
        slot, in_slot: each workflow's place among those of its group, and back.
        gap: seconds from the end of a stage to the next request; infinite after the last.
        expected: seconds, as the pool charges them.
        absent: workflows between two requests, with the times at which they ask again.
        fresh_times: when new workflows ask first; ends with an infinite one.
    """

    number: int
    slots: int
    groups: Sequence[str]
    shapes: Sequence[str]
    virtual: Floats
    group: Ints
    slot: Ints
    in_slot: Ints
    key: Floats
    weight: Floats
    shape: Ints
    gap: Floats
    expected: Floats
    leases: Sequence[Running]
    waiting_names: Sequence[str]
    first_waiting: int
    absent: Sequence[tuple[int, Floats]]
    first_fresh: int
    fresh_times: Floats
    _kind: Ints
    _luck: Ints
    _tables: Floats
    _relative: NDArray[np.bool_]
    _labels: Sequence[tuple[str, str, str]]

    def duration(self, rows: Ints, entity: Ints, stage: Ints, model: Ints) -> Floats:
        """How long a stage takes on a model; infinite for unknown."""
        kind = self._kind[rows, entity, stage]
        expected = self.expected[rows, entity, stage]
        relative = (expected > 0) & self._relative[kind, model]
        luck = self._luck[rows, entity, stage]
        table = self._tables[relative.astype(np.intp), kind, model, luck]
        return table * np.where(relative, expected, 1.0)

    def known(self, entity: int) -> tuple[str, str, str] | None:
        """Request, what and workflow of somebody who is in the snapshot."""
        return self._labels[entity] if entity < len(self._labels) else None

    def waiting_shape(self, waiter: int) -> int:
        """The number of a waiter's shape."""
        return int(self.shape[0, self.first_waiting + waiter, 0])


def enter(
    snapshot: Snapshot,
    history: "History",
    flow: "Flow | None",
    *,
    samples: int,
    dice: np.random.Generator,
    most: int,
) -> Entrants:
    """Gather all who take part."""
    return _Gathering(snapshot, history, flow, samples, dice, most).entrants()


class _Gathering:
    def __init__(
        self,
        snapshot: Snapshot,
        history: "History",
        flow: "Flow | None",
        samples: int,
        dice: np.random.Generator,
        most: int,
    ) -> None:
        self.snapshot, self.flow = snapshot, flow
        self.samples, self.dice = samples, dice
        self.held = [
            (at, lease)
            for at, device in enumerate(snapshot.devices)
            for lease in device.leases
            if lease.state != "warm"
        ]
        self.waiters = list(snapshot.waiters[:most])
        here = {lease.workflow for _, lease in self.held} | {w.workflow for w in snapshot.waiters}
        self.away = [a for name, a in (flow.away.items() if flow else ()) if name not in here]
        self.fresh = list(flow.fresh) if flow else []
        self.kinds = sorted(
            {one.what for _, one in self.held}
            | {one.what for one in self.waiters}
            | {one.last.what for one in self.away}
            | {one.what for one in self.fresh}
            | {f.what for all_ in (flow.followers.values() if flow else ()) for f in all_ if f.what}
        )
        self.kind_of = {what: at for at, what in enumerate(self.kinds)}
        self.models = sorted({device.model for device in snapshot.devices})
        self.tables, self.relative = self._tables(history)

    def entrants(self) -> Entrants:
        times, rows = self._arrivals()
        seen: list[Held | Waiter | Seen] = [one for _, one in self.held]
        seen += self.waiters
        seen += [away.last for away in self.away]
        known, fresh = len(seen), times.shape[1] - 1
        number = known + fresh
        groups = sorted({one.group for one in [*seen, *self.fresh]})
        group_of = {name: at for at, name in enumerate(groups)}
        sample = self.samples

        def both(of_seen: Sequence[float], of_fresh: Sequence[float]) -> Floats:
            """Known ones are the same in all samples, new ones drawn from those seen."""
            left = np.broadcast_to(np.asarray(of_seen, float), (sample, known))
            right = np.asarray(of_fresh, float)[rows] if fresh else np.empty((sample, 0))
            return np.concatenate([left, right], axis=1)

        now = self.snapshot.now
        group = both(
            [group_of[o.group] for o in seen], [group_of[o.group] for o in self.fresh]
        ).astype(np.intp)
        weight = both([o.weight for o in seen], [o.weight for o in self.fresh])
        key = both(
            [o.key / MICROSECONDS - now for o in seen],
            [o.key / MICROSECONDS - o.asked for o in self.fresh],
        )
        key[:, known:] += np.where(np.isfinite(times[:, :-1]), times[:, :-1], 0.0)
        # Equal keys must not be equal places.
        key += np.arange(number) * 1e-9
        kind = np.zeros((sample, number, _STAGES), np.intp)
        kind[:, :, 0] = both(
            [self.kind_of[o.what] for o in seen], [self.kind_of[o.what] for o in self.fresh]
        )
        expected = np.zeros((sample, number, _STAGES))
        expected[:, :, 0] = both([o.expected for o in seen], [o.expected for o in self.fresh])
        gap = np.full((sample, number, _STAGES), np.inf)
        self._chains(kind, expected, gap)
        shapes, shape = self._shapes(kind, seen)
        slot, in_slot = _slots(group, len(groups))
        virtual = np.array(
            [
                self.snapshot.virtual_times.get(name, self.snapshot.system_v) / MICROSECONDS
                for name in groups
            ]
        )
        first_away = len(self.held) + len(self.waiters)
        luck = self.dice.integers(_QUANTILES, size=(sample, number, _STAGES))
        absent = self._absent(first_away, kind, expected, gap, shape, shapes)
        return Entrants(
            number=number,
            slots=in_slot.shape[2],
            groups=groups,
            shapes=shapes,
            virtual=virtual,
            group=group,
            slot=slot,
            in_slot=in_slot,
            key=key,
            weight=weight,
            shape=shape,
            gap=gap,
            expected=expected,
            leases=[self._running(at, device, one) for at, (device, one) in enumerate(self.held)],
            waiting_names=[waiter.request for waiter in self.waiters],
            first_waiting=len(self.held),
            absent=absent,
            first_fresh=known,
            fresh_times=times,
            _kind=kind,
            _luck=luck,
            _tables=self.tables,
            _relative=self.relative,
            _labels=[(o.request, o.what, o.workflow) for o in seen],
        )

    def _tables(self, history: "History") -> tuple[Floats, NDArray[np.bool_]]:
        """Durations by quantile, absolute and over what is expected: infinite for unknown."""
        from yivideo.gpu.history import WorkHistory

        shape = (2, len(self.kinds), len(self.models), _QUANTILES)
        tables = np.full(shape, np.inf)
        relative = np.zeros(shape[1:3], bool)
        for at, what in enumerate(self.kinds):
            for number, model in enumerate(self.models):
                durations = history.durations(what, model)
                if len(durations):
                    tables[0, at, number] = np.quantile(durations, _MIDDLES, method="nearest")
                ratios = history.ratios(what, model) if isinstance(history, WorkHistory) else ()
                if len(ratios):
                    tables[1, at, number] = np.quantile(ratios, _MIDDLES, method="nearest")
                    relative[at, number] = True
        return tables, relative

    def _running(self, entity: int, device: int, lease: Held) -> Running:
        """How much longer a lease lasts, given how long it has lasted."""
        kind, model = (
            self.kind_of[lease.what],
            self.models.index(self.snapshot.devices[device].model),
        )
        scaled = lease.expected > 0 and bool(self.relative[kind, model])
        table = self.tables[int(scaled), kind, model] * (lease.expected if scaled else 1.0)
        begun = lease.claimed_at or lease.granted_at or self.snapshot.now
        since = max(0.0, self.snapshot.now - begun)
        longer = table[table > since]
        if longer.size:
            left = longer[self.dice.integers(longer.size, size=self.samples)] - since
        else:
            # Longer than all that is known: it cannot be much longer, or would be known.
            left = self.dice.uniform(0.0, since / 4, self.samples)
        used = self.snapshot.devices[device]
        amounts = (
            (lease.memory, used.memory),
            (lease.compute, used.compute),
            (lease.decoders, used.decoders),
        )
        part = max((a / total for a, total in amounts if total), default=0.0)
        return Running(entity, device, left, since, lease.expected * part / lease.weight)

    def _arrivals(self) -> tuple[Floats, Ints]:
        """Times of new workflows, samples x number + 1, and which of those seen each is like."""
        rate = self.flow.rate if self.flow else 0.0
        if not rate or not self.waiters:
            return np.full((self.samples, 1), np.inf), np.empty((self.samples, 0), np.intp)
        each = np.where(np.isfinite(self.tables[0]), self.tables[0], 0.0).mean(axis=(1, 2))
        work = sum(w.expected or each[self.kind_of[w.what]] for w in self.waiters)
        horizon = _HORIZON * work / len(self.snapshot.devices) + 4 * float(each.max())
        number = int(min(rate * horizon, 4 * len(self.waiters) + 200)) + 1
        times = np.cumsum(self.dice.exponential(1 / rate, (self.samples, number)), axis=1)
        end = np.full((self.samples, 1), np.inf)
        rows = self.dice.integers(len(self.fresh), size=(self.samples, number))
        return np.concatenate([times, end], axis=1), rows

    def _chains(self, kind: Ints, expected: Floats, gap: Floats) -> None:
        """Draw what follows each stage."""
        if not self.flow:
            return
        goes_on = np.ones(kind.shape[:2], bool)
        for stage in range(_STAGES - 1):
            following = np.zeros(kind.shape[:2], bool)
            for what, seen in self.flow.followers.items():
                if what not in self.kind_of:
                    continue
                mine = goes_on & (kind[:, :, stage] == self.kind_of[what])
                number = int(mine.sum())
                if not number:
                    continue
                drawn = self.dice.integers(len(seen), size=number)
                gap[mine, stage] = np.array([f.gap if f.what else np.inf for f in seen])[drawn]
                names = np.array([self.kind_of[f.what] if f.what else 0 for f in seen])
                kind[mine, stage + 1] = names[drawn]
                factor = np.array([f.factor for f in seen])[drawn]
                expected[mine, stage + 1] = expected[mine, stage] * factor
                following |= mine & np.isfinite(gap[:, :, stage])
            goes_on = following

    def _shapes(
        self, kind: Ints, seen: Sequence[Held | Waiter | Seen]
    ) -> tuple[Sequence[str], Ints]:
        """Each stage's shape: a request's own, later ones' as last seen of that step."""
        own = [one.demand.shape if isinstance(one, Waiter) else one.shape for one in seen]
        last: Mapping[str, str] = self.flow.shapes if self.flow else {}
        default = own[0]
        of_kind = [last.get(what, default) for what in self.kinds]
        shapes = sorted({*own, *of_kind})
        number = {shape: at for at, shape in enumerate(shapes)}
        found = np.array([number[shape] for shape in of_kind], np.intp)[kind]
        found[:, : len(own), 0] = [number[shape] for shape in own]
        return shapes, found

    def _absent(
        self,
        first: int,
        kind: Ints,
        expected: Floats,
        gap: Floats,
        shape: Ints,
        shapes: Sequence[str],
    ) -> Sequence[tuple[int, Floats]]:
        """When those between two requests ask again: later than they have not yet.

        Their first stage is the next one. Those that may have ended come only in some samples.
        """
        found: list[tuple[int, Floats]] = []
        if not self.flow:
            return found
        for at, away in enumerate(self.away):
            entity = first + at
            since = self.snapshot.now - away.ended
            seen = [
                f
                for f in self.flow.followers.get(away.last.what, ())
                if f.what is None or f.gap > since
            ]
            if not seen:
                continue
            drawn = self.dice.integers(len(seen), size=self.samples)
            times = np.array([f.gap - since if f.what else np.inf for f in seen])[drawn]
            kinds = np.array([self.kind_of[f.what] if f.what else 0 for f in seen])
            # What was drawn as following the ended request moves one stage to the front.
            kind[:, entity, 0] = kinds[drawn]
            factor = np.array([f.factor for f in seen])[drawn]
            expected[:, entity, 0] = away.last.expected * factor
            one = slice(entity, entity + 1)
            gap[:, one, :] = np.inf
            self._chains(kind[:, one], expected[:, one], gap[:, one])
            number = {name: at for at, name in enumerate(shapes)}
            of_kind = np.array(
                [number[self.flow.shapes.get(what, shapes[0])] for what in self.kinds], np.intp
            )
            shape[:, entity] = of_kind[kind[:, entity]]
            found.append((entity, times))
        return found


def _slots(group: Ints, groups: int) -> tuple[Ints, Ints]:
    """Each workflow's place among those of its group, and who is in each place."""
    samples, number = group.shape
    slot = np.zeros((samples, number), np.intp)
    for name in range(groups):
        mine = group == name
        slot += np.where(mine, np.cumsum(mine, axis=1) - 1, 0)
    width = int(slot.max(initial=0)) + 1
    in_slot = np.zeros((samples, groups, width), np.intp)
    rows = np.arange(samples)[:, None]
    in_slot[rows, group, slot] = np.arange(number)[None, :]
    return slot, in_slot
