"""Beginning and ending to hold a device: the journal first, then the pool.

The host's journal is written before a claim and cleared after a release. So whatever becomes of the
server, the journal names every process of this host that may be using a device.
"""

import logging
import os
from functools import cache
from pathlib import Path
from typing import Any

from yivideo.errors import NotHolder, NotVouchedFor, OutputError, PoolError, ServerUnavailable
from yivideo.gpu.address import host_name
from yivideo.gpu.journal import Journal
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.processes import Process, is_alive
from yivideo.gpu.records import MICROSECONDS, Grant, Holder, Released, Request

logger = logging.getLogger(__name__)
# A claim whose answer was lost is asked again so often before it is given up.
_CLAIM_TRIES = 3


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
    folder = pool.journals.get(host)
    if folder is None:
        folder = pool.journals[host] = pool.field(f"host:{host}", "journal") or ""
    if not folder:
        del pool.journals[host]
        raise NotVouchedFor(
            f"No agent vouches for the host {host}, so that nobody would see a holder's death: "
            "start `yivideo agent` there."
        )
    try:
        return Journal(Path(folder))
    except OutputError as error:
        raise NotVouchedFor(
            f"The journal of this host's agent cannot be written: {error}"
        ) from error


def claim(pool: GpuPool, grant: Grant, request: Request, holder: Holder) -> Grant:
    """Claim a grant for ``holder``, with the journal written first.

    Raises:
        NotVouchedFor: nobody can vouch for the holder.
        NotHolder: another process of this host claims it, or has done so.
        StaleFence: it went back meanwhile.
        DeviceClosed: its device was closed meanwhile.
        ServerUnavailable: the server does not answer.
    """
    journal = journal_of(pool, holder.host)
    line = entry(grant, request, holder)
    other = journal.begin(line)
    if other is not None:
        if is_alive(Process.from_record(other["holder"])) is not False:
            raise NotHolder(f"{grant.request} is held by process {other['holder']['pid']} here.")
        journal.write(line)
    tries = 0
    while True:
        tries += 1
        try:
            return pool.claim(grant, holder)
        except PoolError:
            journal.remove(grant.request, int(grant.fence))
            # Where the agent keeps it now may be the reason.
            pool.journals.pop(holder.host, None)
            raise
        except ServerUnavailable:
            if tries == _CLAIM_TRIES:
                # Should it have been carried out: the agent finds a lease that no journal names.
                journal.remove(grant.request, int(grant.fence))
                raise


def release(
    pool: GpuPool, lease: Grant, holder: Holder, keep: tuple[str, int, str] | None = None
) -> Released | None:
    """Give a device back, and clear the journal; None where the agent has to tell the pool.

    Raises:
        LeaseReclaimed: it was taken back before.
        NotHolder: another process holds it.
    """
    journal = journal_of(pool, holder.host)
    try:
        released = pool.release(lease.request, lease.fence, holder, keep=keep)
    except ServerUnavailable as error:
        logger.warning("%s The agent will tell it that %s was released.", error, lease.request)
        released = None
    if released and released.kept and keep:
        request, fence = released.kept
        model, memory, wake = keep
        journal.write(_warm_entry(lease, request, fence, holder, model, memory, wake))
    journal.remove(lease.request, int(lease.fence))
    return released


def entry(grant: Grant, request: Request, holder: Holder) -> dict[str, Any]:
    """What the journal keeps: enough for the pool to put the lease back."""
    return {
        "request": grant.request,
        "fence": int(grant.fence),
        "device": grant.device,
        "memory": grant.memory,
        "compute": grant.compute,
        "decoders": grant.decoders,
        "shape": request.demand.shape,
        "group": request.group,
        "weight": request.weight,
        "what": request.what,
        "workflow": request.workflow,
        "expected": round((request.expected or 0) * MICROSECONDS),
        "limit": round((request.limit or 0) * MICROSECONDS),
        "wake": request.wake,
        "holder": holder.record(),
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
