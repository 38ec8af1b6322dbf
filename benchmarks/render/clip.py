"""Render one clip: pictures, file and truth."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.render.backdrop import Backdrop
from benchmarks.render.encode import Writer, frame_times, weave
from benchmarks.render.overlays import Drawn
from benchmarks.render.spec import Clip, Track
from benchmarks.render.timeline import Planned, plan_track
from benchmarks.render.typeset import Layer, typeset
from benchmarks.srt import Cue, write_srt


@dataclass(frozen=True)
class Placed:
    """An event with its pixels."""

    event: Planned
    layer: Layer
    track: Track
    band: int

    def opacity(self, k: int, fps: float) -> float:
        """How visible it is on frame ``k``; above 0 on its first and last frame."""
        if not self.event.first_frame <= k <= self.event.last_frame:
            return 0
        into, left = k - self.event.first_frame + 1, self.event.last_frame - k + 1
        rise, fall = int(self.track.fade_in * fps) + 1, int(self.track.fade_out * fps) + 1
        return min(1.0, into / rise, left / fall)


def place_events(clip: Clip) -> list[Placed]:
    """All events of all tracks with their layers, by first frame."""
    frames = int(clip.seconds * Fraction(clip.rate))
    placed: list[Placed] = []
    for band, track in enumerate(clip.tracks):
        rng = random.Random(clip.seed * 1009 + band)
        for event in plan_track(clip, track, rng, frames):
            layer = typeset(
                event.parts,
                track.style,
                (clip.width, clip.height),
                scale=track.second_scale,
                speaker=event.speaker,
            )
            placed.append(Placed(event, layer, track, band))
    return sorted(placed, key=lambda p: (p.event.first_frame, p.layer.top))


def _pictures(clip: Clip, times: list[Fraction], footage: Path) -> Iterator[NDArray[np.uint8]]:
    """Background, letterbox and overlays, without the subtitles."""
    size = (clip.width, clip.height)
    backdrop = Backdrop(clip.seed, clip.background, size, clip.seconds, footage)
    overlays = [Drawn(overlay, size) for overlay in clip.overlays]
    bar = int(clip.height * clip.letterbox)

    def picture(t: float) -> NDArray[np.uint8]:
        view = backdrop.frame(t)
        if bar:
            view[:bar] = 0
            view[-bar:] = 0
        for overlay in overlays:
            view = overlay.over(view, t)
        return view

    if clip.encoding.interlaced:
        yield from weave(picture, times)
    else:
        for time in times[:-1]:
            yield picture(float(time))


def truth_of(clip: Clip, placed: list[Placed], times: list[Fraction]) -> dict[str, object]:
    """The truth file: exact text and presentation times, ``end`` being that of the next frame."""
    events = [
        {
            "text": p.layer.text,
            "start": round(float(times[p.event.first_frame]), 4),
            "end": round(float(times[p.event.last_frame + 1]), 4),
            "first_frame": p.event.first_frame,
            "last_frame": p.event.last_frame,
            "band": p.band,
        }
        for p in placed
    ]
    fade = max((max(t.fade_in, t.fade_out) for t in clip.tracks), default=0)
    return {
        "name": clip.name,
        "kinds": clip.kinds,
        "split": clip.split,
        "fps": float(Fraction(clip.rate)),
        "fade": fade,
        "events": events,
    }


def write_truth(clip: Clip, placed: list[Placed], times: list[Fraction], folder: Path) -> None:
    """Write ``NAME.truth.json`` and ``NAME.truth.srt``."""
    text = json.dumps(truth_of(clip, placed, times), ensure_ascii=False, indent=1)
    (folder / f"{clip.name}.truth.json").write_text(text, encoding="utf-8")
    cues = [
        Cue(float(times[p.event.first_frame]), float(times[p.event.last_frame + 1]), p.layer.text)
        for p in placed
    ]
    write_srt(folder / f"{clip.name}.truth.srt", cues)


def render(clip: Clip, folder: Path, footage: Path) -> Path:
    """Write the video and its ``NAME.truth.json`` and ``NAME.truth.srt``; give the video's path.

    The video is written aside and renamed last, so that a file that is there is whole.
    """
    times, fps = frame_times(clip), float(Fraction(clip.rate))
    placed = place_events(clip)
    path = folder / f"{clip.name}.{clip.encoding.container}"
    aside = folder / f".{clip.name}.part.{clip.encoding.container}"
    with Writer(aside, clip) as writer:
        for k, picture in enumerate(_pictures(clip, times, footage)):
            for p in placed:
                if opacity := p.opacity(k, fps):
                    p.layer.over(picture, opacity)
            writer.write(picture, times[k])
    write_truth(clip, placed, times, folder)
    aside.replace(path)
    return path
