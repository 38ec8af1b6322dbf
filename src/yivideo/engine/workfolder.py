"""A work folder belongs to one video and one set of options."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from yivideo.engine.options import ExtractOptions
from yivideo.errors import UsageError
from yivideo.files import ensure_folder, write_atomic

_NOTE = "job.json"


def claim_work_folder(folder: Path, video: Path, options: ExtractOptions) -> Path:
    """The folder, made if need be and marked with what is being done in it.

    What the steps of an earlier run left there is used again, so it must be of the same job.

    Raises:
        UsageError: it holds the work on another video, or with other options.
        OutputError: it cannot be written.
    """
    ensure_folder(folder)
    note = folder / _NOTE
    job = _job(video, options)
    if note.is_file():
        if note.read_text("utf-8") != job:
            raise UsageError(
                f"The work folder '{folder}' holds the work on another video or with other options;"
                " name another folder, or remove this one."
            )
    else:
        write_atomic(note, job)
    return folder


def _job(video: Path, options: ExtractOptions) -> str:
    fields = asdict(options)
    # Where a step runs and where it writes do not change what it finds.
    for irrelevant in ("work", "device", "runtime"):
        del fields[irrelevant]
    state = video.stat()
    identity = hashlib.sha256(f"{state.st_size}:{state.st_mtime_ns}".encode()).hexdigest()[:16]
    return json.dumps({"video": video.name, "state": identity, "options": fields}, indent=1) + "\n"
