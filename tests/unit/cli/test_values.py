"""Values of options."""

import pytest

from yivideo.cli.values import (
    clock,
    parse_device,
    parse_languages,
    parse_settings,
    parse_span,
    parse_time,
)
from yivideo.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("90", 90.0),
        ("90.5s", 90.5),
        ("1:30", 90.0),
        ("01:02:03.500", 3723.5),
        ("00:00:01,250", 1.25),
        (" 90:00 ", 5400.0),
    ],
)
def test_times_are_seconds_or_clocks(text: str, seconds: float) -> None:
    """Every usual way to write a time is understood."""
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "-1", "1:60", "1:60:00", "abc", "nan", "inf", "1:2:3:4", "1e3"]
)
def test_other_times_are_refused(text: str) -> None:
    """What is no time is told with how to write one."""
    with pytest.raises(UsageError, match="time"):
        parse_time(text)


def test_a_span_must_hold_something() -> None:
    """The end lies after the start; either may be left out."""
    assert parse_span(None, None) == (None, None)
    assert parse_span("5", "1:00") == (5.0, 60.0)
    with pytest.raises(UsageError, match="Nothing lies between"):
        parse_span("10", "10")
    with pytest.raises(UsageError, match="Nothing lies between"):
        parse_span(None, "0")


def test_languages_are_collected_once_in_lower_case() -> None:
    """Commas and repeated options come to the same."""
    assert parse_languages(["zh,EN", "en", " ja "]) == ("zh", "en", "ja")
    with pytest.raises(UsageError, match="Chinese!"):
        parse_languages(["Chinese!"])


def test_devices() -> None:
    """The three kinds of device, and nothing else."""
    assert [parse_device(text) for text in ("auto", "CPU", "cuda", "cuda:1")] == [
        "auto",
        "cpu",
        "cuda:0",
        "cuda:1",
    ]
    with pytest.raises(UsageError, match="gpu"):
        parse_device("gpu")


def test_settings_keep_what_follows_the_first_equals_sign() -> None:
    """A value may hold equals signs and be empty; a name may not come twice."""
    assert parse_settings(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(UsageError):
            parse_settings(wrong)


def test_clock_rounds_to_milliseconds_without_sixty_seconds() -> None:
    """59.9996 s is the next minute, not second sixty."""
    assert clock(59.9996) == "0:01:00.000"
    assert clock(3723.5) == "1:02:03.500"
