"""VITON-HD's inference around its three networks.

Pure functions on tensors `(N, C, H, W)`, for any batch and device, float32 outside the networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from studio.domain.arrays import U8
from studio.networks.blocks import resize_bilinear, resize_nearest, sample
from studio.networks.glue_hr_viton import blur, merge_labels_to_7
from studio.networks.preprocess import (
    CLASSES_7,
    UPPER_OF_7,
    mask_tensor,
    one_hot,
    parse_tensor,
    photo_tensor,
    resize_to_width,
)
from studio.networks.viton_hd import MATCHING_SIZE, Matching

NOISE_THRESHOLD = 254.5 / 255
"""The published noise is normal with sigma 255 saturated to bytes and cut to 0 or 1: 1 above this."""

SegmentationNetwork = Callable[[Tensor], Tensor]
MatchingNetwork = Callable[[Tensor, Tensor, tuple[int, int]], Matching]
Painter = Callable[[Tensor, Tensor, Tensor, Tensor, "list[Tensor] | None"], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class VitonHdInputs:
    """One batch of pairs at working size; pictures in [-1, 1], masks and one-hot maps 0 or 1.

    cloth `(N, 3, H, W)`, cloth_mask `(N, 1, H, W)`, parse_agnostic `(N, 13, H, W)`,
    agnostic `(N, 3, H, W)`, pose `(N, 3, H, W)`: the rendered OpenPose picture.
    """

    cloth: Tensor
    cloth_mask: Tensor
    parse_agnostic: Tensor
    agnostic: Tensor
    pose: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.agnostic.shape[-2], self.agnostic.shape[-1]


def read_inputs(
    *, agnostic: U8, pose: U8, parse_agnostic: U8, garment: U8, garment_mask: U8, width: int = 768
) -> VitonHdInputs:
    """Make a batch of one from arrays, brought to the working width as the published loader does.

    Args:
        agnostic, pose, garment: RGB `(H, W, 3)`, 3:4 upright; pose is OpenPose's drawing.
        parse_agnostic: CIHP-20 labels `(H, W)`.
        garment_mask: `(H, W)`, garment where at least 128.
    """
    return VitonHdInputs(
        cloth=photo_tensor(resize_to_width(garment, width, nearest=False)),
        cloth_mask=mask_tensor(resize_to_width(garment_mask, width, nearest=True)),
        parse_agnostic=parse_tensor(resize_to_width(parse_agnostic, width, nearest=True)),
        agnostic=photo_tensor(resize_to_width(agnostic, width, nearest=False)),
        pose=photo_tensor(resize_to_width(pose, width, nearest=False)),
    )


class ParsePrediction(NamedTuple):
    """blurred: 13 scores at full size; labels `(N, H, W)` of 13 and 7 classes; parse: the 7 one-hot."""

    blurred: Tensor
    labels13: Tensor
    labels7: Tensor
    parse: Tensor


class WarpedGarment(NamedTuple):
    """grid: where each pixel of cloth and mask is taken from, in [-1, 1] of the garment picture."""

    grid: Tensor
    cloth: Tensor
    mask: Tensor


class Misalignment(NamedTuple):
    """misalign: where the parse wants garment and the warp has none; divided: parse with it as eighth class."""

    misalign: Tensor
    divided: Tensor


class VitonHdResult(NamedTuple):
    """Everything one run makes; `picture` is `(N, 3, H, W)` in [-1, 1]."""

    scores: Tensor
    prediction: ParsePrediction
    matching: Matching
    garment: WarpedGarment
    misalignment: Misalignment
    picture: Tensor


def segmentation_noise(seeds: Sequence[int]) -> Tensor:
    """Draw the segmentation's input noise, `(N, 1, 256, 192)`, zeros and about 15.9 % ones."""
    maps = [torch.randn(1, *MATCHING_SIZE, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return (torch.stack(maps) >= NOISE_THRESHOLD).float()


def segmentation_input(inputs: VitonHdInputs, noise: Tensor) -> Tensor:
    """Return what the segmentation generator takes, `(N, 21, 256, 192)`; all of it shrinks bilinear."""
    parts = inputs.cloth_mask, inputs.cloth * inputs.cloth_mask, inputs.parse_agnostic, inputs.pose
    small = [resize_bilinear(part, MATCHING_SIZE) for part in parts]
    return torch.cat((*small, noise.to(small[0])), 1)


def predict_parse(scores: Tensor, size: tuple[int, int]) -> ParsePrediction:
    """Bring scores to full size, blur, take the first largest, and merge to 7 classes."""
    blurred = blur(resize_bilinear(scores, size))
    labels13 = blurred.argmax(dim=1)
    labels7 = merge_labels_to_7(labels13)
    return ParsePrediction(blurred, labels13, labels7, one_hot(labels7, CLASSES_7).to(scores.dtype))


def matching_inputs(inputs: VitonHdInputs, parse: Tensor) -> tuple[Tensor, Tensor]:
    """Return what the matching takes: person `(N, 7, 256, 192)` and garment `(N, 3, 256, 192)`, nearest."""
    upper = parse[:, UPPER_OF_7 : UPPER_OF_7 + 1]
    person = [resize_nearest(part, MATCHING_SIZE) for part in (upper, inputs.pose, inputs.agnostic)]
    return torch.cat(person, 1), resize_nearest(inputs.cloth, MATCHING_SIZE)


def warp_garment(inputs: VitonHdInputs, grid: Tensor) -> WarpedGarment:
    """Warp garment and mask at full size."""
    return WarpedGarment(grid, sample(inputs.cloth, grid), sample(inputs.cloth_mask, grid))


def find_misalignment(parse: Tensor, warped_mask: Tensor) -> Misalignment:
    """Split the garment's class by whether the warped garment covers it; soft values stay soft."""
    upper = parse[:, UPPER_OF_7 : UPPER_OF_7 + 1]
    misalign = (upper - warped_mask).clamp(min=0)
    divided = torch.cat((parse[:, :UPPER_OF_7], upper - misalign, parse[:, UPPER_OF_7 + 1 :], misalign), 1)
    return Misalignment(misalign, divided)


def generator_input(inputs: VitonHdInputs, cloth: Tensor) -> Tensor:
    """Return what the ALIAS generator takes, `(N, 9, H, W)`."""
    return torch.cat((inputs.agnostic, inputs.pose, cloth), 1)


def dress(
    inputs: VitonHdInputs,
    segmentation: SegmentationNetwork,
    matching: MatchingNetwork,
    painter: Painter,
    *,
    segmentation_noise: Tensor,
    noise: list[Tensor] | None = None,
) -> VitonHdResult:
    """Run the whole of VITON-HD on a batch.

    Args:
        segmentation_noise: `(N, 1, 256, 192)`, see the function of this name.
        noise: maps for the generator (`blocks.draw_noise`); None leaves them out.
    """
    scores = segmentation(segmentation_input(inputs, segmentation_noise))
    prediction = predict_parse(scores, inputs.size)
    match = matching(*matching_inputs(inputs, prediction.parse), inputs.size)
    garment = warp_garment(inputs, match.grid)
    misalignment = find_misalignment(prediction.parse, garment.mask)
    x = generator_input(inputs, garment.cloth)
    picture = painter(x, prediction.parse, misalignment.divided, misalignment.misalign, noise)
    return VitonHdResult(scores, prediction, match, garment, misalignment, picture)
