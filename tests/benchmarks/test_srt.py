"""SRT as the benchmark reads and writes it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.srt import Cue, parse_srt, read_srt, write_srt
from hypothesis import given
from hypothesis import strategies as st


def test_reads_what_players_accept() -> None:
    """Windows line ends, dots for commas, a missing number and positions after the time."""
    one = "1\r\n00:00:01,000 --> 00:00:02,500\r\nOne\r\ntwo\r\n"
    text = one + "\r\n00:01:00.040 --> 01:00:00.000 X1:0\r\nB"
    assert parse_srt(text) == [Cue(1.0, 2.5, "One\ntwo"), Cue(60.04, 3600.0, "B")]


def test_blocks_without_times_are_passed_over() -> None:
    """Notes between cues are no cues."""
    assert parse_srt("a note\n\n1\n00:00:00,000 --> 00:00:01,000\nA\n") == [Cue(0, 1, "A")]


def test_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    """Files from Windows begin with one."""
    path = tmp_path / "a.srt"
    path.write_bytes("\ufeff1\n00:00:00,000 --> 00:00:01,000\n你好\n".encode())
    assert read_srt(path) == [Cue(0, 1, "你好")]


@given(st.lists(st.tuples(st.integers(0, 10**8), st.integers(1, 10**6)), max_size=5))
def test_times_survive_a_round_trip(spans: list[tuple[int, int]]) -> None:
    """Whole milliseconds are written and read exactly."""
    cues = [Cue(a / 1000, (a + n) / 1000, "text") for a, n in spans]
    with TemporaryDirectory() as folder:
        write_srt(Path(folder) / "a.srt", cues)
        assert read_srt(Path(folder) / "a.srt") == cues
