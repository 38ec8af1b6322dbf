"""One frame of a film with what would be read in it."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from yivideo.engine.choice import choose_devices
from yivideo.engine.options import ExtractOptions, Preview
from yivideo.engine.runner import LocalRunner
from yivideo.errors import UsageError
from yivideo.media.sample import sample_frames
from yivideo.media.source import open_source
from yivideo.steps import area, keyframes
from yivideo.steps.models import open_models
from yivideo.steps.read import film_line
from yivideo.subtitles.reading import Reader

if TYPE_CHECKING:
    from yivideo.subtitles.model import Line


def preview(path: str | os.PathLike[str], at: float, options: ExtractOptions) -> Preview:
    """Find the film's bands and read them in the first frame at or after ``at`` seconds.

    Raises:
        UsageError: the film has no frame at that time.
        YiVideoError: as `extract`.
    """
    video = Path(path)
    with open_source(video) as source:
        devices = choose_devices(options.device, options.runtime, source)
        frames = next(iter(sample_frames(source, [at])))[1]
        if not frames:
            raise UsageError(f"'{video.name}' has no frame at {at:g} s or later.")
        frame = frames[0]
    with tempfile.TemporaryDirectory(prefix="yivideo-") as folder:
        params = area.AreaParams(areas=options.areas, include_static=options.include_static)
        runner = LocalRunner(
            video=video,
            work=Path(folder),
            params={area.NAME: params},
            devices={area.NAME: devices.recognition},
        )
        runner.run((keyframes.NAME, area.NAME))
        info = runner.folder(keyframes.NAME).output(keyframes.Keyframes).info
        watched = runner.folder(area.NAME).output(area.Areas).bands
    models = open_models(devices.recognition)
    reader = Reader(models.detector, models.recognizer)
    lines: list[Line] = []
    for one in watched:
        band = one.band
        luma = np.array(frame.luma(band.box))
        picture = 255 - luma if band.polarity == "dark" else luma
        seen = reader(picture, band.text_height, info.pixel_aspect)
        lines += [film_line(line, band.box) for line in seen]
    return Preview(
        image=frame.rgb(),
        time=frame.time,
        bands=tuple(one.band for one in watched),
        lines=tuple(lines),
    )
