"""Colour models of small sets of pixels: CIELAB histograms, a little blurred."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, U8

I32 = npt.NDArray[np.int32]

BINS = 16
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
        shares = 0.5 * shares + 0.25 * (np.roll(shares, 1, axis) + np.roll(shares, -1, axis))
    return shares.reshape(-1) / max(float(shares.sum()), 1.0)
