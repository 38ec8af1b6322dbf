"""Child processes: what breaks in there, or is killed there, breaks one video or step only."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yivideo.engine.child.jobs import StepFailed as StepFailed
    from yivideo.engine.child.jobs import StepJob as StepJob
    from yivideo.engine.child.jobs import StepResult as StepResult
    from yivideo.engine.child.limits import Limits as Limits
    from yivideo.engine.child.steps import StepChild as StepChild

_HOMES = {
    "Limits": "yivideo.engine.child.limits",
    "StepChild": "yivideo.engine.child.steps",
    "StepFailed": "yivideo.engine.child.jobs",
    "StepJob": "yivideo.engine.child.jobs",
    "StepResult": "yivideo.engine.child.jobs",
}
__all__ = ["Limits", "StepChild", "StepFailed", "StepJob", "StepResult"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: the children of commands need none of them."""
    if name not in _HOMES:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
