"""Which language a text is in, and which are not read."""

import pytest

from yivideo.subtitles.language import language_of, unread


@pytest.mark.parametrize(
    ("texts", "expected", "language"),
    [
        (["The boats come home."], (), "en"),
        (["The boats come home."], ("zh", "de"), "de"),
        (["船在黄昏时回家。", "OK"], (), "zh"),
        (["ふねがかえる。"], ("zh",), "ja"),
        (["1987"], (), None),
    ],
)
def test_the_script_tells_the_language(
    texts: list[str], expected: tuple[str, ...], language: str | None
) -> None:
    """As far as it does; of languages in Latin letters the expected one is taken."""
    assert language_of(texts, expected) == language


def test_languages_that_are_not_read_are_named() -> None:
    """With a region or without."""
    assert unread(("ru", "de", "ko-kr", "zh", "vi")) == ["ru", "ko-kr", "vi"]
