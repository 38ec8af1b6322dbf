"""Running the pool's scripts on a server, and turning their refusals into errors."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import redis
from redis import exceptions as away

from yivideo.errors import (
    AgentExists,
    DeviceClosed,
    DeviceUnknown,
    LeaseEnded,
    LeaseHeld,
    LeaseNotHeld,
    LeaseReclaimed,
    LeaseUnknown,
    NotHolder,
    NotVouchedFor,
    PoolError,
    RequestEnded,
    RequestImpossible,
    ServerUnavailable,
    StaleFence,
    WaitLimitReached,
)
from yivideo.gpu import scripts
from yivideo.gpu.amounts import Demand

if TYPE_CHECKING:
    from redis.commands.core import Script

PREFIX = "pool:"
# What the server says while it cannot serve: worth waiting for, unlike a refusal.
AWAY = (
    away.ConnectionError,
    away.TimeoutError,
    away.BusyLoadingError,
    away.ReadOnlyError,
    away.OutOfMemoryError,
    # The server was started anew between the loading of a script and its call.
    away.NoScriptError,
)
_Refusal = Callable[[str, Mapping[str, Any]], PoolError]


class Transitions:
    """The scripts of one pool on one server.

    Args:
        client: a connection to the pool's database, with decoded answers.
        prefix: what all of the pool's keys begin with.
    """

    def __init__(self, client: redis.Redis, prefix: str = PREFIX) -> None:
        self.client = client
        self.prefix = prefix
        self._scripts: dict[str, Script] = {
            name: client.register_script(scripts.source(name)) for name in scripts.names()
        }

    def run(self, name: str, **parameters: Any) -> dict[str, Any]:
        """Run one transition; parameters that are None are left out.

        Raises:
            PoolError: the pool refused, and nothing was changed.
            ServerUnavailable: the server does not answer; what became of the call is unknown.
        """
        given = {key: value for key, value in parameters.items() if value is not None}
        try:
            said: Any = self._scripts[name](keys=[self.prefix], args=[json.dumps(given)])
        except AWAY as error:
            raise no_answer(error) from error
        answer: dict[str, Any] = json.loads(said)
        if "error" in answer:
            raise refusal(answer, parameters)
        return answer


def no_answer(error: Exception) -> ServerUnavailable:
    """That the server does not answer, with what its client says of it."""
    return ServerUnavailable(f"The pool's server does not answer: {str(error).rstrip('.')}.")


def refusal(answer: Mapping[str, Any], parameters: Mapping[str, Any]) -> PoolError:
    """The error that a refusal stands for, in one sentence."""
    name = str(parameters.get("request") or parameters.get("id") or parameters.get("device") or "")
    if answer["error"] == "impossible":
        return _impossible(parameters["shape"], answer)
    build = _REFUSALS.get(answer["error"])
    if build is None:
        return PoolError(f"The pool refused {name}: {answer['error']}.")
    return build(name, answer)


def _lease_ended(name: str, answer: Mapping[str, Any]) -> PoolError:
    how, why = answer.get("how", ""), answer.get("why", "")
    if how == "release":
        return LeaseEnded(f"The lease of {name} was released before.")
    if how in {"cancel", "wait-limit", "unclaimed"}:
        return request_ended(name, how, why)
    return LeaseReclaimed(f"The lease of {name} was taken back: {why or how}.")


def request_ended(name: str, how: str, why: str) -> PoolError:
    """Why a request ended without a device."""
    if how == "wait-limit":
        # An empty list comes as "{}": the scripts cannot tell the two apart.
        held = holders(list(json.loads(why))) if why[:1] in {"[", "{"} else why
        return WaitLimitReached(f"{name} waited for a device as long as it was willing to; {held}.")
    if how == "unclaimed":
        return RequestEnded(f"{name} was granted a device three times and claimed none.")
    if how in {"release", "reclaim"}:
        return RequestEnded(f"{name} had its device before ({how}): ask with a new id.")
    return RequestEnded(f"{name} was cancelled{f': {why}' if why else ''}.")


def holders(held: list[Mapping[str, Any]]) -> str:
    """For people: who holds the devices that are waited for."""
    if not held:
        return "no device was open to it"
    said = [
        f"{lease['device']} is held by {lease.get('what') or lease['request']}"
        + (f" of {lease['workflow']}" if lease.get("workflow") else "")
        for lease in held[:3]
    ]
    return ", ".join(said) + (f" and {len(held) - 3} more" if len(held) > 3 else "")


def _impossible(shape: str, answer: Mapping[str, Any]) -> PoolError:
    devices: list[Mapping[str, Any]] = list(answer.get("devices") or ())
    if not devices:
        return RequestImpossible(
            "The pool has no devices: start `yivideo agent` on a host with one."
        )
    offers = ", ".join(
        f"{d['device']} ({d['memory']} MiB, {d['compute'] / 1000:g} compute, "
        f"{d['decoders'] / 1000:g} decoders, services: {d['services'] or 'none'})"
        for d in sorted(devices, key=lambda d: d["device"])
    )
    more = f" and {left} more" if (left := answer["number"] - len(devices)) else ""
    return RequestImpossible(
        f"No device could ever hold {Demand.from_shape(shape)}: there is {offers}{more}."
    )


def _who(answer: Mapping[str, Any]) -> str:
    holder = answer.get("holder") or {}
    return f"process {holder.get('pid', '?')} on {holder.get('host', '?')}"


_REFUSALS: dict[str, _Refusal] = {
    "request-ended": lambda n, a: request_ended(n, a.get("how", ""), a.get("why", "")),
    "lease-unknown": lambda n, _: LeaseUnknown(f"The pool knows no request {n}."),
    "lease-ended": _lease_ended,
    "lease-held": lambda n, a: LeaseHeld(f"{n} holds {a['device']}: it can only be released."),
    "stale-fence": lambda n, _: StaleFence(f"The fence given for {n} is not its present one."),
    "not-holder": lambda n, a: NotHolder(f"{n} is held by {_who(a)}."),
    "not-held": lambda n, a: LeaseNotHeld(f"{n} holds no device: it is {a['state']}."),
    "keep-too-much": lambda n, a: LeaseNotHeld(
        f"{n} cannot keep more than the {a['memory']} MiB that it held."
    ),
    "device-closed": lambda _, a: DeviceClosed(
        f"{a['device']} is closed: {a['why'] or 'its agent has not yet attested what lives on it'}."
    ),
    "wrong-host": lambda n, a: NotVouchedFor(
        f"{n} was granted a device of {a['host']}, not of here."
    ),
    "not-vouched": lambda n, a: NotVouchedFor(
        f"The agent of {a['host']} cannot see this process (another PID namespace, or a start of "
        f"the host ago): {n} may not hold a device."
    ),
    "no-agent": lambda n, a: NotVouchedFor(
        f"The agent of {a['host']} is silent, so that nobody could vouch for {n}: "
        "start `yivideo agent` there."
    ),
    "not-registered": lambda _, __: NotVouchedFor("This agent is not, or no longer, registered."),
    "epoch-moved": lambda _, __: DeviceClosed("The pool's epoch moved while its state was read."),
    "agent-exists": lambda _, a: AgentExists(
        f"Another agent vouches for this host; its journal is {a.get('journal')}."
    ),
    "device-unknown": lambda n, _: DeviceUnknown(f"The pool knows no device {n}."),
}
