"""Floor 7: the command line, which is also the automation interface. No image maths, no SQL."""

from __future__ import annotations

import sys


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code: see `studio.cli.console.ExitCode`."""
    from studio.cli.console import guarded, start_logging
    from studio.cli.root import app

    start_logging()
    return guarded(app, arguments, sys.stderr)
