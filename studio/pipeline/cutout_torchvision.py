"""Cutout: torchvision's Mask R-CNN from its public checkpoint, which tells people apart that stand together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from studio.domain.arrays import F32, U8
from studio.domain.artefacts import Cutout, Photo, PhotoRole
from studio.domain.errors import PipelineError
from studio.domain.keys import Note
from studio.pipeline.cutout import U2NETP, CutoutParams, mend_mask
from studio.pipeline.on_device import run_network
from studio.pipeline.stage import Inputs, ModelProvider, StageContext

MODEL = "mask_rcnn"
WORK_SIZE = 1333
"""Longest side that the network's own resizing keeps."""

_SOLID = 0.5


@dataclass(frozen=True, slots=True)
class MaskRcnnParams:
    """Settings of the Mask R-CNN stage.

    role: it knows people; garments go to the embedded network. min_score: people below it are passed over.
    person: which one, 0 the most prominent. use_backdrop: one person alone on a plain background is mended by colour.
    """

    role: PhotoRole = PhotoRole.MODEL
    min_score: float = 0.6
    person: int = 0
    use_backdrop: bool = True


@dataclass(frozen=True, slots=True)
class MaskRcnn:
    """The torchvision cutout stage."""

    name: str = "cutout"
    implementation: str = "mask_rcnn"
    version: int = 3
    params_type: type[MaskRcnnParams] = MaskRcnnParams
    inputs: tuple[str, ...] = ("photo",)
    output: type[Cutout] = Cutout

    def models(self, params: MaskRcnnParams, provider: ModelProvider) -> tuple[str, ...]:
        """Return the detector for people, the embedded network for garments."""
        if params.role is PhotoRole.GARMENT:
            return U2NETP.models(CutoutParams(params.role), provider)
        return (MODEL, *U2NETP.models(CutoutParams(params.role, use_backdrop=params.use_backdrop), provider)[1:])

    def unavailable(self, provider: ModelProvider) -> Note | None:
        """Return how to get the checkpoint where it is not installed."""
        if provider.is_installed(MODEL):
            return None
        return Note("alternative.checkpoint_missing", {"model": MODEL, "title": "Mask R-CNN (torchvision)"})

    def run(self, inputs: Inputs, params: MaskRcnnParams, ctx: StageContext) -> Cutout:
        """Return the coarse cutout of one person; its colours are the photo's own.

        Raises:
            PipelineError: `pose.no_person`, or `cutout.no_such_person`, there are fewer than asked for.
        """
        if params.role is PhotoRole.GARMENT:
            ctx.note_fallback("cutout.people_only", title="Mask R-CNN", model=U2NETP.implementation)
            return U2NETP.run(inputs, CutoutParams(params.role), ctx)
        photo = inputs.take("photo", Photo)
        rgb = photo.rgb8
        ctx.progress.report(0.0, self.name)
        masks = _find_people(_reduced(rgb), params, photo.name, ctx)
        ctx.progress.report(0.85, self.name)
        if not len(masks):
            raise PipelineError("pose.no_person", file=photo.name)
        if params.person >= len(masks):
            raise PipelineError("cutout.no_such_person", file=photo.name, people=str(len(masks)))
        if len(masks) > 1:
            ctx.note_fallback("pose.several", file=photo.name, people=str(len(masks)))
        chosen = _without_neighbours(masks, params.person)
        mask = cv2.resize(chosen, photo.size, interpolation=cv2.INTER_CUBIC)
        alpha: F32 = np.clip(mask, 0.0, 1.0)
        if len(masks) == 1 and params.use_backdrop:  # beside others, colour would bring them back
            own = CutoutParams(params.role, use_backdrop=params.use_backdrop)
            alpha = mend_mask(rgb, np.rint(alpha * 255).astype(np.uint8), own, ctx)
        return Cutout(alpha, rgb)


MASK_RCNN = MaskRcnn()


def _reduced(rgb: U8) -> U8:
    shrink = min(1.0, WORK_SIZE / max(rgb.shape[:2]))
    if shrink == 1.0:
        return np.ascontiguousarray(rgb)
    size = max(1, round(rgb.shape[1] * shrink)), max(1, round(rgb.shape[0] * shrink))
    small: U8 = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return small


def _find_people(image: U8, params: MaskRcnnParams, file: str, ctx: StageContext) -> F32:
    """Return float32 `(P, h, w)`: everybody's mask, the most prominent first."""
    from studio.networks.mask_rcnn import PERSON

    def detect(network: Any, device: str) -> Mapping[str, Any]:  # Any: a torch network, tensors by name
        import torch

        picture = torch.tensor(image).permute(2, 0, 1).float().div(255).to(device)
        found = network([picture])[0]
        # Everything found is pasted at the picture's size: let go of what is not wanted before it is copied.
        good = (found["labels"] == PERSON) & (found["scores"] >= params.min_score)
        return {name: found[name][good].float().cpu().numpy() for name in ("masks", "scores")}

    part = ctx.progress.part(0.05, 0.8)
    found = run_network(ctx, MODEL, file, MASK_RCNN.name, part, detect)
    masks: F32 = np.asarray(found["masks"], np.float32).reshape(-1, *image.shape[:2])
    masks = masks[(masks > _SOLID).any(axis=(1, 2))] if len(masks) else masks
    return masks[np.argsort([-_prominence(mask) for mask in masks], kind="stable")]


def _prominence(mask: F32) -> float:
    """Return how much of the picture a person takes, counted less towards its sides."""
    height, width = mask.shape
    across = 1.0 - np.abs((np.arange(width) + 0.5) / width - 0.5)
    return float(np.sum((mask > _SOLID) * across)) / float(height * width)


def _without_neighbours(masks: F32, index: int) -> F32:
    """Return one person's mask less what another person's mask claims with more right."""
    others = np.delete(masks, index, axis=0)
    if not len(others):
        alone: F32 = masks[index]
        return alone
    strongest = others.max(axis=0)
    own: F32 = np.where(strongest > masks[index], np.float32(0), masks[index])
    return own
