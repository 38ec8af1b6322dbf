"""Whether a change does harm: figures since the change beside those before it."""

from dataclasses import dataclass
from typing import Any

from yivideo.config.schema import Guard
from yivideo.engine.ledger.config_records import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A figure outside of its limit.

    Attributes:
        figure: ``error-rate``, ``success-rate`` or ``device-use``.
        value: what it is.
        limit: what it should not pass.
        cases: how many it was found from.
        before: what it was before the change, or beside it; None for unknown.
        decisive: there are enough cases, and it is worse than before: to be taken back.
    """

    figure: str
    value: float
    limit: float
    cases: int
    before: float | None
    decisive: bool

    def record(self) -> dict[str, Any]:
        """As it is stored and told."""
        return {
            "figure": self.figure,
            "value": round(self.value, 4),
            "limit": round(self.limit, 4),
            "cases": self.cases,
            "before": None if self.before is None else round(self.before, 4),
        }

    def sentence(self) -> str:
        """For people."""
        told = {
            "error-rate": "{0:.1%} of {1} attempts failed (at most {2:.1%}",
            "success-rate": "{0:.1%} of {1} workflows succeeded (at least {2:.1%}",
            "device-use": "devices were {0:.1%} busy while steps waited, in {1} looks (at least "
            "{2:.1%}",
        }[self.figure].format(self.value, self.cases, self.limit)
        before = "" if self.before is None else f", {self.before:.1%} before"
        return f"{told}{before})"


def breaches(guard: Guard, since: Figures, before: Figures) -> list[Breach]:
    """The figures that are outside of their limits, with enough cases to say so.

    A limit that was passed just as far before the change is no reason to take the change back.
    """
    found: list[Breach] = []

    def add(
        figure: str, value: float | None, limit: float, cases: int, usual: float | None, sign: int
    ) -> None:
        """``sign``: 1 where more is worse, -1 where less is."""
        if value is None or cases < guard.alert_cases or sign * (value - limit) <= 0:
            return
        worse = usual is None or sign * (value - usual) > 0
        found.append(
            Breach(
                figure=figure,
                value=value,
                limit=limit,
                cases=cases,
                before=usual,
                decisive=cases >= guard.cases and worse,
            )
        )

    add("error-rate", since.error_rate, guard.error_rate, since.attempts, before.error_rate, 1)
    add(
        "success-rate",
        since.success_rate,
        guard.success_rate,
        since.workflows,
        before.success_rate,
        -1,
    )
    if before.device_use is not None and before.samples >= guard.alert_cases:
        # What was usual has a spread of its own.
        lowest = max(0.0, before.device_use - max(guard.device_use, 3 * before.device_spread))
        add("device-use", since.device_use, lowest, since.samples, before.device_use, -1)
    return found
