"""What every command shares: exit codes, errors as one sentence, `--json`, progress with the time left, Ctrl-C."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from types import FrameType
from typing import TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table
from typer.exceptions import TyperException

from studio.domain.errors import (
    Cancelled,
    JobError,
    LibraryError,
    ModelError,
    PhotoError,
    StorageError,
    StudioError,
    UnexpectedError,
)
from studio.domain.keys import Json, Note
from studio.domain.progress import Progress
from studio.media.messages import render


class ExitCode(IntEnum):
    """What a script can rely on."""

    OK = 0
    SOME_FAILED = 1  # the batch went on; some of it did not work
    USAGE = 2
    PROJECT = 3
    MODEL = 4
    STORAGE = 5
    PHOTO = 6
    OTHER = 7
    UNEXPECTED = 70
    INTERRUPTED = 130


_CODES: tuple[tuple[type[StudioError], ExitCode], ...] = (
    (UnexpectedError, ExitCode.UNEXPECTED),
    (LibraryError, ExitCode.PROJECT),
    (ModelError, ExitCode.MODEL),
    (StorageError, ExitCode.STORAGE),
    (PhotoError, ExitCode.PHOTO),
    (JobError, ExitCode.OTHER),
)

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def language() -> str:
    """The language of messages: FITTING_STUDIO_LANGUAGE, else what the system's locale says; "en" or "ko"."""
    asked = os.environ.get("FITTING_STUDIO_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "en"
    return "ko" if asked.lower().startswith("ko") else "en"


def sentence(message: StudioError | Note) -> str:
    """Return an error or a note in the operator's language."""
    return render(message, language())


def exit_code(error: StudioError) -> ExitCode:
    """Return the exit code that stands for an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.OTHER)


def start_logging() -> None:
    """Keep the rooms' own story off the terminal: what matters is said once; FITTING_STUDIO_LOG names a file for it."""
    root = logging.getLogger()
    path = os.environ.get("FITTING_STUDIO_LOG")
    handler: logging.Handler = logging.FileHandler(path, encoding="utf-8") if path else logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def guarded(app: typer.Typer, arguments: list[str], stream: TextIO) -> int:
    """Run a command; every expected error becomes one sentence on `stream` and its exit code."""
    try:
        result = app(args=arguments, standalone_mode=False, prog_name="studio")
    except StudioError as error:
        print(sentence(error), file=stream)
        if isinstance(error, UnexpectedError):
            print(error.values.get("details", ""), file=stream)
        return exit_code(error)
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        print(sentence(Note("cli.interrupted")), file=stream)
        return ExitCode.INTERRUPTED
    except typer.Exit as done:
        return done.exit_code
    except TyperException as error:  # a command line that does not parse
        print(str(error), file=stream)
        print(sentence(Note("cli.usage")), file=stream)
        return ExitCode.USAGE
    return int(result) if isinstance(result, int) else ExitCode.OK


def print_json(value: Json) -> None:
    """Write one JSON document to standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_rows(headings: list[str], rows: list[list[str]], *, whole_names: bool = False) -> None:
    """Write a table to standard output. whole_names: the first column is never folded, however narrow the terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", no_wrap=whole_names and number == 0)
    for row in rows:
        table.add_row(*row)
    out.print(table)


@contextmanager
def stop_on_interrupt(token: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C ask for a clean stop; a second one ends the program at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        if token.is_set():
            raise KeyboardInterrupt
        token.set()
        err.print(sentence(Note("cli.stopping")))

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {name: signal.signal(name, handle) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def bars(*, quiet: bool) -> Bars:
    """Return progress bars on standard error with the time left; silent for scripts."""
    return Bars(
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[stage]}"),
        console=err,
        disable=quiet or not err.is_terminal,
        transient=True,
    )


@contextmanager
def progress_bar(description: str, *, quiet: bool = False) -> Iterator[Progress]:
    """Yield a cancellable progress that is drawn as one bar."""
    token = threading.Event()
    with stop_on_interrupt(token), bars(quiet=quiet) as shown:
        task = shown.add_task(description, total=100, stage="")

        def emit(fraction: float, stage: str) -> None:
            shown.update(task, completed=round(100 * fraction), stage=stage)

        yield Progress(token, emit)
