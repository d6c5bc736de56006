"""Pose: torchvision's Keypoint R-CNN from its public checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.domain.arrays import F32, F64
from studio.domain.artefacts import COCO18, EXTRA_POINTS, Cutout, Photo, Pose
from studio.domain.errors import PipelineError
from studio.domain.keys import Note
from studio.pipeline.on_device import run_network
from studio.pipeline.stage import Inputs, ModelProvider, StageContext
from studio.pipeline.work_crop import choose_person, crop_person, seen_in_photo

MODEL = "keypoint_rcnn"
WORK_SIZE = 1333
"""Longest side that the network's own resizing keeps."""

EVEN_LOGIT = 2.0
"""Heat map logit at which a keypoint is as likely right as wrong: what the published examples draw from."""

_LOGIT_WIDTH = 2.0


@dataclass(frozen=True, slots=True)
class KeypointRcnnParams:
    """Settings of the Keypoint R-CNN stage.

    min_person_score: people below it are passed over. min_confidence: keypoints below it are "not seen".
    """

    min_person_score: float = 0.7
    min_confidence: float = 0.3


@dataclass(frozen=True, slots=True)
class KeypointRcnn:
    """The torchvision pose stage."""

    name: str = "pose"
    implementation: str = "keypoint_rcnn"
    version: int = 1
    params_type: type[KeypointRcnnParams] = KeypointRcnnParams
    inputs: tuple[str, ...] = ("photo", "edges")
    output: type[Pose] = Pose

    def models(self, params: KeypointRcnnParams, provider: ModelProvider) -> tuple[str, ...]:
        del params, provider
        return (MODEL,)

    def unavailable(self, provider: ModelProvider) -> Note | None:
        if provider.is_installed(MODEL):
            return None
        return Note("alternative.checkpoint_missing", {"model": MODEL, "title": "Keypoint R-CNN (torchvision)"})

    def run(self, inputs: Inputs, params: KeypointRcnnParams, ctx: StageContext) -> Pose:
        """Return the pose of the person in the cutout.

        Raises:
            PipelineError: `pose.no_person`; `framing.no_person`, the cutout is empty.
        """
        photo, cutout = inputs.take("photo", Photo), inputs.take("edges", Cutout)
        crop = crop_person(photo, cutout, WORK_SIZE)
        ctx.progress.report(0.05, self.name)
        people = _read_people(_detect(crop.image, photo.name, ctx), params)
        ctx.progress.report(0.95, self.name)
        if not len(people):
            raise PipelineError("pose.no_person", file=photo.name)
        if len(people) > 1:
            ctx.note_fallback("pose.several", file=photo.name, people=str(len(people)))
        person = people[choose_person(people, crop.alpha)]
        rows = seen_in_photo(crop.to_photo(person[:, :2]), person[:, 2], photo.size)
        return Pose(_to_coco18(rows), np.zeros((len(EXTRA_POINTS), 3), np.float32), photo.size, len(people))


KEYPOINT_RCNN = KeypointRcnn()


def _detect(image: Any, file: str, ctx: StageContext) -> Mapping[str, Any]:  # Any: uint8 array in, torch tensors out
    def detect(network: Any, device: str) -> Mapping[str, Any]:  # Any: a torch network
        import torch

        picture = torch.tensor(image).permute(2, 0, 1).float().div(255).to(device)
        found: Mapping[str, Any] = network([picture])[0]
        return found

    return run_network(ctx, MODEL, file, KEYPOINT_RCNN.name, ctx.progress.part(0.05, 0.9), detect)


def _read_people(found: Mapping[str, Any], params: KeypointRcnnParams) -> F64:  # Any: torch tensors
    """Return float64 `(P, 17, 3)`: x, y, confidence in crop pixels, best person first."""
    good = found["scores"].cpu().numpy() >= params.min_person_score
    # torchvision counts from the corner of the picture: the first pixel's centre is at 0.5.
    points = found["keypoints"].cpu().numpy().astype(np.float64)[good][..., :2] - 0.5
    logits = found["keypoints_scores"].cpu().numpy().astype(np.float64)[good]
    confidence = 1.0 / (1.0 + np.exp(-(logits - EVEN_LOGIT) / _LOGIT_WIDTH))
    confidence[confidence < params.min_confidence] = 0.0
    people: F64 = np.concatenate([points, confidence[..., None]], axis=-1)
    return people


def _to_coco18(rows: F32) -> F32:
    """Bring torchvision's 17 keypoints into our order and put the neck between the shoulders."""
    from studio.networks.keypoint_rcnn import COCO17

    keypoints = np.zeros((len(COCO18), 3), np.float32)
    for index, name in enumerate(COCO18):
        if name in COCO17:
            keypoints[index] = rows[COCO17.index(name)]
    right, left = keypoints[COCO18.index("right_shoulder")], keypoints[COCO18.index("left_shoulder")]
    if min(right[2], left[2]) > 0:
        keypoints[COCO18.index("neck")] = (*((right + left) / 2)[:2], min(right[2], left[2]))
    return keypoints
