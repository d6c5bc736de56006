"""What lies just beside a mesh: the map of its cloth goes on there evenly.

A garment's soft edge reaches beyond its mesh. Continued face by face, neighbouring faces would tear it: each vertex of
the rim goes on with the mean of the faces about it, by their area, so that the strip is continuous: what a sliver is
stretched by says nothing of the cloth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, F64, U16


@dataclass(frozen=True, slots=True, eq=False)
class Rim:
    """A strip around a mesh. source, target: `(V + R, 2)`, the mesh's vertices with its own after them. base: which
    vertex of the mesh each of its own goes out from.
    """

    source: F64
    target: F64
    faces: U16
    base: npt.NDArray[np.intp]


def surround(source: F32, target: F64, faces: U16, maps: F64, width: float) -> Rim:
    """Return a strip around a mesh, `width` target pixels wide, that continues how its cloth is stretched there.

    source, target: `(V, 2)`. maps: `(F, 2, 3)`, of each face from target to source.
    """
    corners = faces.astype(np.int64)
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    _, first, count = np.unique(np.sort(edges, axis=1), axis=0, return_index=True, return_counts=True)
    rim = edges[first[count == 1]]
    along = target[rim[:, 1]] - target[rim[:, 0]]
    inside = target[corners[first[count == 1] % len(corners)]].mean(axis=1) - target[rim[:, 0]]
    out = np.stack([along[:, 1], -along[:, 0]], -1) / np.maximum(np.hypot(*along.T), 1e-6)[:, None]
    out *= np.where((out * inside).sum(axis=1) > 0, -1.0, 1.0)[:, None]
    base = np.unique(rim)
    place = np.zeros(len(target), np.intp)
    place[base] = np.arange(len(base))
    normal, stretch, area_at = np.zeros((len(base), 2)), np.zeros((len(base), 2, 2)), np.zeros(len(base))
    for end in (0, 1):
        np.add.at(normal, place[rim[:, end]], out)
    on_rim = np.isin(corners, base)
    owner, corner = np.nonzero(on_rim)
    at = place[corners[owner, corner]]
    sides = target[corners[:, 1:]] - target[corners[:, :1]]
    area = np.abs(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]) + 1e-6
    np.add.at(stretch, at, area[owner, None, None] * maps[owner, :, :2])
    np.add.at(area_at, at, area[owner])
    for _ in range(2):
        even, area_about = 2 * stretch, 2 * area_at
        for here, there in ((0, 1), (1, 0)):
            np.add.at(even, place[rim[:, here]], stretch[place[rim[:, there]]])
            np.add.at(area_about, place[rim[:, here]], area_at[place[rim[:, there]]])
        stretch, area_at = even, area_about
    stretch /= area_at[:, None, None]
    length = np.maximum(np.hypot(*normal.T), 1e-6)
    # At a corner it reaches as far from both sides.
    step = normal / length[:, None] * width * np.clip(2 / length, 1.0, 1.5)[:, None]
    outer = (place + len(target)).astype(np.uint16)
    a, b = rim[:, 0], rim[:, 1]
    strip = np.concatenate([np.stack([a, b, outer[b]], -1), np.stack([a, outer[b], outer[a]], -1)]).astype(np.uint16)
    beside = source[base] + np.einsum("nij,nj->ni", stretch, step)
    return Rim(
        np.concatenate([source, beside]).astype(np.float64), np.concatenate([target, target[base] + step]), strip, base
    )
