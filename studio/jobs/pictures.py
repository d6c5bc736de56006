"""Small pictures of a project's things for lists: photos from their files, looks from their artefacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.domain.arrays import U8
from studio.domain.artefacts import Look
from studio.domain.errors import JobError, PhotoError, StorageError
from studio.media.decode import open_reduced
from studio.media.encode import EncodeOptions, ImageFormat, write_image
from studio.media.safe_io import storage_errors
from studio.media.thumbnails import SIDE, ThumbnailCache

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

CACHE = "cache"
_OPTIONS = EncodeOptions(ImageFormat.JPEG, quality=88)


def thumbnail(workspace: Workspace, item_id: str, side: int = SIDE) -> U8:
    """Return the thumbnail of a photo or look, uint8 `(h, w, 3)`, longer side `side`; kept in the project's cache.

    Raises:
        JobError: there is no such photo or look.
        PhotoError: the photo's file is gone or cannot be decoded.
    """
    library = workspace.library
    photos = library.photos([item_id])
    if photos:
        return ThumbnailCache(library.folder / CACHE).get(photos[0].file, side)
    looks = library.looks([item_id])
    if not looks:
        raise JobError("job.no_picture", id=item_id)
    return _look_thumbnail(workspace, item_id, looks[0].key.digest, side)


def _look_thumbnail(workspace: Workspace, look_id: str, digest: str, side: int) -> U8:
    cached = workspace.library.folder / CACHE / "looks" / f"{digest}-{side}.jpg"
    if cached.is_file():
        try:
            return open_reduced(cached, side)
        except PhotoError:
            cached.unlink(missing_ok=True)
    look = workspace.artefact(look_id, "look")
    if not isinstance(look, Look):
        raise JobError("job.no_picture", id=look_id)
    made = shrink(look.rgb8, side)
    try:
        with storage_errors(cached.parent):
            cached.parent.mkdir(parents=True, exist_ok=True)
        write_image(cached, made, _OPTIONS)
    except StorageError:
        return made  # a cache that cannot be written costs time, never a picture
    return made


def shrink(pixels: U8, side: int) -> U8:
    """Return the picture with its longer side brought down to `side`, averaged; smaller ones as they are."""
    import cv2

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    reduced: U8 = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return reduced
