"""Which steps there are."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from yivideo.errors import UsageError
from yivideo.steps import BUILT_IN
from yivideo.steps.registry import Gpu, all_steps, find_step

NAMES = (
    "ffmpeg.extract_keyframes",
    "paddleocr.detect_subtitle_area",
    "ffmpeg.crop_subtitle_images",
    "paddleocr.create_stitched_images",
    "paddleocr.perform_ocr",
    "paddleocr.postprocess_and_finalize",
)


def test_the_six_steps_are_there_in_order() -> None:
    """Their names and their order are public."""
    assert NAMES == BUILT_IN
    assert set(NAMES) <= set(all_steps())


def test_each_step_says_what_it_does_and_who_runs_it() -> None:
    """The summary and the service come from the function and the name."""
    for name in NAMES:
        step = find_step(name)
        assert step.summary.endswith(".")
        assert step.service == name.split(".")[0]


def test_steps_read_only_what_was_written_before() -> None:
    """Every step but the first needs at least one before it, and none after it."""
    for number, name in enumerate(NAMES):
        assert set(find_step(name).after) <= set(NAMES[:number])
        assert bool(find_step(name).after) == bool(number)


def test_a_streaming_step_reads_the_one_before() -> None:
    """What can be overlapped is one chain: cutting out, stitching, reading."""
    streaming = [name for name in NAMES if find_step(name).streams]
    assert streaming == ["paddleocr.create_stitched_images", "paddleocr.perform_ocr"]
    for one, two in pairwise(NAMES):
        assert not find_step(two).streams or one in find_step(two).after


def test_needs_are_told_before_a_step_runs() -> None:
    """Reading wants a GPU's compute, decoding its decoder; packing and writing want none."""
    needs = {name: find_step(name).needs for name in NAMES}
    reading = Gpu(compute=1, memory="2 GiB")
    assert needs["paddleocr.detect_subtitle_area"] == needs["paddleocr.perform_ocr"] == reading
    assert needs["ffmpeg.crop_subtitle_images"] == Gpu(decode=1, memory="1 GiB")
    assert needs["paddleocr.create_stitched_images"] is None
    assert needs["paddleocr.postprocess_and_finalize"] is None


def test_an_unknown_step_is_a_users_mistake() -> None:
    """The sentence lists the steps there are."""
    with pytest.raises(UsageError, match=r"'ffmpeg\.nothing'.*ffmpeg\.crop_subtitle_images"):
        find_step("ffmpeg.nothing")


PLUGIN = """
from pydantic import BaseModel
from yivideo.steps.registry import step

class Nothing(BaseModel):
    pass

@step("acme.translate", params=Nothing, output=Nothing)
def translate(params, context):
    "Translate the subtitles."
    return Nothing()
"""
ASKING = "from yivideo.steps.registry import find_step; print(find_step('acme.translate').summary)"


def asked(folder: Path, module: str) -> subprocess.CompletedProcess[str]:
    """Install a package with one step, `module` being its code, and ask for that step."""
    (folder / "acme_steps.py").write_text(module, encoding="utf-8")
    info = folder / "acme_steps-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-steps\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[yivideo.steps]\ntranslate = acme_steps\n")
    return subprocess.run(
        [sys.executable, "-c", ASKING],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_installed_packages_bring_steps_along(tmp_path: Path) -> None:
    """The entry point group `yivideo.steps` is how; nothing else has to be told."""
    assert asked(tmp_path, PLUGIN).stdout.strip() == "Translate the subtitles."


def test_a_broken_package_is_named(tmp_path: Path) -> None:
    """An installed step that cannot be imported is told by its name."""
    answer = asked(tmp_path, "import nowhere_to_be_found")
    assert "UsageError: The step 'translate' of an installed package" in answer.stderr
