"""Drape a cut garment with Blender's cloth simulation while the body moves from the build pose to the stance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from blend import add_mesh


@dataclass(frozen=True)
class Fabric:
    """Cloth behaviour; values in Blender's units."""

    mass: float = 0.18
    tension: float = 12.0
    shear: float = 6.0
    bending: float = 0.25
    damping: float = 6.0
    shrink: float = 0.0
    friction: float = 8.0
    quality: int = 7


JERSEY = Fabric()
KNIT = Fabric(mass=0.3, tension=14.0, bending=0.8)
DENIM = Fabric(mass=0.4, tension=40.0, shear=25.0, bending=4.0)
SATIN = Fabric(mass=0.15, tension=15.0, shear=5.0, bending=0.05)


def moving_body(frames: list[np.ndarray], faces: np.ndarray, name: str, span: int, thickness: float = 0.004) -> Any:
    """Add a collision body that plays `frames` of vertex positions over `span` scene frames."""
    body = add_mesh(name, frames[0], faces)
    body.shape_key_add(name="Basis")
    for i, frame in enumerate(frames[1:], 1):
        key = body.shape_key_add(name=f"k{i}")
        key.data.foreach_set("co", np.asarray(frame, np.float32).ravel())
    keys = body.data.shape_keys
    for i, key in enumerate(keys.key_blocks[1:], 1):
        at = [1 + (k * (span - 1)) // max(len(frames) - 1, 1) for k in range(len(frames))]
        for k, frame_no in enumerate(at):
            key.value = 1.0 if k == i else 0.0
            key.keyframe_insert("value", frame=frame_no)
    body.modifiers.new("collision", "COLLISION")
    body.collision.thickness_outer = thickness
    body.collision.thickness_inner = 0.02
    body.collision.cloth_friction = 8.0
    body.collision.damping = 0.2
    return body


def simulate(
    vertices: np.ndarray,
    faces: np.ndarray,
    fabric: Fabric,
    frames: int,
    pins: np.ndarray | None = None,
    self_collision: bool = False,
    gravity: float = 1.0,
) -> np.ndarray:
    """Run the cloth over `frames` scene frames and return the draped vertices."""
    ob = add_mesh("cloth", vertices, faces)
    mod = ob.modifiers.new("cloth", "CLOTH")
    s = mod.settings
    s.quality = fabric.quality
    s.mass = fabric.mass
    s.tension_stiffness = s.compression_stiffness = fabric.tension
    s.shear_stiffness = fabric.shear
    s.bending_stiffness = fabric.bending
    s.tension_damping = s.compression_damping = s.shear_damping = fabric.damping
    s.bending_damping = 0.5
    s.air_damping = 2.0
    s.shrink_min = fabric.shrink
    s.effector_weights.gravity = gravity
    if pins is not None:
        group = ob.vertex_groups.new(name="pin")
        for i in np.flatnonzero(pins > 0.01):
            group.add([int(i)], float(pins[i]), "REPLACE")
        s.vertex_group_mass = "pin"
        s.pin_stiffness = 1.0
    mod.collision_settings.distance_min = 0.003
    mod.collision_settings.collision_quality = 4
    mod.collision_settings.use_self_collision = self_collision
    mod.collision_settings.self_distance_min = 0.004
    mod.point_cache.frame_start = 1
    mod.point_cache.frame_end = frames
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, frames
    for f in range(1, frames + 1):
        scene.frame_set(f)
    evaluated = ob.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    out = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", out)
    evaluated.to_mesh_clear()
    bpy.data.objects.remove(ob)
    return out.reshape(-1, 3).astype(float)


def relax(vertices: np.ndarray, faces: np.ndarray, rounds: int = 2, amount: float = 0.4) -> np.ndarray:
    """Smooth away the simulation's finest jitter; open edges are smoothed along themselves only."""
    n = len(vertices)
    i = np.concatenate([faces[:, [0, 1, 2]].ravel(), faces[:, [1, 2, 0]].ravel()])
    j = np.concatenate([faces[:, [1, 2, 0]].ravel(), faces[:, [0, 1, 2]].ravel()])
    pair, count = np.unique(np.stack([np.minimum(i, j), np.maximum(i, j)], 1), axis=0, return_counts=True)
    edge_pairs = pair[count == 2]  # a border edge is seen twice (both ends), an inner edge four times
    border = np.zeros(n, bool)
    border[edge_pairs.ravel()] = True
    out = vertices.copy()
    for r in range(rounds * 2):
        lam = amount if r % 2 == 0 else -amount * 0.95
        acc, deg = np.zeros_like(out), np.zeros(n)
        for a, b in (pair.T, pair.T[::-1]):
            use = ~border[a]
            np.add.at(acc, a[use], out[b[use]])
            np.add.at(deg, a[use], 1)
        for a, b in (edge_pairs.T, edge_pairs.T[::-1]):
            np.add.at(acc, a, out[b])
            np.add.at(deg, a, 1)
        out = out + lam * (acc / np.maximum(deg, 1)[:, None] - out) * (deg > 0)[:, None]
    return out


def smoothed(values: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Average per-vertex values with their neighbours."""
    i = np.concatenate([faces[:, [0, 1, 2]].ravel(), faces[:, [1, 2, 0]].ravel()])
    j = np.concatenate([faces[:, [1, 2, 0]].ravel(), faces[:, [0, 1, 2]].ravel()])
    degree = np.bincount(i, minlength=len(values)).astype(float)
    out = np.asarray(values, float).reshape(len(values), -1).copy()
    for _ in range(rounds):
        total = np.stack([np.bincount(i, out[j, k], len(out)) for k in range(out.shape[1])], 1)
        out = 0.5 * out + 0.5 * total / np.maximum(degree, 1)[:, None]
    return out.reshape(np.shape(values))


def material_coordinates(rest: np.ndarray, draped: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return where each vertex lies on the uncut cloth, without the simulation's vertex-to-vertex jitter.

    Patterns drawn from the raw rest positions show that jitter as ragged edges; the broad displacement is kept.
    """
    return draped + smoothed(rest - draped, faces, 24)
