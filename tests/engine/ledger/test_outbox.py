"""Events, callbacks, keys and retention."""

from tests.engine.ledger.making import Clock, begun, claim, kinds, new, succeed

from yivideo.engine.ledger.outbox import CALLBACK_BACKOFF_S
from yivideo.engine.ledger.records import Filter, WorkflowStatus
from yivideo.engine.ledger.store import Ledger


def test_events_are_read_on_from_where_one_stopped(ledger: Ledger) -> None:
    """In order, each once, of all or of one workflow."""
    first, second = ledger.accept(new()).workflow_id, ledger.accept(new()).workflow_id
    everything = ledger.events(0)
    assert [event.id for event in everything] == sorted({event.id for event in everything})
    assert ledger.events(everything[1].id) == everything[2:]
    assert ledger.events(0, limit=1) == everything[:1]
    assert {event.workflow_id for event in ledger.events(0, second)} == {second} != {first}
    assert ledger.last_event() == everything[-1].id
    assert ledger.events(2**70) == []


def test_a_callback_is_owed_for_an_end_and_tried_until_delivered(
    ledger: Ledger, clock: Clock
) -> None:
    """One at a time delivers it; after it is delivered it is never due again."""
    accepted = ledger.accept(new(callback_url="https://example.org/x"))
    assert ledger.callbacks_due() == ()
    ledger.cancel(accepted.workflow_id)
    (owed,) = ledger.callbacks_due()
    assert (owed.kind, owed.tries, owed.url) == ("workflow.cancelled", 0, "https://example.org/x")
    assert ledger.callbacks_due() == ()
    ledger.note_callback(owed.id, delivered=False, error="refused")
    assert ledger.callbacks_due() == ()
    clock.ahead += CALLBACK_BACKOFF_S[0] + 0.1
    (again,) = ledger.callbacks_due()
    assert (again.id, again.tries) == (owed.id, 1)
    ledger.note_callback(owed.id, delivered=True)
    clock.ahead += 1e6
    assert ledger.callbacks_due() == ()


def test_a_callback_is_given_up_and_comes_back_after_a_crash(ledger: Ledger, clock: Clock) -> None:
    """Whoever took it and died leaves it to others after a minute."""
    ledger.cancel(ledger.accept(new(callback_url="https://example.org/x")).workflow_id)
    ledger.callbacks_due()
    clock.ahead += 61
    tries = 0
    while owed := ledger.callbacks_due():
        tries += 1
        ledger.note_callback(owed[0].id, delivered=False, error="refused")
        clock.ahead += 1e6
    assert tries == len(CALLBACK_BACKOFF_S) + 1


def test_a_key_is_good_until_it_is_revoked(ledger: Ledger, clock: Clock) -> None:
    """Its secret is nowhere; its use is noted once a minute."""
    identity, secret = ledger.add_key("Ada's shelf")
    assert secret.startswith("yv_") and len(secret) > 40
    assert ledger.check_key(secret) == identity
    first = ledger.keys()[0].used_at
    clock.ahead += 30
    ledger.check_key(secret)
    assert ledger.keys()[0].used_at == first
    clock.ahead += 31
    ledger.check_key(secret)
    assert ledger.keys()[0].used_at != first
    assert secret not in repr(ledger.keys())
    assert ledger.check_key(secret + "x") is None
    assert ledger.check_key("\udc80") is None
    assert ledger.revoke_key(identity) is True
    assert ledger.revoke_key(identity) is False
    assert ledger.check_key(secret) is None


def test_ended_workflows_expire_by_age_and_by_number(ledger: Ledger, clock: Clock) -> None:
    """The oldest first; what has not ended stays."""
    running = begun(ledger)
    ended: list[str] = []
    for _ in range(4):
        one = begun(ledger, steps=1)
        succeed(ledger, one.attempt_id)
        ended.append(one.workflow_id)
        clock.ahead += 100
    assert ledger.expire(1000, 4) == ()
    uris = ledger.expire(350, None)
    assert any(ended[0] in uri for uri in uris)
    ledger.expire(None, 2)
    left = [workflow.id for workflow in ledger.page(Filter()).workflows]
    assert left == [ended[3], ended[2], running.workflow_id]
    assert kinds(ledger, ended[0]) == ["workflow.deleted"]
    last = ledger.last_event()
    clock.ahead += 1e6
    ledger.expire(None, 100)
    assert kinds(ledger, ended[0]) == []
    assert ledger.last_event() == last
    assert ledger.workflow(running.workflow_id).status == WorkflowStatus.RUNNING


def test_durations_are_kept_as_far_as_they_are_looked_at(ledger: Ledger) -> None:
    """The newest of each step and model."""
    outcome = succeed(ledger, begun(ledger).attempt_id)
    assert outcome is not None
    succeed(ledger, claim(ledger, outcome.ready[0]).attempt_id)
    ledger.expire(None, None)
    assert len(ledger.durations("toy.0", "gpu")) == len(ledger.durations("toy.1", "gpu")) == 1
