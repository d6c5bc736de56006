"""The folder of installed models: finds them, and trusts a file only after its checksum was right."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from studio.domain.errors import ModelError, StorageError
from studio.domain.keys import ModelUse
from studio.media.safe_io import mode_for, storage_errors, sync_folder, write_atomic
from studio.models.manifest import Manifest, ModelEntry, shipped_manifest

log = logging.getLogger(__name__)

STORE_VARIABLE = "FITTING_STUDIO_MODELS"
REMBG_VARIABLE = "U2NET_HOME"
_RECEIPT_SUFFIX = ".receipt.json"
_CHUNK = 1 << 20


def default_root() -> Path:
    """Return the store's folder: `FITTING_STUDIO_MODELS`, or the user's data folder."""
    override = os.environ.get(STORE_VARIABLE)
    return (
        Path(override) if override else Path(platformdirs.user_data_dir("fitting-studio", appauthor=False)) / "models"
    )


def hash_file(path: Path, report: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 of a file; `report` hears how many bytes were read so far."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            if report is not None:
                report(done)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """A file of the store whose checksum was seen; valid while size and time are the same.

    source: where it came from, for the operator. source_sha256: of the file it was converted from.
    """

    sha256: str
    size: int
    mtime_ns: int
    source: str = ""
    source_sha256: str = ""


class ModelStore:
    """Models by id: the embedded ones and those in the store's folder."""

    def __init__(self, root: Path | None = None, manifest: Manifest | None = None) -> None:
        self.root = root or default_root()
        self.manifest = manifest or shipped_manifest()
        self._seen: dict[Path, Receipt] = {}

    def target(self, entry: ModelEntry) -> Path:
        """Return where a model's file belongs."""
        return (self.manifest.folder if entry.embedded else self.root) / entry.file

    def locate(self, entry: ModelEntry) -> Path | None:
        """Return where a model's file lies, unchecked; None when it is not installed."""
        path = self.target(entry)
        return path if path.is_file() else None

    def is_installed(self, model_id: str) -> bool:
        """Say whether a model's file is there; a model nobody knows is not."""
        entry = self.manifest.entries.get(model_id)
        return entry is not None and self.locate(entry) is not None

    def path(self, model_id: str) -> Path:
        """Return the file of an installed model, its checksum seen right at least once since it last changed.

        Raises:
            ModelError: unknown, not installed (the message says how to get it), or damaged.
        """
        entry = self.manifest.find(model_id)
        path = self.locate(entry)
        if path is None:
            raise missing(entry)
        self._trust(entry, path)
        return path

    def use(self, model_id: str) -> ModelUse:
        """Return identity and licence of an installed model.

        Raises:
            ModelError: as for `path`.
        """
        entry = self.manifest.find(model_id)
        receipt = self._trust(entry, self.path(model_id))
        return ModelUse(entry.id, receipt.sha256, entry.licence, entry.commercial)

    def adopt(self, entry: ModelEntry, part: Path, source: str, source_sha256: str = "") -> Path:
        """Move a finished `.part` file into its place: the one way by which files enter the store.

        Raises:
            ModelError: its checksum is not the manifest's; the part is then deleted.
            StorageError: the folder refuses.
        """
        digest = hash_file(part)
        if entry.sha256 and digest != entry.sha256:
            part.unlink(missing_ok=True)
            raise ModelError("model.checksum", model=entry.id, title=entry.title, source=source)
        path = self.target(entry)
        with storage_errors(path):
            with part.open("r+b") as stream:  # Windows syncs only what may be written
                os.fsync(stream.fileno())
            part.chmod(mode_for(path))
            part.replace(path)
            sync_folder(path.parent)
        status = path.stat()
        self._remember(path, Receipt(digest, status.st_size, status.st_mtime_ns, source, source_sha256))
        log.info("model %s is installed from %s", entry.id, source)
        return path

    def verify(self, entry: ModelEntry, report: Callable[[int], None] | None = None) -> bool | None:
        """Read a model's file again and compare its checksum; None where it is not installed."""
        path = self.locate(entry)
        if path is None:
            return None
        known = self._receipt(path)
        return hash_file(path, report) == (entry.sha256 or (known.sha256 if known else ""))

    def remove(self, model_id: str) -> None:
        """Delete an installed model that is not embedded.

        Raises:
            ModelError: it is embedded.
            StorageError: the folder refuses.
        """
        entry = self.manifest.find(model_id)
        if entry.embedded:
            raise ModelError("model.embedded", model=entry.id, title=entry.title)
        path = self.target(entry)
        with storage_errors(path):
            path.unlink(missing_ok=True)
            _receipt_path(path).unlink(missing_ok=True)
        self._seen.pop(path, None)

    def serve_rembg(self) -> None:
        """Let rembg find our files: `U2NET_HOME` is the store, with the embedded u2netp linked into it."""
        os.environ[REMBG_VARIABLE] = str(self.root)
        entry = self.manifest.find("u2netp")
        link = self.root / entry.file
        if link.is_file():
            return
        with storage_errors(link):
            self.root.mkdir(parents=True, exist_ok=True)
        write_atomic(link, self.path("u2netp").read_bytes())

    def _trust(self, entry: ModelEntry, path: Path) -> Receipt:
        status = path.stat()
        known = self._receipt(path)
        if known is not None and (known.size, known.mtime_ns) == (status.st_size, status.st_mtime_ns):
            return known
        wanted = entry.sha256 or (known.sha256 if known is not None else "")
        digest = hash_file(path)
        if digest != wanted:
            raise ModelError("model.damaged", model=entry.id, title=entry.title, file=str(path))
        receipt = Receipt(digest, status.st_size, status.st_mtime_ns, known.source if known else "")
        self._remember(path, receipt)
        return receipt

    def _receipt(self, path: Path) -> Receipt | None:
        if path not in self._seen and path.parent == self.root:
            try:
                self._seen[path] = Receipt(**json.loads(_receipt_path(path).read_text("utf-8")))
            except FileNotFoundError:
                return None
            except (OSError, ValueError, TypeError) as error:
                log.warning("the receipt of %s is unreadable, its checksum is taken again: %s", path, error)
        return self._seen.get(path)

    def _remember(self, path: Path, receipt: Receipt) -> None:
        self._seen[path] = receipt
        if path.parent != self.root:  # embedded: the installation's folder is not ours to write
            return
        try:
            write_atomic(_receipt_path(path), json.dumps(asdict(receipt), indent=1).encode())
        except StorageError as error:
            log.warning("the checksum of %s will be taken again next time: %s", path, error)


def _receipt_path(path: Path) -> Path:
    return path.with_name(path.name + _RECEIPT_SUFFIX)


def missing(entry: ModelEntry) -> ModelError:
    """Return the error that says how to get a model which is not installed."""
    if entry.is_fetchable:
        return ModelError("model.missing", model=entry.id, title=entry.title)
    return ModelError("model.missing_by_hand", model=entry.id, title=entry.title, address=entry.address)
