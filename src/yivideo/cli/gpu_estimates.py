"""When waiters may start, as far as the pool's estimates can say."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yivideo.gpu.pool import GpuPool
    from yivideo.gpu.records import Snapshot

_ESTIMATES = "yivideo.gpu.estimates"


@dataclass(frozen=True)
class WaitsFor:
    """The lease, or the waiter before, that must end first: of whom, and on which device."""

    request: str
    what: str
    workflow: str
    device: str


@dataclass(frozen=True)
class Guess:
    """What is known of a waiter's start; None stands for unknown.

    Attributes:
        waits_for: what must end first.
        median: seconds to the start, as likely too long as too short.
        bound90: seconds within which it starts nine times in ten.
    """

    waits_for: WaitsFor | None
    median: float | None
    bound90: float | None


def guesses(pool: "GpuPool", snapshot: "Snapshot") -> Mapping[str, Guess]:
    """Estimates by request, from the pool's own history; those nobody can make are missing.

    Raises:
        ServerUnavailable: the server does not answer.
    """
    if not snapshot.waiters or find_spec(_ESTIMATES) is None:
        return {}
    from yivideo.gpu.transitions import AWAY, no_answer

    estimates: Any = import_module(_ESTIMATES)
    history = estimates.PoolHistory(pool.client, pool.prefix)
    try:
        found = estimates.estimate(snapshot, history)
    except AWAY as error:
        raise no_answer(error) from error
    return {request: _guess(one) for request, one in found.items()}


def _guess(estimate: Any) -> Guess:
    waits = estimate.waits_for
    return Guess(
        waits and WaitsFor(waits.request, waits.what, waits.workflow, waits.device),
        estimate.median,
        estimate.bound,
    )
