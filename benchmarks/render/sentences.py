"""Draw lines of dialogue from the sentence file, and small changes of a line."""

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.render.spec import Language, Split

DATA = Path(__file__).parents[1] / "data" / "sentences.json"


@cache
def _data() -> dict[str, Any]:
    return json.loads(DATA.read_text(encoding="utf-8"))


def _fill(rng: random.Random, text: str, language: Language, split: Split) -> str:
    slots = _data()["slots"][split]
    family = "zh" if language == "zh" else "en"
    values = {
        "{name}": rng.choice(slots[f"{family}_name"]),
        "{place}": rng.choice(slots[f"{family}_place"]),
        "{nn}": f"{rng.randrange(10, 60)}",
        "{n}": f"{rng.randrange(2, 400)}",
        "{d}": f"{rng.randrange(2, 10)}",
    }
    for slot, value in values.items():
        text = text.replace(slot, value)
    return text


def sentence_pool(language: Language, split: Split) -> tuple[str, ...]:
    """All lines of a language with their slots unfilled."""
    return tuple(_data()[split][language])


def sentences(rng: random.Random, language: Language, split: Split) -> Iterator[str]:
    """Endless lines of one language; none comes again before all have been used."""
    pool: list[str] = []
    while True:
        if not pool:
            pool = list(sentence_pool(language, split))
            rng.shuffle(pool)
        yield _fill(rng, pool.pop(), language, split)


def nearly(rng: random.Random, text: str, language: Language) -> str | None:
    """The line with one word, character, digit or mark changed; None if nothing fits."""
    ways: list[str] = []
    swaps = _data()["swaps"]
    for a, b in swaps.get(language, swaps["en"]):
        for old, new in ((a, b), (b, a)):
            if old in text:
                ways.append(text.replace(old, new, 1))
    digits = [i for i, c in enumerate(text) if c.isdigit()]
    if digits:
        i = rng.choice(digits)
        ways.append(text[:i] + str((int(text[i]) + rng.randrange(1, 9)) % 10) + text[i + 1 :])
    if text.endswith((".", "。")):
        ways.append(text[:-1] + ("?" if text.endswith(".") else "？"))
    return rng.choice(ways) if ways else None
