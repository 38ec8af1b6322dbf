"""Beginning and ending to hold a device: the journal first, then the pool.

The host's journal is written before a claim and cleared after a release. So whatever becomes of the
server, the journal names every process of this host that may be using a device.

Who blocks until it is served need not claim. It *stands by*: it promises in the journal to begin,
and from its grant on it is the holder for the pool. It begins by making an entry of its promise; an
agent that sees it not begin ends the promise, and only one of the two can.
"""

import contextlib
import logging
import os
import time
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

from yivideo.errors import (
    LeaseEnded,
    LeaseHeld,
    LeaseNotHeld,
    LeaseReclaimed,
    LeaseUnknown,
    NotVouchedFor,
    OutputError,
    PoolError,
    ServerUnavailable,
    StaleFence,
)
from yivideo.gpu.address import host_name
from yivideo.gpu.journal import Journal
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.processes import Process
from yivideo.gpu.records import FENCES_PER_EPOCH, MICROSECONDS, Grant, Holder, Released, Request

logger = logging.getLogger(__name__)
# A claim whose answer was lost is asked again so often before it is given up.
_CLAIM_TRIES = 3
_CLAIM_PAUSE_S = 0.05


def this_process() -> Holder:
    """This process as a holder; anew after a fork."""
    return _holder(os.getpid())


@cache
def _holder(pid: int) -> Holder:
    del pid  # only to be asked anew after a fork
    own = Process.current()
    return Holder(host_name(), own.pid, own.start, own.namespace, own.boot)


def journal_of(pool: GpuPool, host: str) -> Journal:
    """The journal of a host, where its agent says it is.

    Raises:
        NotVouchedFor: no agent has ever registered the host, or its journal cannot be written here.
        ServerUnavailable: the server does not answer.
    """
    journal = pool.journals.get(host)
    if journal is not None:
        return journal
    folder = pool.field(f"host:{host}", "journal")
    if not folder:
        raise NotVouchedFor(
            f"No agent vouches for the host {host}, so that nobody would see a holder's death: "
            "start `yivideo agent` there."
        )
    return _keep_in_mind(pool, host, folder)


def _keep_in_mind(pool: GpuPool, host: str, folder: str) -> Journal:
    try:
        journal = Journal(Path(folder))
    except OutputError as error:
        raise NotVouchedFor(
            f"The journal of this host's agent cannot be written: {error}"
        ) from error
    pool.journals[host] = journal
    return journal


def claim(pool: GpuPool, grant: Grant, request: Request, holder: Holder) -> Grant:
    """Claim a grant for ``holder``, with the journal written first.

    Raises:
        NotVouchedFor: nobody can vouch for the holder.
        StaleFence: it went back meanwhile.
        DeviceClosed: its device was closed meanwhile.
        ServerUnavailable: the server does not answer.
    """
    journal = journal_of(pool, holder.host)
    journal.write(entry(grant, request, holder))
    with _removed_where_refused(pool, journal, grant, holder):
        return _claim(pool, grant, holder)


@contextlib.contextmanager
def _removed_where_refused(
    pool: GpuPool, journal: Journal, grant: Grant, holder: Holder
) -> Generator[None]:
    """Take the entry out again where its claim fails."""
    try:
        yield
    except BaseException as error:
        # Should it have been carried out: the agent finds a lease that no journal names.
        journal.remove(grant.request, int(grant.fence), holder.record())
        if isinstance(error, PoolError):
            # Where the agent keeps it now may be the reason.
            _look_for_journal(pool, holder.host)
        raise


def stand_by(pool: GpuPool, request: Request, holder: Holder) -> None:
    """Promise to begin as soon as ``request`` is served; before it is asked for.

    Raises:
        NotVouchedFor: no agent has ever registered the host, or its journal cannot be written here.
        OutputError: the promise cannot be written.
        ServerUnavailable: the server does not answer.
    """
    journal_of(pool, holder.host).promise(_of_request(request, holder))


def stand_down(pool: GpuPool, request: str, holder: Holder) -> None:
    """Stand by no more.

    Raises:
        OutputError: the promise cannot be removed.
    """
    journal = pool.journals.get(holder.host)
    if journal is not None:
        journal.end_promise(request, holder.record())


def begin(pool: GpuPool, grant: Grant, holder: Holder) -> None:
    """Begin to use what ``holder`` was granted while it stood by.

    Raises:
        LeaseReclaimed: it began too late: its agent has ended the promise.
        StaleFence: the server came back without the grant, as `DeviceClosed` and `LeaseUnknown`.
        ServerUnavailable: the server does not answer.
    """
    journal, fence = journal_of(pool, holder.host), int(grant.fence)
    if not journal.keep_promise(grant.request, fence, holder.record(), _of_grant(grant)):
        raise LeaseReclaimed(f"The lease of {grant.request} was taken back: it began too late.")
    # The agent raises the journal's epoch before it reads who lives, to tell a server that has
    # forgotten something: so either it has found this entry, or its epoch is found here.
    if journal.epoch > fence // FENCES_PER_EPOCH:
        with _removed_where_refused(pool, journal, grant, holder):
            _claim(pool, grant, holder)


def _claim(pool: GpuPool, grant: Grant, holder: Holder) -> Grant:
    """Claim, again where the answer was lost."""
    for _ in range(_CLAIM_TRIES - 1):
        try:
            return pool.claim(grant, holder)
        except ServerUnavailable:
            time.sleep(_CLAIM_PAUSE_S)
    return pool.claim(grant, holder)


def _look_for_journal(pool: GpuPool, host: str) -> None:
    """Learn of a journal that has moved. The old one is kept in mind where nobody tells."""
    with contextlib.suppress(ServerUnavailable, NotVouchedFor):
        folder = pool.field(f"host:{host}", "journal")
        if folder and folder != str(pool.journals[host].folder):
            _keep_in_mind(pool, host, folder)


def release(
    pool: GpuPool, lease: Grant, holder: Holder, keep: tuple[str, int, str] | None = None
) -> Released | None:
    """Give a device back, and clear the journal.

    Returns:
        None where the server does not answer, or came back without, or with an older, memory of the
        lease: the agent tells it what it has to know.

    Raises:
        LeaseReclaimed: it was taken back before.
        NotHolder: another process holds it.
    """
    journal = journal_of(pool, holder.host)
    released = None
    try:
        released = pool.release(lease.request, lease.fence, holder, keep=keep)
    except ServerUnavailable as error:
        logger.warning("%s The agent will tell it that %s was released.", error, lease.request)
    except (LeaseUnknown, LeaseNotHeld, StaleFence) as error:
        logger.warning("%s Its server has forgotten the lease.", error)
    except LeaseEnded:
        journal.remove(lease.request, int(lease.fence), holder.record())
        raise
    if released and released.kept and keep:
        request, fence = released.kept
        model, memory, wake = keep
        journal.write(_warm_entry(lease, request, fence, holder, model, memory, wake))
    journal.remove(lease.request, int(lease.fence), holder.record())
    if released is None:
        # An older copy may have it waiting, and would hand a device to it.
        withdraw(pool, lease.request, holder)
    return released


def withdraw(pool: GpuPool, request: str, holder: Holder) -> None:
    """Take back a request that ``holder`` has no use for, whatever state it is in.

    Where that fails, the agent sees to it, or it goes unclaimed.
    """
    with contextlib.suppress(PoolError, ServerUnavailable):
        try:
            pool.cancel(request, "its process gave it up")
        except LeaseHeld:
            # Claimed, and the answer never came; or put back by the agent.
            pool.release(request, pool.field(f"request:{request}", "fence") or "", holder)


def entry(grant: Grant, request: Request, holder: Holder) -> dict[str, Any]:
    """What the journal keeps: enough for the pool to put the lease back."""
    return {**_of_request(request, holder), "request": grant.request, **_of_grant(grant)}


def _of_grant(grant: Grant) -> dict[str, Any]:
    return {
        "fence": int(grant.fence),
        "device": grant.device,
        "memory": grant.memory,
        "compute": grant.compute,
        "decoders": grant.decoders,
    }


def _of_request(request: Request, holder: Holder) -> dict[str, Any]:
    return {
        "request": request.id,
        "shape": request.demand.shape,
        "group": request.group,
        "weight": request.weight,
        "what": request.what,
        "workflow": request.workflow,
        "expected": round((request.expected or 0) * MICROSECONDS),
        "limit": round((request.limit or 0) * MICROSECONDS),
        "wake": request.wake,
        "holder": holder.record(),
        "written": time.time(),
        "warm": False,
    }


def _warm_entry(
    lease: Grant, request: str, fence: str, holder: Holder, model: str, memory: int, wake: str
) -> dict[str, Any]:
    from yivideo.gpu.amounts import Demand

    wish = Request(id=request, demand=Demand(memory=memory, model=model), what=model, wake=wake)
    kept = Grant(
        request=request,
        fence=fence,
        device=lease.device,
        host=lease.host,
        index=lease.index,
        uuid=lease.uuid,
        model=lease.model,
        memory=memory,
        compute=0,
        decoders=0,
    )
    return {**entry(kept, wish, holder), "warm": True}
