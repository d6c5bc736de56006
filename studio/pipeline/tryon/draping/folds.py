"""Soft folds: those that the person's own plain cloth shows, and where it shows none, those that a pose must make.

All planes lie on the fold raster (every third working pixel) and are logarithms of linear light about zero. The
product photo's own folds stay as they are; where it has some, nothing is added to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, AnyArray, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import Body, Evidence
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.fill import fill_smoothly
from studio.pipeline.tryon.draping.shading import FLOOR, chroma, find_plain, log_luminance, to_linear

STEP = 3
FINE, BROAD = 0.013, 0.095
"""Folds are wider than the first and narrower than the second, in shoulder widths: between weave and body shape."""
SEEN_GAIN, SEEN_MOST = 1.4, 0.36
"""What the band filter takes from a fold is given back; and a seen fold's greatest depth."""
SHARP = 0.10
"""Log light per working pixel from which a change is a seam, a hem or a print, not a soft fold."""
MOST_UNDAMPED = 1.7
PRESENT = 0.05
"""Seen folds of this depth replace made ones."""
MOST_DRAWN_ON = 0.24
"""Cloth of which a larger share lies on or near prints, seams and edges tells nothing of its folds."""
MADE_DEPTH = 0.85
"""Depth of a made fold in loose cloth."""
MATT = np.float32(0.7)
"""Matt cloth gains less light on a fold's bright flank than it loses in its valley."""
LEAST_SIDE = 0.12
"""Even light from all sides leaves folds a bright and a dark flank."""
LEAST_CONTRAST = 1.6
"""A seen fold must stand this far above the grain of cloth and camera."""


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Folds on trunk and arms. trunk, arms (picture's left, right): log light about zero."""

    trunk: F32
    arms: tuple[F32, F32]


@dataclass(frozen=True, slots=True)
class Drape:
    """How the garment hangs. loose: 0 close to the body .. 1 wide. tuck: depth of the waistband that holds it.

    hem: depth of its lower edge. cuffs: where its sleeves end (0 shoulder .. 2 wrist); None without sleeves.
    seed: no two people fold alike; the same person in the same garment always does.
    """

    loose: float
    tuck: float | None
    hem: float
    cuffs: tuple[float, float] | None
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The body's coordinates on the fold raster."""

    x: F32
    y: F32
    lateral: F32
    depth: F32
    along: tuple[F32, F32]
    across: tuple[F32, F32]


def lay_ground(fields: BodyFields) -> Ground:
    """Return the coordinates of the fold raster; x and y are working pixels."""
    rows, columns = fields.shape
    y, x = np.mgrid[0:rows:STEP, 0:columns:STEP].astype(np.float32)
    cut = np.s_[::STEP, ::STEP]
    return Ground(
        x, y, fields.lateral[cut], fields.depth[cut],
        (fields.along[0][cut], fields.along[1][cut]), (fields.across[0][cut], fields.across[1][cut]),
    )  # fmt: skip


def band(plane: F32, weight: F32, size: float) -> F32:
    """Return what lies between weave and body shape in a plane of the fold raster; size: shoulder width there."""
    fine = _masked_blur(plane, weight, max(FINE * size, 0.6))
    return fine - _masked_blur(plane, weight, BROAD * size)


def _masked_blur(plane: F32, weight: F32, sigma: float) -> F32:
    total, share = cv2.GaussianBlur(plane * weight, (0, 0), sigma), cv2.GaussianBlur(weight, (0, 0), sigma)
    blurred: F32 = total / np.maximum(share, np.float32(1e-3))
    return blurred


def read_folds(body: Body, evidence: Evidence, removed: F32) -> tuple[F32, F32]:
    """Return (folds, how surely they are folds) that the old garment shows where it is plain."""
    height, width = evidence.alpha.shape
    shape = (-(-height // STEP), -(-width // STEP))
    nothing = np.zeros(shape, np.float32)
    if evidence.leak_free:
        return nothing, nothing
    size = body.size / STEP
    rgb = cv2.resize(evidence.rgb, shape[::-1], interpolation=cv2.INTER_AREA)
    linear = to_linear(rgb.astype(np.float32))
    luminance, colour = log_luminance(linear), chroma(linear)
    gone = np.ascontiguousarray(removed[::STEP, ::STEP]) > 0.9
    labels = np.ascontiguousarray(evidence.labels[::STEP, ::STEP])
    folds, sure = nothing.copy(), nothing.copy()
    for group in ((Cihp.UPPER, Cihp.DRESS), (Cihp.COAT,), (Cihp.TROUSERS, Cihp.SKIRT)):
        mask = np.isin(labels, group) & gone
        if mask.sum() < 0.05 * size * size:
            continue
        own, trust = _folds_of(luminance, colour, mask, size)
        folds += own
        sure = np.maximum(sure, trust)
    return folds, sure


def _folds_of(luminance: F32, colour: F32, mask: Bool, size: float) -> tuple[F32, F32]:
    plain = find_plain(luminance, colour, mask, round(0.05 * size))
    whole = float(np.clip((plain.share - 0.7) / 0.2, 0, 1))
    if whole == 0:
        return np.zeros_like(luminance), np.zeros_like(luminance)
    known = _known(luminance, plain.sure, mask, size)
    inside = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    deep = inside > 0.09 * size
    drawn_on = 1 - float(known[deep].mean()) if deep.any() else 1.0
    whole *= float(np.clip((MOST_DRAWN_ON - drawn_on) / 0.10, 0, 1))
    if whole == 0:
        return np.zeros_like(luminance), np.zeros_like(luminance)
    filled = fill_smoothly(np.dstack([luminance, np.ones_like(luminance)]), known + 1e-6)[..., 0]
    seen = band(filled, np.maximum(known, 1e-3 * mask.astype(np.float32)), size)
    kept = _above_grain(luminance, seen, known, size)
    seen *= kept
    # At its edge the old garment is rounded, hemmed and shaded by what lies beside it; what a print hides is guessed.
    away = cv2.distanceTransform((known < 0.3).astype(np.uint8), cv2.DIST_L2, 5)
    trust = np.clip(inside / (0.07 * size) - 0.5, 0, 1) * np.clip(1.8 - away / (0.04 * size), 0, 1) * whole
    trust = cv2.GaussianBlur(trust.astype(np.float32), (0, 0), 0.03 * size)
    # In dark cloth the floor of the logarithm has damped the folds.
    middle = float(np.exp(np.median(luminance[mask])))
    seen = seen * np.float32(min(middle / max(middle - FLOOR, 1e-3), MOST_UNDAMPED))
    folds: F32 = SEEN_MOST * np.tanh(SEEN_GAIN / SEEN_MOST * seen) * trust
    # Cloth that shows no fold at all says nothing against those that a pose makes.
    strong = np.sqrt(cv2.GaussianBlur(folds * folds, (0, 0), 0.09 * size)) / np.float32(PRESENT)
    return folds, trust * np.clip(strong, 0, 1)


def _above_grain(luminance: F32, seen: F32, known: F32, size: float) -> F32:
    """Return 0 where what was seen is no stronger than the cloth's grain would be after the same smoothing, else 1."""
    chosen = known > 0.5
    if not chosen.any():
        return known
    grain = luminance - cv2.GaussianBlur(luminance, (0, 0), 1.0)
    # A weave's or a file's grain is coarser than white noise: smoothing leaves about a third of it.
    left = LEAST_CONTRAST * 0.33 * 1.48 * float(np.median(np.abs(grain[chosen])))
    energy = cv2.GaussianBlur(seen * seen * known, (0, 0), 0.04 * size)
    energy = energy / np.maximum(cv2.GaussianBlur(known, (0, 0), 0.04 * size), np.float32(1e-3))
    kept = np.maximum(1 - np.float32(left * left) / np.maximum(energy, np.float32(1e-9)), 0)
    strong: F32 = (kept * _drawn_out(seen * known, 0.035 * size)).astype(np.float32)
    return strong


def _drawn_out(plane: F32, sigma: float) -> F32:
    """Return 1 where the plane runs in one direction as folds do, 0 where it is spotted.

    Source: Bigun and Granlund, "Optimal Orientation Detection of Linear Symmetry", ICCV 1987 (structure tensor).
    """
    dx, dy = cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.GaussianBlur(product, (0, 0), sigma) for product in (dx * dx, dy * dy, dx * dy))
    along = np.hypot(xx - yy, 2 * xy) / np.maximum(xx + yy, np.float32(1e-9))
    drawn: F32 = np.clip((along - 0.3) / 0.35, 0, 1).astype(np.float32)
    return drawn


def _known(luminance: F32, sure: F32, mask: Bool, size: float) -> F32:
    """Return 1 on plain cloth away from prints, seams and hard edges, 0 on and near them."""
    soft = cv2.GaussianBlur(luminance, (0, 0), 0.8)
    across = np.hypot(cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=0.125))
    hard = ((across > SHARP * STEP) | (sure < 0.35)) & mask
    # Lone pixels are noise; a line or an area of them is drawn on the cloth.
    spread = cv2.blur(hard.astype(np.float32), (3, 3)) > 0.3
    reach = 2 * max(1, round(0.03 * size)) + 1
    near = cv2.dilate(spread.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    known: F32 = (mask & (near == 0)).astype(np.float32)
    return known


def make_folds(body: Body, ground: Ground, drape: Drape, light: F64) -> Folds:
    """Return the folds that pose and cut make: from the armpits, over a waistband, at elbows and cuffs.

    light: its direction, see `PersonLight`. Folds are made as heights and lit by the same light as the body.
    """
    depth = MADE_DEPTH * (0.6 + 0.4 * drape.loose)
    trunk = _drag(body, ground, drape.seed)
    trunk += _hang(body, ground, drape) if drape.tuck is None else _gather(body, ground, drape)
    arms = [np.zeros_like(trunk) if drape.cuffs is None else _sleeve(body, ground, n, drape) for n in (0, 1)]
    lit = [depth * light_heights(height, light, body.size / STEP) for height in (trunk, *arms)]
    return Folds(lit[0], (lit[1], lit[2]))


def light_heights(height: F32, light: F64, size: float) -> F32:
    """Return the shading of gentle heights: slopes that face the light are bright, valleys lie in their own shade."""
    # Even light is taken to come a little from the left, as photographers mostly set it.
    sideways = float(light[0] - LEAST_SIDE * np.clip(1 - light[0] / 0.15, 0, 1))
    across = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=0.125)
    facing = (np.float32(max(light[1], LEAST_SIDE)) * down - np.float32(sideways) * across) * np.float32(0.35 * size)
    lit = np.tanh(0.55 * height + facing)
    matt: F32 = (lit * np.where(lit > 0, MATT, 1)).astype(np.float32)
    return matt


_RIPPLES = (61, 17)


def _ripple(across: AnyArray, along: AnyArray, seed: int) -> F32:
    """Return smooth uneven waves in -1..1, the same every time; one wave is about two units wide."""
    random = np.random.default_rng(seed)
    across = across + random.uniform(0, 2)
    table = random.uniform(-1, 1, _RIPPLES[::-1]).astype(np.float32)
    # Hills and valleys take turns: noise alone would often lie flat.
    table = 0.55 * table + 0.45 * np.where(np.arange(_RIPPLES[0]) % 2, 1, -1).astype(np.float32)
    x, y = (across + _RIPPLES[0] / 2).astype(np.float32), (along + _RIPPLES[1] / 2).astype(np.float32)
    waves = cv2.remap(table, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    # Cloth bulges in round hills between narrow valleys.
    creased: F32 = 2.0 * np.sqrt(np.clip(0.5 + 0.5 * waves, 0.02, 1)) - 1.3
    return creased


def _fan(ground: Ground, at: F64, towards: F64, reach: float, seed: int, *, count: float, spread: float) -> F32:
    """Return creases that leave a point like a fan about a direction, strongest a little way from it."""
    dx, dy = ground.x - np.float32(at[0]), ground.y - np.float32(at[1])
    away = np.hypot(dx, dy) / np.float32(reach)
    angle = np.arctan2(dx * towards[1] - dy * towards[0], dx * towards[0] + dy * towards[1])
    crease = _ripple((angle + 0.2 * away) * count, 1.6 * away, seed)
    strength = np.exp(-((angle / spread) ** 2) - (away / 0.6) ** 2) * np.clip(away / 0.3 - 0.5, 0, 1)
    fan: F32 = (crease * strength).astype(np.float32)
    return fan


def _drag(body: Body, ground: Ground, seed: int) -> F32:
    """Return folds from both armpits over the chest: the more, the closer the arm hangs to the side."""
    drag = np.zeros_like(ground.x)
    for number, side in enumerate((-1, 1)):
        arm = body.arms[number].points[1] - body.arms[number].points[0]
        hanging = float(np.clip((arm @ body.down) / max(float(np.hypot(*arm)), 1e-6), 0.0, 1.0))
        depth = np.array([0.24 * body.length])
        armpit = body.place(side * 0.95 * body.half_width(depth, side), depth)[0]
        inwards = -side * body.across(depth)[0] * 0.9 + body.down * (0.75 - 1.0 * (1 - hanging))
        inwards = inwards / float(np.hypot(*inwards))
        root = armpit - 0.22 * body.size * inwards
        # Over the chest cloth lies smooth: these are seen by the armpit and fade towards the middle.
        strength = 0.45 + 0.25 * hanging
        drag += strength * _fan(ground, root, inwards, 0.8 * body.size, seed + 31 + number, count=4.6, spread=0.62)
    return drag


def _hang(body: Body, ground: Ground, drape: Drape) -> F32:
    """Return the long soft folds of cloth that hangs free from bust to hem."""
    low = max(drape.hem, 0.6 * body.length)
    grown = np.clip((ground.depth - 0.4 * body.length) / (low - 0.4 * body.length), 0, 1.1)
    place = ground.lateral / np.float32(body.size)
    loose = 0.25 + 0.75 * drape.loose
    hang: F32 = (loose * _ripple(place * (8.0 - 2.0 * grown), 1.6 * grown, drape.seed + 52) * grown).astype(np.float32)
    return hang


def _gather(body: Body, ground: Ground, drape: Drape) -> F32:
    """Return the short folds above a waistband: uneven in distance, depth and length."""
    waist, seed = drape.tuck or 0.0, drape.seed
    up = (waist - ground.depth) / np.float32(body.size)
    place = ground.lateral / np.float32(body.size)
    crowd = place + 0.055 * _ripple(place * 5.0, 2.0 * up, seed + 61)
    crease = _ripple(crowd * (15.0 - 8.0 * np.clip(up / 0.5, 0, 1)) + 0.8 * up, 3.0 * up, seed + 62)
    deep = np.clip(0.55 + 0.6 * _ripple(place * 4.5, 0 * place, seed + 63), 0.1, 1.1)
    length = 0.26 + 0.16 * _ripple(place * 6.5, 0 * place, seed + 64)
    gather: F32 = (deep * crease * np.exp(-((np.maximum(up, 0) / length) ** 2))).astype(np.float32)
    return gather


def _sleeve(body: Body, ground: Ground, number: int, drape: Drape) -> F32:
    """Return a sleeve's folds: slanting wrinkles by the armhole and about the elbow, a stack above a long cuff."""
    cuff, seed = drape.cuffs[number] if drape.cuffs else 0.0, drape.seed
    along, across = ground.along[number], np.clip(ground.across[number], -1.8, 1.8)
    slant = along + (0.22 if number else -0.22) * across + 0.05 * _ripple(along * 3.0, across, seed + 70 + number)
    wrinkle = _ripple(slant * 7.0, 1.3 * across + 3.0 * along, seed + 72 + number)
    deep = np.clip(0.35 + 0.9 * _ripple(along * 2.5 + across, 0.9 * across, seed + 74 + number), 0, 1)
    where = 0.35 + 0.6 * np.exp(-(((along - 0.3) / 0.25) ** 2)) + 0.5 * np.exp(-(((along - 1.0) / 0.3) ** 2))
    folds = 0.7 * wrinkle * where * deep
    if cuff > 1.5:
        stack = np.exp(-(((cuff - along) / 0.25) ** 2))
        folds = folds + 0.6 * stack * deep * _ripple(slant * 16.0, 1.5 * across, seed + 77 + number)
    arm = body.arms[number].points
    upper, fore = (step / max(float(np.hypot(*step)), 1e-6) for step in np.diff(arm, axis=0))
    bend = float(np.clip(np.arccos(np.clip(upper @ fore, -1, 1)) / 1.2, 0, 1))
    if cuff > 1.0 and bend > 0.15:
        out = (upper - fore) / max(float(np.hypot(*(upper - fore))), 1e-6)
        half = float(body.arm_half(np.array([1.0]), -1 if number == 0 else 1)[0])
        inner = arm[1] - out * 1.9 * half
        folds = folds + 1.6 * bend * _fan(
            ground, inner, out, 0.45 * body.size, seed + 81 + number, count=7.0, spread=1.0
        )
    kept: F32 = (folds * np.clip((cuff + 0.1 - along) / 0.1, 0, 1)).astype(np.float32)
    return kept


def measure_loose(coverage: F32, body: Body, fields: BodyFields) -> float:
    """Return how loosely the garment hangs about the trunk, 0 close .. 1 wide; coverage: of its front."""
    cut = np.s_[::STEP, ::STEP]
    depth, lateral = fields.depth[cut], np.abs(fields.lateral[cut])
    half = np.where(fields.lateral[cut] < 0, body.half_width(depth, -1), body.half_width(depth, 1))
    rows = (depth > 0.4 * body.length) & (depth < 0.85 * body.length) & (lateral < 1.7 * half)
    own = rows & (lateral < half)
    ratio = float((coverage[cut] * rows).sum()) / max(float(own.sum()), 1.0)
    return float(np.clip((ratio - 0.95) / 0.35, 0.0, 1.0))
