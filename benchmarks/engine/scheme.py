"""The engine beside the scheme it replaces, where every step takes one lock and retries for it.

`python -m benchmarks.engine.scheme [--workflows 5] [--save]` prints JSON. Both run workflows that
come all at once, on real Celery, a real Valkey and real processes, with one device: the six real
steps of a film, then six steps that only take their time, a second each without the device, and
with it a second or a quarter of one. Those need no core; the real ones share the machine's.

makespan_s   from the first submission to the end of the last workflow
completion_s from a workflow's submission to its end, the mean
device_busy  share of the time in which a step waits for the device, or works on it, in which one
             works on it; that the original lets steps wait which need none is not counted here
idle         share of the makespan in which no step of any workflow was at work
ideal_s      what no schedule can beat: one workflow's way to the device, all work on the device
             without a pause, one workflow's way from it
"""

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.engine import original, timed_steps
from benchmarks.engine.original import Original
from benchmarks.engine.site import Site
from benchmarks.engine.tree import up
from benchmarks.faults.observer import lines
from benchmarks.faults.storm_servers import free_port
from benchmarks.repeat import repeated
from benchmarks.reporting import report
from yivideo.engine.ledger.store import Ledger
from yivideo.engine.settings import default_database
from yivideo.steps import BUILT_IN
from yivideo.steps.registry import find_step
from yivideo.storage.valkey import embedded

SAMPLE = Path(__file__).parents[2] / "samples" / "harbour.mp4"
STEP_S = 1.0
# By how much of the work needs the device.
DEVICE_STEP_S = {"half_on_device": 1.0, "fifth_on_device": 0.25}
WARMING = 2
TARGETS = {
    "throughput_times": 3,
    "completion_share": 0.5,
    "makespan_of_ideal": 1.05,
    "device_busy": 0.95,
}
_REAL = "real_steps"
_PATIENCE_S = 280.0
_PAUSE_S = 0.25


@dataclass(frozen=True)
class Span:
    """A step's work, by the clock."""

    token: str
    began: float
    ended: float
    on_device: bool


@dataclass(frozen=True)
class Run:
    """What was submitted when, and the work that came of it."""

    submitted: Mapping[str, float]
    spans: Sequence[Span]

    def figures(self) -> dict[str, Any]:
        """Throughput, completion, and how busy the device was while it was wanted."""
        ended = {
            token: max(span.ended for span in self.spans if span.token == token)
            for token in self.submitted
        }
        makespan = max(ended.values()) - min(self.submitted.values())
        completion = [ended[token] - at for token, at in self.submitted.items()]
        work = sum(span.ended - span.began for span in self.spans)
        on_device = [(span.began, span.ended) for span in self.spans if span.on_device]
        device = sum(ended - began for began, ended in on_device)
        return {
            "makespan_s": round(makespan, 2),
            "per_minute": round(60 * len(self.submitted) / makespan, 2),
            "completion_s": round(statistics.mean(completion), 2),
            "device_busy": round(_covered(on_device) / _covered(self._wanted()), 3),
            "idle": round(1 - _covered((s.began, s.ended) for s in self.spans) / makespan, 3),
            "work_s": round(work, 2),
            "device_share_of_work": round(device / work, 3),
        }

    def _wanted(self) -> Iterable[tuple[float, float]]:
        """When steps waited for the device or worked on it: from the end of the step before."""
        before = dict(self.submitted)
        for span in sorted(self.spans, key=lambda one: one.began):
            if span.on_device:
                yield before[span.token], span.ended
            before[span.token] = span.ended


def _covered(intervals: Iterable[tuple[float, float]]) -> float:
    """Seconds that lie in at least one of the intervals."""
    total, reached = 0.0, float("-inf")
    for began, ended in sorted(intervals):
        total += max(0.0, ended - max(began, reached))
        reached = max(reached, ended)
    return total


def timed_chain(device_s: float) -> list[tuple[str, float]]:
    """Six steps of known length, those on the device where the real chain has them."""
    return [
        (f"device_{n}", device_s) if _needs(name) else (f"cpu_{n}", STEP_S)
        for n, name in enumerate(BUILT_IN)
    ]


def ideal_s(workflows: int, device_s: float) -> float:
    """The least that the makespan of so many such chains can be, on one device."""
    needs = [_needs(name) for name in BUILT_IN]
    head, tail = needs.index(True), needs[::-1].index(True)
    return STEP_S * (head + tail) + workflows * sum(needs) * device_s


def _needs(name: str) -> bool:
    return find_step(name).needs is not None


def _until_all(tokens: Sequence[str], count: Callable[[], Mapping[str, int]]) -> None:
    """Wait until each has carried out all its steps, looking rarely."""
    deadline = time.monotonic() + _PATIENCE_S
    while any(count().get(token, 0) < len(BUILT_IN) for token in tokens):
        if time.monotonic() > deadline:
            raise TimeoutError("Not all workflows have ended.")
        time.sleep(_PAUSE_S)


def _spans(file: Path, tokens: Iterable[str]) -> list[Span]:
    wanted = set(tokens)
    found = [line for line in lines(file) if line["token"] in wanted]
    return [
        Span(
            token=str(line["token"]),
            began=float(str(line["began"])),
            ended=float(str(line["ended"])),
            on_device=_needs(str(line["step"])),
        )
        for line in found
    ]


def run_original(folder: Path, film: Path, workflows: int) -> dict[str, Run]:
    """Real and timed workflows under the one lock, by kind."""
    valkey = embedded(folder / "state")
    found: dict[str, Run] = {}
    try:
        scheme = Original(valkey.url, folder / "times")
        with scheme.workers():
            _original_run(scheme, "warm", WARMING, lambda token: scheme.submit(token, film))
            found[_REAL] = _original_run(
                scheme, _REAL, workflows, lambda token: scheme.submit(token, film)
            )
            for kind, seconds in DEVICE_STEP_S.items():
                submit = partial(scheme.submit_timed, steps=_full_names(timed_chain(seconds)))
                found[kind] = _original_run(scheme, kind, workflows, submit)
    finally:
        valkey.stop()
    return found


def _full_names(chain: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return [(f"{timed_steps.SERVICE}.{name}", seconds) for name, seconds in chain]


def _original_run(
    scheme: Original, kind: str, workflows: int, submit: Callable[[str], None]
) -> Run:
    submitted: dict[str, float] = {}
    for number in range(workflows):
        submitted[f"{kind}-{number}"] = time.time()
        submit(f"{kind}-{number}")

    def count() -> Mapping[str, int]:
        done: dict[str, int] = defaultdict(int)
        for line in lines(scheme.file):
            done[str(line["token"])] += 1
        return done

    _until_all(list(submitted), count)
    return Run(submitted, _spans(scheme.file, submitted))


def run_engine(folder: Path, film: Path, workflows: int) -> Run:
    """Real workflows through `yivideo up`."""
    with up(folder, (free_port(), free_port()), f"--media-root={film.parent}") as system:
        ledger = Ledger(default_database(system.state))

        def once(number: int) -> Run:
            submitted: dict[str, float] = {}
            for _ in range(number):
                at = time.time()
                submitted[system.api.submit(film)] = at
            _until_all(list(submitted), lambda: {w: _done(ledger, w) for w in submitted})
            spans = [
                Span(workflow, step.started_at or 0.0, step.ended_at or 0.0, _needs(step.name))
                for workflow in submitted
                for step in ledger.workflow(workflow).steps
            ]
            return Run(submitted, spans)

        try:
            once(WARMING)
            return once(workflows)
        finally:
            ledger.close()


def _done(ledger: Ledger, workflow: str) -> int:
    record = ledger.workflow(workflow)
    if record.status.ended and record.status != "succeeded":
        raise RuntimeError(f"{workflow} {record.status}: {record.error}")
    return sum(step.status == "succeeded" for step in record.steps)


def run_engine_timed(folder: Path, workflows: int) -> dict[str, Run]:
    """Timed workflows through a system of the engine, by kind."""
    site = Site(folder, "sqlite")
    site.system.cpu_places = workflows
    try:
        site.start()
        chain = timed_chain(0.0)
        for workflow in [site.submit("warm", chain) for _ in range(workflows)]:
            site.ended(workflow)
        return {kind: _engine_run(site, kind, workflows) for kind in DEVICE_STEP_S}
    finally:
        site.system.stop()


def _engine_run(site: Site, kind: str, workflows: int) -> Run:
    chain = timed_chain(DEVICE_STEP_S[kind])
    submitted: dict[str, float] = {}
    accepted: list[str] = []
    for number in range(workflows):
        submitted[f"{kind}-{number}"] = time.time()
        accepted.append(site.submit(f"{kind}-{number}", chain))
    for workflow in accepted:
        site.ended(workflow)
    return Run(submitted, _spans(site.file, submitted))


def compared(engine: Run, scheme: Run) -> dict[str, Any]:
    """Both side by side."""
    ours, theirs = engine.figures(), scheme.figures()
    return {
        "engine": ours,
        "original": theirs,
        "throughput_times": round(theirs["makespan_s"] / ours["makespan_s"], 2),
        "completion_share": round(ours["completion_s"] / theirs["completion_s"], 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workflows", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=2, help="times the sample makes the film")
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yivideo-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("film", "engine", "timed", "original"):
            (folder / part).mkdir()
        film = repeated(SAMPLE, given.repeat, folder / "film" / SAMPLE.name)
        engine = run_engine(folder / "engine", film, given.workflows)
        engine_timed = run_engine_timed(folder / "timed", given.workflows)
        scheme = run_original(folder / "original", film, given.workflows)
    timed: dict[str, Any] = {}
    for kind, device_s in DEVICE_STEP_S.items():
        both = compared(engine_timed[kind], scheme[kind])
        ideal = ideal_s(given.workflows, device_s)
        share = round(both["engine"]["makespan_s"] / ideal, 3)
        timed[kind] = {
            "cpu_step_s": STEP_S,
            "device_step_s": device_s,
            "ideal_s": ideal,
            "makespan_of_ideal": share,
            **both,
        }
    result = {
        "workflows": given.workflows,
        "targets": TARGETS,
        "scheme": {
            "retry_interval_s": original.RETRY_S,
            "max_retry_interval_s": original.LONGEST_RETRY_S,
            "scaled_down": original.SCALED_DOWN,
            "slots": original.SLOTS * len(original.SERVICES),
        },
        "film": f"{SAMPLE.name}, {given.repeat} times",
        _REAL: compared(engine, scheme[_REAL]),
        "timed_steps": timed,
    }
    report("engine/scheme", result, save=given.save)


if __name__ == "__main__":
    main()
