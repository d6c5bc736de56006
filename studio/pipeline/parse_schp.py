"""Parse: Self-Correction Human Parsing from its public checkpoints, mapped to CIHP-20.

LIP and ATR know no neck: it is taken from the face's label below the chin and from what the cutout holds between
chin and shoulders, by the pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.artefacts import Cutout, ParseMap, Photo, Pose
from studio.domain.keys import Note
from studio.domain.labels import Cihp, LabelScheme, convert_labels
from studio.pipeline.on_device import run_network
from studio.pipeline.stage import Inputs, ModelProvider, StageContext
from studio.pipeline.work_crop import person_box

CROP_MARGIN = 0.06
"""Room around the person; the networks were trained on crops that hold one person and little else."""

CHIN_SHARE = 0.5
"""Where the chin lies on the way from the nose to the middle of the shoulders, measured on catalogue pictures."""

NECK_SPAN = (0.4, 1.15)
NECK_HALF_WIDTH = 0.32
FACE_HALF_WIDTH = 0.6
"""What neck and face cover, along and across that way, in shares of its length; a face on a print lies elsewhere."""

_NETWORK_SHARE = 0.6
"""Share of the stage's progress that the network takes; the rest is bringing the classes back to the photo."""


@dataclass(frozen=True, slots=True)
class SchpParams:
    """Settings of the SCHP parser.

    neck_from_pose: give the neck its own label. Without it faces reach down to the collar.
    fill_reach: person pixels without a label take the nearest one within this share of the person's longer side.
    """

    neck_from_pose: bool = True
    fill_reach: float = 0.03


@dataclass(frozen=True, slots=True)
class SchpParse:
    """The SCHP parse stage with one of its public checkpoints."""

    implementation: str
    scheme: LabelScheme
    title: str
    name: str = "parse"
    version: int = 1
    params_type: type[SchpParams] = SchpParams
    inputs: tuple[str, ...] = ("photo", "edges", "pose")
    output: type[ParseMap] = ParseMap

    def models(self, params: SchpParams, provider: ModelProvider) -> tuple[str, ...]:
        del params, provider
        return (self.implementation,)

    def unavailable(self, provider: ModelProvider) -> Note | None:
        if provider.is_installed(self.implementation):
            return None
        return Note("alternative.checkpoint_missing", {"model": self.implementation, "title": self.title})

    def run(self, inputs: Inputs, params: SchpParams, ctx: StageContext) -> ParseMap:
        """Return the CIHP-20 parse map of the person in the cutout.

        Raises:
            PipelineError: `framing.no_person`, the cutout is empty.
        """
        photo, cutout = inputs.take("photo", Photo), inputs.take("edges", Cutout)
        pose = inputs.take("pose", Pose)
        box = person_box(photo, cutout, CROP_MARGIN)
        ctx.progress.report(0.0, self.name)
        found = self._parse(np.ascontiguousarray(photo.rgb8[box.slices]), photo.name, ctx)
        crop = convert_labels(found, self.scheme, LabelScheme.CIHP).copy()
        solid = cutout.alpha[box.slices] >= 0.5
        if params.neck_from_pose:
            label_neck(crop, solid, pose, np.array([box.x0, box.y0], np.float64))
        complete(crop, solid, round(params.fill_reach * max(cutout.box.width, cutout.box.height)))
        labels = np.zeros(cutout.alpha.shape, np.uint8)
        labels[box.slices] = crop
        ctx.progress.report(1.0, self.name)
        return ParseMap(labels)

    def _parse(self, crop: U8, file: str, ctx: StageContext) -> U8:
        """Return the network's own labels of a crop, at the crop's size."""
        from studio.networks import schp

        side = schp.INPUT_SIZE[schp.SchpDataset(self.scheme.value)]
        geometry = schp.crop_geometry((crop.shape[1], crop.shape[0]), (side, side))
        planes = schp.preprocess(crop, geometry)

        def call(network: Any, device: str) -> Any:  # Any: a torch network, and its tensor
            import torch

            return network(torch.from_numpy(planes)[None].to(device)).fusion.float().cpu()

        part = ctx.progress.part(0.0, _NETWORK_SHARE)
        fusion = run_network(ctx, self.implementation, file, self.name, part, call)
        rest = ctx.progress.part(_NETWORK_SHARE, 1.0 - _NETWORK_SHARE)
        return schp.labels_on_photo(
            schp.upsample_logits(fusion, geometry), geometry, lambda done: rest.report(done, self.name)
        )


SCHP_LIP = SchpParse("schp_lip", LabelScheme.LIP, "SCHP (LIP)")
SCHP_ATR = SchpParse("schp_atr", LabelScheme.ATR, "SCHP (ATR)")


def label_neck(labels: U8, solid: Bool, pose: Pose, origin: F64) -> None:
    """Relabel, in place, what lies below the chin as neck: face, and person pixels without a label.

    Args:
        labels: uint8 `(h, w)`, CIHP-20.
        solid: `(h, w)`, the person.
        pose: in photo pixels.
        origin: `(x, y)` of the labels' first pixel in the photo.
    """
    nose, shoulders = pose.point("nose"), pose.point("neck")
    if nose is None or shoulders is None:
        return
    start = nose.astype(np.float64) - origin
    way = shoulders.astype(np.float64) - nose
    length = float(np.hypot(*way))
    if length < 1.0:
        return
    around = _around_neck(start + way / 2, length, labels.shape)
    part, part_solid = labels[around], solid[around]
    y, x = np.mgrid[around].astype(np.float32)
    along: F32 = ((x - start[0]) * way[0] + (y - start[1]) * way[1]) / length**2
    across: F32 = np.abs((x - start[0]) * way[1] - (y - start[1]) * way[0]) / length**2
    above_collar = along < NECK_SPAN[1]
    below_chin = (along > CHIN_SHARE) & above_collar & (across < FACE_HALF_WIDTH)
    part[(part == Cihp.FACE) & below_chin] = Cihp.NECK
    inside_neck = (along > NECK_SPAN[0]) & above_collar & (across < NECK_HALF_WIDTH)
    part[(part == Cihp.BACKGROUND) & part_solid & inside_neck] = Cihp.NECK


def _around_neck(middle: F64, length: float, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the rows and columns that head and neck can cover; a face is no longer than this."""
    reach = 2.0 * length
    first = np.clip(np.floor(middle - reach), 0, None).astype(np.intp)
    x1, y1 = np.clip(np.ceil(middle + reach), 0, [shape[1], shape[0]]).astype(np.intp)
    return slice(int(first[1]), int(max(first[1], y1))), slice(int(first[0]), int(max(first[0], x1)))


def complete(labels: U8, solid: Bool, reach: int) -> None:
    """Bring labels and cutout together, in place: nothing outside the person, no small gaps inside.

    Args:
        labels: uint8 `(h, w)`, CIHP-20.
        solid: `(h, w)`, the person.
        reach: person pixels without a label take the nearest one, at most this many pixels away.
    """
    labels[~solid] = Cihp.BACKGROUND
    known = labels != Cihp.BACKGROUND
    gaps = solid & ~known
    if not gaps.any() or not known.any() or reach < 1:
        return
    distance, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_of = np.zeros(int(nearest.max()) + 1, np.uint8)
    label_of[nearest[known]] = labels[known]
    filled = gaps & (distance <= reach)
    labels[filled] = label_of[nearest[filled]]
