"""From meshes to pixels: dense maps per layer on the working raster, sampled from the native garment photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from studio.domain.arrays import F32, F64, U8, U16, Bool
from studio.domain.artefacts import Cutout, Garment, Neckline
from studio.pipeline.garments.purge import reduce_cutout
from studio.pipeline.garments.sheer import Sheer
from studio.pipeline.planes import window_around
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.endings import neckline_points
from studio.pipeline.tryon.draping.fields import BodyFields, before_back
from studio.pipeline.tryon.draping.hoods import has_hood
from studio.pipeline.tryon.draping.rim import surround
from studio.pipeline.tryon.draping.targets import COLLAR, LEFT_SLEEVE, RIGHT_SLEEVE, TORSO

MARGIN = 12
"""Working pixels by which a layer's map reaches beyond its mesh, so that the photo's own alpha ends the cloth."""
MARGIN_FADE, _BEYOND = 5, 6
SOFT_EDGE = 2.5
"""Working pixels by which a sleeve's cloth may reach beyond its mesh where the torso lies below it."""
OVERLAP_COLUMNS = 0.25
"""How far, in shares of the torso's half-width, a sleeve's layer reaches over the torso to hide the seam."""
OVERLAP_ROWS = 0.08
"""Over which share of the torso's length, above the armpit, that overlap runs out."""
SOURCE_SIDE = 700
"""Longer side of the raster on which the garment photo's pixels are told apart by part."""
ENLARGED, BLOTCH, BLOTCH_PX = 0.6, 12.0, 5.0
"""A garment photo with fewer pixels than this per pixel of the look is seen enlarged, its compression with it: colours
that differ by less (Lab steps of 8 bits) are made even over so many of its pixels."""
ROUND = 8
"""How many points of a curve are drawn for each that is known."""
COARSER, SQUEEZED = 4, (2.0, 4.0)
"""Where so many pixels of the ready photo, from and to, come to lie on one of the look it is taken from a raster so
many times coarser."""
FINER = 4
"""How much finer the edge between the front and the back's inside is drawn on it."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerMap:
    """Where each working pixel of one layer comes from.

    x, y: float32 `(h, w)`, garment photo pixels. weight: float32, 0 outside the layer. source: which source pixels
    count. squeezed: 0..1, where its pixels would be picked here and there; None: nowhere.
    """

    name: str
    x: F32
    y: F32
    weight: F32
    source: F32
    squeezed: F32 | None = None


def build_layers(garment: Garment, vertices: F64, size: tuple[int, int]) -> tuple[LayerMap, ...]:
    """Return the layers back to front: inner back collar, front of torso and collar, sleeves.

    vertices: the mesh on the working raster of `size`, (width, height).
    """
    mesh = garment.mesh
    face_part = mesh.part[mesh.faces].max(axis=1)
    trunk = (face_part == TORSO) | (face_part == COLLAR)
    source_faces = find_source_faces(garment)
    source_parts = face_part[source_faces]
    inner = _inner_collar(garment, source_parts.shape)
    if has_hood(garment):  # worn, it lies behind the neck
        inner = np.maximum(inner, (source_parts == COLLAR).astype(np.float32))
    own = np.isin(source_parts, (TORSO, COLLAR)).astype(np.float32)
    if has_hood(garment):  # it lies behind the front, whose cloth is not to end where the hood begins
        trunk = face_part == TORSO
    base = dense_map(mesh.vertices, vertices, mesh.faces[trunk], np.ones(len(mesh.part)), size)
    back = base
    # Between open panels the inside of the back is seen behind the neck only.
    if garment.neckline is Neckline.OPEN or has_hood(garment):
        back = dense_map(mesh.vertices, vertices, mesh.faces[face_part == COLLAR], np.ones(len(mesh.part)), size)
    layers = [
        LayerMap("inner", *back, soften(own * inner)),
        LayerMap("front", *base, soften(own * (1 - inner))),
    ]
    for part, side, name in ((LEFT_SLEEVE, -1, "left_sleeve"), (RIGHT_SLEEVE, 1, "right_sleeve")):
        if not (face_part == part).any():
            continue
        reach = np.where(mesh.part == TORSO, np.clip(1 - (1 - mesh.across * side) / OVERLAP_COLUMNS, 0, 1), 0.0)
        armpit = _armpit_along(garment, side)
        reach[mesh.part == part] = 1.0
        runs_out = np.clip((armpit - mesh.along) / OVERLAP_ROWS, 0.0, 1.0)
        on_seam = (np.abs(mesh.across - side) < 1e-3) & (mesh.along < armpit + 1e-3)
        reach *= np.where((mesh.part == TORSO) & ~on_seam, runs_out, 1.0)
        chosen = (face_part == part) | ((face_part == TORSO) & (reach[mesh.faces] > 0).all(axis=1))
        # Below the armpit the torso is no sleeve's: where one lay close to it, a strip of it would come along.
        cloth = (face_part == part) | ((face_part == TORSO) & (reach[mesh.faces] > 0).any(axis=1))
        x, y, weight = dense_map(mesh.vertices, vertices, mesh.faces[chosen], reach, size)
        weight *= _before_torso(
            vertices, (mesh.faces[face_part == part], mesh.faces[chosen]), mesh.faces[face_part == TORSO], size
        )
        layers.append(LayerMap(name, x, y, weight, soften(cloth[source_faces].astype(np.float32))))
    return tuple(layers)


def _before_torso(vertices: F64, sleeve: tuple[U16, U16], torso: U16, size: tuple[int, int]) -> F32:
    """Return 0 where what a sleeve's layer has is no sleeve: on the background nearer to the torso, and on the torso
    beyond the layer's own mesh and its soft edge.

    sleeve: its faces, and those of its whole layer.
    """
    apart = [_draw_faces(vertices, faces, size) == 0 for faces in (*sleeve, torso)]
    to_sleeve, to_layer, to_torso = (
        cv2.distanceTransform(outside.astype(np.uint8), cv2.DIST_L2, 5) for outside in apart
    )
    nearer = np.clip((to_torso - to_sleeve) / 2 + 0.5, 0.0, 1.0)
    over = np.clip((SOFT_EDGE - to_layer) / 2 + 0.5, 0.0, 1.0)
    before: F32 = np.where(apart[0] & apart[2], nearer, np.where(apart[1], over, 1.0)).astype(np.float32)
    return before


def shift_layers(layers: tuple[LayerMap, ...], by: F32, way: F64) -> tuple[LayerMap, ...]:
    """Return the layers with their cloth moved, `by` pixels at each, along a unit vector of the picture."""
    window = window_around(by != 0, 0)
    if not by[window].size:
        return layers
    rows, columns = (np.arange(part.start, part.stop, dtype=np.float32) for part in window)
    x = columns[None] - by[window] * np.float32(way[0])
    y = rows[:, None] - by[window] * np.float32(way[1])

    def move(plane: F32) -> F32:
        moved = plane.copy()
        moved[window] = cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return moved

    return tuple(replace(layer, x=move(layer.x), y=move(layer.y), weight=move(layer.weight)) for layer in layers)


def end_at_waist(layers: tuple[LayerMap, ...], swallowed: F32 | None) -> tuple[LayerMap, ...]:
    """Return the layers with the front ended where a waistband swallows it, beside the hips too."""
    if swallowed is None:
        return layers
    return tuple(
        replace(layer, weight=(layer.weight * (1 - swallowed)).astype(np.float32)) if layer.name == "front" else layer
        for layer in layers
    )


def end_behind_back(layers: tuple[LayerMap, ...], body: Body, fields: BodyFields) -> tuple[LayerMap, ...]:
    """Return the layers with a hidden arm's sleeve ended where it goes behind the back."""
    ended = []
    for layer in layers:
        for number, name in enumerate(("left_sleeve", "right_sleeve")):
            if layer.name == name and body.arms[number].hidden:
                seen = layer.weight * before_back(body, fields, number)
                layer = replace(layer, weight=seen.astype(np.float32))
        ended.append(layer)
    return tuple(ended)


def _armpit_along(garment: Garment, side: int) -> float:
    """Return the torso row on which the armpit lies, as the share down the torso."""
    mesh = garment.mesh
    name = "armpit_left" if side < 0 else "armpit_right"
    distance = np.hypot(*(mesh.vertices - np.array(garment.landmarks[name], np.float32)).T)
    distance[mesh.part != TORSO] = np.inf
    return float(mesh.along[int(np.argmin(distance))])


def _draw_faces(points: F64, faces: U16, size: tuple[int, int]) -> F32:
    """Return, per pixel, the index of the face that covers it plus one; 0 where none does."""
    canvas = np.zeros((size[1], size[0]), np.float32)
    fixed = np.round(points * 16).astype(np.int32)
    for number, face in enumerate(faces, start=1):
        cv2.fillConvexPoly(canvas, fixed[face], float(number), shift=4)
    return canvas


def _affines(source: F64, target: F64, faces: U16) -> F64:
    """Return `(F, 2, 3)`: the affine map of each face from target to source."""
    corners = np.concatenate([target[faces], np.ones((len(faces), 3, 1))], axis=2)
    corners[:, :, 2] += 0.0
    spread = np.abs(np.linalg.det(corners))
    corners[spread < 1e-6] += np.eye(3)[None] * 1e-3
    maps: F64 = np.linalg.solve(corners, source[faces].astype(np.float64)).transpose(0, 2, 1)
    return maps


def dense_map(source: F32, target: F64, faces: U16, reach: F64, size: tuple[int, int]) -> tuple[F32, F32, F32]:
    """Return (x, y, weight) per pixel: inside the mesh by its faces, in a margin around it by the nearest face."""
    drawn = _draw_faces(target, faces, size)
    window = window_around(drawn > 0, MARGIN + _BEYOND)
    number = drawn[window]
    covered = number > 0
    maps = _affines(source.astype(np.float64), target, faces)
    # What lies beside the mesh goes on evenly: face by face, neighbours would tear it.
    ring = surround(source, target, faces, maps, MARGIN + 2)
    around = _draw_faces(ring.target, ring.faces, size)[window]
    number = np.where(covered, number, np.where(around > 0, around + len(faces), 0))
    reach = np.concatenate([reach, np.where(reach[ring.base] > 0.999, 1.0, 0.0)])
    maps = np.concatenate([maps, _affines(ring.source, ring.target, ring.faces)])
    faces, target = np.concatenate([faces, ring.faces]), ring.target
    distance = cv2.distanceTransform((~covered).astype(np.uint8), cv2.DIST_L2, 5)
    covered = number > 0
    _, nearest = cv2.distanceTransformWithLabels(
        (~covered).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    owners = np.zeros(int(nearest.max()) + 1, np.float32)
    owners[nearest[covered]] = number[covered]
    filled = np.where(covered, number, owners[nearest]).astype(np.int32) - 1
    weights = _affines(np.stack([reach, reach], -1), target, faces)[:, 0]
    grid_x = np.arange(size[0], dtype=np.float32)[None, window[1]]
    grid_y = np.arange(size[1], dtype=np.float32)[window[0], None]
    chosen = np.maximum(filled, 0)
    planes = []
    for coefficients in (maps[:, 0], maps[:, 1], weights):
        table = coefficients.astype(np.float32)
        planes.append(table[chosen, 0] * grid_x + table[chosen, 1] * grid_y + table[chosen, 2])
    # Fur and fringes reach farther than that: they fade out, they are not cut.
    fading = np.clip((MARGIN - distance) / MARGIN_FADE, 0.0, 1.0)
    x, y = _smooth_inside((planes[0], planes[1]), distance <= MARGIN)
    result = [np.zeros((size[1], size[0]), np.float32) for _ in range(3)]
    for whole, part in zip(result, (x, y, np.clip(planes[2], 0.0, 1.0) * fading), strict=True):
        whole[window] = part
    return result[0], result[1], result[2]


def _smooth_inside(planes: Sequence[F32], near: Bool) -> list[F32]:
    """Round off the kinks between faces: a blur that sees the layer's own pixels only."""
    inside = near.astype(np.float32)
    share = np.maximum(cv2.GaussianBlur(inside, (0, 0), 2.0), 1e-6)
    core = cv2.erode(near.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return [np.where(core, cv2.GaussianBlur(plane * inside, (0, 0), 2.0) / share, plane) for plane in planes]


def split_source(garment: Garment, face_part: U8) -> U8:
    """Return, on a reduced raster of the garment photo, the part that each pixel belongs to."""
    parts: U8 = face_part[find_source_faces(garment)].astype(np.uint8)
    return parts


def find_source_faces(garment: Garment) -> npt.NDArray[np.int32]:
    """Return, on a reduced raster of the garment photo, the face that each pixel belongs to."""
    width, height = garment.photo_size
    scale = SOURCE_SIDE / max(width, height)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    points = (garment.mesh.vertices.astype(np.float64) + 0.5) * scale - 0.5
    number = _draw_faces(points, garment.mesh.faces, size).astype(np.int32)
    covered = number > 0
    _, nearest = cv2.distanceTransformWithLabels(
        (~covered).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    owners = np.zeros(int(nearest.max()) + 1, np.int32)
    owners[nearest[covered]] = number[covered]
    filled = np.where(covered, number, owners[nearest]) - 1
    faces: npt.NDArray[np.int32] = np.maximum(filled, 0).astype(np.int32)
    return faces


def soften(plane: F32) -> F32:
    softened: F32 = cv2.GaussianBlur(plane.astype(np.float32), (0, 0), 0.6)
    return softened


def _inner_collar(garment: Garment, shape: tuple[int, ...]) -> F32:
    """Return 1 on the inside of the back that shows above the front neckline."""
    line = neckline_points(garment)
    if len(line) < 3:
        return np.zeros(shape, np.float32)
    # Drawn finer than it is kept, so that the cloth's edge has no steps.
    plane = np.zeros((FINER * shape[0], FINER * shape[1]), np.float32)
    scale = FINER * SOURCE_SIDE / max(garment.photo_size)
    first, last = line[0] * 2 - line[1], line[-1] * 2 - line[-2]
    line = rounded(line)
    up = np.array([0.0, -float(max(garment.photo_size))])
    polygon = np.concatenate([[first + up], [first], line, [last], [last + up]])
    cv2.fillPoly(plane, [np.round(((polygon + 0.5) * scale - 0.5) * 16).astype(np.int32)], 1.0, shift=4)
    drawn: F32 = cv2.resize(plane, (shape[1], shape[0]), interpolation=cv2.INTER_AREA).astype(np.float32)
    return drawn


def rounded(line: F64) -> F64:
    """Return a curve through points, without overshoot: the straight pieces between them would cut its corners."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    kept = np.concatenate([[True], steps > 1e-6])
    far = np.concatenate([[0.0], np.cumsum(steps)])[kept]
    curve: F64 = PchipInterpolator(far, line[kept])(np.linspace(0.0, far[-1], ROUND * len(far)))
    return curve


@dataclass(frozen=True, slots=True, eq=False)
class ClothSource:
    """The garment photo made ready for sampling at a known reduction (a pyramid level, so that nothing aliases).

    coarse: its rgb and alpha reduced once more, by `COARSER`, for cloth that is squeezed together. sheer: how far cloth
    is seen through, 0..1, on the same two rasters; None: nowhere.
    """

    rgb: U8
    alpha: F32
    scale: float
    photo_size: tuple[int, int]
    coarse: tuple[U8, F32] | None = None
    sheer: tuple[F32, F32] | None = None


def prepare_source(photo: U8, cutout: Cutout, garment_per_pixel: float, sheer: Sheer | None = None) -> ClothSource:
    """Reduce the garment photo to about the result's density.

    garment_per_pixel: garment pixels per native pixel. sheer: what of the garment is seen through.
    """
    cutout = cutout if sheer is None else sheer.cutout
    height, width = cutout.alpha.shape
    scale = min(1.0, 1.0 / max(garment_per_pixel, 1e-6))
    if scale <= 0.8:
        size = (max(8, round(width * scale)), max(8, round(height * scale)))
        photo, cutout = reduce_cutout(photo, cutout, size)
    elif scale * garment_per_pixel < ENLARGED:
        sharp = _sharpen_outline(cutout.alpha, scale * garment_per_pixel)
        cutout = Cutout(sharp, _calm_colours(cutout.foreground))
    size = (max(2, cutout.alpha.shape[1] // COARSER), max(2, cutout.alpha.shape[0] // COARSER))
    coarse = reduce_cutout(cutout.foreground, cutout, size)[1]
    scale = cutout.alpha.shape[1] / width
    source = ClothSource(cutout.foreground, cutout.alpha, scale, (width, height), (coarse.foreground, coarse.alpha))
    if sheer is None:
        return source
    rasters = (cutout.alpha.shape, coarse.alpha.shape)
    fine, even = (cv2.resize(sheer.clear, shape[::-1], interpolation=cv2.INTER_AREA) for shape in rasters)
    return replace(source, sheer=(fine, even))


def _sharpen_outline(alpha: F32, density: float) -> F32:
    """Return a small photo's alpha with an edge that, enlarged, is as sharp as an edge of the look.

    density: its pixels per pixel of the look. Enlarged, an edge of two pixels is a halo of six.
    """
    smooth = cv2.GaussianBlur(alpha, (0, 0), 0.8)
    sharp: F32 = np.clip((smooth - 0.5) * np.float32(1 / max(density, 0.25)) + 0.5, 0.0, 1.0)
    return sharp


def _calm_colours(rgb: U8) -> U8:
    """Return a small photo without the blotches of colour that compression left; what differs plainly stays."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
    # Blotches are coarse: half the pixels show them. What is changed there is what is carried back.
    half = (max(1, rgb.shape[1] // 2), max(1, rgb.shape[0] // 2))
    colours = cv2.resize(np.ascontiguousarray(lab[..., [1, 2, 2]]), half, interpolation=cv2.INTER_AREA)
    calm = cv2.bilateralFilter(colours, 0, BLOTCH, BLOTCH_PX / 2).astype(np.float32) - colours
    change = cv2.resize(calm, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)[..., :2]
    lab[..., 1:] = np.clip(np.round(lab[..., 1:] + change), 0, 255).astype(np.uint8)
    calmed: U8 = np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)
    return calmed


def reduce_source(source: ClothSource, maps: Sequence[LayerMap], step: int) -> ClothSource:
    """Return the source at the density of every `step`-th working pixel: a coarse look at it that does not alias."""
    finest = min((_garment_pixels(layer) for layer in maps), default=1.0)
    factor = 1.0 / max(finest * source.scale * step, 1e-6)
    if factor > 0.8:
        return source
    size = (max(8, round(source.alpha.shape[1] * factor)), max(8, round(source.alpha.shape[0] * factor)))
    rgb = np.asarray(cv2.resize(source.rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    alpha = np.asarray(cv2.resize(source.alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    return ClothSource(rgb, alpha, size[0] / source.photo_size[0], source.photo_size)


def _garment_pixels(layer: LayerMap) -> float:
    """Return how many garment photo pixels one working pixel of a layer spans, in the middle."""
    rows = np.s_[::8]
    inside = layer.weight[rows, :-1] > 0.5
    if not inside.any():
        return 1.0
    step = np.hypot(np.diff(layer.x[rows], axis=1), np.diff(layer.y[rows], axis=1))
    return float(np.median(step[inside]))


def sample_coverage(source: ClothSource, layer: LayerMap) -> F32:
    """Return one layer's alpha on the raster of its own map."""
    window = window_around(layer.weight > 0, 0)
    coverage = np.zeros_like(layer.weight)
    x, y = layer.x[window] + np.float32(0.5), layer.y[window] + np.float32(0.5)
    if not x.size:
        return coverage
    sx, sy = x * source.scale - 0.5, y * source.scale - 0.5
    alpha = cv2.remap(source.alpha, sx, sy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    reduced = layer.source.shape[1] / source.photo_size[0]
    px, py = x * reduced - 0.5, y * reduced - 0.5
    belongs = cv2.remap(layer.source, px, py, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    coverage[window] = alpha * belongs * layer.weight[window]
    return coverage


def sample_layer(source: ClothSource, layer: Sequence[F32], part: F32, squeezed: F32 | None = None) -> tuple[F32, F32]:
    """Return (rgb 0..255, alpha) of one layer; layer: its x, y and weight on the wanted raster; part: source mask.

    squeezed: see `LayerMap`, on that raster.
    """
    x, y, weight = layer
    sx = (x + 0.5) * source.scale - 0.5
    sy = (y + 0.5) * source.scale - 0.5
    rgb = cv2.remap(source.rgb, sx, sy, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    alpha = cv2.remap(source.alpha, sx, sy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    if source.coarse is not None and squeezed is not None and squeezed.any():
        fine = [size / less for size, less in zip(source.alpha.shape, source.coarse[1].shape, strict=True)]
        cx, cy = (sx + 0.5) / fine[1] - 0.5, (sy + 0.5) / fine[0] - 0.5
        even = cv2.remap(source.coarse[0], cx, cy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        thin = cv2.remap(source.coarse[1], cx, cy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        rgb, alpha = rgb + (even - rgb) * squeezed[..., None], alpha + (thin - alpha) * squeezed
    reduced = part.shape[1] / source.photo_size[0]
    px, py = (x + 0.5) * reduced - 0.5, (y + 0.5) * reduced - 0.5
    belongs = cv2.remap(part, px, py, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return rgb, alpha * belongs * weight


def sample_sheer(source: ClothSource, x: F32, y: F32, squeezed: F32 | None = None) -> F32 | None:
    """Return how far a layer's cloth is seen through; None where it is not. x, y, squeezed: as for `sample_layer`."""
    if source.sheer is None:
        return None
    planes = []
    for plane in source.sheer:
        sx, sy = ((at + 0.5) * (side / full) - 0.5 for at, side, full in zip(
            (x, y), plane.shape[::-1], source.photo_size, strict=True
        ))  # fmt: skip
        planes.append(cv2.remap(plane, sx, sy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0))
    seen: F32 = planes[0] if squeezed is None else planes[0] + (planes[1] - planes[0]) * squeezed
    return seen if seen.any() else None


def find_squeezed(layers: Sequence[LayerMap], source: ClothSource, density: float) -> tuple[LayerMap, ...]:
    """Return the layers with where their cloth is squeezed together. density: working pixels per native pixel."""
    found = []
    for layer in layers:
        window = window_around(layer.weight > 0, 2)
        steps = [np.gradient(plane[window]) for plane in (layer.x, layer.y)]
        most = np.maximum(np.hypot(steps[0][0], steps[1][0]), np.hypot(steps[0][1], steps[1][1]))
        share = (most * np.float32(source.scale * density) - SQUEEZED[0]) / (SQUEEZED[1] - SQUEEZED[0])
        share = np.clip(share, 0.0, 1.0) * (layer.weight[window] > 0)
        if not share.any():
            found.append(layer)
            continue
        whole = np.zeros(layer.weight.shape, np.float32)
        whole[window] = cv2.GaussianBlur(share.astype(np.float32), (0, 0), 1.0)
        found.append(replace(layer, squeezed=whole))
    return tuple(found)
