"""Which language a text is in, as far as its script tells."""

import re
from collections.abc import Iterable, Sequence

# Languages that are written in scripts of which the built-in model knows nothing, or too little.
_UNREAD_CODES = """
    vi el ru uk be bg mk kk ky mn tg ko ar fa ur ps he yi th lo km my hi mr ne bn ta te kn ml gu pa
    si am ti ka hy
"""
_UNREAD = frozenset(_UNREAD_CODES.split())

_KANA = re.compile(r"[\u3041-\u30ff]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")


def language_of(texts: Iterable[str], expected: Sequence[str] = ()) -> str | None:
    """Two-letter code of the language most of the text is in; None without any letter.

    Scripts tell Japanese and Chinese from the rest. Which Latin-script language it is they do not:
    that is the first of ``expected`` written so, or English.
    """
    text = "".join(texts)
    kana, han, latin = (len(p.findall(text)) for p in (_KANA, _HAN, _LATIN))
    if not kana + han + latin:
        return expected[0] if expected and text else None
    # A Chinese character says as much as a few letters.
    if 3 * (kana + han) >= latin:
        return "ja" if kana > 0.1 * (kana + han) else "zh"
    others = [code for code in expected if code not in {"zh", "ja"}]
    return others[0] if others else "en"


def unread(expected: Iterable[str]) -> list[str]:
    """Which of the languages, two-letter codes perhaps with a region, cannot be read."""
    return [code for code in expected if code.split("-")[0] in _UNREAD]
