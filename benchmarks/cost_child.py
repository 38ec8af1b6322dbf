"""What `benchmarks.cost` measures, each in a process of its own; prints one JSON object.

python -m benchmarks.cost_child decode VIDEO THREAD_TYPE THREAD_COUNT
python -m benchmarks.cost_child extract VIDEO SRT
"""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def decode(video: str, thread_type: str, thread_count: str) -> dict[str, Any]:
    """Decode every frame and drop it; the time of the imports is not counted."""
    import av

    wall, cpu = time.perf_counter(), time.process_time()
    frames = 0
    with av.open(video) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_type = thread_type
        stream.codec_context.thread_count = int(thread_count)
        for _ in container.decode(stream):
            frames += 1
    return {
        "frames": frames,
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
    }


def _count_calls(owner: type, counts: dict[str, int], name: str) -> None:
    """Count how often instances of ``owner`` are called."""
    original: Callable[..., Any] = owner.__call__
    counts[name] = 0

    def counted(self: object, *args: Any, **options: Any) -> Any:
        counts[name] += 1
        return original(self, *args, **options)

    owner.__call__ = counted


def extract(video: str, srt: str) -> dict[str, Any]:
    """`yivideo.extract`, with the calls of detection and recognition counted."""
    from yivideo import extract as run
    from yivideo.errors import NoSubtitles
    from yivideo.ocr.detection import Detector
    from yivideo.ocr.recognition import Recognizer

    counts: dict[str, int] = {}
    _count_calls(Detector, counts, "detections")
    _count_calls(Recognizer, counts, "recognitions")
    try:
        text = run(Path(video)).to_srt()
    except NoSubtitles:
        text = ""
    Path(srt).write_text(text, encoding="utf-8")
    return counts


if __name__ == "__main__":
    what = {"decode": decode, "extract": extract}[sys.argv[1]]
    print(json.dumps(what(*sys.argv[2:])))
