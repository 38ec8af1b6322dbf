"""Devices and times in words, tables without a terminal, addresses for redis-cli."""

import pytest

from yivideo.cli.agent_server import redis_cli
from yivideo.cli.gpu_words import amounts, span
from yivideo.cli.tables import Sheet, aligned


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (-1, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1:00"),
        (3599.4, "59:59"),
        (3600, "1:00:00"),
        (90_061, "1 d 01:01"),
    ],
)
def test_lengths_of_time(seconds: float | None, words: str) -> None:
    """Short ones exactly, long ones as clocks show them."""
    assert span(seconds) == words


def test_amounts() -> None:
    """What is not taken is not named."""
    assert amounts(2048, 500, 1000) == "2.0 GiB, 0.5 compute, 1 decoder"
    assert amounts(0, 0, 2000) == "2 decoders"
    assert amounts(0, 0, 0) == "nothing"


def test_tables_are_aligned_by_the_width_of_letters() -> None:
    """Chinese letters take two places; numbers are flush right."""
    sheet = Sheet(["name", "n"], frozenset({"n"}), [["影片", "1"], ["b", "12"]])
    assert aligned(sheet) == ["NAME   N", "影片   1", "b     12"]


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("unix:///a%20b/v.sock?db=0", "redis-cli -s '/a b/v.sock' -n 2"),
        ("redis://:secret@example.org/1", "redis-cli -h example.org -p 6379 -n 2"),
        ("rediss://example.org:7000", "redis-cli -h example.org -p 7000 --tls -n 2"),
        ("sentinel://a,b/mymaster", ""),
    ],
)
def test_the_line_for_redis_cli(url: str, line: str) -> None:
    """It can be pasted, and shows no password."""
    assert redis_cli(url) == line
