"""How much memory a process has in use, as Linux tells; elsewhere 0."""

import contextlib


def peak_bytes() -> int:
    """The most memory this process had in use since `forget_peak`, or since its start."""
    return _status("VmHWM")


def forget_peak() -> None:
    """Begin to measure `peak_bytes` anew, where the system can."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as file:  # noqa: PTH123
        file.write("5")


def resident_bytes(pid: int | None = None) -> int:
    """What a process has in use now, by default this one."""
    return _status("VmRSS", pid)


def _status(name: str, pid: int | None = None) -> int:
    try:
        with open(f"/proc/{pid or 'self'}/status", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        return int(fields[name].split()[0]) * 1024
    except (OSError, KeyError):
        # Not Linux, or gone: a zombie has no memory.
        return 0
