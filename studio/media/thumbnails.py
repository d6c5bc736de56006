"""Small pictures for lists, made when asked for and kept on disk until the photo changes."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from studio.domain.arrays import U8
from studio.domain.errors import PhotoError, StorageError
from studio.media.decode import DEFAULT_LIMITS, Limits, open_reduced
from studio.media.encode import EncodeOptions, ImageFormat, write_image
from studio.media.safe_io import storage_errors

log = logging.getLogger(__name__)

SIDE = 320
"""The longer side unless asked otherwise: sharp in a list on a screen of twice the density."""

_VERSION = 1
"""Raise it when thumbnails are made in another way, so that old ones are not shown."""

_OPTIONS = EncodeOptions(ImageFormat.JPEG, quality=88)


class ThumbnailCache:
    """Thumbnails of photo files in one folder; safe to be used from several threads and processes."""

    def __init__(self, folder: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self.folder = folder
        self._limits = limits

    def path(self, photo: Path, side: int = SIDE) -> Path:
        """Return where the thumbnail of a photo, as it is now, lies or would lie.

        Raises:
            PhotoError: the photo is gone.
        """
        try:
            status = photo.stat()
        except OSError as error:
            raise PhotoError("photo.gone", file=str(photo)) from error
        identity = f"{_VERSION}|{photo.resolve()}|{status.st_size}|{status.st_mtime_ns}|{side}"
        digest = hashlib.sha256(identity.encode()).hexdigest()
        return self.folder / digest[:2] / f"{digest}.jpg"

    def get(self, photo: Path, side: int = SIDE) -> U8:
        """Return the thumbnail, uint8 `(h, w, 3)` sRGB, from disk or newly made.

        A cache folder that cannot be written to costs time, never a picture.

        Raises:
            PhotoError: the photo cannot be decoded.
        """
        cached = self.path(photo, side)
        if cached.is_file():
            try:
                return open_reduced(cached, side)
            except PhotoError as error:
                log.warning("a cached thumbnail is damaged and made again: %s", error)
        made = open_reduced(photo, side, self._limits)
        try:
            with storage_errors(cached.parent):
                cached.parent.mkdir(parents=True, exist_ok=True)
            write_image(cached, made, _OPTIONS)
        except StorageError as error:
            log.warning("a thumbnail is not kept: %s", error)
        return made

    def prune(self, max_bytes: int) -> int:
        """Delete the thumbnails least recently made until the rest fit; return how many went."""
        files = sorted(self.folder.glob("*/*.jpg"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
        kept, gone = 0, 0
        for file in files:
            kept += file.stat().st_size
            if kept > max_bytes:
                file.unlink(missing_ok=True)
                gone += 1
        return gone
