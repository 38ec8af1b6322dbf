"""A host of its own on this machine: a PID namespace, a host name, a state and a scratch folder.

Processes of two such hosts cannot see each other, as on two machines; they share the network. Each
start of a host is a boot with an id of its own. What a host runs is started again by its first
process when it ends, as a service manager would. With that process the kernel kills all others.
"""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.faults.storm_system import parents

_UNSHARE = ["--pid", "--mount", "--uts", "--fork", "--mount-proc", "--kill-child"]
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_PAUSE_S = 0.5


def can_isolate() -> bool:
    """Whether this user may make such hosts."""
    if shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return False
    return subprocess.run([*_unshare(), "true"], check=False, capture_output=True).returncode == 0


def _unshare() -> list[str]:
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    # Hosts end with whoever made them, however that ends.
    return ["setpriv", "--pdeathsig=KILL", "unshare", *as_root, *_UNSHARE, "--"]


class Machine:
    """A host.

    Args:
        name: its host name.
        folder: its state, scratch and logs lie in a folder of that name there.
        environment: of all that runs on it.
        commands: what runs on it.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        environment: Mapping[str, str],
        commands: Sequence[Sequence[str]],
    ) -> None:
        self.name = name
        self._folder = folder / name
        scratch = self._folder / "scratch"
        scratch.mkdir(parents=True)
        self._environment = {
            **environment,
            "YIVIDEO_STATE": str(self._folder / "state"),
            "TMPDIR": str(scratch),
        }
        self._commands = commands
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Switch it on."""
        loops = [
            f"while :; do {shlex.join(one)}; sleep {_PAUSE_S:g}; done &" for one in self._commands
        ]
        boot = self._folder / "boot"
        boot.write_text(f"{uuid.uuid4()}\n")
        begin = [
            f"hostname {shlex.quote(self.name)}",
            shlex.join(["mount", "--bind", str(boot), _BOOT_ID]),
        ]
        script = "\n".join(["set -e", *begin, "set +e", *loops, "wait"])
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_unshare(), "sh", "-c", script],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """What all that ran on it has written."""
        return (self._folder / "log").read_text("utf-8", "replace")

    def kill(self) -> float:
        """Kill all of it by SIGKILL; returns when, in seconds since 1970."""
        at = time.time()
        if self._process is not None:
            for first in self._children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(first, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
            self._process = None
        return at

    @contextlib.contextmanager
    def frozen(self) -> Iterator[float]:
        """Stop all of it, and let it go on in the end; gives the time of the stop."""
        at = time.time()
        stopped = self._everybody()
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield at
        finally:
            for pid in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _children(self) -> list[int]:
        assert self._process is not None
        return [pid for pid, parent in parents().items() if parent == self._process.pid]

    def _everybody(self) -> list[int]:
        """All its processes, the first one first."""
        started_by = parents()
        found = self._children()
        for pid in found:
            found += [child for child, parent in started_by.items() if parent == pid]
        return found
