"""The simulator's command line."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from yivideo.errors import YiVideoError
from yivideo.gpu.simulator.generate import LOADS
from yivideo.gpu.simulator.load import Load, cluster, read_load, recorded
from yivideo.gpu.simulator.run import POLICIES, compare


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(arguments)
    try:
        load = _load(options)
        if options.record:
            Path(options.record).write_text(json.dumps(recorded(load)) + "\n", "utf-8")
        result = compare(load, options.policy, url=options.url)
        result = {"load": options.load, "seed": options.seed, "at_load": options.at, **result}
        if options.estimates:
            from yivideo.gpu.simulator.calibration import calibrate

            result["estimates"] = calibrate(load, url=options.url)
    except YiVideoError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(result, indent=2) + "\n" if options.json else _table(result))
    return 0


def _load(options: argparse.Namespace) -> Load:
    if options.load in LOADS:
        devices = cluster(options.hosts, options.gpus)
        return LOADS[options.load](
            devices, options.workflows, seed=options.seed, load=options.at, groups=options.groups
        )
    return read_load(Path(options.load))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m yivideo.gpu.simulator",
        description="The pool against other policies, on the same load, in simulated time.",
    )
    add = parser.add_argument
    add("--load", default="standard", help=f"{', '.join(LOADS)}, or a file with a recorded load")
    add("--hosts", type=_positive, default=1)
    add("--gpus", type=_positive, default=1, help="on all hosts together")
    add("--workflows", type=_positive, default=1000)
    add("--groups", type=_positive, default=8)
    add("--at", type=float, default=0.95, help="offered work, as a share of what devices can do")
    add("--seed", type=int, default=1)
    add("--policy", type=_policies, default=POLICIES, help="of pool,fcfs,original")
    add("--estimates", action="store_true", help="compare estimates of waits with the waits")
    add("--record", help="write the load to this file too")
    add("--url", help="a Redis or Valkey server; an embedded one by default")
    add("--json", action="store_true")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _policies(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in POLICIES:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(POLICIES)}")
    return names


def _table(result: dict[str, Any]) -> str:
    """For people."""
    of = f"{result['devices']} devices on {result['hosts']} hosts"
    head = f"{'policy':12}{'busy':>8}{'waits: mean':>14}{'p99 s':>10}{'Jain':>8}{'mean end s':>12}"
    lines = [
        f"{result['workflows']} workflows, {result['requests']} requests, {of}",
        f"{head}{'makespan s':>12}{'failed':>8}{'wall s':>8}",
    ]
    for name, figures in result["policies"].items():
        waits = figures.get("waits_s", {}).get("all", {})
        cells = (
            (figures.get("busy_while_anyone_waits"), 8, ".3f"),
            (waits.get("mean"), 14, ".1f"),
            (waits.get("p99"), 10, ".1f"),
            (figures.get("jain"), 8, ".3f"),
            (figures["mean_completion_s"], 12, ".1f"),
            (figures["makespan_s"], 12, ".0f"),
            (figures.get("failed"), 8, "d"),
            (figures.get("wall_s"), 8, ".1f"),
        )
        told = "".join(
            f"{'-' if value is None else format(value, form):>{width}}"
            for value, width, form in cells
        )
        lines.append(f"{name:12}{told}")
    if "estimates" in result:
        lines.append(json.dumps(result["estimates"]))
    return "\n".join(lines) + "\n"
