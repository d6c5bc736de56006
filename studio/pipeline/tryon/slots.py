"""What every try-on stage takes: a person's artefacts and a garment's, out of their slots."""

from __future__ import annotations

from studio.domain.artefacts import (
    Agnostic,
    Cutout,
    DensePoseMap,
    Garment,
    GarmentArtefacts,
    ParseMap,
    PersonArtefacts,
    Photo,
    Pose,
)
from studio.domain.geometry import Framing
from studio.pipeline.stage import Inputs

PERSON = ("photo", "edges", "pose", "framing", "parse", "densepose", "agnostic")
"""The slots that say all about a person: what is made of them alone serves every garment."""
GARMENT = ("garment_photo", "garment_edges", "garment")


def read_person(inputs: Inputs) -> PersonArtefacts:
    """Return a person's artefacts.

    Raises:
        PipelineError: a slot is empty or holds something else: a bug in the graph.
    """
    return PersonArtefacts(
        inputs.take("photo", Photo),
        inputs.take("edges", Cutout),
        inputs.take("pose", Pose),
        inputs.take("framing", Framing),
        inputs.take("parse", ParseMap),
        inputs.take("densepose", DensePoseMap),
        inputs.take("agnostic", Agnostic),
    )


def read_garment(inputs: Inputs) -> GarmentArtefacts:
    """Return a garment's artefacts. Raises as `read_person` does."""
    return GarmentArtefacts(
        inputs.take("garment_photo", Photo), inputs.take("garment_edges", Cutout), inputs.take("garment", Garment)
    )
