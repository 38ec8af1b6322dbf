"""Videos in, subtitle files out."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.command import SAMPLES, Run, remux

pytestmark = pytest.mark.slow

TRUTH = (SAMPLES / "harbour.truth.srt").read_text(encoding="utf-8")
BLOCK = re.compile(r"\d+\n(\S+) --> (\S+)\n(.*?)\n\n", re.DOTALL)
FRAME = 1 / 25


def seconds(stamp: str) -> float:
    hours, minutes, rest = stamp.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def events(srt: str) -> list[tuple[float, float, str]]:
    """Start, end and text of each block."""
    found = BLOCK.findall(srt.rstrip("\n") + "\n\n")
    return [(seconds(start), seconds(end), text) for start, end, text in found]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def outputs(folder: Path) -> Iterator[str]:
    return (path.name for path in sorted(folder.iterdir()) if path.suffix != ".mp4")


def test_the_sample_is_read_word_for_word_and_frame_for_frame(yivideo: Run, harbour: Path) -> None:
    """Beside the video, under the name players look for, its path alone on standard output."""
    film = yivideo.folder / "film.mp4"
    film.write_bytes(harbour.read_bytes())
    ended = yivideo("extract", "film.mp4")
    assert ended.status == 0
    (name,) = ended.out.splitlines()
    assert re.fullmatch(r"film(\.[a-z]{2})?\.srt", name)
    found, truth = events(read(yivideo.folder / name)), events(TRUTH)
    assert [text for _, _, text in found] == [text for _, _, text in truth]
    for (start, end, _), (true_start, true_end, _) in zip(found, truth, strict=True):
        assert abs(start - true_start) < FRAME * 1.01
        assert abs(end - true_end) < FRAME * 1.01
    assert "6 subtitles" in ended.err
    assert list(yivideo.scratch.iterdir()) == []


def test_all_formats_at_once_and_again_from_json(yivideo: Run, short: Path) -> None:
    """What export writes from the JSON is what extract wrote; an edit reaches every format."""
    ended = yivideo("extract", short, "-o", "out", "-f", "srt,vtt,ass,txt,json", "-q")
    assert (ended.status, ended.err) == (0, "")
    paths = [yivideo.folder / name for name in ended.out.splitlines()]
    assert [path.suffix for path in paths] == [".srt", ".vtt", ".ass", ".txt", ".json"]
    again = yivideo("export", paths[-1], "-f", "srt,vtt,ass,txt", "-o", "again")
    assert again.status == 0
    for path in paths[:-1]:
        assert (yivideo.folder / "again" / path.name).read_bytes() == path.read_bytes()
    edited = read(paths[-1]).replace("The boats come home at dusk.", "The boats come late.")
    paths[-1].write_text(edited, encoding="utf-8")
    assert yivideo("export", paths[-1], "-o", "edited.vtt").status == 0
    assert "The boats come late." in read(yivideo.folder / "edited.vtt")


def test_the_json_keeps_everything(yivideo: Run, short: Path) -> None:
    """Text per line, times, box, confidence and the pictures of each event."""
    assert yivideo("extract", short, "-o", "out.json", "-q").status == 0
    result = json.loads(read(yivideo.folder / "out.json"))
    assert result["video"]["width"] == 640
    assert len(result["bands"]) == 1
    for event in result["events"]:
        assert event["end"] > event["start"]
        assert event["pictures"]
        for line in event["lines"]:
            assert line["text"]
            assert 0.5 < line["confidence"] <= 1
            box = line["box"]
            assert 0 <= box["left"] < box["right"] <= 640
            assert 180 < box["top"] < box["bottom"] <= 360


def test_a_part_of_the_video(yivideo: Run, harbour: Path) -> None:
    """Times stay those of the whole video."""
    words = ["--start", "0:05.5", "--end", "10.3", "-o", "part.srt", "-q"]
    assert yivideo("extract", harbour, *words).status == 0
    found = events(read(yivideo.folder / "part.srt"))
    assert [text for _, _, text in found] == ["Listen: three bells!", "听，三声钟响！"]
    assert abs(found[0][0] - 5.8) < FRAME * 1.01
    assert abs(found[1][1] - 10.04) < FRAME * 1.01


def test_an_area_is_the_only_place_looked_at(yivideo: Run, short: Path) -> None:
    """In the lower part all is found, in the upper part nothing."""
    below = yivideo("extract", short, "--area", "0%,70%,100%,100%", "-o", "a.srt", "-q")
    assert below.status == 0
    assert len(events(read(yivideo.folder / "a.srt"))) == 2
    above = yivideo("extract", short, "--area", "0,0,640,100", "-o", "b.srt", "-q")
    assert above.status == 4


def test_what_is_there_is_not_replaced_unless_told(yivideo: Run, short: Path) -> None:
    """Refused, left out or replaced, as asked; found out before the work."""
    film = yivideo.folder / "film.mp4"
    film.write_bytes(short.read_bytes())
    (name,) = yivideo("extract", "film.mp4", "-q").out.splitlines()
    result = yivideo.folder / name
    result.write_text("mine")
    refused = yivideo("extract", "film.mp4", "--json")
    assert refused.status == 6
    assert json.loads(refused.out)[0]["error"]["code"] == "output-exists"
    assert "--overwrite" in refused.err
    assert "--skip-existing" in refused.err
    skipped = yivideo("extract", "film.mp4", "--skip-existing", "--json")
    assert (skipped.status, json.loads(skipped.out)[0]["status"]) == (0, "skipped")
    assert result.read_text() == "mine"
    assert yivideo("extract", "film.mp4", "--overwrite", "-q").out == f"{name}\n"
    assert len(events(read(result))) == 2


def test_json_tells_what_became_of_the_video(yivideo: Run, short: Path, tmp_path: Path) -> None:
    """One document with counts, times, devices and the tracks the file has of its own."""
    srt = tmp_path / "soft.srt"
    srt.write_text("1\n00:00:01,000 --> 00:00:02,000\nsoft\n\n")
    film = remux(short, yivideo.folder / "soft.mkv", subtitles=srt)
    ended = yivideo("extract", film, "--json")
    (record,) = json.loads(ended.out)
    assert (record["status"], record["exit_code_name"], record["events"]) == ("done", "OK", 2)
    assert record["seconds"] > 0
    assert record["duration"] == pytest.approx(5.6, abs=0.1)
    assert record["devices"]["decoding"] == "cpu" or record["devices"]["decoding"].startswith(
        "cuda"
    )
    assert [Path(path).is_file() for path in record["outputs"]] == [True]
    assert record["subtitle_tracks"][0]["language"] == "eng"
    assert "1 subtitle track of its own" in ended.err


@pytest.mark.parametrize(
    "name",
    ["a film with spaces.mp4", "第一集 [精校].mp4", "-dash.mp4", "'quoted\".mp4", "%s{}.mp4"],
)
def test_names_of_every_kind(yivideo: Run, short: Path, name: str) -> None:
    """The result bears the same name."""
    (yivideo.folder / name).write_bytes(short.read_bytes())
    ended = yivideo("extract", "-q", "--", name)
    assert ended.status == 0
    (written,) = ended.out.splitlines()
    assert written.startswith(name.removesuffix(".mp4"))
    assert list(outputs(yivideo.folder)) == [written]


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text exist on Linux only")
def test_names_that_are_no_text(yivideo: Run, short: Path) -> None:
    """They come out byte for byte; in JSON as escapes that lead back to the file."""
    name = b"\xff\xfe film.mp4"
    Path(os.fsdecode(os.fsencode(yivideo.folder) + b"/" + name)).write_bytes(short.read_bytes())
    ended = yivideo("extract", "-q", name)
    assert ended.status == 0
    assert os.fsencode(ended.out).startswith(b"\xff\xfe film.")
    (record,) = json.loads(yivideo("extract", "--json", "--overwrite", "-f", "json", name).out)
    assert os.fsencode(record["video"]) == name
    assert Path(os.fsdecode(os.fsencode(yivideo.folder)), record["outputs"][0]).is_file()


def test_a_batch_goes_on_past_what_fails(yivideo: Run, short: Path, plain: Path) -> None:
    """Two at a time; the good ones are written, the bad ones told, the exit code says so."""
    season = yivideo.folder / "season 1"
    season.mkdir()
    for number in (1, 2, 10):
        (season / f"film {number}.mp4").write_bytes(short.read_bytes())
    (season / "bad.mp4").write_text("no film")
    ended = yivideo("extract", "season 1", plain, "missing.mp4", "-j", "2", "--json", "-o", "out")
    records = json.loads(ended.out)
    assert ended.status == 8
    names = [Path(record["video"]).name for record in records]
    expected = ["bad.mp4", "film 1.mp4", "film 2.mp4", "film 10.mp4", "plain.mp4", "missing.mp4"]
    assert names == expected
    statuses = [record["status"] for record in records]
    assert statuses == ["failed", "done", "done", "done", "no-subtitles", "failed"]
    assert "2 of 6 videos failed." in ended.err
    assert len(list(outputs(yivideo.folder / "out"))) == 4


def test_two_videos_that_would_write_one_file_are_refused_before_work(
    yivideo: Run, short: Path
) -> None:
    """Neither wins by chance."""
    for name in ("film.mp4", "film.mkv"):
        (yivideo.folder / name).write_bytes(short.read_bytes())
    ended = yivideo("extract", "film.mp4", "film.mkv")
    assert (ended.status, ended.out) == (2, "")
    assert "same file" in ended.err
    assert len(list(yivideo.folder.iterdir())) == 2


def test_a_kept_work_folder_holds_every_step_and_is_gone_on_with(yivideo: Run, short: Path) -> None:
    """The second run finds all steps done and comes to the same result."""
    first = yivideo("extract", short, "--keep-work", "work", "-o", "a.json", "-q")
    assert first.status == 0
    steps = {path.name for path in (yivideo.folder / "work").iterdir() if path.is_dir()}
    assert "ffmpeg.crop_subtitle_images" in steps
    assert "paddleocr.perform_ocr" in steps
    assert yivideo("extract", short, "--keep-work", "work", "-o", "b.json", "-q").status == 0
    assert read(yivideo.folder / "a.json") == read(yivideo.folder / "b.json")


def test_quiet_says_nothing_and_plain_output_is_not_animated(yivideo: Run, short: Path) -> None:
    """Without a terminal a line per phase at most, and no control codes."""
    quiet = yivideo("extract", short, "-o", "a.srt", "--quiet")
    assert (quiet.status, quiet.out, quiet.err) == (0, "a.srt\n", "")
    told = yivideo("extract", short, "-o", "b.srt", env={"FORCE_COLOR": "1"})
    assert "\x1b" not in told.err
    assert "\r" not in told.err
    assert 0 < len(told.err.splitlines()) < 15
