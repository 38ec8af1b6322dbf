"""`gpu_lock`: anyone's Celery task takes a device of the pool for the time it runs.

A task that must wait is parked: its message moves into the pool and is sent again when its turn
comes. It holds no worker slot meanwhile, and nothing polls.
"""

import functools
import logging
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Literal, ParamSpec, TypeVar

from celery.exceptions import Ignore

from yivideo.errors import (
    BadDemand,
    DeviceClosed,
    LeaseEnded,
    NotHolder,
    NotVouchedFor,
    PoolError,
    RequestEnded,
    ServerUnavailable,
    StaleFence,
    UsageError,
    WaitLimitReached,
)
from yivideo.gpu import courier, holding, parking
from yivideo.gpu.address import host_name
from yivideo.gpu.amounts import Demand
from yivideo.gpu.lease import Gpu, acquire, gpu_of
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.records import DEFAULT_PRIORITY, Grant, Request
from yivideo.gpu.settings import GpuLockSettings, lock_settings
from yivideo.gpu.transitions import holders
from yivideo.gpu.visibility import only
from yivideo.gpu.willing import longest_wait

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

# A granted task's message may stand behind others in its queue for a while.
CLAIM_WITHIN_S = 30.0
PRIORITY_HEADER = "gpu_priority"

_current: ContextVar[Gpu | None] = ContextVar("yivideo_gpu", default=None)


def current_gpu() -> Gpu:
    """The device that the task running here holds.

    Raises:
        UsageError: no task with `gpu_lock` runs in this thread.
    """
    gpu = _current.get()
    if gpu is None:
        raise UsageError("No task under gpu_lock runs here, so that it holds no GPU.")
    return gpu


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What a decorator asks for, task by task."""

    lock_key: str | None
    timeout: float | None
    retry_interval: float | None
    settings: Mapping[str, Any]
    amounts: Mapping[str, Any]
    group: str
    visible: bool
    without_pool: Literal["fail", "run"]

    def settled(self, app: Any) -> GpuLockSettings:
        """The system's settings, below the application's, below the decorator's."""
        named = {"retry_interval": self.retry_interval, "lock_timeout": self.timeout}
        mine = {name: value for name, value in named.items() if value is not None}
        system = courier.system_settings(app).section()
        return lock_settings(system, app.conf.get("gpu_lock") or {}, self.settings, mine)

    def demand(self) -> Demand:
        host = host_name()
        return Demand.of(**self.amounts, host=host, device=_device(self.lock_key, host))

    def request(self, task: Any, wake: str, payload: str) -> Request:
        settings = self.settled(task.app)
        given = parking_headers(task).get(PRIORITY_HEADER, DEFAULT_PRIORITY)
        asked, left = task.request, parking.seconds_left(task)
        demand = self.demand()
        longest = longest_wait(
            courier.pool_of(task.app), settings, demand, what=task.name, group=self.group
        )
        return Request(
            id=f"task:{asked.id}:{asked.retries}",
            demand=demand,
            priority=int(given) if settings.enable_priority_queue else DEFAULT_PRIORITY,
            group=self.group,
            longest_wait=longest if left is None else min(left, longest),
            limit=settings.lock_timeout,
            what=task.name,
            workflow=str(asked.root_id or asked.id or ""),
            wake=wake,
            claim_within=CLAIM_WITHIN_S,
            tries=0,
            payload=payload,
        )


def gpu_lock(  # noqa: PLR0913 - the original's words, and the pool's
    lock_key: str | None = None,
    timeout: float | None = None,
    retry_interval: float | None = None,
    *,
    memory: str | float | None = None,
    compute: float = 0,
    decode: float = 0,
    group: str = "default",
    visible: bool = True,
    without_pool: Literal["fail", "run"] = "fail",
    **settings: Any,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Run a bound Celery task only while it holds a device of the pool.

    ``@app.task(bind=True)`` above ``@gpu_lock()``. Without amounts it holds a whole device. In
    eager mode, and when called as a function, it waits where it is.

    Args:
        lock_key: ``gpu_lock:0`` for this host's device 0, ``gpu_lock:HOST:0`` for another's; any
            device of this host when None.
        timeout: seconds after which the process that runs the task is ended; ``lock_timeout``.
        retry_interval: see `GpuLockSettings`; with its other names in ``settings`` it makes up the
            longest wait, after which the task fails and says who held the device.
        memory: as in ``"4 GiB"``, to share a device with others.
        compute: share of a device.
        decode: video decoders.
        group: the tenant whose share of device time this counts to.
        visible: make the device the only one that CUDA sees, if CUDA has not started. With False
            the task itself uses `current_gpu`.
        without_pool: "fail" when no server answers or no agent vouches for this host; "run" runs
            the task unguarded then, and says so in the log.
        settings: further fields of `GpuLockSettings`; defaults from ``app.conf.gpu_lock``.

    Raises:
        BadDemand: an amount is malformed.
        UsageError: a setting is unknown, or out of range.
    """
    wish = _Wish(
        lock_key=lock_key,
        timeout=timeout,
        retry_interval=retry_interval,
        settings=settings,
        amounts={"memory": memory, "compute": compute, "decode": decode},
        group=group,
        visible=visible,
        without_pool=without_pool,
    )
    # What is wrong is said where it is written, not when the first task runs.
    lock_settings(settings)
    wish.demand()
    courier.serve_workers()

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            task: Any = args[0] if args else None
            if not hasattr(task, "request") or not hasattr(task, "app"):
                raise UsageError(
                    f"{function.__name__} needs @app.task(bind=True) above @gpu_lock(): "
                    "without its task nothing can be parked."
                )
            try:
                device = _device_for(task, wish, args[1:], kwargs)
            except (ServerUnavailable, NotVouchedFor) as error:
                if wish.without_pool == "fail":
                    raise
                logger.warning("%s runs unguarded: %s", task.name, error)
                return function(*args, **kwargs)
            with _holding(*device, visible=wish.visible):
                return function(*args, **kwargs)

        return run

    return decorate


def _device_for(
    task: Any, wish: _Wish, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[GpuPool, Grant]:
    """The device that this run of the task holds; does not return when the task is parked."""
    pool = courier.pool_of(task.app)
    holder = holding.this_process()
    if task.request.called_directly or task.request.is_eager:
        request = replace(
            wish.request(task, "", ""), id=f"call:{uuid.uuid4()}", owner=holder, claim_within=None
        )
        request = replace(request, wake=f"wake:{request.id}")
        return pool, acquire(pool, request, holder)
    # Before it is parked: where nobody can vouch it would wait for nothing.
    holding.journal_of(pool, holder.host)
    request = wish.request(task, courier.wake_list(task.app), parking.pack(task, args, kwargs))
    told = parking.told_with(task.request)
    if told:
        grant = _claim_told(pool, request, told)
        if grant:
            return pool, grant
        request = replace(request, id=f"{request.id}:{uuid.uuid4()}")
    return pool, _claim_asked(pool, request)


def _claim_told(pool: GpuPool, request: Request, told: Mapping[str, Any]) -> Grant | None:
    """Claim what this delivery of the message was told; None where it must be asked anew."""
    if told.get("ended") == "wait-limit":
        waited = f"{request.what} waited {request.longest_wait:g} s for a device"
        raise WaitLimitReached(f"{waited}; {holders(list(told.get('held') or ()))}.")
    if "ended" in told:
        raise RequestEnded(f"{request.what} was cancelled while it waited for a device.")
    grant = Grant.of(told)
    request = replace(request, id=grant.request)
    try:
        return holding.claim(pool, grant, request, holding.this_process())
    except (StaleFence, DeviceClosed):
        # It waits again, and another message will come.
        raise Ignore from None
    except NotHolder:
        # A second copy of the message: the first one runs.
        raise Ignore from None
    except LeaseEnded:
        return None
    except NotVouchedFor:
        if grant.host == host_name():
            raise
        # The queue is another host's too: give that device back, and ask for one of here.
        try:
            pool.cancel(grant.request, "its message came to another host")
        except PoolError as error:
            logger.debug("%s", error)
        return None


def _claim_asked(pool: GpuPool, request: Request) -> Grant:
    """Ask for a device and claim it if there is one now; else this run ends here, parked."""
    try:
        reply = pool.request(request)
    except RequestEnded as ended:
        if isinstance(ended, WaitLimitReached):
            raise
        # An earlier delivery of this very message had its device: it runs once more.
        reply = pool.request(replace(request, id=f"{request.id}:{uuid.uuid4()}"))
    if reply.grant is None or reply.state == "held":
        raise Ignore
    try:
        return holding.claim(
            pool, reply.grant, replace(request, id=reply.grant.request), holding.this_process()
        )
    except (StaleFence, DeviceClosed, NotHolder):
        raise Ignore from None


@contextmanager
def _holding(pool: GpuPool, grant: Grant, *, visible: bool) -> Generator[None]:
    holder = holding.this_process()
    token = _current.set(gpu_of(pool, grant, holder))
    try:
        if visible:
            with only(grant.uuid):
                yield
        else:
            yield
    finally:
        _current.reset(token)
        holding.release(pool, grant, holder)


def parking_headers(task: Any) -> Mapping[str, Any]:
    """The headers that the task was sent with."""
    own = getattr(task.request, PRIORITY_HEADER, None)
    return {**({PRIORITY_HEADER: own} if own is not None else {}), **(task.request.headers or {})}


def _device(lock_key: str | None, host: str) -> str:
    """The pool's name of the device that a lock's key names."""
    if lock_key is None:
        return ""
    parts = lock_key.split(":")
    if parts[0] != "gpu_lock" or len(parts) not in {2, 3} or not parts[-1].isdigit():
        raise BadDemand(
            f"{lock_key!r} names no device: write gpu_lock:0 for this host's, or gpu_lock:HOST:0."
        )
    return f"{parts[1] if len(parts) == 3 else host}:{parts[-1]}"
