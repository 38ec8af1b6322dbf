"""Small repairs of what a recogniser writes, and the form in which texts are compared."""

import re
import unicodedata
from collections.abc import Sequence

_SPACES = re.compile(r"\s+")
_DOTS = re.compile(r"[.·。•…・]{2,}|…")
_ONLY_DOTS = re.compile(r"[0oO°.·。•…・]{2,6}")
_TRAILING_DOT = re.compile(r"[·•・]$")
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60"
_KANA = re.compile(r"[\u3041-\u30fa]")
_BARE_DASH = re.compile(r"^([-\u2013\u2014])(?=[^\W\d_])(?![\u3040-\u9fff])")
_SPACED_DASH = re.compile(r"^([-\u2013\u2014]) (?=[^\W\d_])(?![\u3040-\u9fff])")
_SPACE_IN_CJK = re.compile(rf"(?<=[{_CJK}]) (?=[{_CJK}])")


def tidy(text: str) -> str:
    """The line as a subtitle file should have it.

    Single spaces, none between Chinese characters, and an ellipsis as the script writes it: six
    dots in Chinese, of which recognition often overlooks some.
    """
    text = _SPACES.sub(" ", text).strip()
    text = _SPACE_IN_CJK.sub("", text)
    if _ONLY_DOTS.fullmatch(text):
        return "…"
    if not re.search(f"[{_CJK}]", text):
        return re.sub(r"[.·•]{4,}", "...", text)
    if _KANA.search(text):
        return text
    return _TRAILING_DOT.sub("……", _DOTS.sub("……", text))


def tidy_lines(texts: list[str]) -> list[str]:
    """The lines of one subtitle, each tidied; an ellipsis broken in two has its halves."""
    lines = [tidy(text) for text in texts]
    for i in range(len(lines) - 1):
        if lines[i].endswith("……") and lines[i + 1] == "…":
            lines[i] = lines[i][:-1]
    return lines


def even_dashes(texts: Sequence[str]) -> list[str]:
    """The lines of a film with a space behind every speaker's dash, or behind none.

    Recognition overlooks that space; so it is there if a third of the lines have it. Only dashes
    before Latin letters count: a number may have a minus sign.
    """
    spaced = sum(1 for text in texts if _SPACED_DASH.match(text))
    bare = sum(1 for text in texts if _BARE_DASH.match(text))
    if 2 * spaced >= bare:
        return [_BARE_DASH.sub(r"\1 ", text) for text in texts]
    return [_SPACED_DASH.sub(r"\1", text) for text in texts]


def comparable(text: str) -> str:
    """The text without case, white space and the differences that Unicode calls compatible."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)).casefold()


def letters_only(text: str) -> str:
    """The comparable text without punctuation."""
    return "".join(letter for letter in comparable(text) if letter.isalnum())
