"""Writes to a ledger until it is killed, and says on its output what is committed.

python -m tests.engine.ledger.writer URL [migrate]
"""

import sys

from tests.engine.ledger.making import claim, new, succeed

from yivideo.engine.ledger.store import Ledger


def say(*words: object) -> None:
    """Say it at once: what is said after a kill is not heard."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(url: str, *orders: str) -> None:
    """Accept workflows and run their first steps, without an end."""
    ledger = Ledger(url, patience=30)
    if "migrate" in orders:
        ledger.migrate()
        say("migrated")
        return
    while True:
        accepted = ledger.accept(new())
        say("accepted", accepted.workflow_id)
        attempt = claim(ledger, accepted.ready[0]).attempt_id
        say("claimed", attempt)
        succeed(ledger, attempt)
        say("succeeded", attempt)


if __name__ == "__main__":
    main(*sys.argv[1:])
