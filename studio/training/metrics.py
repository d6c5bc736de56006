"""How alike two pictures are, and how true a garment's colour: the measures the field reports.

Pictures are uint8 `(H, W, 3)` sRGB of equal size; masks are bool `(H, W)`. What a measure needs beyond that is said
with it. None of them looks at files or models: networks are passed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.errors import ArtefactError

if TYPE_CHECKING:
    from torch import nn

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
    """Return the peak signal-to-noise ratio in dB, at most `PSNR_LIMIT`."""
    _check(first, second)
    squared = (first.astype(np.float64) - second) ** 2
    error = float(squared[mask].mean() if mask is not None and mask.any() else squared.mean())
    return PSNR_LIMIT if error == 0 else min(PSNR_LIMIT, 10 * float(np.log10(255**2 / error)))


def lpips(network: nn.Module, first: U8, second: U8) -> float:
    """Return the LPIPS distance under a loaded `studio.networks.lpips.Lpips`."""
    import torch

    _check(first, second)
    pictures = np.stack([first, second]).astype(np.float32) / 127.5 - 1
    tensor = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    with torch.inference_mode():
        return float(network(tensor[:1], tensor[1:])[0])


def to_lab(picture: U8) -> F32:
    """Return CIELAB (D65), float32 `(H, W, 3)`: L in 0..100, a and b about -128..127."""
    lab: F32 = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab


def _hue_deg(a: F64, b: F64) -> F64:
    hue: F64 = np.degrees(np.arctan2(b, a)) % 360
    return hue


def delta_e2000(first: F64, second: F64) -> F64:
    """Return the CIEDE2000 colour difference of CIELAB values, `(..., 3)` each.

    Source: Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula", Color Research & Application 2005.
    """
    l1, a1, b1 = (first[..., i].astype(np.float64) for i in range(3))
    l2, a2, b2 = (second[..., i].astype(np.float64) for i in range(3))
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(chroma**7 / (chroma**7 + 25.0**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = _hue_deg(a1, b1), _hue_deg(a2, b2)
    grey = c1 * c2 == 0
    turn = np.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    mean_h = np.where(grey, h1 + h2, (h1 + turn / 2) % 360)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * np.cos(np.radians(mean_h - 30))
        + 0.24 * np.cos(np.radians(2 * mean_h))
        + 0.32 * np.cos(np.radians(3 * mean_h + 6))
        - 0.20 * np.cos(np.radians(4 * mean_h - 63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    rotation = -2 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7))
    rotation = rotation * np.sin(np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2))))
    dl, dc, dh = (l2 - l1) / s_l, (c2 - c1) / s_c, d_hue / s_h
    difference: F64 = np.sqrt(np.maximum(dl**2 + dc**2 + dh**2 + rotation * dc * dh, 0))
    return difference


def garment_delta_e(product: U8, product_mask: Bool, look: U8, look_mask: Bool) -> float:
    """Return CIEDE2000 between the median colours of a product photo and of the garment on a look; nan where empty."""
    if not product_mask.any() or not look_mask.any():
        return float("nan")
    one = np.median(to_lab(product)[product_mask], axis=0).astype(np.float64)
    two = np.median(to_lab(look)[look_mask], axis=0).astype(np.float64)
    return float(delta_e2000(one, two))


def frechet_distance(first: F64, second: F64) -> float:
    """Return the Frechet distance of two sets of features, `(N, D)` and `(M, D)`.

    It is FID only when the features are those of the published Inception network.
    Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", NeurIPS 2017.
    """
    mean1, mean2 = first.mean(axis=0), second.mean(axis=0)
    centred1 = (first - mean1) / np.sqrt(max(1, len(first) - 1))
    centred2 = (second - mean2) / np.sqrt(max(1, len(second) - 1))
    # trace(sqrt(C1 C2)) is the sum of the singular values of X1 X2^T: no D x D root is needed.
    overlap = float(np.linalg.svd(centred1 @ centred2.T, compute_uv=False).sum())
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
