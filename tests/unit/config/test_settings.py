"""The schema, where settings come from, and what is said of wrong ones."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yivideo.config.checking import check_runtime, unwise
from yivideo.config.documents import applied, difference, flat, merged
from yivideo.config.files import as_yaml, parse_settings
from yivideo.config.profiles import PROFILES, profile_document
from yivideo.config.schema import Runtime
from yivideo.config.sources import file_document, load, runtime_part
from yivideo.errors import ConfigInvalid, UsageError

PLAN = {
    "development": (5, 12, 300, True, 30),
    "test": (10, 60, 600, True, 60),
    "production": (15, 120, 1800, True, 300),
}
KEYS = ("retry_interval", "max_retries", "lock_timeout", "exponential_backoff")


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yml"
    path.write_text(text, encoding="utf-8")
    return path


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Runtime settings that can work."""
    first = draw(st.integers(1, 1000))
    cases = draw(st.integers(10, 500))
    return Runtime.model_validate(
        {
            "gpu_lock": {
                "retry_interval": first,
                "max_retries": draw(st.integers(0, 1000)),
                "max_retry_interval": first + draw(st.integers(0, 1000)),
                "lock_timeout": draw(st.floats(15, 1e6)),
                "exponential_backoff": draw(st.booleans()),
            },
            "steps": {
                "memory": draw(
                    st.dictionaries(
                        st.sampled_from(["a.b", "c.d"]), st.sampled_from(["1 GiB", "300 MiB"])
                    )
                )
            },
            "retention": {"days": draw(st.none() | st.floats(0, 1000))},
            "uploads": {"limit": draw(st.integers(1, 2**40))},
            "guard": {"cases": cases, "alert_cases": draw(st.integers(1, cases))},
        }
    ).document()


@given(documents())
def test_what_is_exported_and_imported_is_the_same(document: dict[str, Any]) -> None:
    """Through YAML and the checks, to the last digit."""
    read = parse_settings(as_yaml(document).encode(), Path("config.yml"))
    assert runtime_part(file_document(read)) == document


@given(documents(), documents())
def test_a_difference_applied_is_the_other_document(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    """And of equal ones there is none."""
    changes = difference(one, other)
    assert applied(one, changes) == other
    assert difference(other, applied(one, changes)) == []
    assert bool(changes) == (dict(flat(one)) != dict(flat(other)))


@given(documents(), documents())
def test_what_lies_above_is_stronger(below: dict[str, Any], above: dict[str, Any]) -> None:
    """Key by key, and what only one of them has stays."""
    together = merged({**below, "more": {"a": 1}}, above)
    assert together.pop("more") == {"a": 1}
    found = dict(flat(together))
    assert all(found[key] == value for key, value in flat(above) if key != "steps.memory")


def test_each_source_is_stronger_than_the_one_before(tmp_path: Path) -> None:
    """Profile, file, environment, command line."""
    path = file(tmp_path, "gpu_lock:\n  max_retries: 7\n  retry_interval: 8\nport: 9000\n")
    variables = {"YIVIDEO_GPU_LOCK__RETRY_INTERVAL": "9 s", "YIVIDEO_PORT": "9001"}
    loaded = load(path, profile="production", environment=variables, options={"port": 9002})
    lock = loaded.config.gpu_lock
    assert (lock.lock_timeout, lock.max_retries, lock.retry_interval) == (1800, 7, 9)
    assert loaded.config.port == 9002


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_have_the_values_of_the_plan(name: str) -> None:
    """And what they do not name is a default."""
    lock = check_runtime(profile_document(name)).gpu_lock
    values = [getattr(lock, key) for key in (*KEYS, "max_retry_interval")]
    assert tuple(values) == PLAN[name]
    assert lock.enable_priority_queue is False


WRONG = {
    "gpu_lock:\n  retry_intervall: 5\n": "line 2: gpu_lock.retry_intervall: unknown; did you mean "
    "retry_interval?",
    "gpu_lck:\n  retry_interval: 5\n": "line 1: gpu_lck: unknown; did you mean gpu_lock?",
    "gpu_lock:\n  retry_interval: 3 GiB\n": "line 2: gpu_lock.retry_interval: '3 GiB' is not a",
    "gpu_lock:\n  retry_interval: -3\n": "line 2: gpu_lock.retry_interval: it should be greater",
    "gpu_lock:\n  max_retries: soon\n": "line 2: gpu_lock.max_retries: it should be a valid",
    "gpu_lock:\n  retry_interval: 90\n": "gpu_lock.max_retry_interval: the longest retry interval",
    "gpu_lock:\n  lock_timeout: 3\n": "line 2: gpu_lock.lock_timeout: 3 s is shorter than the "
    "heartbeat limit of 15 s",
    "gpu_lock: 3\n": "line 1: gpu_lock: is a section",
    "gpu_lock:\n  max_retries: 3\n  max_retries: 4\n": "line 3: gpu_lock.max_retries stands in "
    "line 2 already",
    "gpu_lock:\n  retry_interval: [1\n": "this is not YAML",
    "gpu_lock: {retry_interval: 5": "this is not YAML",
    "- gpu_lock\n": "a file of settings has sections and keys",
    "gpu_lock: &a\n  b: *a\n": "no file of settings",
    "steps:\n  memory: {a.b: 3 parsec}\n": "'3 parsec' is not a size",
    "port: 99999\n": "line 1: port: it should be less than or equal to 65535",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said_with_its_place(text: str, tmp_path: Path) -> None:
    """One sentence with file, line and key, and a suggestion where there is one."""
    path = file(tmp_path, text)
    with pytest.raises(ConfigInvalid) as raised:
        load(path, environment={})
    assert str(path) in raised.value.message
    assert WRONG[text] in raised.value.message
    assert "\n" not in raised.value.message


def test_what_is_no_file_is_said_so(tmp_path: Path) -> None:
    """A folder, nothing, no text, half a character."""
    for make, told in (
        (lambda path: path.mkdir(), "is a folder"),
        (lambda _: None, "There is no file"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is not text in UTF-8"),
    ):
        path = tmp_path / told.replace(" ", "")
        make(path)
        with pytest.raises(ConfigInvalid, match=told):
            load(path, environment={})


def test_a_variable_that_makes_no_sense_is_named() -> None:
    """As it is written in the environment."""
    with pytest.raises(ConfigInvalid, match=r"^YIVIDEO_GPU_LOCK__RETRY_INTERVAL: 'soon' is not a"):
        load(None, environment={"YIVIDEO_GPU_LOCK__RETRY_INTERVAL": "soon"})
    with pytest.raises(UsageError, match="no profile 'staging': there are development, test"):
        load(None, environment={"YIVIDEO_PROFILE": "staging"})


def test_other_variables_of_the_project_are_no_settings() -> None:
    """The client's key, for one."""
    loaded = load(None, environment={"YIVIDEO_KEY": "secret", "YIVIDEO_LOG": "json"})
    assert loaded.runtime == Runtime().document()


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"gpu_lock": {"max_retries": 0}}, "gpu_lock.max_retries"),
        ({"gpu_lock": {"max_retries": 2}}, "gpu_lock.max_retries"),
        ({"retention": {"days": 0.5}}, "retention.days"),
        ({"callbacks": {"private": True}}, "callbacks.private"),
        ({"guard": {"act": False}}, "guard.act"),
    ],
)
def test_what_is_allowed_but_unwise_is_said(document: dict[str, Any], key: str) -> None:
    """And nothing is said of the defaults."""
    assert [fault.key for fault in unwise(check_runtime(document))] == [key]
    assert unwise(Runtime()) == []
