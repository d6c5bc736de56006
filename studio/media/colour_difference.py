"""How far two colours are apart to the eye: CIELAB and CIEDE2000.

Pictures are uint8 `(H, W, 3)` sRGB; masks are bool `(H, W)`.
"""

from __future__ import annotations

import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool


def to_lab(picture: U8) -> F32:
    """Return CIELAB (D65), float32 `(H, W, 3)`: L in 0..100, a and b about -128..127."""
    import cv2

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
