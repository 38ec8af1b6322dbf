"""Small repairs of what a recogniser writes, and the form in which texts are compared."""

import re
import unicodedata

_SPACES = re.compile(r"\s+")
_DOTS = re.compile(r"[.·。•…・]{2,}|…")
_ONLY_DOTS = re.compile(r"[0oO°.·。•…・]{2,6}")
_TRAILING_DOT = re.compile(r"[·•・]$")
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60"
_KANA = re.compile(r"[\u3041-\u30fa]")
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


def comparable(text: str) -> str:
    """The text without case, white space and the differences that Unicode calls compatible."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)).casefold()


def letters_only(text: str) -> str:
    """The comparable text without punctuation."""
    return "".join(letter for letter in comparable(text) if letter.isalnum())
