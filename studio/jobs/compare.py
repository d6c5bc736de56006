"""What a reviewer wants to know of a look: its pictures and how true the garment's colour is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.domain.arrays import U8
from studio.domain.artefacts import Cutout, Garment, Look, ParseMap, Photo
from studio.domain.errors import JobError
from studio.media.colour_difference import garment_delta_e
from studio.pipeline.residue import Dressed, find_residue

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class LookPictures:
    """A look beside what it was made from: uint8 `(H, W, 3)` each. delta_e: CIEDE2000 of the garment's colour."""

    photo: U8
    look: U8
    garment: U8
    delta_e: float


def look_pictures(workspace: Workspace, look_id: str) -> LookPictures:
    """Return the pictures of a look and the colour difference between its garment and the product photo.

    Raises:
        JobError: an artefact of the look is gone: dress the pair again.
    """
    found = [workspace.artefact(look_id, slot) for slot in ("photo", "look", "garment_photo", "garment_edges")]
    photo, look, garment, cutout = found
    if not (
        isinstance(photo, Photo)
        and isinstance(look, Look)
        and isinstance(garment, Photo)
        and isinstance(cutout, Cutout)
    ):
        raise JobError("job.look_lost", model=look_id, garment="")
    delta_e = garment_delta_e(garment.rgb8, cutout.alpha > SOLID, look.rgb8, look.garment_mask > 0)
    return LookPictures(photo.rgb8, look.rgb8, garment.rgb8, delta_e)


def look_residue(workspace: Workspace, look_id: str) -> float:
    """Return how much of the old garment a look still shows, as a share of its area; also where that is too little to
    be a reason.

    Raises:
        JobError: an artefact of the look is gone: dress the pair again.
    """
    slots = ("photo", "look", "parse", "garment_edges", "garment")
    photo, look, parse, cutout, garment = (workspace.artefact(look_id, slot) for slot in slots)
    if not (
        isinstance(photo, Photo)
        and isinstance(look, Look)
        and isinstance(parse, ParseMap)
        and isinstance(cutout, Cutout)
        and isinstance(garment, Garment)
    ):
        raise JobError("job.look_lost", model=look_id, garment="")
    return find_residue(photo.rgb8, Dressed.of(look), parse, cutout, garment.category).share


SOLID = 0.9
"""Alpha above which a product photo's pixel is garment and nothing else."""
