"""From readings to events: what was read is cleaned, voted on and joined across needless cuts."""

from collections.abc import Iterable, Sequence

from yivideo.subtitles.cleaning import even_dashes, tidy_lines
from yivideo.subtitles.credibility import cleaned, lasts, strays, without_small_print
from yivideo.subtitles.joining import join
from yivideo.subtitles.model import Band, Event, RejectedEvent
from yivideo.subtitles.moving import without_moving_text
from yivideo.subtitles.standing import without_standing_text
from yivideo.subtitles.stretch_reading import StretchReading


def merge(
    readings: Iterable[StretchReading],
    bands: Sequence[Band],
    *,
    frame: float,
    centres: Sequence[float | None] = (),
    width: int = 0,
    include_static: bool = False,
) -> tuple[list[Event], list[RejectedEvent]]:
    """Events of all bands by time, and what was not taken for one.

    ``frame`` is the length of a frame in seconds, ``centres`` the columns on which the bands' lines
    are centred in a picture of ``width`` columns; ``include_static`` keeps text that never changes.
    """
    events: list[Event] = []
    rejected: list[RejectedEvent] = []
    by_band: dict[int, list[StretchReading]] = {}
    for reading in sorted(readings, key=lambda r: r.start):
        by_band.setdefault(reading.band, []).append(reading)
    for number, found in by_band.items():
        centre = centres[number] if number < len(centres) else None
        parts = _subtitles_alone(found, rejected, include_static=include_static)
        parts = _credible_lines(parts, bands[number], centre, width, rejected)
        for joined in join(parts, frame):
            event = _event(joined.parts, joined.best())
            if not lasts(event):
                rejected.append(RejectedEvent(event=event, reason="too-brief"))
            elif centre is not None and strays(event, bands[number], centre, width):
                rejected.append(RejectedEvent(event=event, reason="off-centre"))
            else:
                events.append(event)
    events.sort(key=lambda e: (e.start, e.box.top if e.box else 0))
    return _with_even_dashes(events), rejected


def _subtitles_alone(
    parts: list[StretchReading], rejected: list[RejectedEvent], *, include_static: bool
) -> list[StretchReading]:
    """The readings without text that scrolls or stands in the scene, which goes to ``rejected``."""
    parts, moving = without_moving_text(parts)
    rejected += [_rejected(reading, reason="moving-text") for reading in moving]
    if not include_static:
        parts, standing = without_standing_text(parts)
        rejected += [_rejected(reading, reason="scene-text") for reading in standing]
    return parts


def _credible_lines(
    parts: list[StretchReading],
    band: Band,
    centre: float | None,
    width: int,
    rejected: list[RejectedEvent],
) -> list[StretchReading]:
    """The readings without noise and small print, which goes to ``rejected``."""
    kept: list[StretchReading] = []
    for part in parts:
        good, noise = cleaned(part, band)
        good, beside = without_small_print(good, band, centre, width)
        kept.append(good)
        if beside is not None:
            rejected.append(_rejected(beside, reason="small-print"))
        if noise is not None:
            rejected.append(_rejected(noise, reason="low-confidence"))
    return kept


def _rejected(reading: StretchReading, *, reason: str) -> RejectedEvent:
    return RejectedEvent(event=_event([reading]), reason=reason)


def _with_even_dashes(events: list[Event]) -> list[Event]:
    texts = iter(even_dashes([line.text for event in events for line in event.lines]))
    return [
        event.model_copy(
            update={
                "lines": tuple(
                    line.model_copy(update={"text": next(texts)}) for line in event.lines
                )
            }
        )
        for event in events
    ]


def _event(parts: list[StretchReading], best: StretchReading | None = None) -> Event:
    best = best or parts[0]
    texts = tidy_lines([line.text for line in best.lines])
    lines = tuple(
        line.model_copy(update={"text": text}) for line, text in zip(best.lines, texts, strict=True)
    )
    return Event(
        start=parts[0].start,
        end=max(part.end for part in parts),
        lines=lines,
        band=best.band,
        pictures=tuple(picture for part in parts for picture in part.pictures),
    )
