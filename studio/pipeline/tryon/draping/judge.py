"""How far a result can be trusted, and why not further."""

from __future__ import annotations

import numpy as np

from studio.domain.artefacts import Confidence, GarmentArtefacts, PersonArtefacts
from studio.domain.keys import Note
from studio.pipeline.tryon.draping.targets import Placed


def judge(person: PersonArtefacts, garment: GarmentArtefacts, placed: Placed | None) -> Confidence:
    """Return confidence and reasons; `placed` adds what the warp itself says."""
    reasons = list(garment.garment.reasons)
    score = garment.garment.confidence
    if placed is not None and placed.relaxed.folded > 0.05 * len(garment.garment.mesh.faces):
        score = min(score, 0.4)
        reasons.append(Note("tryon.folded", {"file": person.photo.name}))
    return Confidence(float(np.clip(score, 0, 1)), tuple(reasons))
