"""What a step's child is asked, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yivideo.engine.ledger.records import ErrorKind


@dataclass(frozen=True, slots=True, kw_only=True)
class StepJob:
    """One attempt of a step.

    Attributes:
        step: its name.
        params: its parameters, as JSON has them.
        source: path of the video.
        inputs: for each earlier step, by name, the folder that holds its result.
        target: the folder that will hold this one's: written whole or not at all.
        device: "cpu" or "cuda:N"; when `visible` is given, N counts what is visible: 0.
        visible: UUID of the one GPU that the child may see; "" to leave that to the environment.
    """

    step: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    source: str
    inputs: Mapping[str, Path] = field(default_factory=dict[str, Path])
    target: Path
    device: str = "cpu"
    visible: str = ""

    @property
    def cuda(self) -> bool:
        """Whether it runs on a GPU."""
        return self.device != "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step that succeeded left behind.

    Attributes:
        output: what the step returned, as JSON has it.
        units: seconds of film it worked on; 0 where nothing tells.
        seconds: how long it took, without the start of the child.
        peak_bytes: the most memory that the child had in use meanwhile.
        resident_bytes: what it has in use now.
        notes: limits that were not in force, a sentence each.
    """

    output: Mapping[str, Any] = field(repr=False)
    units: float
    seconds: float
    peak_bytes: int
    resident_bytes: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a step failed, as its child tells it.

    Attributes:
        kind: whose fault it is.
        code: as `YiVideoError.code`.
        message: one sentence for the user.
        details: the traceback, for the log; "" where the sentence says it all.
        spoilt: whether the child should not be used again.
    """

    kind: ErrorKind
    code: str
    message: str
    details: str = ""
    spoilt: bool = False


class StepFailed(Exception):
    """An attempt failed; nothing of it is left in its target.

    Attributes:
        kind: whose fault it is, which decides whether it is tried again.
        code: as `YiVideoError.code`.
    """

    def __init__(self, kind: ErrorKind, code: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
