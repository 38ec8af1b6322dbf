"""The control: the six steps as plain Celery chains on two hosts, as the original runs them.

Results in a shared folder, in which everybody writes to the final place; nobody who looks after
what was lost. A video without subtitles when nothing has moved for a while is lost.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from celery import chain

from benchmarks.faults.hosts_machine import Machine
from benchmarks.faults.hosts_servers import redis_server
from benchmarks.faults.hosts_verdict import truth_of, wrong_with
from benchmarks.faults.observer import append, lines
from benchmarks.plain_celery import plain_app, run_alone
from yivideo.engine.hints import broker_url
from yivideo.engine.local import run_step
from yivideo.steps import BUILT_IN
from yivideo.steps.finalize import NAME as LAST

_HOSTS = ("ash", "birch")
_ADDRESS = "YIVIDEO_CHAINS_REDIS"
_DIARY = "steps"
# Longer than any step takes: nothing that has not moved for so long will.
_QUIET_S = 20.0
_PATIENCE_S = 180.0
app = plain_app("chains", _ADDRESS, worker_prefetch_multiplier=1)


def _carry_out(video: str, work: str, name: str) -> None:
    """One step."""
    diary = Path(work).parent / _DIARY
    append(diary, {"host": os.uname().nodename, "step": name, "event": "begin"})
    run_step(name, Path(work), video=video, device="cpu")
    append(diary, {"host": os.uname().nodename, "step": name, "event": "end"})


# What Celery makes of it is not what its stubs say.
carry_out: Any = app.task(name="chains.carry_out")(_carry_out)


def control(film: Path, videos: int) -> dict[str, Any]:
    """Kill a host while it works on plain chains, and have it back; what was lost."""
    with tempfile.TemporaryDirectory(prefix="yivideo-chains-") as name:
        folder = Path(name)
        with contextlib.ExitStack() as stack:
            url = stack.enter_context(redis_server(folder))
            app.conf.update(broker_url=broker_url(url))
            machines = {host: _machine(host, folder, url) for host in _HOSTS}
            for machine in machines.values():
                machine.start()
                stack.callback(machine.kill)
            for number in range(videos):
                _submit(film, folder / str(number))
            _await_step(folder / _DIARY, _HOSTS[1])
            machines[_HOSTS[1]].kill()
            machines[_HOSTS[1]].start()
            _await_quiet(folder / _DIARY)
        truth = truth_of(film)
        made = [folder / str(number) / LAST / "subtitles.srt" for number in range(videos)]
        good = [path for path in made if path.exists() and not wrong_with(path.read_text(), truth)]
        return {"workflows": videos, "lost": videos - len(good)}


def _machine(host: str, folder: Path, url: str) -> Machine:
    here = str(Path(__file__).parents[2])
    environment = {**os.environ, _ADDRESS: url, "PYTHONPATH": here}
    return Machine(host, folder, environment, [[sys.executable, "-m", __spec__.name]])


def _submit(film: Path, work: Path) -> None:
    work.mkdir()
    video = shutil.copyfile(film, work.with_suffix(film.suffix))
    steps = [carry_out.si(str(video), str(work), name) for name in BUILT_IN]
    chain(*steps, app=app).apply_async()


def _await_step(diary: Path, host: str) -> None:
    """Wait until a host has just begun a step."""
    known = len(_begun(diary, host))
    end = time.monotonic() + _PATIENCE_S
    while len(_begun(diary, host)) == known:
        if time.monotonic() > end:
            raise TimeoutError(f"{host} began nothing")
        time.sleep(0.02)


def _begun(diary: Path, host: str) -> list[dict[str, object]]:
    return [one for one in lines(diary) if one["host"] == host and one["event"] == "begin"]


def _await_quiet(diary: Path) -> None:
    """Wait until nothing has moved for a while."""
    end = time.monotonic() + _PATIENCE_S
    size, since = -1, time.monotonic()
    while time.monotonic() - since < _QUIET_S and time.monotonic() < end:
        now = diary.stat().st_size
        if now != size:
            size, since = now, time.monotonic()
        time.sleep(0.2)


if __name__ == "__main__":
    run_alone(app, f"worker@{os.uname().nodename}")
