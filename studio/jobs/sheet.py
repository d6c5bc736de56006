"""Pictures of artefacts for people: every intermediate of a look on one contact sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from studio.domain.arrays import F32, U8
from studio.domain.artefacts import (
    Agnostic,
    Artefact,
    Cutout,
    DensePoseMap,
    Garment,
    Look,
    ParseMap,
    Photo,
    Pose,
    TryOn,
)
from studio.domain.geometry import Framing
from studio.domain.labels import LabelScheme, palette
from studio.jobs.pictures import shrink
from studio.library.records import LookRow
from studio.media.resources import resource_path

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

COLUMNS = 5
TILE_PX = 480
CAPTION_PX = 34
MARGIN_PX = 14
PAPER = (250, 250, 250)
INK = (40, 40, 40)
_SQUARE_PX = 12
_LIGHT, _DARK = 235, 200
_DIMMED = 0.55
_MESH_COLOUR = (0, 150, 255)
_LANDMARK_COLOUR = (255, 60, 60)
_CHANGED_COLOUR = (255, 60, 60)
_PARTS = 25  # DensePose: background and 24 parts

# Slot by slot, in the order the pipeline makes them; "tryon.garment" and "look.changed" are views of one artefact.
SHEET = (
    "photo", "cutout", "edges", "pose", "framing", "parse", "densepose", "agnostic",
    "garment_photo", "garment_edges", "garment", "tryon.garment", "tryon", "look", "look.changed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of the sheet with its caption."""

    caption: str
    picture: U8


def contact_sheet(workspace: Workspace, look_id: str, side: int = TILE_PX) -> U8:
    """Return all intermediates of a look on one sheet, uint8 RGB; what was cleared from disk is made again.

    Args:
        side: the longer side of each picture in pixels.
    """
    look = workspace.library.look(look_id)
    return lay_out(_title(workspace, look), list(_tiles(workspace, look_id, side)), side)


def _title(workspace: Workspace, look: LookRow) -> str:
    record = workspace.library.look_record(look.id)
    made = f"{look.engine} · {look.recipe_name} · confidence {look.confidence.score:.2f} · {look.duration_s:.1f} s"
    return f"{look.name}   ({made} · {len(record.models)} models)"


def _tiles(workspace: Workspace, look_id: str, side: int) -> Iterator[Tile]:
    photos = {
        "model": workspace.artefact(look_id, "photo"),
        "garment": workspace.artefact(look_id, "garment_photo"),
    }
    for slot in SHEET:
        name, _, view = slot.partition(".")
        photo = cast(Photo, photos["garment" if name.startswith("garment") else "model"])
        picture = render_artefact(workspace.artefact(look_id, name), photo, side, view)
        yield Tile(slot.replace("_", " ").replace(".", ": "), picture)


def render_artefact(artefact: Artefact, photo: Photo, side: int, view: str = "") -> U8:
    """Return a picture of an artefact, uint8 RGB, longer side at most `side`.

    Args:
        photo: what it was made from.
        view: "garment" of a try-on is the warped garment; "changed" of a look marks the edit mask.
    """
    drawers: dict[type, Callable[[], U8]] = {
        Photo: lambda: shrink(cast(Photo, artefact).rgb8, side),
        Cutout: lambda: _cutout(cast(Cutout, artefact), side),
        Pose: lambda: _pose(cast(Pose, artefact), photo, side),
        Framing: lambda: _framing(cast(Framing, artefact), photo, side),
        ParseMap: lambda: _labels(cast(ParseMap, artefact).labels, cast(ParseMap, artefact).scheme, side),
        DensePoseMap: lambda: _densepose(cast(DensePoseMap, artefact), side),
        Agnostic: lambda: shrink(cast(Agnostic, artefact).image, side),
        Garment: lambda: _garment(cast(Garment, artefact), photo, side),
        TryOn: lambda: _tryon(cast(TryOn, artefact), side, view),
        Look: lambda: _look(cast(Look, artefact), side, view),
    }
    return drawers[type(artefact)]()


def _rounded(values: F32) -> U8:
    rounded: U8 = np.rint(values).astype(np.uint8)
    return rounded


def _checkers(height: int, width: int) -> F32:
    y, x = np.mgrid[0:height, 0:width] // _SQUARE_PX
    return np.where((x + y) % 2 == 0, _LIGHT, _DARK).astype(np.float32)[..., None]


def _cutout(cutout: Cutout, side: int) -> U8:
    colours = shrink(cutout.foreground, side)
    alpha = cv2.resize(cutout.alpha, (colours.shape[1], colours.shape[0]), interpolation=cv2.INTER_AREA)[..., None]
    placed = colours * alpha + _checkers(*colours.shape[:2]) * (1 - alpha)
    return _rounded(placed)


def _dimmed(photo: Photo, side: int) -> tuple[U8, float]:
    """Return the photo, small and paled, and the scale from photo pixels to it."""
    small = shrink(photo.rgb8, side)
    paled = 255 - (255 - small.astype(np.float32)) * _DIMMED
    return _rounded(paled), small.shape[1] / photo.size[0]


def _pose(pose: Pose, photo: Photo, side: int) -> U8:
    from studio.pipeline.pose_io import render_pose, to_body25

    canvas, scale = _dimmed(photo, side)
    rows = to_body25(pose).copy()
    rows[:, :2] *= scale
    sticks = render_pose(rows, (canvas.shape[1], canvas.shape[0]))
    drawn = sticks.any(axis=2)
    canvas[drawn] = sticks[drawn]
    return canvas


def _framing(framing: Framing, photo: Photo, side: int) -> U8:
    scale = side / max(framing.canvas_size)
    size = (round(framing.canvas_size[0] * scale), round(framing.canvas_size[1] * scale))
    warped = cv2.warpAffine(
        photo.rgb8, framing.matrix * scale, size, flags=cv2.INTER_AREA, borderValue=list(framing.fill)
    )
    return cast(U8, warped)


def _labels(labels: U8, scheme: LabelScheme, side: int) -> U8:
    height, width = labels.shape
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    return cast(U8, palette(scheme)[small])


def _densepose(densepose: DensePoseMap, side: int) -> U8:
    # A hue for each part, its lightness by U and V: enough to see left from right and where the surface turns.
    parts = np.arange(_PARTS, dtype=np.uint8)
    hues = np.stack([parts * 7, np.full_like(parts, 200), np.full_like(parts, 255)], axis=1)
    colours = cv2.cvtColor(hues[None], cv2.COLOR_HSV2RGB)[0]
    colours[0] = 0
    shade = 0.45 + 0.35 * densepose.u + 0.2 * densepose.v
    drawn = colours[np.minimum(densepose.index, _PARTS - 1)] * shade[..., None]
    return shrink(_rounded(drawn), side)


def _garment(garment: Garment, photo: Photo, side: int) -> U8:
    canvas, scale = _dimmed(photo, side)
    vertices = np.rint(garment.mesh.vertices * scale).astype(np.int32)
    for face in garment.mesh.faces:
        cv2.polylines(canvas, [vertices[face.astype(np.int32)]], True, _MESH_COLOUR, 1, cv2.LINE_AA)
    for x, y in garment.landmarks.values():
        cv2.circle(canvas, (round(x * scale), round(y * scale)), 4, _LANDMARK_COLOUR, -1, cv2.LINE_AA)
    return canvas


def _tryon(tryon: TryOn, side: int, view: str) -> U8:
    if view != "garment":
        return shrink(tryon.image, side)
    garment = shrink(tryon.warped_garment, side)
    mask = cv2.resize(tryon.warped_mask, (garment.shape[1], garment.shape[0]), interpolation=cv2.INTER_AREA)[..., None]
    return _rounded(garment * mask + _checkers(*garment.shape[:2]) * (1 - mask))


def _look(look: Look, side: int, view: str) -> U8:
    pixels = look.pixels if look.pixels.dtype == np.uint8 else (look.pixels // 257).astype(np.uint8)
    small = shrink(cast(U8, pixels), side)
    if view != "changed":
        return small
    mask = cv2.resize(look.edit_mask, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    share = mask.astype(np.float32)[..., None] / 255 * 0.5
    return _rounded(small * (1 - share) + np.array(_CHANGED_COLOUR, np.float32) * share)


def lay_out(title: str, tiles: list[Tile], side: int) -> U8:
    """Return the tiles in rows on paper, each with its caption."""
    cell_width = max(tile.picture.shape[1] for tile in tiles) + MARGIN_PX
    cell_height = max(tile.picture.shape[0] for tile in tiles) + CAPTION_PX + MARGIN_PX
    rows = -(-len(tiles) // COLUMNS)
    columns = min(COLUMNS, len(tiles))
    head = CAPTION_PX + 2 * MARGIN_PX
    sheet = Image.new("RGB", (columns * cell_width + MARGIN_PX, head + rows * cell_height + MARGIN_PX), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN_PX, MARGIN_PX), title, INK, _font("Pretendard-SemiBold.otf", 22))
    font = _font("Pretendard-Regular.otf", 17)
    for number, tile in enumerate(tiles):
        x = MARGIN_PX + number % COLUMNS * cell_width
        y = head + number // COLUMNS * cell_height
        sheet.paste(Image.fromarray(tile.picture), (x, y))
        draw.text((x, y + tile.picture.shape[0] + 6), tile.caption, INK, font)
    return np.asarray(sheet).copy()


def _font(name: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    file = resource_path("fonts", name)
    return ImageFont.truetype(str(file), size) if file.is_file() else ImageFont.load_default(size)
