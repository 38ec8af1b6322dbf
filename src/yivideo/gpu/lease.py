"""A device for the length of a ``with`` block."""

import contextlib
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from yivideo.errors import (
    DeviceClosed,
    LeaseReclaimed,
    LeaseUnknown,
    NotVouchedFor,
    OutputError,
    PoolError,
    RequestImpossible,
    ServerUnavailable,
    StaleFence,
)
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
# How long a server, or this host's agent, may be away before a waiter gives up.
PATIENCE_S = 60.0
# Between two attempts while something is away or closed: at first, and at most.
_PAUSE_S = (0.01, 0.2)


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
    except BaseException:
        # What went wrong inside is told, rather than what became of the lease.
        with contextlib.suppress(PoolError):
            holding.release(pool, grant, holder)
        raise
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

    A server that was away and forgot the request is asked anew, under another id where the old one
    cannot be used any more.

    Raises:
        RequestImpossible: no device could ever hold it.
        WaitLimitReached: it waited as long as it was willing to.
        NotVouchedFor: nobody can vouch for the holder; the request is cancelled.
        ServerUnavailable: the server has been away for a minute, or longer than it would wait.
    """
    # Before it waits, not after: nobody should queue who could not hold anything.
    holding.stand_by(pool, request, holder)
    attempt = _Attempt(pool, replace(request, owner=holder, standby=True), holder)
    try:
        while True:
            grant = attempt.go_on()
            if grant is not None:
                return grant
    except BaseException as error:
        if not isinstance(error, ServerUnavailable):
            holding.withdraw(pool, attempt.request.id, holder)
        with contextlib.suppress(OutputError):
            holding.stand_down(pool, attempt.request.id, holder)
        raise


class _Attempt:
    """One wish on its way to a device, with what may go wrong on the way."""

    def __init__(self, pool: GpuPool, request: Request, holder: Holder) -> None:
        self.request = request
        self._pool = pool
        self._holder = holder
        self._deadline: float | None = None
        if request.longest_wait is not None:
            self._deadline = time.monotonic() + request.longest_wait
        self._away_since: float | None = None
        self._pause = _PAUSE_S[0]
        self._asked = time.time()
        # Whether the pool said that it is impossible, and knew this host.
        self._was_refused = False

    def go_on(self) -> Grant | None:
        """One round of asking, waiting and claiming; None when there has to be another."""
        try:
            grant = self._granted()
            if grant is not None:
                self._hold(grant)
                return grant
            self._away_since, self._pause = None, _PAUSE_S[0]
        except (StaleFence, DeviceClosed, LeaseUnknown):
            # It went back to its old place in the queue, or has to be asked for anew.
            self._rest()
        except LeaseReclaimed:
            # Nothing was begun under it.
            self._rename()
        except RequestImpossible as error:
            known = self._host("boot")["boot"] is not None
            if known and self._was_refused:
                raise
            # The server has forgotten this host, and with it the devices: it had them before. Or it
            # has just learned of them.
            self._was_refused = known
            self._be_patient(error)
        except NotVouchedFor as error:
            if not self._is_only_silent():
                raise
            self._be_patient(error)
        except ServerUnavailable as error:
            if self._deadline is not None and time.monotonic() > self._deadline:
                raise
            self._be_patient(error)
        return None

    def _granted(self) -> Grant | None:
        """A grant, after asking and waiting a while; None when it is time to ask again."""
        left = _ASK_AGAIN_S
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            # Should the server have forgotten it, the time that it has waited still counts.
            self.request = replace(self.request, longest_wait=max(0.0, left))
            if left < 0:
                # Whoever else would see to it may be away.
                self._pool.sweep()
        reply = self._pool.request(self.request)
        if reply.grant is not None:
            return reply.grant
        message = self._pool.messages(self.request.wake, min(max(left, 0.0) + 0.1, _ASK_AGAIN_S))
        if message is None or message["request"] != self.request.id:
            return None
        if "ended" in message:
            self._pool.request(self.request)
            raise request_ended(self.request.id, message["ended"], "")
        return Grant.of(message)

    def _hold(self, grant: Grant) -> None:
        if grant.held:
            holding.begin(self._pool, grant, self._holder)
            return
        # Before it claims: what is left of a promise afterwards would tell that it has not begun.
        holding.stand_down(self._pool, grant.request, self._holder)
        holding.claim(self._pool, grant, self.request, self._holder)

    def _rename(self) -> None:
        """Go on under an id that the pool has not seen, as old as before."""
        holding.withdraw(self._pool, self.request.id, self._holder)
        holding.stand_down(self._pool, self.request.id, self._holder)
        name = f"lease:{uuid.uuid4()}"
        since = self._asked if self.request.since is None else self.request.since
        self.request = replace(self.request, id=name, wake=f"wake:{name}", since=since)
        holding.stand_by(self._pool, self.request, self._holder)

    def _is_only_silent(self) -> bool:
        """Whether this host's agent could vouch for the holder, were it heard."""
        host = self._host("boot", "namespace")
        return host["boot"] is None or (
            (host["boot"], host["namespace"]) == (self._holder.boot, self._holder.namespace)
        )

    def _host(self, *names: str) -> dict[str, Any]:
        """What the pool knows of this host; None for each where it does not know it, or is away."""
        with contextlib.suppress(ServerUnavailable):
            return self._pool.fields(f"host:{self._holder.host}", names)
        return dict.fromkeys(names)

    def _be_patient(self, error: Exception) -> None:
        self._away_since = self._away_since or time.monotonic()
        if time.monotonic() - self._away_since > PATIENCE_S:
            raise error
        self._rest()

    def _rest(self) -> None:
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _PAUSE_S[1])
