"""The command line: one module per command.

Nothing heavy is imported before a command needs it: `yivideo --help` answers at once.
"""


def main() -> None:
    """Run the command line of this process and exit."""
    from yivideo.cli.entry import run

    raise SystemExit(run())
