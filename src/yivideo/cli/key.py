"""`yivideo key`: the API's keys, made where the ledger is and not over HTTP."""

from typing import Annotated

import typer

from yivideo.cli.api_options import AsJson
from yivideo.cli.gpu_options import State
from yivideo.cli.serving import Database

key = typer.Typer()


@key.callback()
def _about() -> None:
    """Make, list and revoke the keys of the HTTP API, in the ledger itself; show callbacks' secret.

    While there is no key the API answers on this machine only, to anybody there.
    """


@key.command(short_help="Make a key, shown this once.")
def create(
    *,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Whose or what for.", show_default=False)
    ],
    database: Database = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key and print it: it is stored hashed, and cannot be shown again.

    With the first key the API begins to ask everybody for one.
    """
    from yivideo.cli.key_records import make_key, open_ledger

    with open_ledger(database, state) as ledger:
        make_key(ledger, name, as_json=as_json)


@key.command("list", short_help="List the keys.")
def list_(*, database: Database = None, state: State = None, as_json: AsJson = False) -> None:
    """List the API keys: their ids, names and times, never the keys themselves."""
    from yivideo.cli.key_records import list_keys, open_ledger

    with open_ledger(database, state) as ledger:
        list_keys(ledger, as_json=as_json)


@key.command(short_help="Revoke a key.")
def revoke(
    *,
    identity: Annotated[
        str, typer.Argument(metavar="ID", help="The id that `list` shows.", show_default=False)
    ],
    database: Database = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Revoke an API key: within a second the API refuses it."""
    from yivideo.cli.key_records import open_ledger, revoke_key

    with open_ledger(database, state) as ledger:
        revoke_key(ledger, identity, as_json=as_json)


@key.command("webhook-secret", short_help="Show what callbacks are signed with.")
def webhook_secret(*, state: State = None, as_json: AsJson = False) -> None:
    """Show the secret that callbacks are signed with, for those who receive them; make it at first.

    It is YIVIDEO_WEBHOOK_SECRET, or lies in the state folder of the reconciler's host.
    """
    from yivideo.cli.key_records import show_secret

    show_secret(state, as_json=as_json)
