"""`yivideo step`: the steps of an extraction, one at a time."""

import typer

step = typer.Typer(help="List the steps of an extraction, or run one alone.", no_args_is_help=True)
