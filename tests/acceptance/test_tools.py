"""probe, preview, doctor, export and step."""

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.acceptance.command import Run, remux

ALL_STEPS = (
    "ffmpeg.extract_keyframes",
    "paddleocr.detect_subtitle_area",
    "ffmpeg.crop_subtitle_images",
    "paddleocr.create_stitched_images",
    "paddleocr.perform_ocr",
    "paddleocr.postprocess_and_finalize",
)


def test_probe_shows_what_a_video_is(yivideo: Run, harbour: Path, tmp_path: Path) -> None:
    """For people and for programs, with the tracks it carries."""
    srt = tmp_path / "soft.srt"
    srt.write_text("1\n00:00:01,000 --> 00:00:02,000\nsoft\n\n")
    film = remux(harbour, yivideo.folder / "film.mkv", subtitles=srt)
    told = yivideo("probe", film)
    assert (told.status, told.err) == (0, "")
    for part in ("640x360", "h264", "25 frames per second", "0:00:16.000", "(eng)"):
        assert part in told.out
    record = json.loads(yivideo("probe", film, "--json").out)
    assert (record["width"], record["height"], record["codec"]) == (640, 360, "h264")
    assert record["duration"] == pytest.approx(16, abs=0.1)
    assert [track["language"] for track in record["subtitle_tracks"]] == ["eng"]


def test_doctor_runs_what_it_reports(yivideo: Run) -> None:
    """The CPU decodes and reads here, or nothing else in these tests would work."""
    ended = yivideo("doctor", "--json")
    record = json.loads(ended.out)
    assert (ended.status, record["healthy"]) == (0, True)
    works = {(check["what"], check["device"]) for check in record["checks"] if check["works"]}
    assert {("decoding", "cpu"), ("recognition", "cpu")} <= works
    assert all(check["detail"] for check in record["checks"] if not check["works"])
    assert all(Path(path).is_file() for path in record["models"].values())
    assert record["auto"]["decoding"] in {device for what, device in works if what == "decoding"}
    told = yivideo("doctor")
    assert "recognition  cpu     works" in told.out


def test_doctor_fails_when_the_cpu_cannot_read(yivideo: Run, tmp_path: Path) -> None:
    """A runtime that crashes on import is found out and told, without a crash of our own."""
    (tmp_path / "openvino.py").write_text("import os\nos.abort()\n")
    ended = yivideo("doctor", "--json", env={"PYTHONPATH": str(tmp_path)})
    record = json.loads(ended.out)
    assert (ended.status, record["healthy"]) == (7, False)
    (broken,) = [
        check
        for check in record["checks"]
        if (check["what"], check["device"]) == ("recognition", "cpu")
    ]
    assert "crashed (signal 6)" in broken["detail"]
    assert any("force-reinstall" in advice for advice in record["advice"])


@pytest.mark.slow
def test_preview_draws_and_tells_what_is_read(yivideo: Run, harbour: Path) -> None:
    """A picture of the frame with frames around the band and its line."""
    ended = yivideo("preview", harbour, "--at", "0:01.5", "-o", "seen.png")
    assert ended.status == 0
    assert ended.out.splitlines()[0] == "seen.png"
    assert "The boats come home at dusk." in ended.out
    record = json.loads(yivideo("preview", harbour, "--at", "1.5", "-o", "2.png", "--json").out)
    assert abs(record["time"] - 1.5) < 0.05
    assert [line["text"] for line in record["lines"]] == ["The boats come home at dusk."]
    band = record["bands"][0]["box"]
    with Image.open(yivideo.folder / "2.png") as image:
        assert image.size == (640, 360)
        assert image.convert("RGB").getpixel((band["left"], band["top"])) == (255, 196, 0)


@pytest.mark.slow
def test_preview_goes_beside_the_video_by_itself(yivideo: Run, short: Path) -> None:
    """With its time in the name; in an area where nothing stands nothing is read."""
    (yivideo.folder / "film.mp4").write_bytes(short.read_bytes())
    ended = yivideo("preview", "film.mp4", "--at", "1.5", "--area", "0%,0%,100%,40%", "--json")
    record = json.loads(ended.out)
    assert record["picture"] == "film.at-0m01.500s.png"
    assert record["lines"] == []
    assert (yivideo.folder / record["picture"]).is_file()


def test_preview_past_the_end_is_a_mistake(yivideo: Run, short: Path) -> None:
    """One sentence, and no picture."""
    ended = yivideo("preview", short, "--at", "10:00", "-o", "a.png")
    assert ended.status == 2
    assert len(ended.err.splitlines()) == 1
    assert list(yivideo.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "line 1, column 2"),
        ("[]", "does not begin with an object"),
        ('{"schema_version": 99}', "schema_version"),
        ('{"schema_version": 1, "video": {}}', "video"),
    ],
)
def test_export_of_a_bad_file_names_the_place(yivideo: Run, text: str, told: str) -> None:
    """Files are edited by hand: the mistake should be easy to find."""
    (yivideo.folder / "a.json").write_text(text)
    ended = yivideo("export", "a.json")
    assert (ended.status, ended.out) == (3, "")
    assert told in ended.err
    assert ended.err.startswith("yivideo: a.json: ")


def test_export_of_what_is_not_there(yivideo: Run) -> None:
    """And of what would replace itself."""
    assert yivideo("export", "a.json").status == 3
    (yivideo.folder / "b.json").write_text("{}")
    ended = yivideo("export", "b.json", "-f", "json")
    assert ended.status == 2
    assert "its own export" in ended.err


def test_step_list_names_the_steps_in_their_order(yivideo: Run) -> None:
    """Their names are public; so are their parameters."""
    records = json.loads(yivideo("step", "list", "--json").out)
    assert [record["name"] for record in records][:6] == list(ALL_STEPS)
    assert all(record["summary"] for record in records)
    told = yivideo("step", "list").out
    assert all(name in told for name in ALL_STEPS)


@pytest.mark.slow
def test_steps_can_be_run_one_at_a_time(yivideo: Run, short: Path) -> None:
    """Each on the folder of the one before, to the same result as all at once."""
    for name in ALL_STEPS:
        ended = yivideo("step", "run", name, "--work", "work", "--video", short, "-q")
        assert (ended.status, ended.out, ended.err) == (0, f"{Path('work', name)}\n", "")
        assert (yivideo.folder / "work" / name / "output.json").is_file()
    assert yivideo("extract", short, "-o", "whole.srt", "-q").status == 0
    alone = yivideo.folder / "work" / ALL_STEPS[-1] / "subtitles.srt"
    assert alone.read_bytes() == (yivideo.folder / "whole.srt").read_bytes()


@pytest.mark.slow
def test_a_step_before_its_time_and_with_wrong_parameters(yivideo: Run, short: Path) -> None:
    """What is missing is named, and nothing half-written is left."""
    words = ["--work", "work", "--video", short]
    early = yivideo("step", "run", ALL_STEPS[4], *words)
    assert early.status == 2
    assert "has to run first" in early.err
    for setting in ("side=big", "side=1", "nonsense=1"):
        wrong = yivideo("step", "run", ALL_STEPS[0], *words, "--set", setting)
        assert wrong.status == 2
        assert setting.partition("=")[0] in wrong.err
    assert [path for path in yivideo.folder.rglob("*") if path.is_file()] == []
