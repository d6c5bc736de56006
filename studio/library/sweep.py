"""What a crash leaves behind on disk: files that were being written. Nothing refers to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from studio.library.blobs import ARTEFACTS, BACKUPS, CACHE, EXPORTS, ORIGINALS, is_unfinished
from studio.media.safe_io import storage_error


def unfinished_files(folder: Path) -> Iterator[Path]:
    """Yield every half-written file of a project."""
    for part in (ORIGINALS, ARTEFACTS, EXPORTS, BACKUPS, CACHE):
        for file in (folder / part).rglob("*"):
            if is_unfinished(file) and file.is_file():
                yield file
    for file in folder.iterdir():
        if is_unfinished(file) and file.is_file():
            yield file


def remove_unfinished(folder: Path) -> list[Path]:
    """Remove them. Hold the project's lock: a writer at work has such files too."""
    found = list(unfinished_files(folder))
    try:
        for file in found:
            file.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    return found
