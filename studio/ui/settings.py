"""The operator's preferences: declared once here, the dialog is built from this table.

One readable JSON file, written atomically, holding only what differs from the defaults, with a schema version.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from studio.domain.errors import StorageError
from studio.domain.keys import Json
from studio.media.safe_io import storage_errors, write_atomic

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Setting:
    """One preference. choices: (value, label) pairs for a list, () for a free value of the default's type."""

    key: str
    default: Value
    group: str
    label: str
    note: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    minimum: float = 0.0
    maximum: float = 100.0


# The labels and notes are source sentences: the dialog passes them through tr().
SETTINGS: tuple[Setting, ...] = (
    Setting(
        "language",
        "auto",
        "Appearance",
        "Language",
        "Changes at once.",
        (("auto", "As the system"), ("en", "English"), ("ko", "한국어")),
    ),
    Setting(
        "scheme",
        "auto",
        "Appearance",
        "Colours",
        "Both schemes are neutral grey, so that colours can be judged.",
        (("auto", "As the system"), ("light", "Light"), ("dark", "Dark")),
    ),
    Setting(
        "thumbnail_size", 168, "Appearance", "Thumbnail size", "In pixels at normal scale.", minimum=96, maximum=320
    ),
    Setting(
        "advance_after_rating",
        True,
        "Library",
        "Go to the next photo after a star, pick or reject",
    ),
    Setting("copy_originals", True, "Library", "Copy photos into the project", "Off: the project refers to them."),
    Setting(
        "commercial_only",
        True,
        "Delivery",
        "Keep results of non-commercial models out of deliveries",
        "They stay in the project, marked; an override asks first.",
    ),
)


class Preferences(QObject):
    """Reads and writes the preferences file; changes apply at once through `changed`."""

    changed = Signal(str, object)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._table = {setting.key: setting for setting in SETTINGS}
        self._values: dict[str, Value] = self._read()

    def get(self, key: str) -> Value:
        """Return a preference, its default where the operator never changed it."""
        return self._values.get(key, self._table[key].default)

    def text(self, key: str) -> str:
        return str(self.get(key))

    def number(self, key: str) -> int:
        return int(self.get(key))

    def flag(self, key: str) -> bool:
        return bool(self.get(key))

    def set(self, key: str, value: Value) -> None:
        """Change, save and announce a preference; setting the default removes it from the file."""
        if self.get(key) == value:
            return
        if value == self._table[key].default:
            self._values.pop(key, None)
        else:
            self._values[key] = value
        self._write()
        self.changed.emit(key, value)

    @property
    def folder(self) -> Path:
        """Where the window's own files lie."""
        return self._path.parent

    def _write(self) -> None:
        """A disk that refuses costs the choice its life after today, not its effect now."""
        body: dict[str, Json] = {"schema": SCHEMA_VERSION, **self._values}
        try:
            with storage_errors(self._path.parent):
                self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._path, json.dumps(body, indent=2, ensure_ascii=False).encode("utf-8"))
        except StorageError as error:
            log.warning("preferences cannot be kept: %s", error)

    def _read(self) -> dict[str, Value]:
        try:
            body = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("preferences %s cannot be read (%s): starting with the defaults", self._path, error)
            return {}
        if not isinstance(body, dict):
            log.warning("preferences %s hold no table: starting with the defaults", self._path)
            return {}
        body = migrate(body)
        return {key: value for key, value in body.items() if key in self._table and _fits(self._table[key], value)}


def _fits(setting: Setting, value: object) -> bool:
    if setting.choices:
        return value in {choice for choice, _ in setting.choices}
    if isinstance(setting.default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(setting.default, bool)
    if isinstance(setting.default, int) and isinstance(value, int):
        return setting.minimum <= value <= setting.maximum
    return isinstance(value, type(setting.default))


# schema n -> what turns it into n + 1
_MIGRATORS: dict[int, Callable[[dict[str, Value]], dict[str, Value]]] = {}


def migrate(body: dict[str, Value]) -> dict[str, Value]:
    """Bring a preferences file of an older program up to date; a newer one is read as far as it is known."""
    version = int(body.pop("schema", SCHEMA_VERSION))
    while version < SCHEMA_VERSION:
        body = _MIGRATORS[version](body)
        version += 1
    return body
