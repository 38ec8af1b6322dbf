"""What is looked at before a workflow is accepted: its chain and its parameters."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError

from yivideo.api.orders import ChainEntry, WorkflowOrder
from yivideo.api.problems import Fault, Problem, faults_of, pointer
from yivideo.engine.ledger.records import NewStep
from yivideo.steps import BUILT_IN
from yivideo.steps.registry import Step, all_steps

_CHAIN = ("workflow_config", "workflow_chain")


def checked_chain(order: WorkflowOrder) -> list[NewStep]:
    """The steps to run, with their parameters as they will be given to them.

    Raises:
        Problem: ``invalid-chain``, naming every place that is wrong.
    """
    entries = order.workflow_config.workflow_chain
    if entries is None:
        entries = [ChainEntry(name=name) for name in BUILT_IN]
    steps = all_steps()
    faults = [*_order_faults(entries, steps)]
    names = {entry.name for entry in entries}
    faults += [
        Fault(pointer=pointer(("params", name)), message=f"The chain has no step '{name}'.")
        for name in order.params
        if name not in names
    ]
    chain: list[NewStep] = []
    for at, entry in enumerate(entries):
        if entry.name not in steps:
            continue
        params = {**order.params.get(entry.name, {}), **entry.params}
        stored, wrong = _params(steps[entry.name], params, partial(_place, at, entry))
        faults += wrong
        chain.append(NewStep(name=entry.name, params=stored))
    refuse(faults)
    return chain


def checked_params(given: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Changed parameters by step name, as they will be given to the steps.

    Raises:
        Problem: ``invalid-chain``, naming every place that is wrong.
    """
    steps = all_steps()
    faults: list[Fault] = []
    checked: dict[str, Mapping[str, Any]] = {}
    for name, params in given.items():
        if name not in steps:
            message = f"There is no step '{name}'."
            faults.append(Fault(pointer=pointer(("params", name)), message=message))
            continue
        checked[name], wrong = _params(steps[name], params, partial(_beside, name))
        faults += wrong
    refuse(faults)
    return checked


def refuse(faults: Sequence[Fault]) -> None:
    """Raise the problem that the faults make, if there are any."""
    if faults:
        raise Problem(
            "invalid-chain",
            "; ".join(f"{fault.pointer}: {fault.message}" for fault in faults[:3]),
            errors=faults[:20],
        )


def _order_faults(entries: Sequence[ChainEntry], steps: Mapping[str, Step]) -> list[Fault]:
    faults: list[Fault] = []
    before: set[str] = set()
    names = [entry.name for entry in entries]
    for at, name in enumerate(names):
        step = steps.get(name)
        if step is None:
            message = f"There is no step '{name}'; there are: {', '.join(sorted(steps))}."
            faults.append(Fault(pointer=pointer((*_CHAIN, at)), message=message))
        elif name in before:
            message = f"'{name}' stands in the chain twice."
            faults.append(Fault(pointer=pointer((*_CHAIN, at)), message=message))
        else:
            faults += [
                Fault(pointer=pointer((*_CHAIN, at)), message=_missing(name, needed, names))
                for needed in step.after
                if needed not in before
            ]
        before.add(name)
    return faults


def _missing(name: str, needed: str, names: Sequence[str]) -> str:
    if needed in names:
        return f"'{name}' needs what '{needed}' makes, which has to stand before it."
    return f"'{name}' needs what '{needed}' makes, and the chain has no such step."


def _place(at: int, entry: ChainEntry, name: str) -> tuple[str | int, ...]:
    """Where a parameter was given: with the step, or beside the chain."""
    return (*_CHAIN, at, "params") if name in entry.params else _beside(entry.name, name)


def _beside(step: str, _name: str) -> tuple[str | int, ...]:
    return "params", step


def _params(
    step: Step, given: Mapping[str, Any], place: Callable[[str], tuple[str | int, ...]]
) -> tuple[dict[str, Any], list[Fault]]:
    """Parameters as they are stored, and what is wrong with them."""
    known = step.params.model_fields
    faults = [
        Fault(
            pointer=pointer((*place(name), name)),
            message=f"'{step.name}' has no parameter '{name}'; it has: {', '.join(known)}.",
        )
        for name in given
        if name not in known and step.params.model_config.get("extra") != "allow"
    ]
    try:
        made = step.params.model_validate(dict(given))
    except ValidationError as error:
        for fault in faults_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]):
            name = (fault.pointer or "/").split("/")[1]
            where = pointer(place(name)) + (fault.pointer or "")
            faults.append(Fault(pointer=where, message=fault.message))
        return {}, faults
    stored = _stored(made)
    if stored is None:
        message = "A number is not finite, or a text is not text."
        faults.append(Fault(pointer=pointer(place(next(iter(given), ""))), message=message))
    return stored or {}, faults


def _stored(made: BaseModel) -> dict[str, Any] | None:
    """What was set, as JSON that every database takes; None where there is no such."""
    try:
        stored = made.model_dump(mode="json", exclude_unset=True)
        text = json.dumps(stored, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, TypeError, RecursionError):
        return None
    return None if "\\u0000" in text else stored
