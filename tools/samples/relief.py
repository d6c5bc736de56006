"""Read the bare body's relief off our own bodies: normals and ambient occlusion in charts of trunk, arm and leg.

python tools/samples/relief.py BUILD_FOLDER TARGET.npz

The charts are what `studio/pipeline/tryon/draping/relief.py` shades painted skin with; their axes are explained there.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import bpy  # noqa: F401  (brings mathutils)
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from pose import Array, Rig, Stance, pose_vertices
from scipy.ndimage import distance_transform_edt, gaussian_filter, gaussian_filter1d

PEOPLE = ("mira", "amara", "jonas")
BODY = 13380
TRUNK = (128, 96)  # rows over depth, columns across
LIMB = (112, 32)
TRUNK_DEPTH = (-0.3, 1.3)  # shares of neck to hips
TRUNK_ACROSS = 1.6  # half-widths
LIMB_ALONG = (0.0, 2.3)
LIMB_ACROSS = 0.98
# the product's standard trunk: its half-width in shoulder widths over neck (0) to hips (1)
HALF_AT = np.array([0.0, 0.2, 0.36, 0.48, 0.64, 0.82, 1.0, 1.25, 1.6])
HALF = np.array([0.40, 0.455, 0.465, 0.44, 0.395, 0.46, 0.53, 0.56, 0.5])
STANCE = Stance(arm_drop=(24, 24), elbow_extend=(20, 20), leg_out=(-3, -3))
RAYS = 96
LEAN = 4.0  # rows of a limb's chart: what is longer is no form of it


@dataclass(frozen=True)
class Mesh:
    """A posed body: vertices, their normals, triangles, and a tree to cast rays at."""

    vertices: Array
    normals: Array
    triangles: np.ndarray
    tree: BVHTree

    @classmethod
    def of(cls, vertices: Array, faces: np.ndarray) -> Mesh:
        triangles = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
        corner = vertices[triangles]
        cross = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        normals = np.zeros_like(vertices)
        for k in range(3):
            np.add.at(normals, triangles[:, k], cross)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        return cls(vertices, normals, triangles, BVHTree.FromPolygons(vertices.tolist(), triangles.tolist()))

    def seen_at(self, x: float, z: float) -> tuple[Array, Array] | None:
        """Return the point seen from the front at a place of the picture, and its smooth normal."""
        hit, _, index, _ = self.tree.ray_cast(Vector((x, -2.0, z)), Vector((0.0, 1.0, 0.0)))
        if hit is None:
            return None
        corners, point = self.triangles[index], np.array(hit)
        a, b, c = self.vertices[corners]
        share = np.linalg.lstsq(np.stack([b - a, c - a], 1), point - a, rcond=None)[0]
        normal = np.array([1 - share.sum(), *share]) @ self.normals[corners]
        return point, normal / np.linalg.norm(normal)


def openness(mesh: Mesh, point: Array, normal: Array, rays: Array) -> float:
    """Return the share of an even sky that a point sees, weighted by the cosine."""
    helper = np.array([1.0, 0, 0]) if abs(normal[0]) < 0.8 else np.array([0, 0, 1.0])
    u = np.cross(normal, helper)
    u /= np.linalg.norm(u)
    v = np.cross(normal, u)
    start = Vector(point + 0.002 * normal)
    free = 0
    for ray in rays:
        direction = ray[0] * u + ray[1] * v + ray[2] * normal
        free += mesh.tree.ray_cast(start, Vector(direction), 0.6)[0] is None
    return free / len(rays)


def sky(count: int) -> Array:
    """Return rays spread evenly by the cosine (a spiral)."""
    share = (np.arange(count) + 0.5) / count
    radius, angle = np.sqrt(share), np.arange(count) * 2.399963
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - share)], -1)


def span(mesh: Mesh, middle: Array, normal: Array, reach: float) -> tuple[float, float] | None:
    """Return how far a part reaches on both sides of a point of the picture along a direction in it."""
    steps = np.linspace(0, reach, 240)
    found = []
    for sign in (-1.0, 1.0):
        last = None
        for step in steps:
            at = middle + sign * step * normal
            if mesh.tree.ray_cast(Vector((at[0], -2.0, at[1])), Vector((0.0, 1.0, 0.0)))[0] is None:
                break
            last = step
        if last is None:
            return None
        found.append(sign * last)
    return found[0], found[1]


def sample(part: Mesh, whole: Mesh, places: Array, frames: Array) -> Array:
    """Return (across, down, openness) at `(rows, columns, 2)` places; nan where nothing is. frames: unit vectors of
    the picture (x to the right, z up) that "across" is measured along, per row.
    """
    rays = sky(RAYS)
    chart = np.full((*places.shape[:2], 3), np.nan)
    for row in range(places.shape[0]):
        across = frames[row]
        down = np.array([across[1], -across[0]])
        for column in range(places.shape[1]):
            seen = part.seen_at(*places[row, column])
            if seen is None:
                continue
            point, normal = seen
            flat = normal[[0, 2]]
            chart[row, column] = flat @ across, flat @ down, openness(whole, point, normal, rays)
    return chart


def filled(chart: Array) -> Array:
    """Fill what was not hit with the nearest that was."""
    missing = np.isnan(chart[..., 0])
    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    return chart[tuple(nearest)]


def split(rig: Rig, faces: np.ndarray) -> dict[str, np.ndarray]:
    """Return the faces of trunk, right arm and right leg, by which bones move them."""
    labels = [str(label) for label in rig.data["labels"]]
    share = {}
    for part, names in (
        ("arm", ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")),
        ("leg", ("upperleg", "lowerleg", "foot", "toe")),
    ):
        mine = np.array([label.startswith(names) and label.endswith(".R") for label in labels])
        share[part] = (rig.data["weights"] * mine[rig.data["indices"]]).sum(axis=1)
    arms = np.array([label.startswith(("upperarm", "lowerarm", "wrist", "finger", "metacarpal")) for label in labels])
    arms = (rig.data["weights"] * arms[rig.data["indices"]]).sum(axis=1)
    head = np.array(
        [
            label.startswith(
                ("head", "jaw", "special", "oris", "levator", "eye", "orbi", "tempo", "oculi", "riso", "tongue")
            )
            for label in labels
        ]
    )
    head = (rig.data["weights"] * head[rig.data["indices"]]).sum(axis=1)
    return {
        "trunk": faces[(np.maximum(arms, head)[faces] < 0.5).all(axis=1)],
        "shoulders": faces[(head[faces] < 0.5).all(axis=1)],
        "arm": faces[(share["arm"][faces] > 0.2).all(axis=1)],
        "leg": faces[(share["leg"][faces] > 0.2).all(axis=1)],
    }


def read_trunk(rig: Rig, mesh: Mesh, parts: dict[str, Mesh], joints: dict[str, Array]) -> Array:
    shoulder, hip = joints["right_shoulder"][[0, 2]], joints["right_hip"][[0, 2]]
    size, length = 2 * abs(shoulder[0]), shoulder[1] - hip[1]
    depth = np.linspace(*TRUNK_DEPTH, TRUNK[0])
    half = np.interp(depth, HALF_AT, HALF) * size
    for row, at in enumerate(depth):
        reach = span(parts["trunk"], np.array([0.0, shoulder[1] - at * length]), np.array([1.0, 0.0]), 0.9 * size)
        if reach is not None and at > 0.3:
            share = np.clip((at - 0.3) / 0.15, 0, 1)
            half[row] = half[row] * (1 - share) + reach[1] * share
    half = gaussian_filter1d(half, 1.5)
    across = np.linspace(-TRUNK_ACROSS, TRUNK_ACROSS, TRUNK[1])
    x = across[None] * half[:, None]
    z = np.repeat((shoulder[1] - depth * length)[:, None], TRUNK[1], 1)
    places = np.stack([x, z], -1)
    chart = sample(parts["trunk"], mesh, places, np.tile([1.0, 0.0], (TRUNK[0], 1)))
    # Over the shoulders trunk and arm are one.
    top = sample(parts["shoulders"], mesh, places[: TRUNK[0] // 3], np.tile([1.0, 0.0], (TRUNK[0], 1)))
    chart[: len(top)] = np.where(depth[: len(top), None, None] < 0.12, top, chart[: len(top)])
    chart = filled(chart)
    mirrored = chart[:, ::-1] * np.array([-1.0, 1.0, 1.0])
    return (chart + mirrored) / 2


def read_limb(part: Mesh, mesh: Mesh, joints: Array, size: float) -> tuple[Array, Array]:
    """Return a limb's chart and its two edges off the line of its joints, in shoulder widths. joints: `(3, 2)`, x z."""
    along = np.linspace(*LIMB_ALONG, LIMB[0])
    beyond = joints[2] + 0.4 * (joints[2] - joints[1])
    path = np.concatenate([joints, beyond[None]])
    spots = np.stack(
        [gaussian_filter1d(np.interp(along, [0, 1, 2, 2.4], path[:, k]), 2.0, mode="nearest") for k in (0, 1)], -1
    )
    tangent = np.gradient(spots, axis=0)
    tangent = gaussian_filter1d(tangent, 3.0, axis=0, mode="nearest")
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    normals = np.stack([-tangent[:, 1], tangent[:, 0]], -1)  # towards the picture's right, pointing down
    places = np.full((*LIMB, 2), np.nan)
    edges = np.full((LIMB[0], 2), np.nan)
    across = np.linspace(-LIMB_ACROSS, LIMB_ACROSS, LIMB[1])
    for row in range(LIMB[0]):
        found = span(part, spots[row], normals[row], 0.6 * size)
        if found is not None:
            edges[row] = found
    for k in (0, 1):
        known = ~np.isnan(edges[:, k])
        edges[:, k] = gaussian_filter1d(np.interp(along, along[known], edges[known, k]), 1.0)
    middle, half = edges.mean(axis=1), np.diff(edges, axis=1)[:, 0] / 2
    off = middle[:, None] + across[None] * half[:, None]
    places = spots[:, None] + off[..., None] * normals[:, None]
    return filled(sample(part, mesh, places, normals)), edges / size


def without_breasts(chart: Array) -> Array:
    """Smooth the breasts: of them only the broad form is nobody's own."""
    depth = np.linspace(*TRUNK_DEPTH, TRUNK[0])[:, None]
    across = np.abs(np.linspace(-TRUNK_ACROSS, TRUNK_ACROSS, TRUNK[1]))[None]
    share = np.exp(-0.5 * (((depth - 0.36) / 0.08) ** 4 + ((across - 0.6) / 0.4) ** 4))[..., None]
    return chart + (gaussian_filter(chart, (7, 7, 0)) - chart) * share


def upright(chart: Array) -> Array:
    """Take off how a limb leans towards us: that is the stance's, not the limb's form."""
    lean = chart[:, LIMB[1] // 6 : -LIMB[1] // 6, 1].mean(axis=1)
    level = chart.copy()
    level[..., 1] -= gaussian_filter1d(lean, LEAN, mode="nearest")[:, None]
    return level


def read_body(build: Path, name: str) -> dict[str, Array]:
    rig = Rig.load(build / f"{name}_rig.npz")
    vertices = pose_vertices(rig, STANCE)
    joints = rig.joints(vertices)
    faces = rig.faces("body")
    mesh = Mesh.of(vertices[:BODY], faces)
    parts = {}
    for part, own in split(rig, faces).items():
        one = Mesh.of(vertices[:BODY], own)
        parts[part] = Mesh(one.vertices, mesh.normals, one.triangles, one.tree)
    size = float(2 * abs(joints["right_shoulder"][0]))
    arm = np.stack([joints[f"right_{joint}"][[0, 2]] for joint in ("shoulder", "elbow", "wrist")])
    leg = np.stack([joints[f"right_{joint}"][[0, 2]] for joint in ("hip", "knee", "ankle")])
    trunk = read_trunk(rig, mesh, parts, joints)
    arm_chart, arm_edges = read_limb(parts["arm"], mesh, arm, size)
    leg_chart, _ = read_limb(parts["leg"], mesh, leg, size)
    return {"trunk": trunk, "arm": arm_chart, "leg": leg_chart, "arm_edges": arm_edges}


def main(build: Path, target: Path) -> None:
    bodies = [read_body(build, name) for name in PEOPLE]
    whole: dict[str, np.ndarray] = {}
    for part in ("trunk", "arm", "leg"):
        mean = np.mean([body[part] for body in bodies], axis=0)
        mean = gaussian_filter(mean, (0.6, 0.6, 0))
        mean = without_breasts(mean) if part == "trunk" else upright(mean)
        whole[part] = np.clip(np.round(127 * mean), -127, 127).astype(np.int8)
    whole["arm_edges"] = np.mean([body["arm_edges"] for body in bodies], axis=0).astype(np.float32)
    np.savez_compressed(target, **whole)
    print(target, target.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
