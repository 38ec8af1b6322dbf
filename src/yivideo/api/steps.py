"""The steps there are, with the schemas of their parameters."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from yivideo.api.problems import Problem, declared
from yivideo.steps import BUILT_IN
from yivideo.steps.registry import Step, all_steps

router = APIRouter(prefix="/v1/steps", tags=["steps"])


class NeedsView(BaseModel):
    """What a step needs on a device."""

    compute: int
    decode: int
    memory: str
    exclusive: bool


class StepKindView(BaseModel):
    """A registered step."""

    name: str
    summary: str
    service: str
    after: list[str] = Field(description="The steps that have to stand before it in a chain.")
    needs: NeedsView | None = Field(description="Null for a step of the CPU alone.")
    in_default_chain: bool
    params: dict[str, Any] = Field(description="The JSON Schema of its parameters.")

    @classmethod
    def of(cls, step: Step) -> "StepKindView":
        """As it is shown."""
        needs = step.needs
        return cls(
            name=step.name,
            summary=step.summary,
            service=step.service,
            after=list(step.after),
            needs=NeedsView(
                compute=needs.compute,
                decode=needs.decode,
                memory=needs.memory,
                exclusive=needs.exclusive,
            )
            if needs
            else None,
            in_default_chain=step.name in BUILT_IN,
            params=step.params.model_json_schema(),
        )


@router.get("", summary="List the steps there are", responses=declared("key-required"))
def list_steps() -> list[StepKindView]:
    """The built-in ones in the order of the default chain, then those of installed packages."""
    steps = all_steps()
    names = [*BUILT_IN, *sorted(steps.keys() - set(BUILT_IN))]
    return [StepKindView.of(steps[name]) for name in names]


@router.get("/{name}", summary="Show a step", responses=declared("key-required", "not-found"))
def get_step(name: str) -> StepKindView:
    """One of them."""
    step = all_steps().get(name)
    if step is None:
        raise Problem("not-found", "There is no such step.")
    return StepKindView.of(step)
