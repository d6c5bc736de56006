"""Paired evaluation without leaks: the person as published engines see it, and nothing else.

The person in a paired photo already wears the garment. What the engine may know is rebuilt on the working canvas from
the agnostic image, the parse agnostic, the pose and DensePose; neither pixels nor outline under the mask are read.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.artefacts import Cutout, NativePatch, ParseMap, PersonArtefacts, Photo, Pose
from studio.domain.geometry import Framing
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.fill import fill_evenly, smooth_known

GREY = 128
"""The colour that agnostic images are masked with."""
_KEPT = (Cihp.HAIR, Cihp.FACE, Cihp.HAT, Cihp.SUNGLASSES, Cihp.TROUSERS, Cihp.SKIRT)
_SKIN = (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.NECK, Cihp.FACE)
_LEAST_HAIR = 100
_LONGEST_STRAND, _WHOLE = 60, 0.75
"""How far above the mask seen hair is looked for, canvas pixels, and what share of a row's hair must be seen there."""
_STRAND, _STRETCH = 8.0, 5.0
"""What is broader than this, canvas pixels, is the hair's tone and light; strands are finer. Drawn out so many times at
most they run on without a kink where they turn; curls, as long as they are broad, are not drawn out.
"""
_FRAYS = 6.0
"""Over so many rows the edges of hair are smoothed: strands do not follow its label's frays."""


def masked_area(person: PersonArtefacts) -> Bool:
    """Return where the agnostic image is masked: `(1024, 768)`."""
    grey = np.abs(person.agnostic.image.astype(np.int16) - GREY).max(axis=2) <= 3
    area: Bool = grey & ~np.isin(person.agnostic.labels, _KEPT)
    opened: Bool = cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return opened


def agnostic_person(person: PersonArtefacts) -> PersonArtefacts:
    """Return the person on the working canvas as the agnostic inputs show it; the masked area is labelled UPPER."""
    labels = person.agnostic.labels.copy()
    hidden = masked_area(person)
    labels[hidden] = Cihp.UPPER
    body = (person.densepose.index > 0) | ((labels > 0) & ~hidden)
    alpha = cv2.GaussianBlur(body.astype(np.float32), (0, 0), 0.8)
    image = _without_grey(person.agnostic.image, labels, body)
    identity = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    return replace(
        person,
        photo=Photo(image, person.photo.source_sha256, person.photo.name),
        cutout=Cutout(np.asarray(alpha, np.float32), image),
        pose=_on_canvas(person.pose, person.framing),
        framing=Framing(identity, person.framing.canvas_size, person.framing.fill, person.framing.canvas_size),
        parse=ParseMap(labels),
    )


def _without_grey(image: U8, labels: U8, body: Bool) -> U8:
    """Fill the mask's grey by what is seen of each kind: hair by hair, the body by skin, all else by the background.

    The engine paints over most of it; where it paints nothing, no grey may stand in the picture.
    """
    grey = np.abs(image.astype(np.int16) - GREY).max(axis=2) <= 3
    grey = cv2.morphologyEx(grey.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    filled = image.astype(np.float32)
    hidden = cv2.dilate(grey.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0  # the mask's edge is half grey
    hair, skin = labels == Cihp.HAIR, np.isin(labels, _SKIN)
    for part, area in ((~body, hidden), (skin, hidden & body)):
        seen = cv2.erode((part & ~grey).astype(np.uint8), np.ones((7, 7), np.uint8)).astype(np.float32)
        if seen.sum() > 100:
            filled[area] = fill_evenly(image.astype(np.float32), seen)[area]
    seen_hair = cv2.erode((hair & ~grey).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    _continue_strands(filled, hair & hidden, seen_hair, labels == Cihp.FACE)
    return np.clip(np.round(filled), 0, 255).astype(np.uint8)


def _continue_strands(picture: F32, hidden: Bool, seen: Bool, face: Bool) -> None:
    """Fill hidden hair by the seen hair: its tone goes on without a step, its strands run on down their lock.

    Of the strands what lies at a share of the lock's width is taken from the same share of its width higher up, on
    either side of the head by itself, there and back again.
    """
    if seen.sum() <= _LEAST_HAIR or not hidden.any():
        return
    known = seen.astype(np.float32)
    tone = smooth_known(picture, known, _STRAND)
    strands = np.where(seen[..., None], picture - tone, np.float32(0))
    picture[hidden] = fill_evenly(tone, known)[hidden]
    middle = round(float(np.nonzero(face if face.any() else seen)[1].mean()))
    for side in (np.s_[:, :middle], np.s_[:, middle:]):
        _run_on(picture[side], strands[side], hidden[side], seen[side])


def _run_on(picture: F32, strands: F32, hidden: Bool, seen: Bool) -> None:
    """Add one side's strands, in place, where its hair is hidden: from its rows that are seen from edge to edge."""
    hair = hidden | seen
    whole_rows = hair.any(axis=1) & (seen.sum(axis=1) >= _WHOLE * hair.sum(axis=1))
    sources = np.flatnonzero(whole_rows)
    if sources.size == 0:
        return
    from_left, from_right = _edges(seen)
    left, right = _edges(hair)
    rows, drawn_out = np.arange(hair.shape[0]), _how_long(strands, seen)
    for row in np.flatnonzero(hidden.any(axis=1)):
        columns = np.flatnonzero(hidden[row])
        last = int(sources[sources <= row].max(initial=sources[0]))
        above = whole_rows[max(0, last - _LONGEST_STRAND) : last + 1][::-1]
        turn = max(1, int(np.argmin(above)) - 1 if not above.all() else len(above) - 1)
        there = (abs(int(row) - last) / drawn_out) % (2 * turn)
        source = last - min(there, 2 * turn - there)
        share = np.clip((columns - left[row]) / max(right[row] - left[row], 1), 0, 1)
        first, end = (np.interp(source, rows, edges) for edges in (from_left, from_right))
        place = np.stack([first + share * (end - first), np.full(share.shape, source)], -1).astype(np.float32)
        picture[row, columns] += cv2.remap(strands, place[None], None, cv2.INTER_LINEAR)[0]


def _how_long(strands: F32, seen: Bool) -> float:
    """Return how much longer than broad strands are, 1 for curls."""
    plane = strands.mean(axis=2)
    across, down = (
        np.abs(np.diff(plane, axis=axis))[np.minimum(*pair)].mean()
        for axis, pair in ((1, (seen[:, 1:], seen[:, :-1])), (0, (seen[1:], seen[:-1])))
    )
    return float(np.clip((across / max(float(down), 1e-3)) ** 4, 1.0, _STRETCH))


def _edges(mask: Bool) -> tuple[F64, F64]:
    """Return the first and the last column of a mask in each row, without its frays; both 0 where it has none."""
    some = mask.any(axis=1)
    weight = gaussian_filter1d(some.astype(np.float64), _FRAYS) + 1e-9
    edges = (mask.argmax(axis=1), mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1))
    first, last = (gaussian_filter1d(np.where(some, edge, 0.0), _FRAYS) / weight for edge in edges)
    return np.where(some, first, 0.0), np.where(some, last, 0.0)


def _on_canvas(pose: Pose, framing: Framing) -> Pose:
    def mapped(points: F32) -> F32:
        moved = points.copy()
        seen = points[:, 2] > 0
        moved[seen, :2] = framing.to_canvas(points[seen, :2].astype(np.float64)).astype(np.float32)
        return moved

    return Pose(mapped(pose.keypoints), mapped(pose.extra), framing.canvas_size, pose.people)


def patch_to_photo(patch: NativePatch, person: PersonArtefacts) -> NativePatch:
    """Lay a patch made on the canvas back into the photo it came from."""
    framing = person.framing
    width, height = framing.canvas_size
    where = patch.box.slices
    planes = [np.zeros((height, width), np.float32) for _ in range(3)]
    planes[0][where], planes[1][where] = patch.alpha, patch.body_alpha
    planes[2][where] = patch.garment.astype(np.float32) / 255
    pixels = np.zeros((height, width, 3), np.float32)
    pixels[where] = patch.pixels
    alpha, body, garment = (_back(plane, framing.inverse, person.photo.size) for plane in planes)
    native = _back(pixels, framing.inverse, person.photo.size)
    alpha = np.where(alpha > 0.999, 1.0, 0.0).astype(np.float32)
    return NativePatch(0, 0, np.round(native).astype(np.uint8), alpha, body, np.round(garment * 255).astype(np.uint8))


def _back(plane: F32, inverse: F64, size: tuple[int, int]) -> F32:
    moved: F32 = cv2.warpAffine(plane, inverse, size, flags=cv2.INTER_LINEAR)
    return moved
