"""Looking into a film at a few places, by seeking."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from yivideo.media.decoding import Decoder
from yivideo.media.frame import Frame, Layout
from yivideo.media.source import Source
from yivideo.media.tuning import for_sampling

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

# Decoding on is cheaper than seeking back to a key frame when the next place is this near (s):
# key frames are usually two to ten seconds apart.
_NEAR = 3.0


def sample_frames(
    source: Source,
    times: Sequence[float],
    *,
    burst: int = 1,
    spacing: float = 0.0,
    snap: bool = False,
) -> Iterator[tuple[float, list[Frame]]]:
    """Frames at the wanted times, in the order asked; ascending times are cheapest.

    Args:
        source: what `open_source` gave; it is opened anew.
        times: seconds from the beginning of the film.
        burst: how many frames to give for each time.
        spacing: least seconds between two frames of a burst; 0 for consecutive frames.
        snap: begin at the key frame before the wanted time instead of decoding on to it.

    Yields:
        The wanted time and its burst, which is shorter, or empty, where the film ends or is
        damaged. The frames' own `time` is exact; their `index` counts within the burst.
    """

    def reopen() -> Source:
        reader = source.reopen()
        for_sampling(reader)
        return reader

    with Decoder(reopen) as decoder:
        sampler = _Sampler(decoder)
        for wanted in times:
            yield wanted, sampler.burst(wanted, burst, spacing, snap=snap)


class _Sampler:
    """A decoder that remembers where it stands."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._pictures: Iterator[tuple[VideoFrame, float]] = iter(())
        self._position = float("inf")
        self._layout: Layout | None = None

    def burst(self, wanted: float, count: int, spacing: float, *, snap: bool) -> list[Frame]:
        if snap or not 0.0 < wanted - self._position <= _NEAR:
            if snap:
                self._decoder.seek(wanted)
                self._pictures = self._decoder.from_here()
            else:
                self._pictures = self._decoder.from_time(max(wanted, 0.0))
        frames: list[Frame] = []
        # Time stamps are rounded to the container's ticks: a hair too early is not too early.
        due = float("-inf") if snap else wanted - 1e-4
        for picture, time in self._pictures:
            self._position = time
            if time < due:
                continue
            frames.append(self._frame(picture, time, len(frames)))
            due = time + spacing - 1e-4
            if len(frames) == count:
                return frames
        self._position = float("inf")
        return frames

    def _frame(self, picture: "VideoFrame", time: float, index: int) -> Frame:
        if self._layout is None or not self._layout.fits(picture):
            self._layout = Layout.of(picture)
        return Frame(picture, time, index, self._layout)
