"""Running the real command as a user runs it, and making small real videos for it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

SAMPLES = Path(__file__).parents[2] / "samples"
COMMAND = Path(sys.executable).with_name("yivideo.exe" if sys.platform == "win32" else "yivideo")


Environment = Mapping[str, str | None]


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit status, standard output, standard error."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Run:
    """Runs `yivideo` in a folder of its own, with a folder of its own for temporary files."""

    folder: Path
    scratch: Path

    def environment(self, changes: Environment) -> dict[str, str]:
        """Ours, with `changes`; None takes a variable away."""
        merged = {**os.environ, "TMPDIR": str(self.scratch), "COLUMNS": "200", **changes}
        return {name: value for name, value in merged.items() if value is not None}

    def start(
        self, *words: str | Path | bytes, env: Environment | None = None, **options: Any
    ) -> "subprocess.Popen[bytes]":
        """Start the command, with pipes for its output unless `options` say otherwise."""
        settings: dict[str, Any] = {
            "cwd": self.folder,
            "env": self.environment(env or {}),
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **options,
        }
        return subprocess.Popen([COMMAND, *words], **settings)

    def __call__(
        self, *words: str | Path | bytes, env: Environment | None = None, **options: Any
    ) -> Ended:
        """Run the command to its end; no traceback may be seen, whatever happens."""
        with self.start(*words, env=env, **options) as process:
            out, err = process.communicate(timeout=120)
        ended = Ended(process.returncode, _text(out), _text(err))
        assert "Traceback" not in ended.err
        return ended


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "surrogateescape")


def remux(
    source: Path,
    path: Path,
    *,
    end: float | None = None,
    times: int = 1,
    subtitles: Path | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Put the film's packets into another file, without encoding them anew.

    Args:
        source: the film.
        path: the file to write; its suffix is the container.
        end: stop there, in seconds.
        times: how often, one after the other.
        subtitles: an SRT file to add as a track.
        options: of the container.
    """
    with av.open(str(path), "w", options=options or {}) as target, av.open(str(source)) as film:
        out = target.add_stream_from_template(film.streams.video[0])
        packets = [p for p in film.demux(film.streams.video[0]) if p.size]
        if subtitles is not None:
            _add_track(target, subtitles)
        # Without this a file without packets would never be written.
        target.start_encoding()
        length = packets[0].duration * len(packets)
        for turn in range(times):
            for packet in packets:
                if end is None or packet.pts * packet.time_base < end:
                    target.mux(_moved(packet, turn * length, out))
    return path


def reencode(source: Path, path: Path, *, gop: int) -> Path:
    """The film anew, with a key frame every `gop` frames."""
    with av.open(str(path), "w") as target, av.open(str(source)) as film:
        old = film.streams.video[0]
        new = target.add_stream("libx264", rate=25, width=old.width, height=old.height)
        new.pix_fmt, new.gop_size = "yuv420p", gop
        new.options = {"preset": "veryfast", "crf": "20"}
        for frame in film.decode(old):
            frame.pict_type = av.video.frame.PictureType.NONE
            target.mux(new.encode(frame))
        target.mux(new.encode(None))
    return path


def _moved(packet: av.Packet, ticks: int, stream: av.VideoStream) -> av.Packet:
    copy = av.Packet(bytes(packet))
    copy.pts, copy.dts = packet.pts + ticks, packet.dts + ticks
    copy.duration, copy.time_base = packet.duration, packet.time_base
    copy.is_keyframe, copy.stream = packet.is_keyframe, stream
    return copy


def _add_track(target: av.container.OutputContainer, subtitles: Path) -> None:
    with av.open(str(subtitles)) as texts:
        track = target.add_stream_from_template(texts.streams.subtitles[0])
        track.metadata["language"] = "eng"
        for packet in texts.demux(texts.streams.subtitles[0]):
            if packet.size:
                packet.stream = track
                target.mux(packet)
