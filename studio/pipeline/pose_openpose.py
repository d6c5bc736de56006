"""Pose: OpenPose's body networks from their public checkpoints, BODY_25 or COCO-18, and its hand network with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.domain.arrays import F32, F64
from studio.domain.artefacts import EXTRA_POINTS, Cutout, Photo, Pose
from studio.domain.errors import PipelineError
from studio.domain.keys import Note
from studio.pipeline.on_device import Call, run_network
from studio.pipeline.pose_io import from_body25
from studio.pipeline.stage import Inputs, ModelProvider, StageContext
from studio.pipeline.work_crop import WorkCrop, choose_person, crop_person, seen_in_photo

WORK_SIZE = 736
"""Longest side at which keypoints are looked for: twice the network's height; its maps are an eighth of that."""

HAND_MODEL = "openpose_hand"
_HAND_POINTS = {"thumb": 3, "index": 5, "pinky": 17}
"""Our points of a hand and the hand network's: the thumb's outer joint, the knuckles of index and little finger."""

_BODY_SHARE = 0.5  # of the stage's progress
_HANDS_FROM = 0.7


@dataclass(frozen=True, slots=True)
class OpenPoseParams:
    """Settings of the OpenPose stages.

    scale: height the network sees, in shares of 368 pixels. The published scripts use 0.5; 1 finds hands and faces
    better and takes four times as long.
    hands: look for fingers too, where the hand network is installed.
    """

    scale: float = 1.0
    hands: bool = True


@dataclass(frozen=True, slots=True)
class OpenPose:
    """The OpenPose stage with one of its public checkpoints. has_feet: BODY_25, else COCO-18."""

    implementation: str
    title: str
    has_feet: bool
    name: str = "pose"
    version: int = 1
    params_type: type[OpenPoseParams] = OpenPoseParams
    inputs: tuple[str, ...] = ("photo", "edges")
    output: type[Pose] = Pose

    def models(self, params: OpenPoseParams, provider: ModelProvider) -> tuple[str, ...]:
        hands = (HAND_MODEL,) if params.hands and provider.is_installed(HAND_MODEL) else ()
        return (self.implementation, *hands)

    def unavailable(self, provider: ModelProvider) -> Note | None:
        if provider.is_installed(self.implementation):
            return None
        return Note("alternative.checkpoint_missing", {"model": self.implementation, "title": self.title})

    def run(self, inputs: Inputs, params: OpenPoseParams, ctx: StageContext) -> Pose:
        """Return the pose of the person in the cutout.

        Raises:
            PipelineError: `pose.no_person`; `framing.no_person`, the cutout is empty.
        """
        photo, cutout = inputs.take("photo", Photo), inputs.take("edges", Cutout)
        crop = crop_person(photo, cutout, WORK_SIZE)
        ctx.progress.report(0.05, self.name)
        people = self._find_people(crop, params, photo.name, ctx)
        if not len(people):
            raise PipelineError("pose.no_person", file=photo.name)
        if len(people) > 1:
            ctx.note_fallback("pose.several", file=photo.name, people=str(len(people)))
        rows = _in_photo(people[choose_person(people, crop.alpha)], crop, photo)
        pose = from_body25(rows, photo.size) if self.has_feet else _without_feet(rows, photo.size)
        extra = pose.extra.copy()
        if HAND_MODEL in self.models(params, ctx.models):
            for name, row in self._find_hands(rows, photo, ctx).items():
                extra[EXTRA_POINTS.index(name)] = row
        ctx.progress.report(1.0, self.name)
        return Pose(pose.keypoints, extra, photo.size, len(people))

    def _find_people(self, crop: WorkCrop, params: OpenPoseParams, file: str, ctx: StageContext) -> F64:
        """Return float64 `(P, K, 3)` in crop pixels."""
        from studio.networks import openpose_decode as decode

        skeleton = decode.BODY25 if self.has_feet else decode.COCO18
        tensor, padding = decode.preprocess(crop.image, scale=params.scale)
        part = ctx.progress.part(0.05, _BODY_SHARE)
        maps = run_network(ctx, self.implementation, file, self.name, part, _looking_at(tensor))
        ctx.progress.report(0.05 + _BODY_SHARE, self.name)
        heatmaps, paf = (plane[0].float().cpu().numpy() for plane in (maps.heatmap, maps.paf))
        size = (crop.image.shape[1], crop.image.shape[0])
        return decode.decode(heatmaps, paf, padding, size, skeleton).keypoints()

    def _find_hands(self, rows: F32, photo: Photo, ctx: StageContext) -> Mapping[str, F32]:
        """Return keypoint rows in photo pixels by our names of the hands' points."""
        from studio.networks import openpose_decode as decode

        found: dict[str, F32] = {}
        for number, box in enumerate(decode.hand_boxes(rows.astype(np.float64), photo.size)):
            crop = np.ascontiguousarray(photo.rgb8[box.y : box.y + box.side, box.x : box.x + box.side])
            tensor, padding = decode.preprocess(crop, scale=1.0)
            share = ctx.progress.part(_HANDS_FROM + 0.15 * number, 0.15)
            maps = run_network(ctx, HAND_MODEL, photo.name, self.name, share, _looking_at(tensor))
            hand = decode.decode_hand(maps[0].float().cpu().numpy(), padding, (crop.shape[1], crop.shape[0]))
            points = hand[:, :2] + np.array([box.x, box.y], np.float64)
            in_photo = seen_in_photo(points, np.clip(hand[:, 2], 0.0, 1.0), photo.size)
            side = "left" if box.is_left else "right"
            found |= {f"{side}_{part}": in_photo[index] for part, index in _HAND_POINTS.items()}
        return found


BODY25 = OpenPose("openpose_body25", "OpenPose BODY_25", has_feet=True)
COCO18 = OpenPose("openpose_coco", "OpenPose COCO-18", has_feet=False)


def _in_photo(person: F64, crop: WorkCrop, photo: Photo) -> F32:
    return seen_in_photo(crop.to_photo(person[:, :2]), np.clip(person[:, 2], 0.0, 1.0), photo.size)


def _without_feet(rows: F32, size: tuple[int, int]) -> Pose:
    """Return COCO-18 rows, which are in our order, as a pose."""
    return Pose(rows, np.zeros((len(EXTRA_POINTS), 3), np.float32), size)


def _looking_at(planes: F32) -> Call[Any]:
    """Return what runs a network on one picture `(3, H, W)`."""

    def call(network: Any, device: str) -> Any:  # Any: a torch network; a tensor or `BodyMaps`
        import torch

        return network(torch.from_numpy(planes)[None].to(device))

    return call
