"""What people do with the configuration: the same over HTTP and from the shell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yivideo.config.checking import Fault, check_runtime, unwise
from yivideo.config.documents import flat, with_key
from yivideo.config.schema import DAY_S, Runtime
from yivideo.engine.advising import Counsel, advise, applied
from yivideo.engine.ledger.config_records import ConfigState, Figures, Version
from yivideo.engine.ledger.configuration import Configuration
from yivideo.engine.ruling import tolerant
from yivideo.errors import ConfigConflict, ConfigInvalid, UsageError

# Advice and comparisons look back so far.
_LATELY_S = DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A change that was made: the version, and what is unwise about it."""

    version: Version
    warnings: Sequence[Fault]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A trial: what became of its part of the workflows, and of the rest in the same time."""

    state: ConfigState
    part: Figures
    rest: Figures


class Tuning:
    """The configuration of a system, for those who change it.

    Args:
        configuration: of the ledger.
        heartbeat_limit: the system's.
        announce: tells all processes of a change; called after each.
    """

    def __init__(
        self,
        configuration: Configuration,
        heartbeat_limit: float,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        self.configuration = configuration
        self._limit = heartbeat_limit
        self._announce = announce

    def ruling(self) -> Version:
        """The version that rules; that of the defaults, 0, before the first."""
        state = self.configuration.state()
        if state is not None:
            return self.configuration.version(state.current)
        return Version(
            number=0,
            at=0.0,
            author="",
            reason="the defaults",
            document=Runtime().document(),
            changes=[],
            base=None,
            pinned=False,
            alerts={},
        )

    def check(self, document: Mapping[str, Any]) -> Runtime:
        """The settings that a document holds.

        Raises:
            ConfigInvalid: with every fault.
        """
        return check_runtime(document, self._limit)

    def change(
        self,
        document: Mapping[str, Any],
        *,
        author: str,
        reason: str,
        expected: int | None = None,
        pinned: bool = False,
    ) -> Changed:
        """Check a document, and have it rule.

        Raises:
            ConfigInvalid: with every fault; the old version stays.
            ConfigConflict: another version rules than was ``expected``.
        """
        settings = self.check(document)
        made = self.configuration.change(
            settings.document(), author=author, reason=reason, expected=expected, pinned=pinned
        )
        self._announce()
        return Changed(version=made, warnings=unwise(settings))

    def set_keys(
        self,
        values: Mapping[str, Any],
        *,
        author: str,
        reason: str,
        pinned: bool = False,
    ) -> Changed:
        """Change single keys of what rules, by their dotted names.

        Raises:
            ConfigInvalid: a key is unknown, or a value is wrong.
            ConfigConflict: somebody else changed the configuration at the same moment.
        """
        ruling = self.ruling()
        document: Mapping[str, Any] = ruling.document
        known = dict(flat(document))
        for key, value in values.items():
            if any(name.startswith(f"{key}.") for name in known):
                raise ConfigInvalid(f"{key} is a section, with settings below it.")
            document = with_key(document, key, value)
        return self.change(
            document, author=author, reason=reason, expected=ruling.number, pinned=pinned
        )

    def roll_back(self, number: int, *, author: str, reason: str) -> Changed:
        """Have the settings of a version rule again, as a new one.

        Raises:
            ConfigVersionUnknown: there is no such version.
        """
        made = self.configuration.rule_again(
            number, author=author, reason=reason or f"back to version {number}"
        )
        assert made is not None
        self._announce()
        return Changed(version=made, warnings=unwise(tolerant(made.document)))

    def pin(self, number: int, *, pinned: bool) -> Version:
        """Have a version stay, whatever the guard finds; or let it go again."""
        made = self.configuration.pin(number, pinned=pinned)
        self._announce()
        return made

    def begin_trial(
        self, number: int, *, share: float | None, labels: Mapping[str, str] | None
    ) -> ConfigState:
        """Try a version on a share of the new workflows, or on those with labels.

        Raises:
            UsageError: neither or both are given, or the share is none.
            ConfigVersionUnknown, ConfigConflict: it cannot be tried.
        """
        if (share is None) == (not labels):
            raise UsageError("A trial is on a share of the workflows, or on those with labels.")
        if share is not None and not 0 < share < 1:
            raise UsageError("The share that a version is tried on is between 0 and 1.")
        self.check(self.configuration.version(number).document)
        state = self.configuration.try_version(number, share=share, labels=labels)
        self._announce()
        return state

    def end_trial(self, *, promote: bool, author: str) -> ConfigState:
        """Have the version that is tried rule, or nothing any more.

        Raises:
            ConfigConflict: nothing is being tried.
        """
        state = self.configuration.end_trial(promote=promote, author=author)
        if state is None:
            raise ConfigConflict("No version is being tried.")
        self._announce()
        return state

    def comparison(self) -> Comparison | None:
        """The trial's part of the workflows beside the rest; None if nothing is tried."""
        state = self.configuration.state()
        if state is None or state.canary is None:
            return None
        since, number = state.canary.since, state.canary.version
        return Comparison(
            state=state,
            part=self.configuration.figures(since, only=number),
            rest=self.configuration.figures(since, without=number),
        )

    def advice(self) -> list[Counsel]:
        """What the measurements of the last day suggest."""
        since = self.configuration.now() - _LATELY_S
        return advise(
            tolerant(self.ruling().document),
            self.configuration.step_uses(since),
            self.configuration.figures(since),
            self._limit,
        )

    def apply_advice(self, *, author: str) -> Changed | None:
        """Have what is advised rule; None where there is nothing to change."""
        values = applied(self.advice())
        if not values:
            return None
        return self.set_keys(values, author=author, reason="as advised by measurements")
