"""What may be opened as a film, and what is refused and how."""

import os
import shutil
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from yivideo.errors import (
    InputMissing,
    InputUnreadable,
    NotAVideo,
    NoVideoStream,
    UnsupportedCodec,
)
from yivideo.media.frames import read_frames
from yivideo.media.source import open_source

MakeFilm = Callable[..., Path]


def test_missing_file(tmp_path: Path) -> None:
    """A path that is not there is reported as missing, with its name."""
    with pytest.raises(InputMissing, match=r"nothing\.mp4"):
        open_source(tmp_path / "nothing.mp4")


def test_file_inside_a_file(make_film: MakeFilm) -> None:
    """A path that goes through a file is missing, not a crash."""
    with pytest.raises(InputMissing):
        open_source(make_film("a.mp4") / "b.mp4")


def test_null_byte_in_the_name() -> None:
    """A name no file can have is missing, not a crash."""
    with pytest.raises(InputMissing):
        open_source("a\0b.mp4")


def test_folder(tmp_path: Path) -> None:
    """A folder is named as such."""
    with pytest.raises(InputUnreadable, match="folder"):
        open_source(tmp_path)


def test_link_loop(tmp_path: Path) -> None:
    """Links that point at each other are an unreadable input."""
    (tmp_path / "a.mp4").symlink_to(tmp_path / "b.mp4")
    (tmp_path / "b.mp4").symlink_to(tmp_path / "a.mp4")
    with pytest.raises((InputUnreadable, InputMissing)):
        open_source(tmp_path / "a.mp4")


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs there")
def test_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    """A FIFO nobody writes to is refused instead of blocking for ever."""
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(InputUnreadable, match="regular file"):
        open_source(tmp_path / "pipe.mp4")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no device files there")
def test_device_file_is_refused() -> None:
    """A device file, which never ends, is refused."""
    with pytest.raises(InputUnreadable, match="regular file"):
        open_source("/dev/zero")


def test_empty_file(tmp_path: Path) -> None:
    """An empty file is no video, and is said to be empty."""
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(NotAVideo, match="empty"):
        open_source(tmp_path / "empty.mp4")


@pytest.mark.parametrize(
    "content", [b"This is a text.\n" * 50, b"\0" * 4096, bytes(range(256)) * 20]
)
def test_not_a_container(tmp_path: Path, content: bytes) -> None:
    """Text and noise called .mp4 are not videos."""
    (tmp_path / "text.mp4").write_bytes(content)
    with pytest.raises(NotAVideo):
        open_source(tmp_path / "text.mp4")


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{film}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{film}'\n",
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{film}</BaseURL></MPD>',
    ],
    ids=["hls", "concat", "dash"],
)
def test_playlists_open_nothing_else(make_film: MakeFilm, tmp_path: Path, playlist: str) -> None:
    """A playlist called .mp4 is refused although the film it names would decode."""
    film = make_film("secret.ts")
    (tmp_path / "list.mp4").write_text(playlist.format(film=film.name))
    with pytest.raises(NotAVideo):
        open_source(tmp_path / "list.mp4")


def test_image_series_pattern_is_refused(tmp_path: Path, make_film: MakeFilm) -> None:
    """A picture whose name is a pattern for further pictures is no video."""
    picture = tmp_path / "x%d.png"
    with av.open(str(make_film("a.mp4"))) as film:
        next(film.decode(video=0)).to_image().save(picture)
    shutil.copy(picture, tmp_path / "x1.png")
    with pytest.raises(NotAVideo):
        open_source(picture)
    shutil.copy(picture, tmp_path / "x%d.mp4")
    with pytest.raises(NotAVideo):
        open_source(tmp_path / "x%d.mp4")


def test_sound_only(tmp_path: Path) -> None:
    """An audio file in an accepted container has no video stream."""
    with av.open(str(tmp_path / "sound.mp4"), "w") as out:
        stream = out.add_stream("aac", rate=48000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), "fltp", "mono")
        sound.sample_rate = 48000
        out.mux(stream.encode(sound))
        out.mux(stream.encode(None))
    with pytest.raises(NoVideoStream):
        open_source(tmp_path / "sound.mp4")


def test_wave_file(tmp_path: Path) -> None:
    """A sound file in a container that never holds video is not a video."""
    with wave.open(str(tmp_path / "sound.mp4"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\0" * 16000)
    with pytest.raises(NotAVideo):
        open_source(tmp_path / "sound.mp4")


def test_cover_picture_is_not_the_film(tmp_path: Path) -> None:
    """A cover picture beside sound does not count as a video stream."""
    with av.open(str(tmp_path / "album.mp4"), "w") as out:
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        sound = out.add_stream("aac", rate=48000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), "fltp", "mono")
        silence.sample_rate = 48000
        out.mux(sound.encode(silence))
        out.mux(sound.encode(None))
        out.mux(cover.encode(av.VideoFrame(64, 64, "yuvj420p")))
        out.mux(cover.encode(None))
    with pytest.raises(NoVideoStream):
        open_source(tmp_path / "album.mp4")


def test_unknown_codec(make_film: MakeFilm) -> None:
    """A film whose codec nobody knows is told from a file that is no film."""
    film = make_film("a.mp4")
    film.write_bytes(film.read_bytes().replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC"))
    with pytest.raises(UnsupportedCodec):
        open_source(film)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no such permissions there")
def test_no_permission(make_film: MakeFilm) -> None:
    """A file that may not be read is unreadable, not missing and not bad."""
    film = make_film("a.mp4")
    film.chmod(0)
    if os.geteuid() != 0:
        with pytest.raises(InputUnreadable, match="ermission"):
            open_source(film)
        return
    # Permissions do not bind root: look with another user's eyes.
    for folder in [film.parent, *film.parents]:
        if folder.stat().st_uid == 0 and folder.parts[:2] == ("/", "tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    code = (
        "import os, sys, yivideo.media.source as s\nos.setuid(65534)\n"
        "try: s.open_source(sys.argv[1])\nexcept Exception as e: print(type(e).__name__)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(film)], capture_output=True, text=True, check=False
    )
    assert run.stdout.strip() == "InputUnreadable", run.stderr


@pytest.mark.parametrize(
    "name",
    [
        "with some spaces.mp4",
        "电影 第一集.mkv",
        "-i.mp4",
        "--help.mp4",
        "http:evil.mp4",
        "file:x.mp4",
        "concat:a|b.mp4",
        "100%d.mp4",
        "quote'\".mp4",
        "new\nline.mp4",
        "no suffix",
    ],
)
def test_awkward_names(
    make_film: MakeFilm, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Names that mean something to FFmpeg or a shell are only names, also as relative paths."""
    make_film("a.mp4" if not name.endswith("mkv") else "a.mkv").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    with open_source(name) as source:
        assert source.path == tmp_path / name
        assert len(list(read_frames(source))) == 30


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text there")
def test_name_that_is_no_text(make_film: MakeFilm, tmp_path: Path) -> None:
    """A name of bytes that are no UTF-8 opens, and prints."""
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4")
    make_film("a.mp4").rename(name)
    with open_source(name) as source:
        assert len(list(read_frames(source))) == 30
        source.name.encode("utf-8")
    Path(name).rename(name + "x")
    with pytest.raises(InputMissing) as caught:
        open_source(name)
    caught.value.message.encode("utf-8")


def test_links_are_followed(make_film: MakeFilm, tmp_path: Path) -> None:
    """A symbolic link opens what it points at."""
    film = make_film("a.mp4")
    (tmp_path / "link.mp4").symlink_to(film)
    with open_source(tmp_path / "link.mp4") as source:
        assert source.path == film


def test_metadata_that_is_no_text(make_film: MakeFilm) -> None:
    """A title in another encoding than UTF-8 does not keep the film from opening."""
    film = make_film("a.mkv")
    data = film.read_bytes()
    assert b"Lavf" in data
    film.write_bytes(data.replace(b"Lavf", b"\xff\xfe\xb5\xe7"))
    open_source(film).close()


def test_largest_stream_is_the_film(tmp_path: Path) -> None:
    """Of several video streams the one with the largest picture is the film."""
    with av.open(str(tmp_path / "two.mkv"), "w") as out:
        streams = [out.add_stream("libx264", rate=25) for _ in range(2)]
        for stream, size in zip(streams, (64, 128), strict=True):
            stream.width = stream.height = size
            stream.pix_fmt = "yuv420p"
        for stream, size in zip(streams, (64, 128), strict=True):
            for index in range(3):
                picture = av.VideoFrame(size, size, "yuv420p")
                picture.pts = index
                out.mux(stream.encode(picture))
            out.mux(stream.encode(None))
    with open_source(Path(tmp_path / "two.mkv")) as source:
        assert source.stream.width == 128
