"""Hand corrections of a garment's landmarks: the mesh follows the moved point, softly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from studio.domain.arrays import F32
from studio.domain.artefacts import Artefact, Garment, GarmentMesh, Photo
from studio.domain.edits import Edit, LandmarkMove
from studio.domain.errors import PipelineError

REACH = 0.16
"""How far a moved landmark takes the mesh along, in shares of the garment's larger side."""


def apply_landmark_moves(artefact: Artefact, edits: Sequence[Edit], photo: Photo) -> Garment:
    """Return the garment with landmarks moved, in order; the photo is not looked at.

    Raises:
        PipelineError: the garment has no landmark of that name, or the edit is of another kind.
    """
    del photo
    if not isinstance(artefact, Garment):
        raise PipelineError("stage.slot", slot="garment", want="Garment", got=type(artefact).__name__)
    garment = artefact
    for edit in edits:
        if not isinstance(edit, LandmarkMove):
            raise PipelineError("edit.stage", stage="garment")
        garment = _move(garment, edit)
    return garment


def _move(garment: Garment, move: LandmarkMove) -> Garment:
    if move.name not in garment.landmarks:
        raise PipelineError("garment.landmark", name=move.name, known=", ".join(sorted(garment.landmarks)))
    origin = np.array(garment.landmarks[move.name])
    shift = np.array([move.x, move.y]) - origin
    vertices = garment.mesh.vertices
    reach = REACH * float(np.ptp(vertices, axis=0).max())

    def moved(points: F32) -> F32:
        distance2 = ((points - origin) ** 2).sum(axis=-1)
        weight = np.exp(-distance2 / (2 * reach * reach))
        result: F32 = (points + weight[:, None] * shift).astype(np.float32)
        return result

    names = list(garment.landmarks)
    points = moved(np.array([garment.landmarks[name] for name in names], np.float32))
    landmarks = {name: (float(x), float(y)) for name, (x, y) in zip(names, points, strict=True)}
    landmarks[move.name] = (move.x, move.y)
    mesh = garment.mesh
    bent = GarmentMesh(moved(vertices), mesh.faces, mesh.part, mesh.along, mesh.across, mesh.depth, mesh.part_names)
    return replace(garment, mesh=bent, landmarks=landmarks)
