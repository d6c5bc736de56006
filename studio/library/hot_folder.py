"""A folder into which a tethered camera drops photos: which of them are whole. Free of Qt, and of waiting."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from studio.domain.errors import StorageError
from studio.library.blobs import PHOTO_SUFFIXES
from studio.library.clock import sort_key

Stamp = tuple[int, int]
"""Size and time of change of a file."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What a look into the folder found. ready: whole and not taken yet. growing: how many may still be written to."""

    ready: tuple[Path, ...] = ()
    growing: int = 0


@dataclass(slots=True)
class HotFolder:
    """Remembers what it saw: a file is whole when two looks in a row find it the same.

    Cameras and copying programs write in several goes; the caller leaves a second or two between its looks.
    """

    folder: Path
    _seen: dict[Path, Stamp] = field(default_factory=dict)
    _taken: dict[Path, Stamp] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, project: Path) -> HotFolder:
        """Return the folder for a project.

        Raises:
            StorageError: it lies inside the project, which would take in its own originals and deliveries.
        """
        own = project.resolve()
        if own == folder.resolve() or own in folder.resolve().parents:
            raise StorageError("hot_folder.own", folder=str(folder))
        return cls(folder)

    def look(self) -> Arrivals:
        """Look into the folder and its subfolders.

        Raises:
            StorageError: the folder is gone or cannot be read.
        """
        now = self._stamps()
        fresh = {file: stamp for file, stamp in now.items() if self._taken.get(file) != stamp}
        ready = [file for file, stamp in fresh.items() if stamp[0] > 0 and self._seen.get(file) == stamp]
        self._seen = fresh
        return Arrivals(tuple(sorted(ready, key=lambda file: sort_key(file.name))), len(fresh) - len(ready))

    def take(self, files: tuple[Path, ...]) -> None:
        """Note that these need not be told again until they change: a refused file that is finished later is new."""
        for file in files:
            if file in self._seen:
                self._taken[file] = self._seen[file]

    def _stamps(self) -> dict[Path, Stamp]:
        if not self.folder.is_dir():
            raise StorageError("hot_folder.gone", folder=str(self.folder))
        failed: list[OSError] = []
        found: dict[Path, Stamp] = {}
        for root, _, names in os.walk(self.folder, onerror=failed.append):
            for name in names:
                file = Path(root, name)
                if file.suffix.lower() in PHOTO_SUFFIXES and not name.startswith("."):
                    try:
                        status = file.stat()
                    except OSError:
                        continue  # it was taken away between the listing and the look
                    found[file] = (status.st_size, status.st_mtime_ns)
        if failed and not found:
            raise StorageError("hot_folder.gone", folder=str(self.folder)) from failed[0]
        return found
