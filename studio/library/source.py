"""Decoded photos for the pipeline, by content: the library's side of `PhotoSource`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.domain.artefacts import Photo
from studio.domain.errors import PhotoError
from studio.library.library import Library


@dataclass(frozen=True, slots=True)
class LibraryPhotos:
    """Photos of an open project."""

    library: Library

    def load(self, sha256: str) -> Photo:
        """Decode the photo with this content.

        Raises:
            PhotoError: the library has none, its file is gone, or its bytes are no longer the same.
        """
        row = self.library.photo_of_sha256(sha256)
        if row is None:
            raise PhotoError("library.photo_unknown", sha256=sha256)
        return _load(row.file, row.name, sha256)


@dataclass(frozen=True, slots=True)
class FilePhotos:
    """Photos by content from known files: for workers that never see the library. name: as the operator knows it."""

    files: Mapping[str, tuple[Path, str]]

    def load(self, sha256: str) -> Photo:
        """Decode the photo with this content.

        Raises:
            PhotoError: it is not among the files, its file is gone, or its bytes are no longer the same.
        """
        if sha256 not in self.files:
            raise PhotoError("library.photo_unknown", sha256=sha256)
        file, name = self.files[sha256]
        return _load(file, name, sha256)


def _load(file: Path, name: str, sha256: str) -> Photo:
    from dataclasses import replace

    from studio.media.decode import open_photo

    try:
        photo = open_photo(file)
    except PhotoError as error:
        if error.key == "photo.gone":
            raise PhotoError("library.original_gone", name=name, file=str(file)) from error
        raise PhotoError(error.key, **{**error.values, "file": name}) from error
    if photo.source_sha256 != sha256:
        raise PhotoError("library.original_changed", name=name, file=str(file))
    return replace(photo, name=name)
