"""The command line: one module per command.

Nothing heavy is imported before a command needs it: `yivideo --help` answers at once.
"""


def main() -> None:
    """Run the command line of this process and exit."""
    try:
        from yivideo.cli.entry import run

        status = run()
    except KeyboardInterrupt:
        # Ctrl-C while the first modules are being imported; afterwards `run` deals with it.
        status = 130
    raise SystemExit(status)
