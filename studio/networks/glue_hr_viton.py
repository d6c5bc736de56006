"""HR-VITON's inference around its two networks: what goes in, what happens between, what comes out.

Pure functions on tensors `(N, C, H, W)`, for any batch and device. Everything here is computed
in float32 (or float64 if the inputs are); the networks may run in half precision behind their
callables. The published options are the ones taken: occlusion handling on, composition
"warp_grad".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.domain.arrays import U8
from studio.domain.labels import LabelScheme, convert_labels
from studio.networks.blocks import corner_grid, resize_bilinear, resize_nearest, sample
from studio.networks.hr_viton import CONDITION_SIZE, Condition
from studio.networks.preprocess import (
    CLASSES_7,
    CLASSES_13,
    UPPER_OF_13,
    mask_tensor,
    one_hot,
    parse_tensor,
    photo_tensor,
    resize_to_width,
)

BLUR_SIZE = 15
BLUR_SIGMA = 3.0
FLOW_UNITS = ((96 - 1.0) / 2, (128 - 1.0) / 2)
"""The finest flow is in pixels of its own 96 x 128 map, whatever the picture's size."""

KEEPS_GARMENT = (0, 3, 4)
"""Classes that never cover the garment: background, the garment itself, the bottoms below it."""

ConditionNetwork = Callable[[Tensor, Tensor], Condition]
Painter = Callable[[Tensor, Tensor, "list[Tensor] | None"], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class HrVitonInputs:
    """One batch of pairs at working size; pictures in [-1, 1], masks and one-hot maps 0 or 1.

    cloth `(N, 3, H, W)`, cloth_mask `(N, 1, H, W)`, parse_agnostic `(N, 13, H, W)`,
    agnostic `(N, 3, H, W)`, densepose `(N, 3, H, W)`.
    """

    cloth: Tensor
    cloth_mask: Tensor
    parse_agnostic: Tensor
    agnostic: Tensor
    densepose: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.agnostic.shape[-2], self.agnostic.shape[-1]


def read_inputs(
    *, agnostic: U8, densepose: U8, parse_agnostic: U8, garment: U8, garment_mask: U8, width: int = 768
) -> HrVitonInputs:
    """Make a batch of one from arrays, brought to the working width as the published loader does.

    Args:
        agnostic, densepose, garment: RGB `(H, W, 3)`, 3:4 upright.
        parse_agnostic: CIHP-20 labels `(H, W)`.
        garment_mask: `(H, W)`, garment where at least 128.
    """
    return HrVitonInputs(
        cloth=photo_tensor(resize_to_width(garment, width, nearest=False)),
        cloth_mask=mask_tensor(resize_to_width(garment_mask, width, nearest=True)),
        parse_agnostic=parse_tensor(resize_to_width(parse_agnostic, width, nearest=True)),
        agnostic=photo_tensor(resize_to_width(agnostic, width, nearest=False)),
        densepose=photo_tensor(resize_to_width(densepose, width, nearest=False)),
    )


class ParsePrediction(NamedTuple):
    """composed: 13 scores at condition size; blurred: at full size; labels `(N, H, W)` of 13 and of 7 classes."""

    composed: Tensor
    blurred: Tensor
    labels13: Tensor
    labels7: Tensor


class WarpedGarment(NamedTuple):
    """The garment laid onto the person at full size.

    grid: where each pixel is taken from, `(N, H, W, 2)` in [-1, 1] of the garment picture, so the
        native garment photo can be sampled with the same grid.
    mask_uncovered: before what lies in front was cut out of it.
    mask, cloth: after; cloth is white outside the mask.
    """

    grid: Tensor
    mask_uncovered: Tensor
    mask: Tensor
    cloth: Tensor


class HrVitonResult(NamedTuple):
    """Everything one run makes; `picture` is `(N, 3, H, W)` in [-1, 1]."""

    condition: Condition
    parse: ParsePrediction
    garment: WarpedGarment
    picture: Tensor


def condition_inputs(inputs: HrVitonInputs) -> tuple[Tensor, Tensor]:
    """Return what the condition generator takes: garment `(N, 4, 256, 192)` and person `(N, 16, 256, 192)`.

    Pictures shrink bilinear, mask and parse by nearest neighbour.
    """
    mask = (inputs.cloth_mask > 0.5).to(inputs.cloth.dtype)
    garment = resize_bilinear(inputs.cloth, CONDITION_SIZE), resize_nearest(mask, CONDITION_SIZE)
    person = (
        resize_nearest(inputs.parse_agnostic, CONDITION_SIZE),
        resize_bilinear(inputs.densepose, CONDITION_SIZE),
    )
    return torch.cat(garment, 1), torch.cat(person, 1)


def compose(condition: Condition) -> Tensor:
    """Return the 13 scores with the garment's multiplied by its soft warped mask."""
    upper = slice(UPPER_OF_13, UPPER_OF_13 + 1)
    before, after = condition.segmap[:, :UPPER_OF_13], condition.segmap[:, UPPER_OF_13 + 1 :]
    return torch.cat((before, condition.segmap[:, upper] * condition.warped_mask, after), 1)


def discriminator_input(garment: Tensor, person: Tensor, composed: Tensor) -> Tensor:
    """Return what the rejection discriminator judges, `(N, 33, 256, 192)`."""
    return torch.cat((garment, person, torch.softmax(composed, dim=1)), 1)


def gaussian_weights(like: Tensor) -> Tensor:
    """Return the 15 weights of the blur along one axis; the 2-D kernel is their outer product."""
    offset = torch.arange(BLUR_SIZE, device=like.device, dtype=like.dtype) - BLUR_SIZE // 2
    weights = torch.exp(-(offset**2) / (2 * BLUR_SIGMA**2))
    return weights / weights.sum()


def blur(scores: Tensor) -> Tensor:
    """Blur every channel by the 15 x 15 Gaussian of sigma 3; beyond the border there is zero."""
    channels = scores.shape[1]
    weights = gaussian_weights(scores)
    half = BLUR_SIZE // 2
    down = weights.view(1, 1, -1, 1).expand(channels, 1, BLUR_SIZE, 1)
    across = weights.view(1, 1, 1, -1).expand(channels, 1, 1, BLUR_SIZE)
    scores = F.conv2d(scores, down, padding=(half, 0), groups=channels)
    return F.conv2d(scores, across, padding=(0, half), groups=channels)


def merge_labels_to_7(labels13: Tensor) -> Tensor:
    """Merge a 13-class label map to the 7 classes the image generators are led by."""
    table = convert_labels(np.arange(CLASSES_13, dtype=np.uint8), LabelScheme.VITON13, LabelScheme.VITON7)
    return torch.from_numpy(table).to(labels13.device).long()[labels13]


def predict_parse(composed: Tensor, size: tuple[int, int]) -> ParsePrediction:
    """Bring scores to full size, blur, take the first largest, and merge to 7 classes."""
    blurred = blur(resize_bilinear(composed, size))
    labels13 = blurred.argmax(dim=1)
    return ParsePrediction(composed, blurred, labels13, merge_labels_to_7(labels13))


def garment_grid(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the sampling grid `(N, H, W, 2)` at any size from the finest flow `(N, 128, 96, 2)`."""
    full = resize_bilinear(flow.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)
    return corner_grid(*size, flow) + full / flow.new_tensor(FLOW_UNITS)


def occlusion(blurred: Tensor) -> Tensor:
    """Return how likely something other than the garment lies in front, `(N, 1, H, W)`."""
    share = torch.softmax(blurred, dim=1)
    covering = [c for c in range(share.shape[1]) if c not in KEEPS_GARMENT]
    return share[:, covering].sum(dim=1, keepdim=True)


def warp_garment(inputs: HrVitonInputs, flow: Tensor, blurred: Tensor) -> WarpedGarment:
    """Warp the garment at full size and cut out what lies in front of it."""
    grid = garment_grid(flow, inputs.size)
    uncovered = sample((inputs.cloth_mask > 0.5).to(inputs.cloth.dtype), grid)
    mask = uncovered - occlusion(blurred) * uncovered
    cloth = sample(inputs.cloth, grid) * mask + (1 - mask)
    return WarpedGarment(grid, uncovered, mask, cloth)


def generator_input(inputs: HrVitonInputs, cloth: Tensor) -> Tensor:
    """Return what the image generator takes, `(N, 9, H, W)`."""
    return torch.cat((inputs.agnostic, inputs.densepose, cloth), 1)


def dress_layers(inputs: HrVitonInputs, condition: Condition) -> tuple[ParsePrediction, WarpedGarment]:
    """Do everything between the two networks."""
    parse = predict_parse(compose(condition), inputs.size)
    return parse, warp_garment(inputs, condition.flows[-1], parse.blurred)


def dress(
    inputs: HrVitonInputs, network: ConditionNetwork, painter: Painter, noise: list[Tensor] | None = None
) -> HrVitonResult:
    """Run the whole of HR-VITON on a batch.

    Args:
        noise: maps for the generator (`blocks.draw_noise`); the published code draws them unseeded
            even at inference, None leaves them out.
    """
    condition = network(*condition_inputs(inputs))
    parse, garment = dress_layers(inputs, condition)
    lead = one_hot(parse.labels7, CLASSES_7).to(inputs.cloth.dtype)
    picture = painter(generator_input(inputs, garment.cloth), lead, noise)
    return HrVitonResult(condition, parse, garment, picture)
