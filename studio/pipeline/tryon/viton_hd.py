"""The `viton_hd` engine: VITON-HD from its public checkpoints, brought back to native resolution.

Source: Choi, Park, Lee, Choo, "VITON-HD: High-Resolution Virtual Try-On via Misalignment-Aware Normalization",
CVPR 2021.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.artefacts import Artefact, PersonArtefacts
from studio.domain.geometry import CANVAS_SIZE
from studio.pipeline.agnostic import VITON_HD as AGNOSTIC
from studio.pipeline.stage import Inputs, NoParams, StageContext
from studio.pipeline.tryon.generative.engine import GenerativeEngine
from studio.pipeline.tryon.generative.framed import FramedGarment, draw_pose
from studio.pipeline.tryon.generative.result import CanvasResult

SEGMENTATION, MATCHING, GENERATOR = "viton_hd_segmentation", "viton_hd_matching", "viton_hd_generator"


def generate(
    person: PersonArtefacts, garments: Sequence[FramedGarment], seed: int, ctx: StageContext
) -> list[CanvasResult]:
    """Run segmentation, matching and the ALIAS generator.

    The agnostic image is painted by VITON-HD's own rules, whichever the recipe's agnostic stage follows: its networks
    never saw the other one. The parse agnostic is the same in both.
    """
    from studio.networks.glue_viton_hd import read_inputs
    from studio.pipeline.tryon.generative.networks import Weights, dress_viton_hd

    slots: dict[str, Artefact] = {
        "photo": person.photo, "framing": person.framing, "pose": person.pose, "parse": person.parse,
    }  # fmt: skip
    # Its notes about hips and shoulders were already given when the person's own agnostic was made.
    painted = AGNOSTIC.run(Inputs(slots), NoParams(), StageContext(ctx.models, ctx.progress.part(0.0, 0.03)))
    pose = draw_pose(person)
    items = [
        read_inputs(
            agnostic=painted.image,
            pose=pose,
            parse_agnostic=person.agnostic.labels,
            garment=garment.picture,
            garment_mask=garment.mask,
            width=CANVAS_SIZE[0],
        )
        for garment in garments
    ]
    return dress_viton_hd(items, Weights((SEGMENTATION, MATCHING), GENERATOR), seed, ctx, person.photo.name)


VITON_HD = GenerativeEngine("viton_hd", "VITON-HD", (SEGMENTATION, MATCHING, GENERATOR), generate)
