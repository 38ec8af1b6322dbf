"""Reading a film in several threads, each of which decodes parts of it from a key frame on.

Threads within one decoder help least where they are wanted most: those for slices do nothing for
films with one slice a picture, as most have, and cost 8 % of the CPU time for others; those for
frames cost 15 %. Parts cost nothing. Measured on 2 cores, 14,380 frames of H.264 in 720p, wall and
CPU seconds: one thread 18.7, 18.7; slices 12.3, 20.3; frames 14.4, 21.8; two parts 9.5, 18.6.

What is wanted of a frame is taken in the thread that decoded it, so that the next part waits in
memory as those few bytes and not as pictures.
"""

import os
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

from yivideo.media.decoding import Decoder
from yivideo.media.ending import announced_length
from yivideo.media.frame import Frame
from yivideo.media.frames import Fitting, Passage, ReadReport, no_frames, read_frames, reported
from yivideo.media.shelf import Ending, Part, Shelf
from yivideo.media.source import Source
from yivideo.media.tuning import for_reading

__all__ = ["PartsReader"]

T = TypeVar("T")

# Containers with an index of their key frames and time stamps that hold throughout.
_INDEXED = frozenset({"mov", "matroska"})
# Parts are longer than this (seconds): each costs a seek.
_LENGTH = 5.0
# Each more takes the memory of some pictures: at 1080p 20 MB.
_MOST_THREADS = 3
# Parts that may wait with less (seconds) wait for each other more than they read.
_LEAST_AHEAD = 2.0
# Frames that are handed over together, as waking a thread costs as much as a small frame.
_BATCH = 8


class PartsReader(Iterator[tuple[float, T]], Generic[T]):
    """Iterator over what is taken of each frame, in presentation order, with the frame's time.

    Films that cannot be cut at key frames are read in one piece. Close it, or use it up: then
    `report` says how the reading went.
    """

    def __init__(
        self,
        source: Source,
        take: Callable[[Frame], T],
        *,
        start: float | None = None,
        end: float | None = None,
        device: str = "cpu",
        ahead: int = 256,
        threads: int | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Nothing is read before the first is asked for.

        Args:
            source: what `open_source` gave; it is opened anew.
            take: makes of a frame what is wanted of it; called from several threads. What it gives
                must not hold on to the frame.
            start: hand out frames from this time on (seconds).
            end: stop before the first frame that is shown at this time or later.
            device: "cpu", or "cuda:N", which decodes in one piece.
            ahead: how many frames' takings may wait in memory for the part before theirs. Where
                that is less than two seconds of film it is read in one piece.
            threads: that decode; as many as there are cores, up to three, if None.
            cancelled: asked before every packet.

        Raises (from the iterator):
            NoFrames: not one frame could be decoded, or none lies between start and end.
            InputUnreadable: there is not enough memory for its pictures.
            DeviceUnavailable: the device cannot decode this film.
            Cancelled: `cancelled` returned true.
        """
        self.report: ReadReport | None = None
        self._source = source
        self._take = take
        self._start = start
        self._end = end
        self._device = device
        self._ahead = ahead
        self._threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)
        self._cancelled = cancelled
        self._items = self._read()

    def __next__(self) -> tuple[float, T]:
        return next(self._items)

    def close(self) -> None:
        """Stop reading and close the file."""
        self._items.close()

    def _read(self) -> Generator[tuple[float, T]]:
        worth_it = self._threads > 1 and self._ahead * self._source.period >= _LEAST_AHEAD
        if self._device == "cpu" and worth_it:
            with Decoder(self._reopened) as scout:
                cuts = Cuts(scout, self._start, self._end)
                if cuts.possible:
                    yield from self._in_parts(cuts)
                    return
        yield from self._in_one_piece()

    def _in_one_piece(self) -> Generator[tuple[float, T]]:
        reader = read_frames(
            self._source,
            start=self._start,
            end=self._end,
            device=self._device,
            cancelled=self._cancelled,
        )
        try:
            for frame in reader:
                yield frame.time, self._take(frame)
        finally:
            reader.close()
        self.report = reader.report

    def _in_parts(self, cuts: "Cuts") -> Generator[tuple[float, T]]:
        shelf = Shelf[T](lambda: Part(*cuts.next()), parts=self._threads + 1, ahead=self._ahead)
        fitted = Fitting()
        waiting = [
            threading.Thread(
                target=self._fill, args=(shelf, fitted, cuts), name="decoding", daemon=True
            )
            for _ in range(self._threads)
        ]
        running: list[threading.Thread] = []

        def begin() -> None:
            thread = waiting.pop()
            thread.start()
            running.append(thread)

        frames, last = 0, float("-inf")
        try:
            begin()
            for batch in shelf:
                # The first picture tells the size of all: the others begin after it.
                while waiting:
                    begin()
                for time, taken in batch:
                    if time > last:
                        frames, last = frames + 1, time
                        yield time, taken
        finally:
            shelf.stop()
            for thread in running:
                thread.join()
        if not frames:
            raise no_frames(self._source, self._start, self._end)
        self.report = reported(
            self._source,
            frames=frames,
            end_time=shelf.end_time,
            whole=shelf.whole,
            broke_off=shelf.broke_off,
            damaged=shelf.damaged,
        )

    def _fill(self, shelf: Shelf[T], fitted: Fitting, cuts: "Cuts") -> None:
        """Read one part after the other, until there are no more."""

        def unwanted() -> bool:
            return shelf.stopped or (self._cancelled is not None and self._cancelled())

        try:
            with Decoder(self._reopened, unwanted) as decoder:
                while (part := shelf.begin()) is not None:
                    damaged, passage = decoder.damaged, Passage(decoder, fitted)
                    batch: list[tuple[float, T]] = []
                    for frame in passage.read(part.start, part.end, cut=part.cut):
                        batch.append((frame.time, self._take(frame)))
                        if len(batch) == _BATCH:
                            shelf.put(part, batch)
                            batch = []
                    shelf.put(part, batch)
                    if decoder.missed:
                        cuts.give_up()
                    shelf.end(
                        part,
                        Ending(
                            passage.end_time,
                            whole=passage.stopped,
                            broke_off=decoder.broke_off,
                            damaged=decoder.damaged - damaged,
                        ),
                    )
        except BaseException as error:  # noqa: BLE001  # raised to whoever takes from the shelf
            shelf.fail(error)

    def _reopened(self) -> Source:
        reader = self._source.reopen()
        for_reading(reader, alone=False)
        return reader


class Cuts:
    """Where a film is cut: at key frames, some seconds apart."""

    def __init__(self, scout: Decoder, start: float | None, end: float | None) -> None:
        """``scout`` looks for key frames, and at them."""
        length = announced_length(scout.source) or 0.0
        self._scout = scout
        self._limit = min(end or float("inf"), length) if _can_be_cut(scout.source) else 0.0
        self._end = end
        self._start = start
        self._border = self._after(start or 0.0)
        if self.possible and not self._reliable(length):
            self._border = None

    @property
    def possible(self) -> bool:
        """Whether there is more than one part left."""
        return self._border is not None

    def give_up(self) -> None:
        """Cut no more: the film does not begin where its key frames are said to be."""
        self._limit = 0.0

    def next(self) -> tuple[float | None, float | None, bool]:
        """Start and end of the next part, and whether another one follows."""
        start, border = self._start, self._border
        if border is None:
            return start, self._end, False
        self._start, self._border = border, self._after(border)
        return start, border, True

    def _after(self, start: float) -> float | None:
        """A key frame some seconds after that time; None where none is found."""
        step = _LENGTH
        while start + step < self._limit - _LENGTH:
            found = self._scout.key_frame_at(start + step)
            if found is not None and found > start + _LENGTH / 2:
                return found
            step *= 2
        return None

    def _reliable(self, length: float) -> bool:
        """Whether the film's index and time stamps are what they seem."""
        source = self._scout.source
        indexed = max((entry.timestamp for entry in source.stream.index_entries), default=0)
        # Without one that was written the index grows with what is read, by everybody on his own.
        if float(indexed * source.time_base) - source.zero < length / 2:
            return False
        ordered = source.stream.codec_context.reorder_depth > 0
        return not (ordered and self._scout.decodes_as_shown())


def _can_be_cut(source: Source) -> bool:
    return not _INDEXED.isdisjoint(source.container.format.name.split(","))
