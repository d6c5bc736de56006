"""The `hr_viton` engine: HR-VITON from its public checkpoints, brought back to native resolution.

Source: Lee, Gu, Park, Choi, Choo, "High-Resolution Virtual Try-On with Misalignment and Occlusion-Handled
Conditions", ECCV 2022.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.artefacts import PersonArtefacts
from studio.domain.geometry import CANVAS_SIZE
from studio.pipeline.densepose import render_densepose
from studio.pipeline.stage import StageContext
from studio.pipeline.tryon.generative.engine import GenerativeEngine
from studio.pipeline.tryon.generative.framed import FramedGarment
from studio.pipeline.tryon.generative.result import CanvasResult

CONDITION, GENERATOR = "hr_viton_condition", "hr_viton_generator"
DISCRIMINATOR = "hr_viton_condition_discriminator"


def generate(
    person: PersonArtefacts, garments: Sequence[FramedGarment], seed: int, ctx: StageContext
) -> list[CanvasResult]:
    """Run the condition generator, the glue and the image generator; the discriminator judges where installed."""
    from studio.networks.glue_hr_viton import read_inputs
    from studio.pipeline.tryon.generative.networks import Weights, dress_hr_viton

    densepose = render_densepose(person.densepose.index)
    items = [
        read_inputs(
            agnostic=person.agnostic.image,
            densepose=densepose,
            parse_agnostic=person.agnostic.labels,
            garment=garment.picture,
            garment_mask=garment.mask,
            width=CANVAS_SIZE[0],
        )
        for garment in garments
    ]
    return dress_hr_viton(items, Weights((CONDITION,), GENERATOR, DISCRIMINATOR), seed, ctx, person.photo.name)


HR_VITON = GenerativeEngine("hr_viton", "HR-VITON", (CONDITION, GENERATOR), generate, judged_by=(DISCRIMINATOR,))
