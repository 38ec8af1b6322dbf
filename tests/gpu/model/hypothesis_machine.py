"""The machine in Hypothesis's hands: it chooses the steps, and makes a failing list short."""

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from tests.gpu.model.machine import KINDS, Machine
from tests.gpu.model.server import Server


def check(server: Server, runs: int, steps: int, look: int = 1) -> dict[str, int]:
    """So many runs of so many steps; what was seen, and under "steps" how many were taken.

    Raises:
        Violation: with the shortest list of steps that Hypothesis finds.
    """
    seen: dict[str, int] = {"steps": 0}

    class PoolMachine(RuleBasedStateMachine):
        """A run begins with nothing on the server."""

        def __init__(self) -> None:
            super().__init__()
            server.fresh()
            self.machine = Machine(server, look)

        @rule(kind=st.sampled_from(KINDS), number=st.integers(0, 2**48))
        def step(self, kind: str, number: int) -> None:
            """One operation; all that must hold is checked behind it."""
            self.machine.step(kind, number)

        def teardown(self) -> None:
            """Everything ends, and leaves nothing behind."""
            machine = self.machine
            machine.end()
            seen["steps"] += machine.steps
            for what, number in machine.seen.items():
                seen[what] = seen.get(what, 0) + number

    run_state_machine_as_test(
        PoolMachine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            print_blob=True,
            verbosity=Verbosity.normal,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        ),
    )
    return seen
