"""Where artefacts are kept: content-addressed on disk, the recent ones warm in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np

from studio.domain.artefacts import Artefact, Photo
from studio.domain.errors import StorageError
from studio.domain.keys import ArtefactKey, ArtefactRecord
from studio.media.safe_io import storage_errors, write_atomic
from studio.pipeline.codec import dump_artefact, header_length, load_artefact, load_record

T = TypeVar("T")

SUFFIX = ".fsa"


class ArtefactStore(Protocol):
    """Keeps artefacts by key; `put` is atomic: what `has` says exists is whole."""

    def has(self, key: ArtefactKey) -> bool: ...

    def get(self, key: ArtefactKey) -> Artefact | None: ...

    def put(self, key: ArtefactKey, artefact: Artefact, record: ArtefactRecord) -> None: ...

    def record(self, key: ArtefactKey) -> ArtefactRecord | None: ...


class PhotoSource(Protocol):
    """Gives the decoded photo of a source hash; the library implements it."""

    def load(self, sha256: str) -> Photo: ...


@dataclass(frozen=True, slots=True)
class FolderStore:
    """One file per artefact: `<root>/<first two digits>/<digest>.fsa`, written atomically."""

    root: Path

    def path(self, key: ArtefactKey) -> Path:
        """Return where an artefact's file is or would be."""
        return self.root / key.digest[:2] / f"{key.digest}{SUFFIX}"

    def has(self, key: ArtefactKey) -> bool:
        return self.path(key).is_file()

    def get(self, key: ArtefactKey) -> Artefact | None:
        """Return the artefact, or None where there is none or its file is damaged: it is then simply made again."""
        try:
            return load_artefact(self.path(key).read_bytes())
        except FileNotFoundError:
            return None
        except StorageError:
            self.path(key).unlink(missing_ok=True)
            return None

    def put(self, key: ArtefactKey, artefact: Artefact, record: ArtefactRecord) -> None:
        """Write the artefact.

        Raises:
            StorageError: the disk is full or the folder read-only.
        """
        path = self.path(key)
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, dump_artefact(artefact, record))

    def record(self, key: ArtefactKey) -> ArtefactRecord | None:
        try:
            with self.path(key).open("rb") as file:
                start = file.read(8)
                return load_record(start + file.read(header_length(start) - 8))
        except FileNotFoundError:
            return None

    def keys_on_disk(self) -> Iterator[str]:
        """Yield the digest of every artefact file."""
        for path in self.root.glob(f"*/*{SUFFIX}"):
            yield path.stem


@dataclass(slots=True)
class MemoryStore:
    """Keeps artefacts for the life of the process: for tests and one-off runs."""

    artefacts: dict[ArtefactKey, tuple[Artefact, ArtefactRecord]] = field(default_factory=dict)

    def has(self, key: ArtefactKey) -> bool:
        return key in self.artefacts

    def get(self, key: ArtefactKey) -> Artefact | None:
        found = self.artefacts.get(key)
        return found[0] if found else None

    def put(self, key: ArtefactKey, artefact: Artefact, record: ArtefactRecord) -> None:
        self.artefacts[key] = (artefact, record)

    def record(self, key: ArtefactKey) -> ArtefactRecord | None:
        found = self.artefacts.get(key)
        return found[1] if found else None


def size_of(value: object) -> int:
    """Return the bytes that an artefact's arrays take."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, tuple):
        return sum(size_of(item) for item in value)
    if is_dataclass(value):
        return sum(size_of(getattr(value, item.name)) for item in fields(value))
    return 0


class WarmCache(Generic[T]):
    """The values used last, within a memory budget; safe to share between threads."""

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._items: OrderedDict[ArtefactKey, tuple[T, int]] = OrderedDict()
        self._used = 0
        self._lock = threading.Lock()

    def get(self, key: ArtefactKey) -> T | None:
        with self._lock:
            found = self._items.get(key)
            if found is None:
                return None
            self._items.move_to_end(key)
            return found[0]

    def put(self, key: ArtefactKey, value: T) -> None:
        size = size_of(value)
        with self._lock:
            if key in self._items:
                return
            self._items[key] = (value, size)
            self._used += size
            while self._used > self._budget and len(self._items) > 1:
                _, (_, freed) = self._items.popitem(last=False)
                self._used -= freed
