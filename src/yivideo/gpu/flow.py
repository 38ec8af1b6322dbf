"""What comes after what: arrivals, and the steps that follow others, seen in the pool's snapshots.

A waiter is passed by requests that are not there yet: later steps of older workflows of its
group, and new workflows of groups that have had less. Estimates that left them out would be wrong
to one side. Whoever takes the snapshots shows each to a `Flow`, which remembers how often what
came.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from yivideo.gpu.records import Snapshot

# So much is remembered of each kind.
_MEMORY = 1000
# A workflow that is silent for so many times the longest pause seen has ended.
_PATIENCE = 2.0
_SHORTEST_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it was seen; times in seconds, the key in microseconds."""

    request: str
    workflow: str
    what: str
    shape: str
    group: str
    weight: float
    key: float
    asked: float
    expected: float


@dataclass(frozen=True, slots=True)
class Follower:
    """What followed a step: which, how many seconds later, expected how much longer than it."""

    what: str | None
    gap: float
    factor: float


@dataclass(slots=True)
class Away:
    """A workflow between two requests: what it had last, and until when."""

    last: Seen
    ended: float


class Flow:
    """Learns from one snapshot after another, best taken every second or so."""

    def __init__(self) -> None:
        self.fresh: deque[Seen] = deque(maxlen=_MEMORY)
        self.followers: dict[str, deque[Follower]] = {}
        self.shapes: dict[str, str] = {}
        self.away: dict[str, Away] = {}
        self._present: dict[str, Seen] = {}
        self._begun: float | None = None
        self._now = 0.0
        self._longest_gap = 0.0

    def see(self, snapshot: Snapshot) -> None:
        """Compare a snapshot, with all its waiters, with the one before."""
        before, self._now = self._now, snapshot.now
        present = {seen.request: seen for seen in _requests(snapshot)}
        if self._begun is None:
            self._begun = snapshot.now
            self._present = present
            return
        for request, seen in self._present.items():
            if request not in present and seen.workflow:
                self.away[seen.workflow] = Away(seen, (before + snapshot.now) / 2)
        for request, seen in present.items():
            if request not in self._present:
                self._arrived(seen)
        self._present = present
        self._give_up()

    @property
    def rate(self) -> float:
        """New workflows per second."""
        if self._begun is None or not self.fresh:
            return 0.0
        full = len(self.fresh) == _MEMORY
        since = self.fresh[0].asked if full else self._begun
        return len(self.fresh) / max(self._now - since, 1.0)

    def _arrived(self, seen: Seen) -> None:
        self.shapes[seen.what] = seen.shape
        away = self.away.pop(seen.workflow, None)
        if away is None:
            self.fresh.append(seen)
            return
        last = away.last
        gap = max(0.0, seen.asked - min(away.ended, seen.asked))
        factor = seen.expected / last.expected if last.expected > 0 else 1.0
        self._longest_gap = max(self._longest_gap, gap)
        self._followed(last.what, Follower(seen.what, gap, factor))

    def _followed(self, what: str, follower: Follower) -> None:
        self.followers.setdefault(what, deque(maxlen=_MEMORY)).append(follower)

    def _give_up(self) -> None:
        patience = max(_PATIENCE * self._longest_gap, _SHORTEST_PATIENCE_S)
        for workflow, away in list(self.away.items()):
            if self._now - away.ended > patience:
                del self.away[workflow]
                self._followed(away.last.what, Follower(None, 0.0, 1.0))


def _requests(snapshot: Snapshot) -> Iterator[Seen]:
    for waiter in snapshot.waiters:
        yield Seen(
            waiter.request,
            waiter.workflow,
            waiter.what,
            waiter.demand.shape,
            waiter.group,
            waiter.weight,
            waiter.key,
            waiter.asked,
            waiter.expected,
        )
    for device in snapshot.devices:
        for lease in device.leases:
            if lease.state != "warm":
                yield Seen(
                    lease.request,
                    lease.workflow,
                    lease.what,
                    lease.shape,
                    lease.group,
                    lease.weight,
                    lease.key,
                    lease.asked,
                    lease.expected,
                )
