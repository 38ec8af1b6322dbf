"""The five formats, read back by small readers of their own."""

import json
import re
from pathlib import Path

import pytest

from yivideo.errors import BadSubtitlesFile, InputMissing, InputUnreadable, OutputDenied, UsageError
from yivideo.subtitles.formats import export, load, parse_formats
from yivideo.subtitles.formats.times import clock, short_clock
from yivideo.subtitles.model import Anchor, Band, Box, Event, Line, Subtitles, Video

VIDEO = Video(path="a film.mp4", width=1280, height=720, codec="h264")
SRT_CUE = re.compile(r"(\d+)\n(\S+) --> (\S+)\n((?:.+\n)*)\n")


def box(top: int = 600, height: int = 40) -> Box:
    return Box(left=340, top=top, right=940, bottom=top + height)


def event(start: float, end: float, *texts: str, top: int = 600, band: int = 0) -> Event:
    lines = tuple(
        Line(text=text, box=box(top + 50 * row), confidence=0.9) for row, text in enumerate(texts)
    )
    return Event(start=start, end=end, lines=lines, band=band)


def band(anchor: Anchor, top: int) -> Band:
    return Band(
        box=Box(left=0, top=top, right=1280, bottom=top + 80), anchor=anchor, text_height=40
    )


def subtitles(*events: Event, bands: tuple[Band, ...] = ()) -> Subtitles:
    return Subtitles(video=VIDEO, events=events, bands=bands)


def read_srt(text: str) -> list[tuple[str, str, str, str]]:
    cues = SRT_CUE.findall(text)
    assert "".join(f"{n}\n{a} --> {b}\n{body}\n" for n, a, b, body in cues) == text
    return cues


def test_srt_numbers_cues_and_writes_times_to_the_millisecond() -> None:
    """A player reads number, times and every line of each cue, in order."""
    text = subtitles(event(3661.0014, 3662.5, "第二"), event(0, 1.9996, "One", "two")).to_srt()
    assert read_srt(text) == [
        ("1", "00:00:00,000", "00:00:02,000", "One\ntwo\n"),
        ("2", "01:01:01,001", "01:01:02,500", "第二\n"),
    ]


def test_overlapping_events_of_two_bands_stay_two_from_top_to_bottom() -> None:
    """Nothing is merged or lost when two bands show text at the same time."""
    both = subtitles(event(1, 3, "bottom"), event(1, 2, "top", top=20))
    assert [cue[3] for cue in read_srt(both.to_srt())] == ["top\n", "bottom\n"]


@pytest.mark.parametrize("name", ["srt", "vtt", "ass"])
def test_an_arrow_in_the_words_makes_no_cue(name: str) -> None:
    """Words with an arrow do not break the file for a reader that looks for arrows."""
    text = subtitles(event(1, 2, "00:00:05,000 --> 00:00:06,000")).to_format(name)
    assert text.count("-->") == {"srt": 1, "vtt": 1, "ass": 1}[name]


def test_srt_keeps_words_that_look_like_markup_visible() -> None:
    """A tag or an override in the words is shown as words; other brackets stay untouched."""
    body = read_srt(subtitles(event(1, 2, r"<i>a</i> {\an8} {b} 1 < 2 <c>")).to_srt())[0][3]
    assert not re.search(r"<(/?i)>|\{\\", body)
    assert body.replace("\u2060", "") == "<i>a</i> {\\an8} {b} 1 < 2 <c>\n"
    assert "{b} 1 < 2 <c>" in body


def test_vtt_escapes_markup() -> None:
    """WebVTT has escapes, and reading them back gives the words."""
    text = subtitles(event(1, 2, "Tom & <b>Jerry</b>")).to_vtt()
    assert text == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nTom &amp; &lt;b&gt;Jerry&lt;/b&gt;\n\n"
    )


def test_vtt_keeps_the_height_of_text_at_the_top() -> None:
    """A cue at the top says on which line it stands; one at the bottom needs not."""
    bands = (band("bottom", 600), band("top", 36))
    text = subtitles(event(1, 2, "low"), event(3, 4, "high", top=36, band=1), bands=bands).to_vtt()
    assert "00:00:02.000\nlow" in text
    assert "00:00:04.000 line:5.0%\nhigh" in text


def ass_section(text: str, name: str) -> list[str]:
    return text.split(f"[{name}]\n")[1].split("\n\n", maxsplit=1)[0].strip().split("\n")


def test_ass_places_text_where_it_stood() -> None:
    """Top hangs from the top, bottom stands on the bottom, the middle goes to its own point."""
    bands = (band("bottom", 600), band("top", 36), band("middle", 320))
    text = subtitles(
        event(1, 2, "low"),
        event(3, 4, "high", top=36, band=1),
        event(5, 6, "mid", top=340, band=2),
        bands=bands,
    ).to_ass()
    assert {"PlayResX: 1280", "PlayResY: 720"} <= set(ass_section(text, "Script Info"))
    fields, *styles = ass_section(text, "V4+ Styles")
    names = fields.removeprefix("Format: ").split(", ")
    read = [dict(zip(names, s.removeprefix("Style: ").split(","), strict=True)) for s in styles]
    alignment = {style["Name"]: (style["Alignment"], style["MarginV"]) for style in read}
    assert alignment == {"Default": ("2", "40"), "Middle": ("5", "29"), "Top": ("8", "36")}
    assert ass_section(text, "Events")[1:] == [
        "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,low",
        r"Dialogue: 0,0:00:03.00,0:00:04.00,Top,,0,0,0,,{\an8}high",
        r"Dialogue: 0,0:00:05.00,0:00:06.00,Middle,,0,0,0,,{\an5\pos(640,360)}mid",
    ]


def test_ass_escapes_what_it_would_take_for_commands() -> None:
    """Braces and backslashes of the words are shown; two lines are joined by the line break."""
    line = ass_section(subtitles(event(1, 2, r"{a}, \N", "b")).to_ass(), "Events")[1]
    assert line.endswith("Default,,0,0,0,,\\{a\\}, \\\u2060N\\Nb")


def test_txt_holds_the_words_alone() -> None:
    """One paragraph an event."""
    assert subtitles(event(1, 2, "a", "b"), event(2, 3, "c")).to_txt() == "a\nb\n\nc\n"


@pytest.mark.parametrize("name", ["srt", "vtt", "ass", "txt"])
def test_space_around_lines_and_lines_without_words_are_left_out(name: str) -> None:
    """Space at the ends shows nothing, and a blank line would end the cue in the middle."""
    text = subtitles(event(1, 2, "  a ", " ", "\u2028b"), event(3, 4, "", " ")).to_format(name)
    clean = subtitles(event(1, 2, "a", "b")).to_format(name)
    assert text == clean


@pytest.mark.parametrize(
    ("name", "expected"), [("srt", ""), ("txt", ""), ("vtt", "WEBVTT\n\n")], ids=repr
)
def test_no_events_make_an_empty_valid_file(name: str, expected: str) -> None:
    """A video without subtitles has an empty result and not a broken one."""
    assert subtitles().to_format(name) == expected


def test_no_events_make_a_whole_ass_file() -> None:
    """An ASS file without dialogue still has its sections."""
    assert subtitles().to_ass().endswith("Effect, Text\n")


def test_saved_text_is_utf8_without_mark_and_with_line_feeds(tmp_path: Path) -> None:
    """What players on every system read; the suffix names the format whatever its case."""
    path = subtitles(event(1, 2, "你好")).save(tmp_path / "影片 1.SRT")
    assert path.read_bytes() == "1\n00:00:01,000 --> 00:00:02,000\n你好\n\n".encode()


def test_saving_without_a_known_suffix_or_folder_says_so(tmp_path: Path) -> None:
    """The user learns which formats there are, and which folder is missing."""
    with pytest.raises(UsageError, match=r'no format "doc"; there are srt, vtt, ass, txt, json'):
        subtitles().save(tmp_path / "a.doc")
    with pytest.raises(UsageError, match="no suffix"):
        subtitles().save(tmp_path / "a")
    with pytest.raises(OutputDenied, match="does not exist"):
        subtitles().save(tmp_path / "none" / "a.srt")


def test_formats_are_parsed_from_a_list() -> None:
    """Order and case as typed, doubles once."""
    assert parse_formats("vtt, SRT,vtt") == ("vtt", "srt")
    with pytest.raises(UsageError, match='no format "doc"'):
        parse_formats("srt,doc")
    with pytest.raises(UsageError, match="No format is named"):
        parse_formats(" , ")


def test_clocks_round_half_up_and_carry() -> None:
    """A time just below a full second carries over instead of showing 1000 milliseconds."""
    assert clock(59.9996) == "00:01:00,000"
    assert clock(360000, mark=".") == "100:00:00.000"
    assert short_clock(0.125) == "0:00:00.13"
    assert short_clock(3599.999) == "1:00:00.00"


def test_export_writes_what_was_edited(tmp_path: Path) -> None:
    """An edited JSON, even with a byte order mark, gives the other formats with the edit in it."""
    path = tmp_path / "film.zh.json"
    text = subtitles(event(1, 2, "teh")).to_json().replace("teh", "the")
    path.write_text(text, encoding="utf-8-sig")
    results = export(path, ["srt", "txt"])
    assert results["srt"] == (
        tmp_path / "film.zh.srt",
        "1\n00:00:01,000 --> 00:00:02,000\nthe\n\n",
    )
    assert export(path, ["txt"], stem=tmp_path / "b.c")["txt"] == (tmp_path / "b.c.txt", "the\n")


def test_loading_says_what_is_wrong_with_the_file(tmp_path: Path) -> None:
    """Missing, a folder, not text: a sentence each, with the file's name."""
    with pytest.raises(InputMissing, match="no file"):
        load(tmp_path / "none.json")
    with pytest.raises(InputUnreadable, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "a.json").write_bytes(b'{"\xff"}')
    with pytest.raises(BadSubtitlesFile, match=r"a\.json is not UTF-8 text \(byte 2 is not\)"):
        load(tmp_path / "a.json")
    (tmp_path / "b.json").write_text("[1")
    with pytest.raises(BadSubtitlesFile, match=r"b\.json: This is not JSON: line 1, column 3"):
        load(tmp_path / "b.json")


def edited(path: list[str | int], value: object) -> str:
    """A good file with one value replaced."""
    data = json.loads(subtitles(*[event(n, n + 1, "a") for n in range(4)]).to_json())
    place = data
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["events", 3, "start"], "soon", "events[3].start: input should be a valid number"),
        (["events", 3, "start"], 9, "events[3]: end must not be before start"),
        (["events", 0, "lines", 0, "box", "right"], 1, "events[0].lines[0].box: right and bottom"),
        (["events", 1, "colour"], "red", "events[1].colour: there is no such field"),
        (["events", 0, "lines", 0, "text"], "a\nb", "events[0].lines[0].text: string should match"),
        (["events", 0, "end"], float("nan"), "events[0].end: input should be"),
        (["video"], {"path": "a"}, "video.width: this field is missing (2 more like it)"),
        (["schema_version"], 2, "schema_version: 2 is not known here"),
        (["language"], "\ud800", "half a character"),
    ],
    ids=lambda v: str(v)[:30].encode("ascii", "replace").decode(),
)
def test_a_wrong_value_is_named_with_its_place(
    path: list[str | int], value: object, message: str
) -> None:
    """Who edited the file by hand is told where, in one sentence."""
    with pytest.raises(BadSubtitlesFile) as caught:
        Subtitles.from_json(edited(path, value))
    assert message in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("text", ["", "[]", "1" * 5000, "[" * 100_000, '"a"', "{}"])
def test_what_is_no_subtitles_file_is_refused(text: str) -> None:
    """Never a traceback, whatever the file holds."""
    with pytest.raises(BadSubtitlesFile):
        Subtitles.from_json(text)
