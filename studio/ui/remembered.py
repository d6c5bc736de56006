"""What the window remembers from one day to the next without being asked: last folders, own presets.

Preferences are choices, kept in their own file; this one may be thrown away at any time.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from studio.domain.errors import StorageError
from studio.domain.keys import Json
from studio.media.safe_io import storage_errors, write_atomic

log = logging.getLogger(__name__)


class Remembered:
    """Named values in one small JSON file; a damaged or missing file means nothing is remembered."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, Json] = self._read()

    def get(self, key: str) -> Json:
        """Return a value, None where there is none."""
        return self._values.get(key)

    def text(self, key: str) -> str:
        """Return a text, "" where there is none."""
        value = self._values.get(key)
        return value if isinstance(value, str) else ""

    def set(self, key: str, value: Json) -> None:
        """Keep a value; a disk that refuses costs the memory of it and nothing else."""
        if self._values.get(key) == value:
            return
        self._values[key] = value
        try:
            with storage_errors(self._path.parent):
                self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._path, json.dumps(self._values, indent=2, ensure_ascii=False).encode("utf-8"))
        except StorageError as error:
            log.warning("window state %s cannot be written: %s", self._path, error)

    def _read(self) -> dict[str, Json]:
        try:
            body = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("window state %s cannot be read: %s", self._path, error)
            return {}
        return body if isinstance(body, dict) else {}
