"""DensePose: a geometric stand-in for the network, in its 24 parts, from pose, cutout and parse map.

The body under the clothes, as the network guesses it: capsules around the bones, a trunk with a V at the crotch, a
skull without its hair; all inside the silhouette. U and V are plain coordinates along and across each part.
Parts after Guler, Neverova, Kokkinos, "DensePose", CVPR 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.artefacts import COCO18, EXTRA_POINTS, Cutout, DensePoseMap, ParseMap, Pose
from studio.domain.geometry import Framing
from studio.domain.keys import Note
from studio.domain.labels import Cihp, LabelScheme, convert_labels
from studio.pipeline.framing import canvas_alpha, warp_labels_to_canvas
from studio.pipeline.pose_body import Torso, read_torso_rows
from studio.pipeline.stage import Inputs, ModelProvider, NoParams, StageContext


class Part(IntEnum):
    """DensePose's parts; limbs have two each: arms inner and outer, legs and trunk back and front."""

    TORSO_BACK = 1
    TORSO_FRONT = 2
    RIGHT_HAND = 3
    LEFT_HAND = 4
    LEFT_FOOT = 5
    RIGHT_FOOT = 6
    RIGHT_THIGH_BACK = 7
    LEFT_THIGH_BACK = 8
    RIGHT_THIGH_FRONT = 9
    LEFT_THIGH_FRONT = 10
    RIGHT_SHANK_BACK = 11
    LEFT_SHANK_BACK = 12
    RIGHT_SHANK_FRONT = 13
    LEFT_SHANK_FRONT = 14
    LEFT_UPPER_ARM_INNER = 15
    RIGHT_UPPER_ARM_INNER = 16
    LEFT_UPPER_ARM_OUTER = 17
    RIGHT_UPPER_ARM_OUTER = 18
    LEFT_FOREARM_INNER = 19
    RIGHT_FOREARM_INNER = 20
    LEFT_FOREARM_OUTER = 21
    RIGHT_FOREARM_OUTER = 22
    HEAD_RIGHT = 23
    HEAD_LEFT = 24


# The colours of HR-VITON's DensePose pictures: label * 255/24 through OpenCV's PARULA map, black where no body is.
_PALETTE = (
    (0, 0, 0), (37, 60, 163), (20, 80, 194), (4, 97, 223), (8, 110, 221), (14, 122, 216), (20, 132, 212),
    (15, 144, 208), (11, 156, 203), (6, 166, 198), (22, 173, 185), (38, 179, 172), (55, 185, 159), (86, 187, 144),
    (114, 189, 130), (145, 191, 116), (170, 189, 105), (192, 188, 96), (216, 186, 86), (228, 192, 74), (240, 199, 60),
    (252, 206, 46), (251, 220, 36), (250, 235, 25), (249, 251, 14),
)  # fmt: skip

# Half-widths in shoulder widths, read off the reference pictures of the data set.
_SHOULDER, _ELBOW, _WRIST, _HAND = 0.15, 0.115, 0.095, 0.13
_HIP, _KNEE, _ANKLE, _FOOT = 0.30, 0.19, 0.12, 0.16
_SHOULDER_OUT = 0.06  # the upper arm's axis starts this far outside the shoulder joint
_TRUNK_AT = (-0.18, -0.12, -0.05, 0.05, 0.3, 0.7, 1.0, 1.3)  # down the trunk: 0 = shoulder line, 1 = hip joints
_TRUNK_HALF = (0.17, 0.32, 0.52, 0.52, 0.47, 0.46, 0.52, 0.52)
_STURDY = (0.9, 1.4)  # how far hips wider or narrower than usual change the girth of trunk and thighs
_CROTCH, _HIP_LINE = 1.15, 0.9  # where the trunk ends in the middle and at the sides
_NECK_BASE = 0.16  # of a shoulder width above the shoulder line
_NECK_HALF = 0.175
_INNER_UPPER_ARM, _INNER_FOREARM = 0.3, -0.1  # across, -1 outer .. 1 inner: where outer begins
_EARS_PER_SHOULDERS = 0.38
_ALPHA = 0.5
_HAND_REACH = 0.42
_UNSEEN_KNEE = 1.5  # shoulder widths below the hip, where the picture ends above it
_ARMS, _LEGS = (Cihp.LEFT_ARM, Cihp.RIGHT_ARM), (Cihp.LEFT_LEG, Cihp.RIGHT_LEG)


@dataclass(frozen=True, slots=True)
class GeometricDensePose:
    """The embedded densepose stage."""

    name: str = "densepose"
    implementation: str = "geometric"
    version: int = 1
    params_type: type[NoParams] = NoParams
    inputs: tuple[str, ...] = ("edges", "pose", "framing", "parse")
    output: type[DensePoseMap] = DensePoseMap

    def models(self, params: NoParams, provider: ModelProvider) -> tuple[str, ...]:
        del params, provider
        return ()

    def unavailable(self, provider: ModelProvider) -> Note | None:
        del provider
        return None

    def run(self, inputs: Inputs, params: NoParams, ctx: StageContext) -> DensePoseMap:
        """Return the part map on the canvas; empty, with a note, where the shoulders are not seen."""
        del params
        framing, parse = inputs.take("framing", Framing), inputs.take("parse", ParseMap)
        hull = canvas_alpha(inputs.take("edges", Cutout), framing) >= _ALPHA
        labels = warp_labels_to_canvas(convert_labels(parse.labels, parse.scheme, LabelScheme.CIHP), framing)
        ctx.progress.report(0.3, self.name)
        pose = inputs.take("pose", Pose)
        joints = _on_canvas(pose.keypoints, framing)
        torso = read_torso_rows(joints)
        if torso is None:
            ctx.note_fallback("densepose.no_shoulders")
            empty = np.zeros(hull.shape, np.float32)
            return DensePoseMap(np.zeros(hull.shape, np.uint8), empty, empty.copy())
        body = _Body(joints, _on_canvas(pose.extra, framing), torso, hull, labels)
        return body.draw()


GEOMETRIC = GeometricDensePose()


def render_densepose(index: U8) -> U8:
    """Return the part map in the colours that HR-VITON was trained on, uint8 RGB `(H, W, 3)`."""
    picture: U8 = np.array(_PALETTE, np.uint8)[index]
    return picture


def _on_canvas(rows: F32, framing: Framing) -> F64:
    moved = rows.astype(np.float64)
    moved[:, :2] = np.where(rows[:, 2:] > 0, framing.to_canvas(moved[:, :2]), 0.0)
    return moved


class _Body:
    """Draws one person's parts, far ones first."""

    def __init__(self, joints: F64, extra: F64, torso: Torso, hull: Bool, labels: U8) -> None:
        self._joints, self._extra = joints, extra
        self._torso, self._size = torso, torso.size
        self._hull, self._labels = hull, labels
        self._index = np.zeros(hull.shape, np.uint8)
        self._u, self._v = np.zeros(hull.shape, np.float32), np.zeros(hull.shape, np.float32)
        y, x = np.mgrid[0 : hull.shape[0], 0 : hull.shape[1]]
        self._x, self._y = x.astype(np.float32), y.astype(np.float32)
        # A back is seen where the person's right is on the picture's right and no face tells otherwise.
        crossed = torso.right_shoulder[0] > torso.left_shoulder[0]
        self._is_back = bool(crossed and self._point("nose") is None)
        self._girth = self._measure_girth()

    def _measure_girth(self) -> float:
        """Return how wide the hips are in the silhouette, in usual hips; 1 where they are not in the picture."""
        hip = self._torso.mid_hip
        row, column = round(float(hip[1])), round(float(hip[0]))
        if not (0 <= row < self._hull.shape[0] and 0 <= column < self._hull.shape[1]):
            return 1.0
        body = self._hull[row] & ~np.isin(self._labels[row], _ARMS)
        gaps = np.flatnonzero(~body)
        left, right = gaps[gaps < column], gaps[gaps > column]
        if not body[column] or not left.size or not right.size:
            return 1.0
        usual = 2 * _TRUNK_HALF[-1] * self._size
        return float(np.clip((right[0] - left[-1]) / usual, *_STURDY))

    def draw(self) -> DensePoseMap:
        """Return the map."""
        self._draw_trunk()
        self._draw_legs()
        self._draw_head()
        self._draw_arm("right", Part.RIGHT_UPPER_ARM_INNER, Part.RIGHT_FOREARM_INNER, Part.RIGHT_HAND)
        self._draw_arm("left", Part.LEFT_UPPER_ARM_INNER, Part.LEFT_FOREARM_INNER, Part.LEFT_HAND)
        return DensePoseMap(self._index, np.clip(self._u, 0, 1), np.clip(self._v, 0, 1))

    def _point(self, name: str) -> F64 | None:
        row = self._extra[EXTRA_POINTS.index(name)] if name in EXTRA_POINTS else self._joints[COCO18.index(name)]
        return row[:2] if row[2] > 0 else None

    def _put(self, area: Bool, part: int, u: F32 | F64, v: F32 | F64) -> None:
        area = area & self._hull
        self._index[area] = part
        self._u[area], self._v[area] = u[area], v[area]

    def _along(self, start: F64, end: F64) -> tuple[F32, F32, float]:
        """Return each pixel's share of the way from start to end, its distance to the line's left, and the length."""
        dx, dy = (end - start).tolist()
        length = max(float(np.hypot(dx, dy)), 1e-3)
        ux, uy = dx / length, dy / length
        x, y = self._x - np.float32(start[0]), self._y - np.float32(start[1])
        return (x * ux + y * uy) / length, x * uy - y * ux, length

    def _capsule(self, start: F64, end: F64, radii: tuple[float, float]) -> tuple[Bool, F32, F32]:
        """Return the capsule's area, the share along it and the signed distance across, -1 .. 1 inside."""
        along, left, length = self._along(start, end)
        near = np.clip(along, 0.0, 1.0)
        radius = (radii[0] + near * (radii[1] - radii[0])) * self._size
        over = (along - near) * length
        across = left / radius
        return left * left + over * over <= radius * radius, near, across.astype(np.float32)

    def _draw_trunk(self) -> None:
        torso = self._torso
        down, left, _ = self._along(torso.neck, torso.mid_hip)
        # Across is measured towards the person's own left; shoulders tell on which side of the axis that is.
        side = 1.0 if self._is_left_of_axis(torso.left_shoulder) else -1.0
        girths = np.array(_TRUNK_HALF)
        girths[4:] *= self._girth
        half = np.interp(down, _TRUNK_AT, girths, left=0.0, right=0.0).astype(np.float32) * np.float32(self._size)
        across = side * left / np.maximum(half, 1e-3)
        end = _CROTCH - (_CROTCH - _HIP_LINE) * np.minimum(np.abs(left) / (0.5 * self._size), 1.0)
        area = (np.abs(across) <= 1.0) & (down < end) & (half > 0)
        part = Part.TORSO_BACK if self._is_back else Part.TORSO_FRONT
        self._put(area, part, (across + 1) / 2, down)

    def _is_left_of_axis(self, point: F64) -> bool:
        axis = self._torso.mid_hip - self._torso.neck
        away = point - self._torso.neck
        return bool(away[0] * axis[1] - away[1] * axis[0] > 0)

    def _draw_legs(self) -> None:
        down, _, _ = self._along(self._torso.neck, self._torso.mid_hip)
        free = self._index == 0
        # An arm's or hand's own skin is no thigh; loose cloth beside the leg is outside its girth anyway.
        free &= ~np.isin(self._labels, _ARMS) & (down > _HIP_LINE - 0.1)
        found: dict[str, tuple[Bool, F32, F32]] = {}
        for side in ("right", "left"):
            hip = self._torso.right_hip if side == "right" else self._torso.left_hip
            knee = self._point(f"{side}_knee")
            below = knee if knee is not None else hip + np.array([0.0, _UNSEEN_KNEE * self._size])
            found[side] = self._capsule(hip, below, (_HIP * self._girth, _KNEE * self._girth))
            self._draw_shank(side, knee)
        nearest_right = np.abs(found["right"][2]) <= np.abs(found["left"][2])
        back = self._is_back
        parts = {
            "right": Part.RIGHT_THIGH_BACK if back else Part.RIGHT_THIGH_FRONT,
            "left": Part.LEFT_THIGH_BACK if back else Part.LEFT_THIGH_FRONT,
        }
        for side, (area, along, across) in found.items():
            mine = nearest_right if side == "right" else ~nearest_right
            open_area = free & (self._index == 0)
            self._put(area & open_area & mine, parts[side], (across + 1) / 2, along)
            self._put(area & open_area & ~mine & ~found[_other(side)][0], parts[side], (across + 1) / 2, along)

    def _draw_shank(self, side: str, knee: F64 | None) -> None:
        ankle = self._point(f"{side}_ankle")
        if knee is None or ankle is None:
            return
        area, along, across = self._capsule(knee, ankle, (_KNEE, _ANKLE))
        right = side == "right"
        front = Part.RIGHT_SHANK_FRONT if right else Part.LEFT_SHANK_FRONT
        rear = Part.RIGHT_SHANK_BACK if right else Part.LEFT_SHANK_BACK
        below_knee = along > 0.02
        self._put(area & below_knee & (self._index == 0), rear if self._is_back else front, (across + 1) / 2, along)
        toes = self._point(f"{side}_foot_index")
        tip = toes if toes is not None else ankle + np.array([0.0, 0.3 * self._size])
        foot, far, aside = self._capsule(ankle, tip, (_ANKLE, _FOOT))
        shoe = self._labels == (Cihp.RIGHT_SHOE if right else Cihp.LEFT_SHOE)
        self._put(foot & (far > 0.1) | shoe, Part.RIGHT_FOOT if right else Part.LEFT_FOOT, (aside + 1) / 2, far)

    def _draw_head(self) -> None:
        """Draw skull and neck; their halves meet in the plane of the nose."""
        torso, size = self._torso, self._size
        base = torso.neck - torso.down * _NECK_BASE * size
        top, across_radius, centre = self._skull(base)
        skull = ((self._x - centre[0]) / across_radius) ** 2 + ((self._y - centre[1]) / (centre[1] - top)) ** 2 <= 1.0
        neck, _, _ = self._capsule(centre, base, (across_radius / size * 0.8, _NECK_HALF))
        down, left, length = self._along(centre, base)
        neck &= down < 1.0 + 0.05 * size / length
        nose = self._point("nose")
        middle = centre if nose is None else np.array([0.5 * (centre[0] + nose[0]), centre[1]])
        _, off, _ = self._along(middle, base)
        side = 1.0 if self._is_left_of_axis(torso.left_shoulder) else -1.0
        area = (skull | neck) & ~np.isin(self._labels, _ARMS)
        u, v = (side * left / across_radius + 1) / 2, (down + 1) / 2
        is_left = side * off > 0
        self._put(area & is_left, Part.HEAD_LEFT, u, v)
        self._put(area & ~is_left, Part.HEAD_RIGHT, u, v)

    def _skull(self, base: F64) -> tuple[float, float, F64]:
        """Return the skull's top, half-width and centre, from ears, eyes or else the proportions of the body."""
        ears = [point for name in ("right_ear", "left_ear") if (point := self._point(name)) is not None]
        eyes = [point for name in ("right_eye", "left_eye") if (point := self._point(name)) is not None]
        # A turned head's ears come together; its skull does not.
        spread = _EARS_PER_SHOULDERS * self._size
        if len(ears) == 2:
            spread = max(float(np.hypot(*(ears[0] - ears[1]))), 0.8 * spread)
        if not eyes and not ears:
            centre = base - self._torso.down * 1.35 * spread
        else:
            centre = np.mean(ears if len(ears) == 2 else [*ears, *eyes], axis=0)
        level = float(np.mean(eyes, axis=0)[1]) if eyes else float(centre[1])
        return level - 1.02 * spread, 0.69 * spread, np.array([float(centre[0]), level + 0.12 * spread])

    def _draw_arm(self, side: str, upper: Part, fore: Part, hand: Part) -> None:
        """Draw upper arm, forearm and hand; inner parts have the lower numbers, outer ones lie two higher."""
        torso, size = self._torso, self._size
        shoulder = torso.right_shoulder if side == "right" else torso.left_shoulder
        elbow, wrist = self._point(f"{side}_elbow"), self._point(f"{side}_wrist")
        if elbow is None:
            return
        away = shoulder - torso.neck
        start = shoulder + away / max(float(np.hypot(*away)), 1e-3) * _SHOULDER_OUT * size
        inner_side = 1.0 if self._is_left_of_line(start, elbow, torso.mid_hip) else -1.0
        area, along, across = self._capsule(start, elbow, (_SHOULDER, _ELBOW))
        self._put_halves(area, along, across * inner_side, upper, _INNER_UPPER_ARM)
        if wrist is None:
            wrist = elbow + (elbow - start) * 0.9
        area, along, across = self._capsule(elbow, wrist, (_ELBOW, _WRIST))
        visible = self._visible_forearm(area)
        if visible.any():
            self._put_halves(visible & (along > 0.02), along, across * inner_side, fore, _INNER_FOREARM)
        self._draw_hand(side, elbow, wrist, hand)

    @staticmethod
    def _is_left_of_line(start: F64, end: F64, point: F64) -> bool:
        axis, away = end - start, point - start
        return bool(away[0] * axis[1] - away[1] * axis[0] > 0)

    def _put_halves(self, area: Bool, along: F32, inward: F32, inner: Part, border: float) -> None:
        """Put the half towards the trunk as `inner`, the other as the part two numbers higher."""
        is_inner = inward > -border
        u = ((inward + 1) / 2).astype(np.float32)
        self._put(area & is_inner, inner, u, along)
        self._put(area & ~is_inner, inner + 2, u, along)

    def _visible_forearm(self, area: Bool) -> Bool:
        """Return the part of a forearm that is not behind the trunk: bare skin, sleeve, or outside the trunk."""
        bare = np.isin(self._labels, _ARMS)
        sleeve = np.isin(self._labels, (Cihp.UPPER, Cihp.COAT, Cihp.DRESS, Cihp.GLOVE))
        visible: Bool = area & (bare | sleeve | (self._index == 0))
        return visible

    def _draw_hand(self, side: str, elbow: F64, wrist: F64, hand: Part) -> None:
        """Draw a hand where bare skin or a glove goes on beyond the wrist."""
        fingers = [self._point(f"{side}_{name}") for name in ("pinky", "index")]
        seen = [tip for tip in fingers if tip is not None]
        ahead: F64 = np.mean(seen, axis=0) - wrist if seen else wrist - elbow
        ahead = ahead / max(float(np.hypot(*ahead)), 1e-3)
        beyond, _, _ = self._along(wrist, wrist + (wrist - elbow))
        area, along, across = self._capsule(wrist, wrist + ahead * _HAND_REACH * self._size, (_HAND, _HAND))
        skin = np.isin(self._labels, (*_ARMS, Cihp.GLOVE))
        grown = cv2.dilate((skin & area).astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
        self._put(grown & (beyond > -0.05), hand, (across + 1) / 2, along)


def _other(side: str) -> str:
    return "left" if side == "right" else "right"
