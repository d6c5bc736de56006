"""Small pictures of a project's things for lists: photos from their files, looks from their artefacts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from studio.domain.arrays import U8
from studio.domain.artefacts import Look, to_8_bit
from studio.domain.errors import JobError, PhotoError, StorageError
from studio.jobs.scenes import load_scene
from studio.library.records import SceneRow
from studio.media.decode import open_reduced
from studio.media.encode import EncodeOptions, ImageFormat, write_image
from studio.media.safe_io import storage_errors
from studio.media.thumbnails import SIDE, ThumbnailCache

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

CACHE = "cache"
_OPTIONS = EncodeOptions(ImageFormat.JPEG, quality=88)
_PAPER = (255, 255, 255)
"""What a transparent scene is shown on in lists."""


def thumbnail(workspace: Workspace, item_id: str, side: int = SIDE) -> U8:
    """Return the thumbnail of a photo, look or scene, uint8 `(h, w, 3)`, longer side `side`.

    Raises:
        JobError: there is no such photo, look or scene.
        PhotoError: the photo's file is gone or cannot be decoded.
    """
    library = workspace.library
    photos = library.photos([item_id])
    if photos:
        return ThumbnailCache(library.folder / CACHE).get(photos[0].file, side)
    looks = library.looks([item_id])
    if looks:
        return _look_thumbnail(workspace, item_id, looks[0].key.digest, side)
    scenes = library.scenes([item_id])
    if not scenes:
        raise JobError("job.no_picture", id=item_id)
    return _scene_thumbnail(workspace, scenes[0], side)


def _scene_thumbnail(workspace: Workspace, row: SceneRow, side: int) -> U8:
    """Rendered by the renderer that delivers; kept until the scene changes, never on disk: scenes change often."""
    from studio.compositing.scene import View, render_scene

    scene = load_scene(workspace, row, side)
    if scene.background is None and scene.fill is None:
        scene = replace(scene, fill=_PAPER)
    return shrink(to_8_bit(render_scene(scene, View.whole(scene)))[..., :3], side)


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
