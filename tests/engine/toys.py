"""Steps small enough to see through: one counts, one adds up what it counted."""

import time

import numpy as np
from pydantic import BaseModel

from yivideo.steps.context import Context
from yivideo.steps.registry import step

COUNT, ADD = "test.count", "test.add"


class CountParams(BaseModel):
    """How far to count, how slowly (seconds), at which number to fail, how long to dawdle after."""

    to: int = 5
    pause: float = 0.0
    fail_at: int | None = None
    dawdle: int = 0


class Number(BaseModel):
    """One number, and its picture: so many grey columns."""

    file: str
    value: int


class Total(BaseModel):
    """What came out."""

    total: int


def count(params: CountParams, context: Context) -> Total:
    """Count, with a picture for each number."""
    for value in range(params.to):
        if value == params.fail_at:
            raise ArithmeticError("the counter fell")
        time.sleep(params.pause)
        context.put(
            Number(file=f"{value}.png", value=value), np.full((2, value + 1), value % 256, np.uint8)
        )
        context.progress((value + 1) / params.to)
    for _ in range(params.dawdle):
        time.sleep(params.pause)
        context.progress(1.0)
    return Total(total=params.to)


class AddParams(BaseModel):
    """At which number to fail."""

    fail_at: int | None = None


def add(params: AddParams, context: Context) -> Total:
    """Add up the widths of the pictures."""
    total = 0
    for number, picture in context.pictures_of(COUNT, Number):
        if number.value == params.fail_at:
            raise ArithmeticError("the sum is lost")
        total += picture.shape[1]
        context.put(number)
    return Total(total=total)


def register() -> None:
    """Make both known by name."""
    step(COUNT, params=CountParams, output=Total)(count)
    step(ADD, params=AddParams, output=Total, after=(COUNT,), streams=True)(add)
