"""The GPU pool: who may use which GPU now.

`GpuPool` is one object per process and server. Each method that changes something is one atomic
script on the server; waiting is done in the server's queue and costs nobody anything.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Self

import redis

from yivideo.errors import LeaseEnded, ServerUnavailable
from yivideo.gpu.amounts import Demand
from yivideo.gpu.records import (
    DEFAULT_PRIORITY,
    MICROSECONDS,
    Device,
    Grant,
    Holder,
    Host,
    Released,
    Reply,
    Request,
    Snapshot,
)
from yivideo.gpu.transitions import AWAY, PREFIX, Transitions, no_answer
from yivideo.storage.redis import connect, with_database

if TYPE_CHECKING:
    from yivideo.gpu.journal import Journal
    from yivideo.gpu.lease import Gpu

# Where people with redis-cli look for gpu_lock:0.
DATABASE = 2
# One level of priority is worth a minute of having waited.
AGING_STEP_S = 60.0


class GpuPool:
    """The pool behind a Redis or Valkey server.

    Args:
        url: ``redis://``, ``rediss://``, ``unix://`` or ``sentinel://``; its database is replaced
            by number 2. From ``YIVIDEO_REDIS_URL``, or the embedded server of the state folder
            while one runs, when None.
        prefix: what the pool's keys begin with; only tests have reason to change it.
        aging_step: seconds of waiting that one level of priority is worth.

    Raises:
        ServerUnavailable: no address is given and no server runs in the state folder.
    """

    def __init__(
        self, url: str | None = None, *, prefix: str = PREFIX, aging_step: float = AGING_STEP_S
    ) -> None:
        from yivideo.gpu.address import server_address

        self.url = with_database(url or server_address(), DATABASE)
        self.aging_step = aging_step
        self._transitions = Transitions(connect(self.url), prefix)
        self._blocking = connect(self.url, blocking=True)
        # The journals of hosts, as far as asked.
        self.journals: dict[str, Journal] = {}
        # Told of every grant that a call of this object brought about, its own included: whoever
        # sends hints sets it.
        self.on_grants: Callable[[Sequence[Grant]], None] | None = None

    @property
    def client(self) -> redis.Redis:
        """The connection, for reading beside the scripts."""
        return self._transitions.client

    @property
    def prefix(self) -> str:
        """What the pool's keys begin with."""
        return self._transitions.prefix

    def close(self) -> None:
        """Close the connections; leases are not touched."""
        self.client.close()
        self._blocking.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Those who want a device.

    def lease(
        self,
        *,
        memory: str | float | None = None,
        compute: float = 0,
        decode: float = 0,
        exclusive: bool | None = None,
        device: str = "",
        priority: int = DEFAULT_PRIORITY,
        group: str = "default",
        **more: Any,
    ) -> AbstractContextManager["Gpu"]:
        """Hold a device of this host for the length of a ``with`` block, waiting for it first.

        ``with pool.lease(memory="4 GiB", priority=7) as gpu:`` makes only ``gpu.uuid`` visible to
        CUDA. ``more`` goes to `Request`: weight, expected, longest_wait, limit, what, workflow.

        Raises:
            BadDemand: an amount or a priority is malformed or out of range.
            RequestImpossible: no device of this host could ever hold it.
            WaitLimitReached: ``longest_wait`` is over.
            NotVouchedFor: no agent on this host can vouch for this process.
            CudaStarted: CUDA has started in this process and sees another device.
            ServerUnavailable: the pool's server does not answer.
        """
        from yivideo.gpu.lease import held_lease, host_name

        demand = Demand.of(
            memory=memory,
            compute=compute,
            decode=decode,
            exclusive=exclusive,
            host=host_name(),
            device=device,
        )
        return held_lease(self, demand, {"priority": priority, "group": group, **more})

    def request(self, request: Request) -> Reply:
        """Ask for a device. Asked again with the same id, it tells what became of the request.

        Raises:
            RequestImpossible: no device could ever hold it.
            RequestEnded: the request has ended; `WaitLimitReached` if it was given up.
            ServerUnavailable: the server does not answer.
        """
        answer = self._transitions.run(
            "request",
            id=request.id,
            shape=request.demand.shape,
            priority=request.priority,
            aging=self.aging_step * MICROSECONDS,
            group=request.group,
            weight=request.weight,
            since=_microseconds(request.since),
            expected=_microseconds(request.expected),
            longest=_microseconds(request.longest_wait),
            limit=_microseconds(request.limit),
            what=request.what,
            workflow=request.workflow,
            wake=request.wake,
            owner=request.owner.record() if request.owner else None,
            claim=_microseconds(request.claim_within),
            standby=request.standby or None,
            tries=request.tries,
            payload=request.payload,
        )
        grant = answer.get("grant")
        return Reply(answer["state"], Grant.of(grant) if grant else None, self._handed_on(answer))

    def messages(self, wake: str, timeout: float) -> dict[str, Any] | None:
        """The next message told to the list ``wake``; None after ``timeout`` seconds without one.

        Raises:
            ServerUnavailable: the server does not answer.
        """
        wait = max(timeout, 0.001)
        got = _asked(lambda: self._blocking.blpop([self.prefix + wake], timeout=wait))
        return None if got is None else json.loads(got[1])

    def take_message(self, wake: str, aside: str, timeout: float) -> str | None:
        """As `messages`, but the message stays in the list ``aside`` until `drop_message`.

        Raises:
            ServerUnavailable: the server does not answer.
        """
        wait: Any = max(timeout, 0.001)
        names = self.prefix + wake, self.prefix + aside
        return _asked(lambda: self._blocking.blmove(*names, wait, "LEFT", "RIGHT"))

    def drop_message(self, aside: str, message: str) -> None:
        """The message that `take_message` gave has been dealt with.

        Raises:
            ServerUnavailable: the server does not answer.
        """
        _asked(lambda: self.client.lrem(self.prefix + aside, 1, message))

    def put_back_messages(self, wake: str, aside: str) -> None:
        """Messages that were taken and not dealt with come first again.

        Raises:
            ServerUnavailable: the server does not answer.
        """
        names = self.prefix + aside, self.prefix + wake
        while _asked(lambda: self.client.lmove(*names, "RIGHT", "LEFT")) is not None:
            continue

    def cancel(self, request: str, why: str = "", *, tell: bool = False) -> tuple[Grant, ...]:
        """Give up a request that holds no device yet; with ``tell``, its wake list is told.

        Raises:
            LeaseHeld: it holds a device.
            LeaseUnknown: the pool knows no such request.
        """
        answer = self._transitions.run("cancel", request=request, why=why, tell=tell or None)
        return self._handed_on(answer)

    # Those who hold one.

    def claim(self, grant: Grant, holder: Holder) -> Grant:
        """Begin to hold what was granted. The same holder may repeat it.

        Raises:
            StaleFence: the grant went back, being claimed too late.
            DeviceClosed: the device was closed meanwhile.
            NotVouchedFor: the device's agent is silent, or cannot see the holder.
            NotHolder: another process has claimed it.
        """
        answer = self._transitions.run(
            "claim", request=grant.request, fence=grant.fence, holder=holder.record()
        )
        return Grant.of(answer["grant"])

    def renew(
        self, request: str, fence: str, holder: Holder, *, expected: float | None = None
    ) -> bool:
        """Make sure the lease is still held; ``expected`` seconds more will be needed.

        Returns:
            Whether the pool asks for an idle model's memory back.

        Raises:
            LeaseReclaimed: it was taken back.
            StaleFence: another attempt holds it.
        """
        answer = self._transitions.run(
            "renew",
            request=request,
            fence=fence,
            holder=holder.record(),
            expected=_microseconds(expected),
        )
        return answer["evict"]

    def release(
        self,
        request: str,
        fence: str,
        holder: Holder,
        *,
        why: str = "",
        keep: tuple[str, int, str] | None = None,
    ) -> Released:
        """Give the device back, to be handed on at once.

        Args:
            request: the lease's request.
            fence: the lease's fence.
            holder: who claimed it.
            why: a word for the history.
            keep: (model, MiB, wake list): the model stays in memory and becomes a lease of its own,
                which the pool may ask back with a message ``{"evict": true}``.

        Raises:
            LeaseEnded: it was released before; `LeaseReclaimed` if it was taken back.
            NotHolder: another process holds it.
        """
        kept = dict(zip(("model", "memory", "wake"), keep, strict=True)) if keep else None
        answer = self._again(
            "release", request=request, fence=fence, holder=holder.record(), why=why, keep=kept
        )
        if answer is None:
            return Released(0.0, None, ())
        lease = answer.get("kept")
        return Released(
            float(answer["used"]) / MICROSECONDS,
            (lease["request"], lease["fence"]) if lease else None,
            self._handed_on(answer),
        )

    def _again(self, name: str, **parameters: Any) -> dict[str, Any] | None:
        """Run a transition again when its answer was lost: it may have been carried out."""
        try:
            return self._transitions.run(name, **parameters)
        except ServerUnavailable:
            try:
                return self._transitions.run(name, **parameters)
            except LeaseEnded as ended:
                if type(ended) is LeaseEnded:
                    return None
                raise

    # Those who vouch.

    def reclaim(self, request: str, fence: str, why: str) -> tuple[Grant, ...]:
        """Take a lease back from a process that the caller has seen gone.

        Raises:
            LeaseEnded: it has ended already.
            StaleFence: it is another attempt's by now.
            LeaseNotHeld: the grant has not been claimed, so that there is no process.
        """
        return self._handed_on(
            self._transitions.run("reclaim", request=request, fence=fence, why=why)
        )

    def overrun(self, request: str, fence: str) -> None:
        """Have the holder's process ended by its agent, as if it were over its limit.

        Raises:
            LeaseEnded: it has ended already.
            StaleFence: it is another attempt's by now.
        """
        self._transitions.run("overrun", request=request, fence=fence)

    def register(self, **host: Any) -> dict[str, Any]:
        """Make a host and its devices known; see ``register.lua``. For agents."""
        answer = self._transitions.run("register", **host)
        self._handed_on(answer)
        return answer

    def attest(self, **what: Any) -> dict[str, Any]:
        """Say what lives on a host, and open its devices; see ``attest.lua``. For agents."""
        answer = self._transitions.run("attest", **what)
        self._handed_on(answer)
        return answer

    def heartbeat(self, host: str, agent: str, devices: Mapping[str, str]) -> dict[str, Any]:
        """Keep a host's devices vouched for; ``devices`` maps ids to facts as JSON. For agents."""
        answer = self._transitions.run("heartbeat", host=host, agent=agent, devices=devices)
        self._handed_on(answer)
        return answer

    def sweep(self) -> tuple[Grant, ...]:
        """Do what time alone brings about: unclaimed grants, longest waits, silent hosts."""
        return self._handed_on(self._transitions.run("sweep"))

    def mark(
        self,
        device: str,
        *,
        cordon: bool | None = None,
        quarantine: str | None = None,
        why: str = "",
    ) -> tuple[Grant, ...]:
        """Cordon a device or resume it; quarantine it with a reason, or trust it again with "".

        Raises:
            DeviceUnknown: the pool knows no such device.
        """
        return self._handed_on(
            self._transitions.run(
                "mark", device=device, cordon=cordon, quarantine=quarantine, why=why
            )
        )

    def _handed_on(self, answer: Mapping[str, Any]) -> tuple[Grant, ...]:
        grants = tuple(Grant.of(grant) for grant in answer.get("grants") or ())
        if grants and self.on_grants is not None:
            self.on_grants(grants)
        return grants

    # Those who look.

    def field(self, key: str, name: str) -> str | None:
        """One field of one of the pool's hashes; None where it is missing.

        Raises:
            ServerUnavailable: the server does not answer.
        """
        return _asked(lambda: self.client.hget(self.prefix + key, name))

    def fields(self, key: str, names: Sequence[str]) -> dict[str, Any]:
        """Some fields of one of the pool's hashes; those that hold records are taken apart.

        Raises:
            ServerUnavailable: the server does not answer.
        """
        values: list[str | None] = _asked(lambda: self.client.hmget(self.prefix + key, list(names)))
        return {
            name: json.loads(value) if value and name in {"holder", "owner"} else value
            for name, value in zip(names, values, strict=True)
        }

    def members(self, key: str) -> set[str]:
        """The members of one of the pool's sets.

        Raises:
            ServerUnavailable: the server does not answer.
        """
        return set(_asked(lambda: self.client.smembers(self.prefix + key)))

    def snapshot(self, waiters: int = 0) -> Snapshot:
        """Hosts, devices and leases in one moment, and the first ``waiters`` in the queue.

        Raises:
            ServerUnavailable: the server does not answer.
        """
        from yivideo.gpu.queue import read_queue

        told = self._transitions.run("tell")
        queue = _asked(lambda: read_queue(self._transitions, waiters)) if waiters else None
        return Snapshot(
            now=float(told["now"]) / MICROSECONDS,
            epoch=int(told["epoch"]),
            waiting=told["waiting"],
            hosts=tuple(Host.of(host) for host in told["hosts"] or ()),
            devices=tuple(
                sorted(
                    (Device.of(d) for d in told["devices"] or ()), key=lambda d: (d.host, d.index)
                )
            ),
            virtual_times={
                **{group: float(v) for group, v in dict(told["groups"] or {}).items()},
                **(queue.virtual_times if queue else {}),
            },
            waiters=queue.waiters if queue else (),
            system_v=float(told["system_v"]),
        )

    def events(self, after: str = "$", block: float | None = None) -> Iterator[dict[str, str]]:
        """What happened in the pool, oldest first, each with its ``id``.

        Args:
            after: the id of the last event known; ``"0"`` for all that are kept, ``"$"`` for new.
            block: seconds to wait for more before ending; None ends where there are no more.

        Raises:
            ServerUnavailable: the server does not answer.
        """
        wait = None if block is None else max(1, int(block * 1000))
        stream = self.prefix + "events"
        while True:
            known: dict[Any, Any] = {stream: after}
            got = _asked(lambda known=known: self._blocking.xread(known, count=500, block=wait))
            batch = got[0][1] if isinstance(got, list) and got else _of_stream(got, stream)
            if not batch:
                return
            for number, fields in batch:
                after = number
                yield {"id": number, **fields}


def _asked(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except AWAY as error:
        raise no_answer(error) from error
    except redis.ResponseError as error:
        # What a blocked client is told when its server becomes a replica.
        if not str(error).startswith("UNBLOCKED"):
            raise
        raise ServerUnavailable(f"The pool's server was replaced: {error}.") from error


def _of_stream(got: Any, stream: str) -> Sequence[Any]:
    """The entries in an answer of RESP3, a map from stream to lists of entries."""
    return [entry for part in got.get(stream, ()) for entry in part] if got else ()


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * MICROSECONDS)
