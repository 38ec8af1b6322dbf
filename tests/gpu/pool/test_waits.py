"""Nobody who waits is forgotten, and nobody stands in the way of a device that is not his."""

from typing import TYPE_CHECKING

import pytest
from tests.gpu.pool.conftest import Hall, holder

from yivideo.errors import LeaseReclaimed, NotHolder, RequestImpossible
from yivideo.gpu.amounts import Demand

if TYPE_CHECKING:
    from yivideo.gpu.records import Grant


def test_silent_hosts_do_not_hide_a_device(hall: Hall) -> None:
    """Nine hosts have room; eight are silent and not yet found out: the ninth is used."""
    for number in range(8):
        hall.host(f"a{number}", 1024)
    hall.later(16)
    hall.host("b", 2048)
    assert hall.granted("r", 512).device == "b:0"


def test_who_waits_for_a_service_that_was_away_is_served_when_it_is_back(hall: Hall) -> None:
    """A refusal of the same wish meanwhile does not make the pool forget who waits already."""
    wish = Demand(memory=1024, service="ocr")
    hall.host("h", 1024, services=("ocr",))
    first = hall.held("first", wish)
    assert hall.ask("second", wish).state == "waiting"
    hall.host("h", 1024)
    with pytest.raises(RequestImpossible):
        hall.ask("third", wish)
    hall.host("h", 1024, services=("ocr",))
    assert hall.release(first) == ["second on h:0"]


def test_a_grant_that_goes_back_after_hours_of_waiting_is_not_forgotten(hall: Hall) -> None:
    """Its kind of wish was not asked for in an hour, and nobody else waits for it."""
    hall.host("h", 1024)
    first = hall.held("first", 1024)
    hall.ask("second", 1000)
    hall.later(7200)
    hall.host("h", 1024)
    assert hall.release(first) == ["second on h:0"]
    hall.pool.sweep()
    hall.later(6)
    assert [grant.request for grant in hall.pool.sweep()] == ["second"]


def test_a_device_is_handed_on_when_the_one_in_the_way_waits_for_another(hall: Hall) -> None:
    """The large request's reservation moves; the small one behind it starts at once."""
    hall.host("h", 8, 8)
    hall.held("long", Demand(memory=6, device="h:0"), expected=100)
    longer = hall.held("longer", Demand(memory=6, device="h:1"), expected=200)
    assert hall.ask("large", 8).state == "waiting"
    brief = hall.held("brief", Demand(memory=2, device="h:1"), expected=20)
    assert hall.ask("small", 2, expected=0).state == "waiting"
    hall.pool.renew(longer.request, longer.fence, holder(), expected=10)
    assert hall.release(brief) == ["small on h:0"]


def test_an_idle_models_memory_stays_taken_until_it_is_taken_over(hall: Hall) -> None:
    """Who asks for less than the model holds gets all of it: none of it is given to others."""
    hall.host("h", 8)
    hall.release(hall.held("first", 8), keep=("M", 6, ""))
    assert hall.granted("next", Demand(memory=2, model="M")).memory == 6
    assert hall.ask("other", 4).state == "waiting"


def test_an_idle_model_is_asked_again_after_a_grant_that_nobody_claimed(hall: Hall) -> None:
    """It was asked to go, then promised to a request that did not come: the wait does not last."""
    hall.host("h", 8)
    hall.release(hall.held("first", 8), keep=("M", 6, "wake:idle"))
    assert hall.ask("large", 8).state == "waiting"
    assert hall.ask("same", Demand(memory=6, model="M"), priority=9).grant is not None
    told = f"{hall.pool.prefix}wake:idle"
    assert hall.pool.client.llen(told) == 1
    hall.pool.cancel("same")
    assert hall.pool.client.llen(told) == 2


def _restart(hall: Hall) -> str:
    """The server forgets everything; the epoch that it begins with."""
    hall.pool.client.flushdb()
    hall.later(1)
    hall.pool.sweep()
    return str(hall.pool.snapshot().epoch)


def _journal(grant: "Grant") -> dict[str, object]:
    return {
        "request": grant.request,
        "fence": grant.fence,
        "device": grant.device,
        "memory": grant.memory,
        "compute": grant.compute,
        "decoders": grant.decoders,
        "shape": Demand(memory=grant.memory).shape,
        "group": "default",
        "weight": 1.0,
        "what": "",
        "workflow": "",
        "expected": 0,
        "limit": 0,
        "wake": "",
        "holder": holder(grant.host).record(),
        "warm": False,
    }


def _joins(hall: Hall, name: str, epoch: str, *living: dict[str, object]) -> None:
    """A host of one device joins after the server came back."""
    device = {"index": 0, "uuid": f"GPU-{name}", "model": "X", "memory": 8, "compute": 1000}
    hall.pool.register(
        host=name,
        agent=f"agent-{name}",
        boot="boot",
        namespace=f"ns-{name}",
        journal="/nowhere",
        services=[],
        pid=1,
        devices=[{**device, "decoders": 1000}],
    )
    hall.attest(name, epoch, living)


def test_a_request_that_lives_twice_holds_both_devices(hall: Hall) -> None:
    """Asked for again while the server had forgotten it: each life ends by its own fence."""
    hall.host("a", 8)
    old = hall.held("r", 8)
    epoch = _restart(hall)
    _joins(hall, "b", epoch)
    new = hall.held("r", 8)
    assert new.device == "b:0"
    _joins(hall, "a", epoch, _journal(old))
    hall.attest("b", str(hall.pool.snapshot().epoch), (_journal(new),))
    assert hall.ask("next", 8).state == "waiting"
    hall.pool.renew("r", old.fence, holder("a"))
    assert hall.release(old) == ["next on a:0"]
    assert hall.ask("last", 8).state == "waiting"
    assert hall.release(new) == ["last on b:0"]


def test_a_claim_that_comes_late_does_not_share_what_was_given_away(hall: Hall) -> None:
    """Its journal was written, then the grant went to another, then the server forgot both."""
    hall.host("a", 8)
    late = hall.granted("late", 8)
    hall.pool.cancel("late")
    held = hall.held("held", 8)
    epoch = _restart(hall)
    _joins(hall, "a", epoch, _journal(late), _journal(held))
    with pytest.raises(LeaseReclaimed):
        hall.pool.claim(late, holder("a"))
    hall.pool.renew("held", held.fence, holder("a"))


def test_a_number_of_a_process_is_not_the_process(hall: Hall) -> None:
    """The same number and start in another namespace neither claims again nor releases."""
    hall.host("h", 8)
    grant = hall.held("r", 8)
    for other in (holder(namespace="ns-other"), holder(host="g"), holder(boot="before")):
        with pytest.raises(NotHolder):
            hall.pool.claim(grant, other)
        with pytest.raises(NotHolder):
            hall.pool.release("r", grant.fence, other)


def test_a_host_that_gains_a_device_keeps_what_was_claimed_meanwhile(hall: Hall) -> None:
    """Its journal was read before the claim; the device was open all the time."""
    hall.host("h", 8)
    grant = hall.held("r", Demand(memory=8, device="h:0"))
    hall.host("h", 8, 8)
    hall.pool.renew("r", grant.fence, holder())


def test_who_stands_by_holds_at_once(hall: Hall) -> None:
    """From its grant on the device is its own: no time takes it away, and it need not claim."""
    hall.host("h", 8)
    first = hall.held("first", 8)
    assert hall.ask("next", 8, owner=holder(), standby=True).state == "waiting"
    hall.later(1)
    hall.ask("last", 8)
    released = hall.pool.release(first.request, first.fence, holder())
    assert [grant.held for grant in released.grants] == [True]
    hall.later(14)
    assert hall.pool.sweep() == ()
    reply = hall.ask("next", 8, owner=holder(), standby=True)
    assert (reply.state, reply.grant and reply.grant.held) == ("held", True)
    assert hall.release(released.grants[0]) == ["last on h:0"]


def test_who_cannot_be_vouched_for_must_claim(hall: Hall) -> None:
    """Standing by helps nobody whom the device's agent does not see."""
    hall.host("h", 8)
    for number, other in enumerate((holder("g"), holder(namespace="else"), holder(boot="old"))):
        grant = hall.granted(f"r{number}", 8, owner=other, standby=True)
        assert not grant.held
        hall.pool.cancel(grant.request)


def test_who_stands_by_must_claim_what_an_idle_model_holds(hall: Hall) -> None:
    """The model's memory is its process's, who alone can take it over."""
    hall.host("h", 8)
    hall.release(hall.held("first", 8), keep=("M", 6, ""))
    wish = Demand(memory=6, model="M")
    assert not hall.granted("next", wish, owner=holder(), standby=True).held
