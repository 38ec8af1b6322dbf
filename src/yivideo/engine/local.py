"""The main job in one process: a video in, its subtitles out."""

import os
import tempfile
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel

from yivideo.engine.choice import choose_devices
from yivideo.engine.options import Devices, ExtractOptions, Progress, RuntimeName
from yivideo.engine.preview import preview
from yivideo.engine.progress import Reporter
from yivideo.engine.runner import LocalRunner, checked_params
from yivideo.engine.workfolder import claim_work_folder
from yivideo.errors import UsageError, YiVideoError
from yivideo.files import ensure_folder
from yivideo.media.source import open_source
from yivideo.steps import BUILT_IN, area, crop, finalize, keyframes, read
from yivideo.steps.models import open_models
from yivideo.steps.registry import find_step
from yivideo.subtitles.areas import parse_area
from yivideo.subtitles.model import Subtitles

__all__ = ["extract", "preview", "run_step"]

OnProgress = Callable[[Progress], None]
Cancel = Callable[[], bool]
PathLike = str | os.PathLike[str]


def _never() -> bool:
    return False


def extract(  # noqa: PLR0913  # keyword-only, and each an option of the command
    path: PathLike,
    *,
    areas: Sequence[str] = (),
    languages: Sequence[str] = (),
    device: str = "auto",
    start: float | None = None,
    end: float | None = None,
    work: PathLike | None = None,
    include_static: bool = False,
    runtime: RuntimeName = "auto",
    progress: OnProgress | None = None,
    cancelled: Cancel | None = None,
) -> Subtitles:
    """Read the subtitles that are burned into a video's picture.

    Nothing is written beside the video; `Subtitles.save` writes the files.

    Args:
        path: the video.
        areas: where subtitles stand, such as "0%,80%,100%,100%"; found when empty.
        languages: two-letter codes of the languages to expect; told by the script when empty.
        device: "auto", "cpu" or "cuda:N", for decoding and for recognition.
        start: seconds at which to begin.
        end: seconds at which to stop.
        work: folder that keeps what the steps write, so that a stopped extraction goes on from its
            last finished step; a temporary folder when None.
        include_static: take text that stands still for long (titles, logos) for subtitles as well.
        runtime: what runs the models; "auto" follows the device.
        progress: called often, from several threads, with how far the work is.
        cancelled: asked often; when it returns true, the work stops within a second.

    Returns:
        The subtitles; `events` is empty where the video has none, `readable_until` tells how far a
        damaged file could be read.

    Raises:
        UsageError: an area, a time or a work folder that cannot be meant.
        InputError: the file is missing, is no video, or has no frame that can be decoded.
        DeviceUnavailable: the device asked for cannot be used; "auto" never raises it.
        OutputError: the work folder cannot be written.
        Cancelled: `cancelled` returned true.
    """
    options = ExtractOptions(
        areas=tuple(areas),
        languages=tuple(languages),
        device=device,
        start=start,
        end=end,
        include_static=include_static,
        runtime=runtime,
    )
    _check(options)
    video = Path(path)
    with open_source(video) as source:
        chosen = choose_devices(device, runtime, source)
    reporter = Reporter(progress, chosen, start or 0.0, end)
    with _work_folder(video, work, options) as folder:
        runner = LocalRunner(
            video=video,
            work=folder,
            params=_params(options),
            devices=_by_step(chosen),
            report=reporter.step,
            stop=cancelled or _never,
            fleeting=work is None,
        )
        reporter.follow(runner)
        if not runner.folder(read.NAME).complete:
            threading.Thread(target=_prepare, args=(chosen.recognition,), name="models").start()
        runner.run(BUILT_IN)
        return runner.folder(finalize.NAME).output(finalize.Finalized).subtitles


def _prepare(device: str) -> None:
    """Load the models while the film is looked into; steps that find them faulty say so."""
    with suppress(YiVideoError):
        open_models(device)


def run_step(
    name: str,
    work: Path,
    *,
    video: PathLike | None = None,
    params: Mapping[str, object] | None = None,
    device: str = "auto",
    progress: OnProgress | None = None,
    cancelled: Cancel | None = None,
) -> BaseModel:
    """Run one step on the folders that earlier steps left in ``work``; an older result is replaced.

    Args:
        name: the step.
        work: folder with a folder for each step that has run.
        video: the film, for steps that look into it; by default the one the first step saw.
        params: parameters by name; the step's defaults for the rest.
        device: "auto", "cpu" or "cuda:N".
        progress: called often with how far the step is.
        cancelled: asked often; when it returns true, the step stops and leaves nothing.

    Returns:
        The step's output, which is also in its folder.

    Raises:
        UsageError: there is no such step, a parameter is wrong, or a step before has not run.
        YiVideoError: as `extract`.
    """
    found = find_step(name)
    given = checked_params(found, params or {})
    film = _film(work, video, needed=name in {keyframes.NAME, crop.NAME})
    if film is not None:
        with open_source(film) as source:
            chosen = choose_devices(device, "auto", source)
    else:
        chosen = choose_devices(device, "auto", None)
    reporter = Reporter(progress, chosen, 0.0, None, alone=True)
    runner = LocalRunner(
        video=film or Path(),
        work=ensure_folder(work),
        params={name: given},
        devices=_by_step(chosen),
        report=reporter.step,
        stop=cancelled or _never,
    )
    reporter.follow(runner)
    runner.run_again(name)
    return runner.folder(name).output(found.output)


def _film(work: Path, video: PathLike | None, *, needed: bool) -> Path | None:
    if video is not None:
        return Path(video)
    earlier = LocalRunner(video=Path(), work=work).folder(keyframes.NAME)
    if earlier.complete:
        return Path(earlier.output(keyframes.Keyframes).info.path)
    if needed:
        raise UsageError("This step looks into the video: name it with --video.")
    return None


def _check(options: ExtractOptions) -> None:
    for text in options.areas:
        parse_area(text)
    start, end = options.start or 0.0, options.end
    if start < 0 or (end is not None and end <= start):
        raise UsageError("The end must come after the start, and neither before 0.")


def _params(options: ExtractOptions) -> dict[str, BaseModel]:
    return {
        keyframes.NAME: keyframes.KeyframesParams(start=options.start or 0.0, end=options.end),
        area.NAME: area.AreaParams(areas=options.areas, include_static=options.include_static),
        crop.NAME: crop.CropParams(start=options.start, end=options.end),
        finalize.NAME: finalize.FinalizeParams(
            include_static=options.include_static, languages=options.languages
        ),
    }


def _by_step(chosen: Devices) -> dict[str, str]:
    return {
        crop.NAME: chosen.decoding,
        area.NAME: chosen.recognition,
        read.NAME: chosen.recognition,
    }


@contextmanager
def _work_folder(video: Path, work: PathLike | None, options: ExtractOptions) -> Generator[Path]:
    """The folder the user keeps, once it is known to belong to this job, or a temporary one."""
    if work is not None:
        yield claim_work_folder(Path(work), video, options)
        return
    with tempfile.TemporaryDirectory(prefix="yivideo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
