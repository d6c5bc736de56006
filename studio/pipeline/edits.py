"""Applies hand corrections to a stage's output: one place that knows which room corrects what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import cast

from studio.domain.artefacts import Artefact, Photo
from studio.domain.edits import Edit
from studio.domain.errors import PipelineError

Apply = Callable[[Artefact, Sequence[Edit], Photo], Artefact]

# stage -> "module:function"; modules are imported when first needed.
_APPLIERS = {
    "edges": "studio.pipeline.edits_mask:apply_mask_edits",
    "pose": "studio.pipeline.edits_body:apply_keypoint_moves",
    "parse": "studio.pipeline.edits_body:apply_parse_strokes",
    "garment": "studio.pipeline.garments.edits:apply_landmark_moves",
    "tryon": "studio.pipeline.edits_mask:apply_edit_mask_edits",
}


def apply_edits(stage: str, artefact: Artefact, edits: Sequence[Edit], photo: Photo) -> Artefact:
    """Return a stage's output with the operator's corrections, in order.

    Raises:
        PipelineError: the outputs of this stage cannot be corrected by hand.
    """
    if stage not in _APPLIERS:
        raise PipelineError("edit.stage", stage=stage)
    module, _, function = _APPLIERS[stage].partition(":")
    return cast(Apply, getattr(import_module(module), function))(artefact, edits, photo)
