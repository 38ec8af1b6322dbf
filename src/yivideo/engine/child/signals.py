"""The signals that ask a process to stop."""

import signal

# SIGHUP is missing on Windows, SIGBREAK everywhere else.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
SIGNALS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
