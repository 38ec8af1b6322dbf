"""Small repairs of what a recogniser writes, and the form in which texts are compared."""

import re
import unicodedata

_SPACES = re.compile(r"\s+")
_DOTS = re.compile(r"[.·。•]{4,}")
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60"
_SPACE_IN_CJK = re.compile(rf"(?<=[{_CJK}]) (?=[{_CJK}])")


def tidy(text: str) -> str:
    """The line as a subtitle file should have it: single spaces, none between Chinese characters."""
    text = _SPACES.sub(" ", text).strip()
    text = _SPACE_IN_CJK.sub("", text)
    return _DOTS.sub("……" if re.search(f"[{_CJK}]", text) else "...", text)


def comparable(text: str) -> str:
    """The text without case, white space and the differences that Unicode calls compatible."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)).casefold()


def letters_only(text: str) -> str:
    """The comparable text without punctuation."""
    return "".join(letter for letter in comparable(text) if letter.isalnum())
