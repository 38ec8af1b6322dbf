"""The steps there are, by name, and what each needs to run."""

from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from yivideo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from yivideo.steps.context import Context

ENTRY_POINTS = "yivideo.steps"

P = TypeVar("P", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """Resources a step needs on one device.

    Attributes:
        compute: shares of the device's compute, usually 1.
        decode: video decoders.
        memory: such as "2 GiB".
        exclusive: nobody else on the device meanwhile.
    """

    compute: int = 0
    decode: int = 0
    memory: str = "0 GiB"
    exclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A registered step.

    Attributes:
        name: public name, "service.what_it_does".
        run: the function: parameters and context in, output out.
        params: type of its parameters.
        output: type of what it returns, which is stored as `output.json` in its folder.
        after: names of the steps whose folders it reads.
        needs: the GPU resources it can use; None for a step of the CPU alone.
        streams: whether it can begin while the last step of `after` is still writing.
    """

    name: str
    run: "Callable[..., BaseModel]"
    params: type[BaseModel]
    output: type[BaseModel]
    after: tuple[str, ...] = ()
    needs: Gpu | None = None
    streams: bool = False

    @property
    def service(self) -> str:
        """The service whose workers run it."""
        return self.name.partition(".")[0]

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (self.run.__doc__ or "").strip().partition("\n")[0]


_registered: dict[str, Step] = {}


def step(
    name: str,
    *,
    params: type[P],
    output: type[R],
    after: tuple[str, ...] = (),
    needs: Gpu | None = None,
    streams: bool = False,
) -> "Callable[[Callable[[P, Context], R]], Callable[[P, Context], R]]":
    """Register the decorated function under ``name``; it stays an ordinary function."""

    def register(run: "Callable[[P, Context], R]") -> "Callable[[P, Context], R]":
        _registered[name] = Step(
            name=name,
            run=run,
            params=params,
            output=output,
            after=after,
            needs=needs,
            streams=streams,
        )
        return run

    return register


@cache
def _load_all() -> None:
    for point in entry_points(group=ENTRY_POINTS):
        try:
            point.load()
        except Exception as error:
            raise UsageError(
                f"The step '{point.name}' of an installed package cannot be loaded: {error}"
            ) from error


def all_steps() -> dict[str, Step]:
    """Every step by name: the built-in ones and those of installed packages."""
    _load_all()
    return dict(_registered)


def find_step(name: str) -> Step:
    """The step of that name.

    Raises:
        UsageError: there is none; the message lists those there are.
    """
    steps = all_steps()
    if name not in steps:
        raise UsageError(f"There is no step '{name}'; there are: {', '.join(sorted(steps))}.")
    return steps[name]
