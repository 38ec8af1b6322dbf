"""The configuration in the ledger: what can be done with it, one transaction per method."""

from collections.abc import Mapping, Sequence
from typing import Any

from yivideo.engine.ledger import changing, measuring
from yivideo.engine.ledger.config_records import ConfigState, Figures, StepUse, Version
from yivideo.engine.ledger.database import Database


class Configuration:
    """The configuration's part of the ledger; raises `LedgerUnavailable` as all of it does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self) -> ConfigState | None:
        """Which version rules, and which is tried; None before the first."""
        return self._database.read(changing.state)

    def version(self, number: int) -> Version:
        """A version.

        Raises:
            ConfigVersionUnknown: there is none of that number.
        """
        return self._database.read(lambda tx: changing.version(tx, number))

    def history(self, limit: int = 100) -> Sequence[Version]:
        """Versions, newest first."""
        return self._database.read(lambda tx: changing.versions(tx, limit))

    def change(
        self,
        document: Mapping[str, Any],
        *,
        author: str,
        reason: str,
        expected: int | None = None,
        pinned: bool = False,
    ) -> Version:
        """Make a version of a checked document, and have it rule.

        Raises:
            ConfigConflict: another version rules than was ``expected``.
        """
        return self._database.write(
            lambda tx: changing.change(
                tx, document, author=author, reason=reason, expected=expected, pinned=pinned
            )
        )

    def import_file(
        self, document: Mapping[str, Any], *, author: str, first: Mapping[str, Any]
    ) -> Version | None:
        """Take over what changed in a file since it was last imported; None if nothing did.

        Raises:
            ConfigInvalid: what changed cannot work together with what was changed elsewhere.
        """
        return self._database.write(
            lambda tx: changing.import_file(tx, document, author=author, first=first)
        )

    def rule_again(
        self,
        number: int,
        *,
        author: str,
        reason: str,
        expected: int | None = None,
        alerts: Mapping[str, Any] | None = None,
    ) -> Version | None:
        """Go back to the settings of a version, as a new one; None if not ``expected`` rules.

        Raises:
            ConfigVersionUnknown: there is no such version.
        """
        return self._database.write(
            lambda tx: changing.rule_again(
                tx, number, author=author, reason=reason, expected=expected, alerts=alerts
            )
        )

    def pin(self, number: int, *, pinned: bool) -> Version:
        """Have a version stay, whatever the guard finds; or let it go again.

        Raises:
            ConfigVersionUnknown: there is no such version.
        """
        return self._database.write(lambda tx: changing.pin(tx, number, pinned=pinned))

    def try_version(
        self,
        number: int,
        *,
        share: float | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> ConfigState:
        """Have a version rule a part of the workflows that are accepted from now on.

        Raises:
            ConfigVersionUnknown: there is no such version.
            ConfigConflict: it rules already, or another one is being tried.
        """
        return self._database.write(
            lambda tx: changing.try_version(tx, number, share=share, labels=labels)
        )

    def end_trial(
        self,
        *,
        promote: bool,
        author: str,
        reason: str = "",
        expected: int | None = None,
        alerts: Mapping[str, Any] | None = None,
    ) -> ConfigState | None:
        """End a trial; None if nothing, or not the ``expected`` version, is being tried."""
        return self._database.write(
            lambda tx: changing.end_trial(
                tx,
                promote=promote,
                author=author,
                reason=reason,
                expected=expected,
                alerts=alerts,
            )
        )

    def note_alerts(self, number: int, alerts: Mapping[str, Any]) -> bool:
        """Keep what was found against a version, and tell of it; False if all was known."""
        return self._database.write(lambda tx: changing.note_alerts(tx, number, alerts))

    # What became of it.

    def now(self) -> float:
        """The database's time."""
        return self._database.read(lambda tx: tx.now)

    def figures(
        self,
        since: float,
        until: float | None = None,
        *,
        only: int | None = None,
        without: int | None = None,
    ) -> Figures:
        """What became of attempts and workflows between two times; see `measuring.figures`."""
        return self._database.read(
            lambda tx: measuring.figures(tx, since, until, only=only, without=without)
        )

    def note_devices(self, busy: float, waiting: int) -> None:
        """Note how busy the devices are while steps wait for them."""
        self._database.write(lambda tx: measuring.note_devices(tx, busy, waiting), synced=False)

    def step_uses(self, since: float) -> Sequence[StepUse]:
        """How long steps held devices, and how much memory they used, by step."""
        return self._database.read(lambda tx: measuring.step_uses(tx, since))
