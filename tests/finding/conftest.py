"""What is extracted from rendered clips."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.render.spec import Clip
from tests.finding.judging import Found, Shown

from yivideo import extract

if TYPE_CHECKING:
    from yivideo.subtitles.model import Subtitles

Watch = Callable[..., Found]


@pytest.fixture(scope="session")
def watch(rendered: Callable[[Clip], Path]) -> Watch:
    """Renders a clip and extracts its subtitles; the same question is answered but once."""
    answers: dict[str, Subtitles] = {}

    def ask(clip: Clip, **options: Any) -> Found:
        path = rendered(clip)
        question = json.dumps([str(path), options])
        if question not in answers:
            answers[question] = extract(path, device="cpu", **options)
        truth = json.loads(path.with_name(f"{clip.name}.truth.json").read_text("utf-8"))
        shown = tuple(Shown(e["text"], e["start"], e["end"], e["band"]) for e in truth["events"])
        return Found(clip, shown, answers[question])

    return ask
