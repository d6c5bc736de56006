"""Unpaired evaluation: how far a set of looks is from a set of photos, as sets.

FID and KID are what Inception of 2015-12-05 says and nothing else; where the user has not brought its weights they are
not reported. What the features of VGG16 (those of LPIPS) say has a name of its own and is comparable to itself only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from studio.domain.arrays import F64, U8
from studio.training.metrics import frechet_distance, kernel_distance, kernel_distance_of_subsets

if TYPE_CHECKING:
    from torch import Tensor, nn

INCEPTION, VGG = "fid_inception", "lpips_vgg"
"""Ids of the models, in the store and in what is handed in here."""

SUBSETS, SUBSET_SIZE = 100, 1000
_AT_ONCE = 8


def set_distances(real: Sequence[U8], made: Sequence[U8], networks: Mapping[str, nn.Module]) -> dict[str, float]:
    """Return the measures that the networks at hand allow.

    Args:
        real, made: sRGB uint8 pictures of one size, at least two of each.
        networks: `FidInception` and/or `Lpips` on VGG, by `INCEPTION` and `VGG`.

    Returns:
        `fid`, `kid`, `kid_deviation` (where there are pictures enough for subsets), `frechet_vgg`, `pictures`.
    """
    found: dict[str, float] = {}
    if min(len(real), len(made)) < 2:
        return found
    if INCEPTION in networks:
        ours, theirs = (_features(networks[INCEPTION], pictures) for pictures in (made, real))
        found["fid"] = frechet_distance(theirs, ours)
        found["kid"], deviation = kid(theirs, ours)
        if not math.isnan(deviation):
            found["kid_deviation"] = deviation
    if VGG in networks:
        describe = cast("Callable[[Tensor], Tensor]", networks[VGG].describe)
        ours, theirs = (_features(describe, pictures) for pictures in (made, real))
        found["frechet_vgg"] = frechet_distance(theirs, ours)
    found["pictures"] = float(len(made))
    return found


def kid(real: F64, made: F64) -> tuple[float, float]:
    """Return the kernel distance and its deviation, NaN where fewer pictures than a subset gave a single estimate."""
    if min(len(real), len(made)) <= SUBSET_SIZE:
        return kernel_distance(real, made), float("nan")
    return kernel_distance_of_subsets(real, made, subsets=SUBSETS, size=SUBSET_SIZE)


def _features(describe: Callable[[Tensor], Tensor], pictures: Sequence[U8]) -> F64:
    import torch

    found = []
    with torch.inference_mode():
        for start in range(0, len(pictures), _AT_ONCE):
            batch = np.stack(pictures[start : start + _AT_ONCE]).astype(np.float32) / 127.5 - 1
            found.append(describe(torch.from_numpy(batch).permute(0, 3, 1, 2)).double().numpy())
    return np.concatenate(found)
