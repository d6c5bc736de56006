"""How alike two pictures are, and how true a garment's colour: the measures the field reports.

Pictures are uint8 `(H, W, 3)` sRGB of equal size; masks are bool `(H, W)`. What a measure needs beyond that is said
with it. None of them looks at files or models: networks are passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from studio.domain.arrays import F64, U8, Bool
from studio.domain.errors import ArtefactError

if TYPE_CHECKING:
    from torch import Tensor, nn

_SSIM_SIGMA = 1.5
_SSIM_RADIUS = 5  # an 11 x 11 window
_K1, _K2 = 0.01, 0.03
PSNR_LIMIT = 100.0
"""Reported for equal pictures, where PSNR is infinite: tables and means stay finite."""


def _check(first: U8, second: U8) -> None:
    if first.shape != second.shape:
        raise ArtefactError("artefact.size", name="metric", first=str(first.shape), second=str(second.shape))


def _blur(plane: F64) -> F64:
    size = 2 * _SSIM_RADIUS + 1
    blurred: F64 = cv2.GaussianBlur(plane, (size, size), _SSIM_SIGMA, borderType=cv2.BORDER_REFLECT)
    return blurred


def ssim_map(first: U8, second: U8) -> F64:
    """Return the structural similarity at each pixel, float64 `(H, W)`, mean over R, G, B.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment", TIP 2004; Gaussian window 11 x 11, sigma 1.5.
    """
    _check(first, second)
    one, two = first.astype(np.float64), second.astype(np.float64)
    mean1, mean2 = _blur(one), _blur(two)
    var1 = _blur(one * one) - mean1 * mean1
    var2 = _blur(two * two) - mean2 * mean2
    both = _blur(one * two) - mean1 * mean2
    c1, c2 = (_K1 * 255) ** 2, (_K2 * 255) ** 2
    similar: F64 = ((2 * mean1 * mean2 + c1) * (2 * both + c2)) / (
        (mean1 * mean1 + mean2 * mean2 + c1) * (var1 + var2 + c2)
    )
    over_channels: F64 = similar.mean(axis=2)
    return over_channels


def ssim(first: U8, second: U8, mask: Bool | None = None) -> float:
    """Return mean SSIM, over the mask where one is given; without one, the border of half a window is left out."""
    values = ssim_map(first, second)
    if mask is not None:
        return float(values[mask].mean()) if mask.any() else float("nan")
    edge = _SSIM_RADIUS
    return float(values[edge:-edge, edge:-edge].mean())


def psnr(first: U8, second: U8, mask: Bool | None = None) -> float:
    """Return the peak signal-to-noise ratio in dB, at most `PSNR_LIMIT`; NaN over an empty mask."""
    _check(first, second)
    squared = (first.astype(np.float64) - second) ** 2
    if mask is not None and not mask.any():
        return float("nan")
    error = float(squared.mean() if mask is None else squared[mask].mean())
    return PSNR_LIMIT if error == 0 else min(PSNR_LIMIT, 10 * float(np.log10(255**2 / error)))


def lpips(network: nn.Module, first: U8, second: U8) -> float:
    """Return the LPIPS distance under a loaded `studio.networks.lpips.Lpips`."""
    return lpips_parts(network, first, second)[0]


def lpips_parts(network: nn.Module, first: U8, second: U8) -> tuple[float, F64]:
    """Return the LPIPS distance, and the distance at each pixel `(H, W)`, to be averaged over regions."""
    import torch

    _check(first, second)
    pictures = np.stack([first, second]).astype(np.float32) / 127.5 - 1
    tensor = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    compare = cast("Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]", network.compare)
    with torch.inference_mode():
        whole, places = compare(tensor[:1], tensor[1:])
    return float(whole[0]), places[0].double().numpy()


def frechet_distance(first: F64, second: F64) -> float:
    """Return the Frechet distance of two sets of features, `(N, D)` and `(M, D)`.

    It is FID only when the features are those of the published Inception network.
    Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", NeurIPS 2017.
    """
    mean1, mean2 = first.mean(axis=0), second.mean(axis=0)
    centred1 = (first - mean1) / np.sqrt(max(1, len(first) - 1))
    centred2 = (second - mean2) / np.sqrt(max(1, len(second) - 1))
    # trace(sqrt(C1 C2)) is the sum of the singular values of X1 X2^T, and of R1 R2^T with X = QR: no D x D root is
    # needed, and never more than the smaller of N and D squared.
    root1, root2 = (cast(F64, np.linalg.qr(centred, mode="r")) for centred in (centred1, centred2))
    overlap = float(np.linalg.svd(root1 @ root2.T, compute_uv=False).sum())
    spread = float((centred1**2).sum() + (centred2**2).sum())
    return float(((mean1 - mean2) ** 2).sum()) + spread - 2 * overlap


def kernel_distance(first: F64, second: F64) -> float:
    """Return the unbiased squared MMD with the cubic polynomial kernel; KID when the features are Inception's.

    Source: Binkowski, Sutherland, Arbel, Gretton, "Demystifying MMD GANs", ICLR 2018.
    """

    def kernel(one: F64, two: F64) -> F64:
        cubic: F64 = (one @ two.T / one.shape[1] + 1) ** 3
        return cubic

    n, m = len(first), len(second)
    if n < 2 or m < 2:
        return float("nan")
    same1, same2 = kernel(first, first), kernel(second, second)
    within = (same1.sum() - np.trace(same1)) / (n * (n - 1)) + (same2.sum() - np.trace(same2)) / (m * (m - 1))
    return float(within - 2 * kernel(first, second).mean())


def kernel_distance_of_subsets(
    first: F64, second: F64, *, subsets: int, size: int, seed: int = 0
) -> tuple[float, float]:
    """Return mean and deviation of `kernel_distance` over random subsets without replacement: KID as it is reported."""
    random = np.random.default_rng(seed)
    values = [
        kernel_distance(
            first[random.choice(len(first), size, replace=False)],
            second[random.choice(len(second), size, replace=False)],
        )
        for _ in range(subsets)
    ]
    return float(np.mean(values)), float(np.std(values))


@dataclass(frozen=True, slots=True)
class Identity:
    """Whether anything moved outside the edit mask: the number of changed pixels there, and of pixels there."""

    changed: int
    outside: int

    @property
    def is_kept(self) -> bool:
        return self.changed == 0


def check_identity(photo: U8, look: U8, edit_mask: Bool) -> Identity:
    """Count the pixels outside the edit mask that differ from the photo at all."""
    _check(photo, look)
    outside = ~edit_mask
    return Identity(int((photo != look).any(axis=2)[outside].sum()), int(outside.sum()))
