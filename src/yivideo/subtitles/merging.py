"""From readings to events: what was read is cleaned, voted on and joined across needless cuts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from yivideo.subtitles.cleaning import comparable, letters_only, tidy_lines
from yivideo.subtitles.model import Band, Event, Line, RejectedEvent
from yivideo.subtitles.moving import without_moving_text
from yivideo.subtitles.sameness import contains, same_text
from yivideo.subtitles.standing import without_standing_text
from yivideo.subtitles.stretch_reading import StretchReading, picked

# Shorter stretches are looked upon as what is left of their neighbour.
_BRIEF = 0.3
# Of what stands for less than so many seconds more confidence is asked.
_SHORT = 0.7
_LEAST_CONFIDENCE_BRIEFLY = 0.8
# Nobody can read what stands for less, in seconds.
_LEAST_LENGTH = 0.2
_LEAST_CONFIDENCE = 0.6
# Of a single character more is asked: it has nobody to vouch for it.
_LEAST_CONFIDENCE_ALONE = 0.85

# A line that is smaller than the band's and stands as far from its column, in widths of the
# picture, is not one of a subtitle's.
_SMALL = 0.88
_BESIDE = 0.08


@dataclass(slots=True)
class _Joined:
    """Stretches that show the same text."""

    parts: list[StretchReading] = field(default_factory=list)

    @property
    def start(self) -> float:
        return self.parts[0].start

    @property
    def end(self) -> float:
        return max(part.end for part in self.parts)

    def best(self) -> StretchReading:
        """The part whose words are most to be trusted: votes are seconds times confidence.

        Punctuation that another part has as well is taken over with that part: recognition
        overlooks it rather than making it up.
        """
        votes: dict[str, float] = {}
        for part in self.parts:
            votes[_text(part)] = votes.get(_text(part), 0.0) + _vote(part)
        winner = max(votes, key=lambda text: votes[text])
        for text, vote in votes.items():
            fuller = len(comparable(text)) > len(comparable(winner)) and vote >= 0.3 * votes[winner]
            if fuller and letters_only(text) == letters_only(winner):
                winner = text
        return max((p for p in self.parts if _text(p) == winner), key=_vote)


def _vote(part: StretchReading) -> float:
    return (part.end - part.start) * _confidence(part) ** 4


def _text(part: StretchReading) -> str:
    return "\n".join(line.text for line in part.lines)


def _confidence(part: StretchReading) -> float:
    letters = sum(len(line.text) for line in part.lines)
    return sum(line.confidence * len(line.text) for line in part.lines) / max(1, letters)


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
        parts = found
        parts, moving = without_moving_text(parts)
        rejected += [RejectedEvent(event=_event([r]), reason="moving-text") for r in moving]
        if not include_static:
            parts, standing = without_standing_text(parts)
            rejected += [RejectedEvent(event=_event([r]), reason="scene-text") for r in standing]
        centre = centres[number] if number < len(centres) else None
        kept: list[StretchReading] = []
        for part in parts:
            good, bad = _cleaned(part, bands[number])
            good, beside = _without_small_print(good, bands[number], centre, width)
            kept.append(good)
            if beside is not None:
                rejected.append(RejectedEvent(event=_event([beside]), reason="small-print"))
            if bad is not None:
                rejected.append(RejectedEvent(event=_event([bad]), reason="low-confidence"))
        for joined in _join(kept, frame):
            event = _event(joined.parts, joined.best())
            if not _lasts(event):
                rejected.append(RejectedEvent(event=event, reason="too-brief"))
            elif centre is not None and _strays(event, centre, width):
                rejected.append(RejectedEvent(event=event, reason="off-centre"))
            else:
                events.append(event)
    events.sort(key=lambda e: (e.start, e.box.top if e.box else 0))
    return events, rejected


def _strays(event: Event, centre: float, width: int) -> bool:
    """Whether an event stands beside where all others do, and has nothing else to vouch for it."""
    box = event.box
    if box is None or abs((box.left + box.right) / 2 - centre) < _BESIDE * width:
        return False
    doubtful = event.confidence < 0.93 or event.end - event.start < 0.7
    return doubtful or len(comparable(event.text)) <= 3


def _lasts(event: Event) -> bool:
    length = event.end - event.start
    least = 0.9 if length < _BRIEF else _LEAST_CONFIDENCE_BRIEFLY if length < _SHORT else 0.0
    return length >= _LEAST_LENGTH and event.confidence >= least


def _cleaned(reading: StretchReading, band: Band) -> tuple[StretchReading, StretchReading | None]:
    """The reading with its trustworthy lines alone, and with the others alone."""
    credible = [_credible(line, band) for line in reading.lines]
    kept = picked(reading, credible)
    dropped = None if all(credible) else picked(reading, [not good for good in credible])
    return kept, dropped


def _without_small_print(
    reading: StretchReading, band: Band, centre: float | None, width: int
) -> tuple[StretchReading, StretchReading | None]:
    """The reading without lines that are small and stand beside the column of the others."""
    if centre is None or len(reading.lines) < 2:
        return reading, None
    small = [
        line.box.height < _SMALL * band.text_height
        and abs((line.box.left + line.box.right) / 2 - centre) > _BESIDE * width
        for line in reading.lines
    ]
    if not any(small) or all(small):
        return reading, None
    return picked(reading, [not yes for yes in small]), picked(reading, small)


def _credible(line: Line, band: Band) -> bool:
    letters = comparable(line.text)
    if len(letters) == 1 and letters.isascii() and line.confidence < 0.98:
        return False
    least = _LEAST_CONFIDENCE_ALONE if len(letters) <= 2 else _LEAST_CONFIDENCE
    if band.text_height and line.box.height < 0.45 * band.text_height:
        least = 0.97
    return bool(letters) and line.confidence >= least


def _join(parts: list[StretchReading], frame: float) -> list[_Joined]:
    groups: list[_Joined] = []
    for part in parts:
        if not part.lines:
            continue
        last = groups[-1] if groups else None
        if last is not None and _continues(last, part, frame):
            last.parts.append(part)
        else:
            groups.append(_Joined([part]))
    return _without_remnants(groups, frame)


def _continues(last: _Joined, part: StretchReading, frame: float) -> bool:
    before = last.parts[-1]
    gap = part.start - before.end
    if gap > (2.5 if before.stays else 0.5) * frame:
        return False
    return any(same_text(one, part) for one in (before, last.best()))


def _without_remnants(groups: list[_Joined], frame: float) -> list[_Joined]:
    """Brief stretches whose words are in a neighbour's are that neighbour, coming or going."""
    kept: list[_Joined] = []
    for i, group in enumerate(groups):
        if group.end - group.start < _BRIEF:
            text = _text(group.best())
            after = groups[i + 1] if i + 1 < len(groups) else None
            if kept and group.start - kept[-1].end < 1.5 * frame and _part_of(text, kept[-1]):
                kept[-1].parts += group.parts
                continue
            if after and after.start - group.end < 1.5 * frame and _part_of(text, after):
                after.parts[:0] = group.parts
                continue
        kept.append(group)
    return _healed(kept, frame)


def _healed(groups: list[_Joined], frame: float) -> list[_Joined]:
    """Two halves of one text with a moment of something unreadable between them made one."""
    healed: list[_Joined] = []
    for group in groups:
        if len(healed) >= 2:
            before, between = healed[-2], healed[-1]
            close = max(between.start - before.end, group.start - between.end) < 1.5 * frame
            moment = between.end - between.start < _LEAST_LENGTH
            if close and moment and same_text(before.best(), group.best()):
                healed.pop()
                before.parts += group.parts
                continue
        healed.append(group)
    return healed


def _part_of(text: str, group: _Joined) -> bool:
    whole = _text(group.best())
    return len(comparable(text)) <= len(comparable(whole)) and contains(whole, text) >= 0.75


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
