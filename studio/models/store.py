"""The folder of installed models: finds them, and trusts a file only after its checksum was right."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from studio.domain.errors import ModelError
from studio.domain.keys import ModelUse
from studio.models.manifest import Manifest, ModelEntry, shipped_manifest

log = logging.getLogger(__name__)

STORE_VARIABLE = "FITTING_STUDIO_MODELS"
RECEIPTS_FILE = "installed.json"
_CHUNK = 1 << 20


def default_root() -> Path:
    """Return the store's folder: `FITTING_STUDIO_MODELS`, or the user's data folder."""
    override = os.environ.get(STORE_VARIABLE)
    return (
        Path(override) if override else Path(platformdirs.user_data_dir("fitting-studio", appauthor=False)) / "models"
    )


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """A file of the store whose checksum was seen; valid while size and time are the same."""

    sha256: str
    size: int
    mtime_ns: int
    source: str = ""


class ModelStore:
    """Models by id: the embedded ones and those in the store's folder."""

    def __init__(self, root: Path | None = None, manifest: Manifest | None = None) -> None:
        self.root = root or default_root()
        self.manifest = manifest or shipped_manifest()
        self._seen: dict[str, Receipt] = {}

    def locate(self, entry: ModelEntry) -> Path | None:
        """Return where a model's file lies, unchecked; None when it is not installed."""
        folder = self.manifest.folder if entry.embedded else self.root
        path = folder / entry.file
        return path if path.is_file() else None

    def is_installed(self, model_id: str) -> bool:
        """Say whether a model's file is there."""
        return self.locate(self.manifest.find(model_id)) is not None

    def path(self, model_id: str) -> Path:
        """Return the file of an installed model, its checksum seen right at least once since it last changed.

        Raises:
            ModelError: unknown, not installed, or damaged.
        """
        entry = self.manifest.find(model_id)
        path = self.locate(entry)
        if path is None:
            raise ModelError("model.missing", model=entry.id, title=entry.title)
        self._trust(entry, path)
        return path

    def use(self, model_id: str) -> ModelUse:
        """Return identity and licence of an installed model.

        Raises:
            ModelError: as for `path`.
        """
        entry = self.manifest.find(model_id)
        path = self.path(model_id)
        return ModelUse(entry.id, self._trust(entry, path).sha256, entry.licence, entry.commercial)

    def _trust(self, entry: ModelEntry, path: Path) -> Receipt:
        status = path.stat()
        known = self._receipt(entry.file)
        if known is not None and (known.size, known.mtime_ns) == (status.st_size, status.st_mtime_ns):
            return known
        receipt = Receipt(hash_file(path), status.st_size, status.st_mtime_ns)
        if receipt.sha256 != entry.sha256:
            raise ModelError("model.damaged", model=entry.id, file=str(path))
        self._remember(entry, receipt)
        return receipt

    def _receipt(self, file: str) -> Receipt | None:
        if file not in self._seen:
            self._seen = self._read_receipts() | self._seen
        return self._seen.get(file)

    def _remember(self, entry: ModelEntry, receipt: Receipt) -> None:
        self._seen[entry.file] = receipt

    def _read_receipts(self) -> dict[str, Receipt]:
        try:
            rows = json.loads((self.root / RECEIPTS_FILE).read_text("utf-8"))
            return {file: Receipt(**row) for file, row in rows.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError) as error:
            log.warning("receipts of %s are unreadable, checksums are taken again: %s", self.root, error)
            return {}
