"""Presentation times that always move forward, whatever the file says."""

# Times are rounded to microseconds; comparisons allow for that (seconds).
ROUNDING = 1e-6
# A clock that goes back further than this was spliced, not merely disturbed (seconds).
_SPLICE = 1.0


class Clock:
    """Turns time stamps into seconds from the beginning of the film, strictly increasing.

    A frame without a time stamp is shown one period after the frame before it. One whose time
    stamp does not move forward (a duplicate, or disorder of less than a second) is shown half a
    period after, so that the next good time stamp fits again. A jump back of a second or more is
    a splice of two recordings: time goes on one period after the last frame, and what follows is
    moved by as much.
    """

    __slots__ = ("_last", "_offset", "_period", "_tick")

    def __init__(self, tick: float, zero: float, period: float) -> None:
        self._tick = tick
        self._offset = -zero
        self._period = period
        self._last: float | None = None

    def time_of(self, stamp: int | None) -> float:
        """Seconds at which the next frame in presentation order is shown."""
        last = self._last
        if stamp is None:
            time = 0.0 if last is None else round(last + self._period, 6)
        else:
            time = round(stamp * self._tick + self._offset, 6)
            if last is not None and time <= last:
                time = self._repaired(time, last)
        self._last = time
        return time

    def _repaired(self, time: float, last: float) -> float:
        if last - time < _SPLICE:
            return round(last + self._period / 2, 6)
        resumed = round(last + self._period, 6)
        self._offset += resumed - time
        return resumed
