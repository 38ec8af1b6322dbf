"""What a step's child begins with: it confines itself before it loads anything large.

The parent imports this module too, to name the task, and so never loads what the steps need.
"""

import json
import sys
from dataclasses import dataclass

from yivideo.engine.child.jobs import Fault, StepJob, StepResult
from yivideo.engine.child.limits import Limits
from yivideo.engine.child.serving import Channel, serve

CODE = "from yivideo.engine.child.entry import main; main()"


@dataclass(frozen=True, slots=True)
class Order:
    """An attempt, and what it may use."""

    job: StepJob
    limits: Limits


def main() -> None:
    """Confine this process as its arguments say (parent's number, limits), and serve tasks."""
    from yivideo.engine.child.confining import confine

    serve(confine(Limits(**json.loads(sys.argv[2])), int(sys.argv[1])), _prepare)


def carry(channel: Channel, order: Order) -> StepResult | Fault:
    """Carry out an attempt; see `carrying.carry_out`."""
    from yivideo.engine.child.carrying import carry_out

    return carry_out(channel, order.job, order.limits)


def _prepare() -> None:
    from yivideo.engine.child.carrying import prepare

    prepare()
