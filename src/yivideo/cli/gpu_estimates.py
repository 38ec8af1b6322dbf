"""When waiters may start, as far as the pool's estimates can say."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yivideo.gpu.estimates import Estimate
    from yivideo.gpu.pool import GpuPool
    from yivideo.gpu.records import Snapshot


def estimates(pool: "GpuPool", snapshot: "Snapshot") -> "Mapping[str, Estimate]":
    """Estimates by request, from the pool's own history.

    Raises:
        ServerUnavailable: the server does not answer.
    """
    if not snapshot.waiters:
        return {}
    # NumPy, which a look at an empty queue need not pay for.
    from yivideo.gpu.estimates import PoolHistory, estimate
    from yivideo.gpu.transitions import AWAY, no_answer

    try:
        return estimate(snapshot, PoolHistory(pool.client, pool.prefix))
    except AWAY as error:
        raise no_answer(error) from error
