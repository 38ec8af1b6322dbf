"""Each refusal of the pool happens for real, says so in one sentence, and changes nothing."""

from collections.abc import Callable

import pytest
from tests.gpu.pool.conftest import Hall, holder

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
    StaleFence,
    WaitLimitReached,
)
from yivideo.gpu.amounts import Demand

Deed = Callable[[], object]


def unknown_lease(hall: Hall) -> Deed:
    """Release what nobody asked for."""
    return lambda: hall.pool.release("nobody's", "1", holder())


def unknown_cancel(hall: Hall) -> Deed:
    """Cancel what nobody asked for."""
    return lambda: hall.pool.cancel("nobody's")


def stale_fence(hall: Hall) -> Deed:
    """Renew with the fence of an earlier grant."""
    grant = hall.held("r", 8)
    return lambda: hall.pool.renew("r", str(int(grant.fence) - 1), holder())


def stale_claim(hall: Hall) -> Deed:
    """Claim what went back, being claimed too late."""
    grant = hall.granted("r", 8)
    hall.later(6)
    hall.pool.sweep()
    return lambda: hall.pool.claim(grant, holder())


def double_release(hall: Hall) -> Deed:
    """Release twice."""
    grant = hall.held("r", 8)
    hall.release(grant)
    return lambda: hall.release(grant)


def renew_after_reclaim(hall: Hall) -> Deed:
    """Renew what was taken back."""
    grant = hall.held("r", 8)
    hall.pool.reclaim("r", grant.fence, "process 7 is gone")
    return lambda: hall.pool.renew("r", grant.fence, holder())


def not_holder(hall: Hall) -> Deed:
    """Release what another process holds."""
    grant = hall.held("r", 8)
    return lambda: hall.pool.release("r", grant.fence, holder(pid=8))


def second_claim(hall: Hall) -> Deed:
    """Claim what another process has claimed."""
    grant = hall.held("r", 8)
    return lambda: hall.pool.claim(grant, holder(start=71))


def idle_claim(hall: Hall) -> Deed:
    """Claim an idle model's lease, which nobody was granted."""
    grant = hall.held("r", 8)
    kept = hall.pool.release("r", grant.fence, holder(), keep=("M", 4, "")).kept
    assert kept is not None
    idle = type(grant)(**{**{n: getattr(grant, n) for n in grant.__slots__}, "request": kept[0]})
    return lambda: hall.pool.claim(idle, holder())


def unclaimed_release(hall: Hall) -> Deed:
    """Release what was granted and not claimed."""
    grant = hall.granted("r", 8)
    return lambda: hall.release(grant)


def unclaimed_reclaim(hall: Hall) -> Deed:
    """Take back what has no process."""
    grant = hall.granted("r", 8)
    return lambda: hall.pool.reclaim("r", grant.fence, "gone")


def keep_too_much(hall: Hall) -> Deed:
    """Keep more memory than was held."""
    grant = hall.held("r", 8)
    return lambda: hall.release(grant, keep=("M", 9, ""))


def keep_less_than_nothing(hall: Hall) -> Deed:
    """Keep a negative amount, which would add to the device."""
    grant = hall.held("r", 8)
    return lambda: hall.release(grant, keep=("M", -1, ""))


def held_cancel(hall: Hall) -> Deed:
    """Cancel what holds a device."""
    hall.held("r", 8)
    return lambda: hall.pool.cancel("r")


def impossible(hall: Hall) -> Deed:
    """Ask for more than any device has."""
    return lambda: hall.ask("r", 4096)


def nowhere(hall: Hall) -> Deed:
    """Ask for a service that no host offers."""
    return lambda: hall.ask("r", Demand(memory=1, service="ocr"))


def asked_after_end(hall: Hall) -> Deed:
    """Ask with the id of a request that has ended."""
    hall.ask("r", 8)
    hall.pool.cancel("r")
    return lambda: hall.ask("r", 8)


def waited_long_enough(hall: Hall) -> Deed:
    """Ask again after the longest wait."""
    hall.held("other", 8, what="reading", workflow="w1")
    hall.ask("r", 8, longest_wait=5)
    hall.later(6)
    hall.pool.sweep()
    return lambda: hall.ask("r", 8, longest_wait=5)


def claim_from_another_host(hall: Hall) -> Deed:
    """Claim a device of another host."""
    grant = hall.granted("r", 8)
    return lambda: hall.pool.claim(grant, holder("g"))


def claim_from_another_namespace(hall: Hall) -> Deed:
    """Claim from a container whose processes the agent cannot see."""
    grant = hall.granted("r", 8)
    return lambda: hall.pool.claim(grant, holder(namespace="ns-container"))


def silent_agent(hall: Hall) -> Deed:
    """Claim where nobody would see the holder's death."""
    grant = hall.granted("r", 8)
    hall.later(16)
    return lambda: hall.pool.claim(grant, holder())


def claim_after_restart(hall: Hall) -> Deed:
    """Claim before the agent has said what lives."""
    grant = hall.granted("r", 8)
    hall.pool.client.hset(f"{hall.pool.prefix}meta", "run_id", "another")
    hall.pool.sweep()
    return lambda: hall.pool.claim(grant, holder())


def stranger(hall: Hall) -> Deed:
    """Register a host that another agent vouches for."""
    return lambda: hall.pool.register(
        host="h",
        agent="stranger",
        boot="boot",
        namespace="ns-other",
        journal="/elsewhere",
        services=[],
        pid=2,
        devices=[],
    )


def unknown_agent(hall: Hall) -> Deed:
    """Beat for a host that is not registered."""
    return lambda: hall.pool.heartbeat("g", "agent-g", {})


def attest_an_old_epoch(hall: Hall) -> Deed:
    """Attest what was read before the epoch moved."""
    return lambda: hall.attest("h", "0")


def unknown_device(hall: Hall) -> Deed:
    """Cordon a device that there is not."""
    return lambda: hall.pool.mark("h:9", cordon=True)


def missing_device(hall: Hall) -> Deed:
    """Trust a device that its agent does not find any more."""
    hall.host("h")
    return lambda: hall.pool.mark("h:0", quarantine="")


REFUSALS: dict[Callable[[Hall], Deed], tuple[type[PoolError], str]] = {
    unknown_lease: (LeaseUnknown, "knows no request nobody's"),
    unknown_cancel: (LeaseUnknown, "knows no request nobody's"),
    stale_fence: (StaleFence, "not its present one"),
    stale_claim: (StaleFence, "not its present one"),
    double_release: (LeaseEnded, "was released before"),
    renew_after_reclaim: (LeaseReclaimed, "process 7 is gone"),
    not_holder: (NotHolder, "held by process 7 on h"),
    second_claim: (NotHolder, "held by process 7 on h"),
    idle_claim: (LeaseNotHeld, "it is warm"),
    unclaimed_release: (LeaseNotHeld, "it is granted"),
    unclaimed_reclaim: (LeaseNotHeld, "it is granted"),
    keep_too_much: (LeaseNotHeld, "more than the 8 MiB"),
    keep_less_than_nothing: (LeaseNotHeld, "cannot keep"),
    held_cancel: (LeaseHeld, "holds h:0"),
    impossible: (RequestImpossible, r"h:0 \(8 MiB, 1 compute, 1 decoders, services: none\)"),
    nowhere: (RequestImpossible, r"service ocr: there is h:0"),
    asked_after_end: (RequestEnded, "was cancelled"),
    waited_long_enough: (WaitLimitReached, "h:0 is held by reading of w1"),
    claim_from_another_host: (NotVouchedFor, "a device of h, not of here"),
    claim_from_another_namespace: (NotVouchedFor, "another PID namespace"),
    silent_agent: (NotVouchedFor, "The agent of h is silent"),
    claim_after_restart: (DeviceClosed, "has not yet attested"),
    stranger: (AgentExists, "its journal is /nowhere"),
    unknown_agent: (NotVouchedFor, "not, or no longer, registered"),
    attest_an_old_epoch: (DeviceClosed, "epoch moved"),
    unknown_device: (DeviceUnknown, "knows no device h:9"),
    missing_device: (DeviceClosed, "does not find it"),
}


@pytest.mark.parametrize("deed", REFUSALS, ids=lambda deed: deed.__name__)
def test_refusal(deed: Callable[[Hall], Deed], hall: Hall) -> None:
    """The error is the typed one, in one sentence, and no key of the pool has changed."""
    error, says = REFUSALS[deed]
    hall.host("h", 8)
    refused = deed(hall)
    before = hall.keys()
    with pytest.raises(error, match=says) as caught:
        refused()
    assert hall.keys() == before
    said = str(caught.value)
    assert said.endswith(".")
    assert "\n" not in said


def test_a_pool_without_devices_says_how_to_get_one(hall: Hall) -> None:
    """The refusal names the command."""
    with pytest.raises(RequestImpossible, match="yivideo agent"):
        hall.ask("r", 8)
