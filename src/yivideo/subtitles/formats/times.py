"""Times as the text formats write them."""


def round_to(seconds: float, per_second: int) -> int:
    """`seconds` in the nearest whole units of which a second has `per_second`.

    Half a unit goes up, always: Python's `round` would send neighbours opposite ways.
    """
    return int(seconds * per_second + 0.5)


def clock(seconds: float, *, mark: str = ",") -> str:
    """`seconds` as hours, minutes, seconds and milliseconds: "00:01:02,345"."""
    total, milliseconds = divmod(round_to(seconds, 1000), 1000)
    minutes, second = divmod(total, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02}:{minute:02}:{second:02}{mark}{milliseconds:03}"


def short_clock(seconds: float) -> str:
    """`seconds` as ASS has them, in hundredths: "0:01:02.35"."""
    total, hundredths = divmod(round_to(seconds, 100), 100)
    minutes, second = divmod(total, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}.{hundredths:02}"
