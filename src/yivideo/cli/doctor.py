"""`yivideo doctor`: what will really be used here, found out by using it."""

import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from yivideo.errors import ExitCode, ModelMissing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yivideo.cli.checks import Check

_LIBRARIES = (
    "av",
    "numpy",
    "opencv-python-headless",
    "openvino",
    "onnxruntime-gpu",
    "onnxruntime",
    "rapidocr",
)
# The first use of a GPU loads libraries of gigabytes.
_TRIAL_SECONDS = 120.0
_MAX_GPUS = 64
_KINDS: tuple[Literal["decoding"], Literal["recognition"]] = ("decoding", "recognition")


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Try what decoding and recognition run on here, and say what to install for more.

    Fails when the CPU, which always should, does not work.
    """
    from yivideo.cli.streams import say, say_json

    checks = [*_decoding(), *_recognition()]
    healthy = set(_KINDS) == {c.what for c in checks if c.works and c.device == "cpu"}
    record: dict[str, object] = {
        "healthy": healthy,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": _libraries(),
        "models": _models(),
        "checks": [asdict(check) for check in checks],
        "auto": {what: automatic_device(checks, what) for what in _KINDS},
        "advice": _advice(checks),
    }
    if as_json:
        say_json(record)
    else:
        for line in _lines(record, checks):
            say(line)
    return int(ExitCode.OK if healthy else ExitCode.DEVICE)


def _decoding() -> "list[Check]":
    from yivideo.cli.checks import Check, try_decoding
    from yivideo.engine.child.worker import run_in_child

    outcome = run_in_child(try_decoding, None, seconds=_TRIAL_SECONDS)
    if isinstance(outcome, str):
        return [Check("decoding", "cpu", works=False, detail=outcome)]
    return outcome


def _recognition() -> "list[Check]":
    """The CPU, and GPUs as far as the first that does not work."""
    from yivideo.cli.checks import Check, try_recognition
    from yivideo.engine.child.worker import run_in_child

    checks: list[Check] = []
    for device in ("cpu", *(f"cuda:{number}" for number in range(_MAX_GPUS))):
        outcome = run_in_child(try_recognition, device, seconds=_TRIAL_SECONDS)
        if isinstance(outcome, str):
            outcome = Check("recognition", device, works=False, detail=outcome)
        checks.append(outcome)
        if not outcome.works and device != "cpu":
            break
    return checks


def _libraries() -> dict[str, str]:
    """The versions of what is installed of the libraries that do the work."""
    from yivideo import __version__

    found = {"yivideo": __version__}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _models() -> dict[str, str]:
    from yivideo.ocr.models import built_in_models

    try:
        models = built_in_models()
    except ModelMissing as error:
        return {"missing": error.message}
    return {"detection": str(models.detection), "recognition": str(models.recognition)}


def automatic_device(
    checks: "Sequence[Check]", what: Literal["decoding", "recognition"]
) -> str | None:
    """What `--device auto` takes: the first GPU that works, else the CPU."""
    devices = [check.device for check in checks if check.works and check.what == what]
    return next((name for name in devices if name != "cpu"), devices[0] if devices else None)


def _advice(checks: "Sequence[Check]") -> list[str]:
    gpus = {check.what for check in checks if check.works and check.device != "cpu"}
    advice: list[str] = []
    if "decoding" not in gpus:
        advice.append("To decode on an NVIDIA GPU, install its driver; nvidia-smi shows whether.")
    if "recognition" not in gpus:
        advice.append("To read on an NVIDIA GPU: pip install 'yivideo[cuda]'.")
    if any(check.device == "cpu" and not check.works for check in checks):
        advice.append("The CPU should always work: pip install --force-reinstall yivideo.")
    return advice


def _lines(record: dict[str, object], checks: "Sequence[Check]") -> list[str]:
    from yivideo.cli.streams import printable

    libraries, models = _libraries(), _models()
    lines = [
        f"YiVideo {libraries.pop('yivideo')}, Python {record['python']}, {record['platform']}",
        "libraries    " + ", ".join(f"{name} {number}" for name, number in libraries.items()),
        *(f"model        {name}: {printable(path)}" for name, path in models.items()),
    ]
    for check in checks:
        took = "" if check.seconds is None else f" ({check.seconds:.1f} s with loading)"
        state = "works" if check.works else "no"
        lines.append(f"{check.what:<12} {check.device:<7} {state:<6} {check.detail}{took}".rstrip())
    for what in _KINDS:
        device = automatic_device(checks, what) or "nothing"
        lines.append(f"{what:<12} auto    takes {device}")
    return [*lines, *_advice(checks)]
