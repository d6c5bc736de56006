"""Colour models of small sets of pixels: CIELAB histograms, a little blurred."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, U8

I32 = npt.NDArray[np.int32]

BINS = 16
SIMILAR = 0.75
"""Overlap of two colour models (Bhattacharyya) above which colour says little."""
_LLR_LIMIT = 3.0
_UNSEEN_COLOUR = -1.5  # a colour of neither garment below the chest is a belt more often than a print
_TONE_STEP = 5  # a and b of cloth and skin span a third of their range: finer bins there


def colour_codes(image: U8) -> I32:
    """Return each pixel's colour bin, int32 `(H, W)`."""
    lab = cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 1.0), cv2.COLOR_RGB2LAB).astype(np.int32)
    tone = np.clip((lab[..., 1:] - 128) // _TONE_STEP + BINS // 2, 0, BINS - 1)
    codes: I32 = (lab[..., 0] * BINS // 256) * BINS * BINS + tone[..., 0] * BINS + tone[..., 1]
    return codes


def colour_histogram(codes: I32, weight: F32) -> F32:
    """Return the share of each bin, float32 `(BINS**3,)`, blurred by one bin: light and folds move colours about."""
    counts = np.bincount(codes.reshape(-1), weight.reshape(-1), minlength=BINS**3)
    shares = counts.astype(np.float32).reshape(BINS, BINS, BINS)
    for axis in (0, 0, 1, 2):  # lightness twice: it varies most within one cloth
        padded = np.pad(shares, [(1, 1) if other == axis else (0, 0) for other in range(3)], mode="edge")
        before, after = (padded.take(range(start, start + BINS), axis) for start in (0, 2))  # black is not white's
        shares = 0.5 * shares + 0.25 * (before + after)
    return shares.reshape(-1) / max(float(shares.sum()), 1.0)


def colour_ratio(
    codes: I32, upper: F32, lower: F32, floor: float = 1.5e-3, unseen: float = _UNSEEN_COLOUR, rare: float = 1.0
) -> tuple[F32, float]:
    """Return the log likelihood ratio upper : lower of each pixel's colour, and how alike the two models are.

    floor: share from which a colour is a garment's own; those have a percent and more. unseen: what a colour says that
    is rarer in both than this share of `floor`.
    """
    ours, theirs = colour_histogram(codes, upper), colour_histogram(codes, lower)
    ratio = np.clip(np.log((ours + floor) / (theirs + floor)), -_LLR_LIMIT, _LLR_LIMIT)
    ratio[np.maximum(ours, theirs) < rare * floor] = unseen
    return ratio.astype(np.float32)[codes], float(np.sqrt(ours * theirs).sum())
