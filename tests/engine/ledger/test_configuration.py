"""Versions of the configuration: each change is one, one rules, and one may be tried."""

from typing import Any

import pytest
from tests.engine.ledger.making import Clock, new

from yivideo.config.checking import check_runtime
from yivideo.config.documents import merged
from yivideo.config.schema import Runtime
from yivideo.engine.ledger.changing import GUARD
from yivideo.engine.ledger.store import Ledger
from yivideo.errors import ConfigConflict, ConfigInvalid, ConfigVersionUnknown

DEFAULT = Runtime().document()


def document(**lock: Any) -> dict[str, Any]:
    return check_runtime({"gpu_lock": lock}).document()


def test_a_change_is_a_numbered_version(ledger: Ledger) -> None:
    """Who, when, why, and what differs; the same again is none."""
    config = ledger.configuration
    assert config.state() is None
    first = config.change(DEFAULT, author="ann", reason="begin")
    second = config.change(document(max_retries=3), author="bob", reason="less")
    assert config.change(document(max_retries=3), author="cat", reason="again") == second
    assert (first.number, second.number, second.base) == (1, 2, 1)
    assert list(second.changes) == [{"key": "gpu_lock.max_retries", "before": 60, "after": 3}]
    state = config.state()
    assert state is not None
    assert (state.current, state.previous) == (2, 1)
    assert [one.author for one in config.history()] == ["bob", "ann"]
    told = [event for event in ledger.events(0) if event.kind == "config.changed"]
    assert [event.data["version"] for event in told] == [1, 2]


def test_two_who_change_at_once_cannot_overwrite_each_other(ledger: Ledger) -> None:
    """The second made its change from a version that rules no more."""
    config = ledger.configuration
    config.change(DEFAULT, author="ann", reason="", expected=0)
    config.change(document(max_retries=3), author="bob", reason="", expected=1)
    with pytest.raises(ConfigConflict, match="version 2 rules"):
        config.change(document(max_retries=4), author="cat", reason="", expected=1)
    assert len(config.history()) == 2


def test_going_back_is_a_version_too(ledger: Ledger) -> None:
    """History only grows."""
    config = ledger.configuration
    config.change(DEFAULT, author="ann", reason="")
    config.change(document(max_retries=3), author="ann", reason="")
    made = config.rule_again(1, author="ann", reason="worse")
    assert made is not None
    assert (made.number, made.document) == (3, DEFAULT)
    with pytest.raises(ConfigVersionUnknown):
        config.rule_again(9, author="ann", reason="")
    # Somebody changed it meanwhile: nothing is taken back.
    assert config.rule_again(1, author=GUARD, reason="", expected=2) is None
    assert len(config.history()) == 3


def test_an_edit_of_the_file_changes_what_was_edited(ledger: Ledger) -> None:
    """What was changed elsewhere stays."""
    config = ledger.configuration
    config.import_file(document(max_retries=5), author="f", first=document(max_retries=5))
    config.change(document(max_retries=5, lock_timeout=99), author="ann", reason="")
    assert config.import_file(document(max_retries=5), author="f", first={}) is None
    made = config.import_file(document(max_retries=6), author="f", first={})
    assert made is not None
    assert made.document == document(max_retries=6, lock_timeout=99)


def test_an_edit_that_cannot_work_with_the_rest_changes_nothing(ledger: Ledger) -> None:
    """Each half is right by itself."""
    config = ledger.configuration
    config.import_file(DEFAULT, author="f", first=DEFAULT)
    config.change(document(max_retry_interval=10), author="ann", reason="")
    with pytest.raises(ConfigInvalid, match="With what was changed elsewhere"):
        config.import_file(document(retry_interval=50), author="f", first={})
    state = config.state()
    assert state is not None
    assert state.current == 2


def tried_on(ledger: Ledger, number: int, **labels: str) -> int:
    """How many of ``number`` new workflows begin with version 2."""
    ids = [ledger.accept(new(labels=labels)).workflow_id for _ in range(number)]
    return sum(ledger.workflow(one).config_version == 2 for one in ids)


def test_a_trial_rules_a_share_of_the_new_workflows(ledger: Ledger) -> None:
    """About so many, and none before or after."""
    config = ledger.configuration
    config.change(DEFAULT, author="ann", reason="")
    config.change(document(max_retries=3), author="ann", reason="")
    config.rule_again(1, author="ann", reason="")
    assert tried_on(ledger, 5) == 0
    config.try_version(2, share=0.25)
    assert 5 <= tried_on(ledger, 80) <= 38
    with pytest.raises(ConfigConflict, match="being tried"):
        config.try_version(1, share=0.5)
    assert config.end_trial(promote=False, author="ann") is not None
    assert tried_on(ledger, 5) == 0
    assert config.end_trial(promote=False, author="ann") is None


def test_a_trial_on_labels_and_its_promotion(ledger: Ledger) -> None:
    """Only those that have all of them; afterwards it rules."""
    config = ledger.configuration
    config.change(DEFAULT, author="ann", reason="")
    config.change(document(max_retries=3), author="ann", reason="")
    config.rule_again(1, author="ann", reason="")
    config.try_version(2, labels={"shelf": "3"})
    assert (tried_on(ledger, 3, shelf="3"), tried_on(ledger, 3, shelf="4")) == (3, 0)
    ended = config.end_trial(promote=True, author="ann")
    assert ended is not None
    assert (ended.current, ended.canary) == (2, None)


def test_alerts_are_told_once(ledger: Ledger) -> None:
    """However often they are found."""
    config = ledger.configuration
    config.change(DEFAULT, author="ann", reason="")
    alert = {"error-rate": {"figure": "error-rate", "value": 0.5}}
    assert config.note_alerts(1, alert)
    assert not config.note_alerts(1, alert)
    assert [e.kind for e in ledger.events(0)].count("config.alert") == 1
    assert config.version(1).alerts == alert


def test_documents_are_whole(ledger: Ledger, clock: Clock) -> None:
    """A version can be read without the ones before it."""
    assert clock is not None
    made = ledger.configuration.change(
        merged(DEFAULT, {"retention": {"days": 3}}), author="ann", reason=""
    )
    assert check_runtime(made.document).retention.days == 3
