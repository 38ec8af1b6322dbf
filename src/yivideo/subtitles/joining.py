"""Stretches that show the same text joined: across cuts, noise, and text coming and going."""

from dataclasses import dataclass, field

from yivideo.subtitles.cleaning import comparable, letters_only
from yivideo.subtitles.remnants import is_misread, is_remnant
from yivideo.subtitles.sameness import same_text
from yivideo.subtitles.stretch_reading import StretchReading

# A shorter gap of something unreadable does not part a text in two.
_MOMENT = 0.2
# A gap of so many seconds, or of two frames, between the same words is none: where the scene has
# more ink than a short text, nothing tells that the text stands on.
_BLINK = 0.1
# Text that stands on may be unreadable for so many seconds.
_UNREAD = 0.35


@dataclass(slots=True)
class Joined:
    """Stretches that show the same text."""

    parts: list[StretchReading] = field(default_factory=list)

    @property
    def start(self) -> float:
        """Seconds at which the text came."""
        return self.parts[0].start

    @property
    def end(self) -> float:
        """Seconds at which it was gone."""
        return max(part.end for part in self.parts)

    @property
    def length(self) -> float:
        """Seconds for which the text stood."""
        return self.end - self.start

    def best(self) -> StretchReading:
        """The part whose words are most to be trusted: votes are seconds times confidence.

        Punctuation that another part has as well is taken over with that part: recognition
        overlooks it rather than making it up.
        """
        votes: dict[str, float] = {}
        for part in self.parts:
            votes[part.text] = votes.get(part.text, 0.0) + _vote(part)
        winner = max(votes, key=lambda text: votes[text])
        for text, vote in votes.items():
            fuller = len(comparable(text)) > len(comparable(winner)) and vote >= 0.3 * votes[winner]
            if fuller and letters_only(text) == letters_only(winner):
                winner = text
        return max((p for p in self.parts if p.text == winner), key=_vote)


def join(parts: list[StretchReading], frame: float) -> list[Joined]:
    """Readings of one band, by time, put together; those without lines are passed over.

    ``frame`` is the length of a frame in seconds.
    """
    groups: list[Joined] = []
    for part in parts:
        if not part.lines:
            continue
        last = groups[-1] if groups else None
        if last is not None and _continues(last, part, frame):
            last.parts.append(part)
        else:
            groups.append(Joined([part]))
    return _without_remnants(groups, frame)


def _vote(part: StretchReading) -> float:
    return (part.end - part.start) * _confidence(part) ** 4


def _confidence(part: StretchReading) -> float:
    letters = sum(len(line.text) for line in part.lines)
    return sum(line.confidence * len(line.text) for line in part.lines) / max(1, letters)


def _continues(last: Joined, part: StretchReading, frame: float) -> bool:
    before = last.parts[-1]
    gap = part.start - before.end
    if gap > (max(_UNREAD, 2.5 * frame) if before.stays else 0.5 * frame):
        return gap <= min(_BLINK, 2.1 * frame) and _repeats(before, part)
    return any(same_text(one, part) for one in (before, last.best()))


def _repeats(before: StretchReading, part: StretchReading) -> bool:
    """Whether the same words stand at the very place: nobody takes them away for a frame or two."""
    if comparable(before.text) != comparable(part.text):
        return False
    return all(
        abs(a.box.left - b.box.left) + abs(a.box.right - b.box.right) < 0.3 * a.box.height
        for a, b in zip(before.lines, part.lines, strict=False)
    )


def _without_remnants(groups: list[Joined], frame: float) -> list[Joined]:
    """Brief stretches whose words are in a neighbour's are that neighbour, coming or going."""
    kept: list[Joined] = []
    for i, group in enumerate(groups):
        after = groups[i + 1] if i + 1 < len(groups) else None
        if kept and _left_of(kept[-1], group, group.start - kept[-1].end, frame):
            kept[-1].parts += group.parts
        elif after and _left_of(after, group, after.start - group.end, frame):
            after.parts[:0] = group.parts
        else:
            kept.append(group)
    return _healed(kept, frame)


def _left_of(whole: Joined, group: Joined, gap: float, frame: float) -> bool:
    return is_remnant(group.best(), group.length, whole.best(), gap, frame)


def _healed(groups: list[Joined], frame: float) -> list[Joined]:
    """Two halves of one text with a moment of something else between them made one."""
    healed: list[Joined] = []
    for group in groups:
        if len(healed) >= 2:
            before, between = healed[-2], healed[-1]
            close = max(between.start - before.end, group.start - between.end) < 1.5 * frame
            misread = close and is_misread(between.best(), between.length, before.best())
            moment = between.length < _MOMENT or misread
            if close and moment and same_text(before.best(), group.best()):
                healed.pop()
                before.parts += (between.parts if misread else []) + group.parts
                continue
        healed.append(group)
    return healed
