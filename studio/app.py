"""The composition root: decides which door opens."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Open the window when nothing is asked for, else run the command line. Returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] == "window":
        from studio.ui.start import open_window  # Qt loads only for the window

        return open_window(given[1:])
    from studio.cli import run

    return run(given)


if __name__ == "__main__":
    raise SystemExit(main())
