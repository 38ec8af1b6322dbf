"""Text that stands in the scene while subtitles come and go."""

from tests.unit.subtitles.making import line, reading

from yivideo.subtitles.standing import without_standing_text
from yivideo.subtitles.stretch_reading import StretchReading

SIGN = line("HARBOUR OFFICE", top=200)
SPOKEN = ("Who are you?", "Nobody.", "Sit down, please.", "I would rather stand.")


def over_a_sign(count: int, each: float = 2.0) -> list[StretchReading]:
    """So many subtitles one after the other below a sign."""
    found = [reading(0.0, 1.0, SIGN)]
    for i in range(count):
        start = 1.0 + each * i
        found.append(reading(start, start + each - 0.2, SIGN, line(SPOKEN[i])))
        found.append(reading(start + each - 0.2, start + each, SIGN))
    return found


def test_a_sign_goes_and_the_subtitles_stay() -> None:
    """A line that outlives four others is not theirs."""
    kept, standing = without_standing_text(over_a_sign(4))
    assert [one.text for found in kept for one in found.lines] == list(SPOKEN)
    assert {one.text for found in standing for one in found.lines} == {SIGN.text}


def test_one_other_text_proves_nothing() -> None:
    """A first line that stands while the second changes once may be a subtitle's."""
    kept, standing = without_standing_text(over_a_sign(1, each=8.0))
    assert not standing
    assert all(SIGN in found.lines for found in kept)


def test_noise_is_no_company() -> None:
    """Doubtful readings beside a line do not make it part of the scene."""
    found = [
        reading(i, i + 1, SIGN, line(f"{i}{i}x", sure=0.6) if i % 2 else line("j", sure=0.9))
        for i in range(10)
    ]
    assert not without_standing_text(found)[1]
