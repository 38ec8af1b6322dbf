"""Clips rendered on the spot, and what is extracted from them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.render import fonts
from benchmarks.render.clip import render
from benchmarks.render.spec import Clip
from tests.finding.judging import Found, Shown

from yivideo import extract

if TYPE_CHECKING:
    from yivideo.subtitles.model import Subtitles

RenderClip = Callable[[Clip], Path]
Watch = Callable[..., Found]


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> RenderClip:
    """Renders a clip, each but once; its truth lies beside it."""
    folder = tmp_path_factory.mktemp("clips")

    def make(clip: Clip) -> Path:
        digest = hashlib.sha256(clip.model_dump_json().encode()).hexdigest()[:12]
        path = folder / digest / f"{clip.name}.{clip.encoding.container}"
        if not path.exists():
            path.parent.mkdir()
            with pytest.MonkeyPatch.context() as patch:
                # The same letters on every machine: those that the tests' own packages carry.
                patch.setattr(fonts, "FOLDERS", ())
                fonts.load_font.cache_clear()
                render(clip, path.parent, folder)
            fonts.load_font.cache_clear()
        return path

    return make


@pytest.fixture(scope="session")
def watch(rendered: RenderClip) -> Watch:
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
