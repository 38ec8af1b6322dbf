"""The page on languages says what the built-in model's alphabet says."""

import re
from pathlib import Path

import pytest

from yivideo.ocr.models import built_in_models
from yivideo.ocr.recognition import load_alphabet
from yivideo.ocr.runtime import OpenVinoRuntime

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "languages.md").read_text(encoding="utf-8")
LATIN = dict(re.findall(r"^\| ([^|]+) \| `([^`]+)` \|$", PAGE, re.MULTILINE))
UNREAD = {
    "Vietnamese": "ếạở",
    "Greek": "άέή",
    "Cyrillic": "абв",
    "Korean": "가나다",
    "Arabic": "ابت",
    "Hebrew": "אבג",
    "Thai": "กขค",
    "Devanagari": "अआक",
}


@pytest.fixture(scope="module")
def alphabet() -> set[str]:
    session = OpenVinoRuntime(exact=True).load(built_in_models().recognition)
    return set(load_alphabet(session, None))


def test_letters_that_the_page_lists_are_known(alphabet: set[str]) -> None:
    """All letters of all languages in the table, small and capital."""
    assert len(LATIN) > 20
    for language, letters in LATIN.items():
        both = {form for letter in letters for form in (letter, letter.upper()) if len(form) == 1}
        assert both - alphabet == set(), language


def test_characters_that_the_page_calls_unknown_are_unknown(alphabet: set[str]) -> None:
    """What it says is never written is not in the alphabet."""
    unknown = re.findall(r"<!-- unknown -->`([^`]+)`", PAGE)
    assert len(unknown) == 1
    assert alphabet.isdisjoint(unknown[0])


@pytest.mark.parametrize("language", UNREAD)
def test_scripts_that_the_page_calls_unread_are_unread(language: str, alphabet: set[str]) -> None:
    """The page names the language among those not read, and the model lacks its letters."""
    assert language in PAGE[PAGE.index("**Not read:**") :]
    assert alphabet.isdisjoint(UNREAD[language])


def test_chinese_and_japanese_are_known(alphabet: set[str]) -> None:
    """Everyday characters of both Chinese forms, and both kana, but for what the page says."""
    assert (
        set("船在黄昏时回家听三声钟响今晚是谁点亮了灯塔船在黃昏時回家聽三聲鐘響誰點亮燈塔嘅嚟啲")
        <= alphabet
    )
    kana = {chr(code) for code in [*range(0x3041, 0x3094), *range(0x30A1, 0x30F5)]}
    assert kana - alphabet == set("ゐヱ")
    assert alphabet.isdisjoint("喺哋")
