"""Waiting for workflows: shown live, left running by Ctrl-C."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yivideo.cli.endings import exit_code
from yivideo.cli.following import Follower, Listener, make_shown
from yivideo.cli.stopping import Interrupted
from yivideo.cli.streams import tell
from yivideo.errors import ExitCode

if TYPE_CHECKING:
    from yivideo.cli.client import Client, Record

# More ids than that fit no line.
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class End:
    """A workflow that has ended, and what a command ends with that waited for it alone."""

    record: "Record"
    code: ExitCode

    def as_record(self) -> dict[str, Any]:
        """The workflow as the API shows it, with its exit code."""
        return {**self.record, "exit_code": int(self.code), "exit_code_name": self.code.name}


class Waiting:
    """Waits for workflows, and hears of them from its making on.

    Raises:
        YiVideoError: the API does not answer, or refuses.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._listener = Listener(client)

    def wait(self, ids: Sequence[str]) -> list[End]:
        """Show how they go on, until all have ended; how each ended, in order."""
        if not ids:
            return []
        shown = make_shown()
        try:
            records = Follower(self._client, self._listener, shown).follow(ids)
        except Interrupted:
            shown.close()
            self._tell_how_to_go_on(ids)
            raise
        finally:
            shown.close()
        return [End(record, exit_code(self._client, record)) for record in records]

    def _tell_how_to_go_on(self, ids: Sequence[str]) -> None:
        named = " ".join(ids[:_MOST_NAMED]) + (" ..." if len(ids) > _MOST_NAMED else "")
        goes = "The workflow goes on" if len(ids) == 1 else f"{len(ids)} workflows go on"
        tell(f"{goes}. See: yivideo workflows watch {named}")
        tell(f"To end {'it' if len(ids) == 1 else 'them'}: yivideo workflows cancel {named}")
