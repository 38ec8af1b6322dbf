"""A device for the length of a ``with`` block."""

import time
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from yivideo.errors import DeviceClosed, ServerUnavailable, StaleFence
from yivideo.gpu import holding
from yivideo.gpu.address import host_name
from yivideo.gpu.amounts import Demand
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.records import Grant, Holder, Request
from yivideo.gpu.transitions import request_ended
from yivideo.gpu.visibility import only

__all__ = ["Gpu", "acquire", "gpu_of", "held_lease", "host_name"]

# A waiter asks anew so often, to notice that a server came back without it.
_ASK_AGAIN_S = 5.0
# How long a server may be away before a waiter gives up.
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Gpu:
    """A device that is held.

    Attributes:
        uuid: the device's UUID, as NVML and ``CUDA_VISIBLE_DEVICES`` have it.
        index: its number on this host.
        device: its name in the pool, ``HOST:INDEX``.
        model: what it is, "NVIDIA H100 80GB HBM3" or a processor's name.
        memory: the MiB it may use.
        compute: thousandths of the device it may use.
        decoders: thousandths of a video decoder it may use.
        fence: a number that only grows: a later holder of the device has a greater one.
    """

    uuid: str
    index: int
    device: str
    model: str
    memory: int
    compute: int
    decoders: int
    fence: int
    _renew: Callable[[float | None], bool]

    def renew(self, expected: float | None = None) -> None:
        """Make sure the device is still held; ``expected`` seconds more will be needed.

        Raises:
            LeaseReclaimed: it is not.
        """
        self._renew(expected)


@contextmanager
def held_lease(pool: GpuPool, demand: Demand, wish: Mapping[str, Any]) -> Generator[Gpu]:
    """Wait for a device, hold it, and give it back. See `GpuPool.lease`."""
    holder = holding.this_process()
    name = f"lease:{uuid.uuid4()}"
    request = Request(id=name, demand=demand, wake=f"wake:{name}", owner=holder, **wish)
    grant = acquire(pool, request, holder)

    try:
        with only(grant.uuid):
            yield gpu_of(pool, grant, holder)
    finally:
        holding.release(pool, grant, holder)


def gpu_of(pool: GpuPool, grant: Grant, holder: Holder) -> Gpu:
    """What was claimed, as its user sees it."""

    def renew(expected: float | None) -> bool:
        return pool.renew(grant.request, grant.fence, holder, expected=expected)

    return Gpu(
        uuid=grant.uuid,
        index=grant.index,
        device=grant.device,
        model=grant.model,
        memory=grant.memory,
        compute=grant.compute,
        decoders=grant.decoders,
        fence=int(grant.fence),
        _renew=renew,
    )


def acquire(pool: GpuPool, request: Request, holder: Holder) -> Grant:
    """Ask for a device, wait in the pool's queue, and claim what is granted.

    Raises:
        RequestImpossible: no device could ever hold it.
        WaitLimitReached: it waited as long as it was willing to.
        NotVouchedFor: nobody can vouch for the holder; the request is cancelled.
        ServerUnavailable: the server has been away for a minute.
    """
    # Before it waits, not after: nobody should queue who could not hold anything.
    holding.journal_of(pool, holder.host)
    away_since: float | None = None
    try:
        while True:
            try:
                grant = _granted(pool, request)
                if grant is not None:
                    return holding.claim(pool, grant, request, holder)
                away_since = None
            except (StaleFence, DeviceClosed):
                # It went back to its old place in the queue.
                time.sleep(0.01)
            except ServerUnavailable:
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > PATIENCE_S:
                    raise
                time.sleep(0.2)
    except BaseException as error:
        if not isinstance(error, ServerUnavailable):
            _give_up(pool, request.id)
        raise


def _granted(pool: GpuPool, request: Request) -> Grant | None:
    """A grant, after asking and waiting a while; None when it is time to ask again."""
    reply = pool.request(request)
    if reply.grant is not None:
        return reply.grant
    message = pool.messages(request.wake, _ASK_AGAIN_S)
    if message is None:
        return None
    if "ended" in message:
        pool.request(request)
        raise request_ended(request.id, message["ended"], "")
    return Grant.of(message)


def _give_up(pool: GpuPool, request: str) -> None:
    from yivideo.errors import PoolError

    try:
        pool.cancel(request, "its process gave up")
    except (PoolError, ServerUnavailable):
        # Ended by itself, or the agent will see this process gone.
        return
