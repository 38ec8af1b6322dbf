"""Writes to a ledger until it is killed, and says on its output what is committed.

python -m tests.engine.ledger.writer URL [migrate]
"""

import sys

from tests.engine.ledger.making import claim, new, succeed

from yivideo.engine.ledger.store import Ledger


def main(url: str, *orders: str) -> None:
    """Accept workflows and run their first steps, without an end."""
    ledger = Ledger(url, patience=30)
    if "migrate" in orders:
        ledger.migrate()
        print("migrated", flush=True)
        return
    while True:
        accepted = ledger.accept(new())
        print("accepted", accepted.workflow_id, flush=True)
        attempt = claim(ledger, accepted.ready[0]).attempt_id
        print("claimed", attempt, flush=True)
        succeed(ledger, attempt)
        print("succeeded", attempt, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
