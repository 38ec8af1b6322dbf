"""Clips with subtitles, rendered on the spot."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.render.spec import Clip

# How fast a machine is that also does other work says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[Clip], Path]":
    """Renders a clip, each but once; its truth lies beside it."""
    from benchmarks.render import fonts
    from benchmarks.render.clip import render

    folder = tmp_path_factory.mktemp("clips")

    def make(clip: "Clip") -> Path:
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
def film(rendered: "Callable[[Clip], Path]") -> Path:
    """Six seconds with three subtitles, 384x216."""
    from benchmarks.render.spec import Background, Style
    from tests.finding.judging import lines, make_clip

    said = lines("Who is there?", "It is only me.", "Come in!", style=Style(size=0.09))
    background = Background(kind="plain")
    return rendered(
        make_clip(said, name="film", width=384, height=216, seconds=6.0, background=background)
    )
