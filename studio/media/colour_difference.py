"""How far two colours are apart to the eye: CIELAB and CIEDE2000.

Pictures are uint8 `(H, W, 3)` sRGB; masks are bool `(H, W)`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, F64, U8, Bool


def to_lab(picture: U8 | F32) -> F32:
    """Return CIELAB (D65) of 0..255, float32 `(H, W, 3)`: L in 0..100, a and b about -128..127."""
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


_MOST_TONES = 3
_ONE_TONE = 25.0
"""Groups of colours nearer than this in CIELAB are one tone of the cloth in its own light and shade."""
_LEAST_TONE = 0.1
_FOREIGN = 40.0
"""No light takes a tone farther than this in CIELAB: such pixels are skin, backdrop or what else stands there."""


def tones_delta_e(product: U8, product_mask: Bool, look: U8, look_mask: Bool) -> float:
    """Return CIEDE2000 between the medians of each of a garment's tones, weighted by their share of the product.

    Of stripes, or sleeves of another colour, a look shows more of one tone than the product photo does: a median over
    all of them leaps from tone to tone though no colour has changed. Pixels of the look that are far from all tones
    are not the garment's, unless a tone would be left without: then they are what became of it. What holds several
    colours at once, as a small print does, is no tone: its median is any of them. nan where a mask is empty.
    """
    if not product_mask.any() or not look_mask.any():
        return float("nan")
    one, two = to_lab(product)[product_mask], to_lab(look)[look_mask]
    centres = find_tones(one)
    own, worn = (nearest_tone(pixels, centres) for pixels in (one, two))
    total = weight = 0.0
    for tone in _plain_tones(one, own):
        share = float((own == tone).mean())
        seen = two[worn == tone] if (worn == tone).any() else two
        like = seen[np.linalg.norm(seen - centres[tone], axis=1) < _FOREIGN]
        seen = like if len(like) >= _LEAST_TONE * share * len(two) else seen
        medians = (np.median(pixels, axis=0).astype(np.float64) for pixels in (one[own == tone], seen))
        total, weight = total + share * float(delta_e2000(*medians)), weight + share
    return total / weight


def _plain_tones(pixels: F32, own: npt.NDArray[np.intp]) -> list[int]:
    """Return the tones that are no details and one colour each; all but details where none is. own: each pixel's."""
    large = [tone for tone in np.unique(own).tolist() if (own == tone).mean() >= _LEAST_TONE]
    return [tone for tone in large if not is_mixed(pixels[own == tone])] or large


def is_mixed(pixels: F32) -> bool:
    """Tell colours that differ more than one tone does in its own light and shade."""
    return bool(np.median(np.linalg.norm(pixels - np.median(pixels, axis=0), axis=1)) > _ONE_TONE)


def has_one_tone(product: U8, mask: Bool) -> bool:
    """Tell a garment with one tone, details aside, from one that has several, or none of its own (a print)."""
    pixels = to_lab(product)[mask]
    own = nearest_tone(pixels, find_tones(pixels))
    tones = _plain_tones(pixels, own)
    return len(tones) == 1 and not is_mixed(pixels[own == tones[0]])


def find_tones(pixels: F32) -> F32:
    """Return the colours of at most three tones, `(n, 3)`: k-means begun by lightness, groups close together joined."""
    import cv2

    pixels = np.ascontiguousarray(pixels[:: max(1, len(pixels) // 20_000)])
    if len(pixels) < _MOST_TONES:
        return np.median(pixels, axis=0, keepdims=True).astype(np.float32)
    begun = np.empty(len(pixels), np.int32)
    begun[np.argsort(pixels[:, 0], kind="stable")] = np.arange(len(pixels)) * _MOST_TONES // len(pixels)
    until = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 30, 0.1)
    _, labels, found = cv2.kmeans(pixels, _MOST_TONES, begun[:, None], until, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    shares = np.bincount(labels.ravel(), minlength=_MOST_TONES) / len(pixels)
    tones = [(centre, share) for centre, share in zip(found, shares, strict=True) if share > 0]
    while len(tones) > 1:
        pairs = [(float(np.hypot.reduce(tones[i][0] - tones[j][0])), i, j) for i in range(len(tones)) for j in range(i)]
        distance, i, j = min(pairs)
        if distance >= _ONE_TONE:
            break
        (first, a), (second, b) = tones[i], tones[j]
        tones[j] = ((first * a + second * b) / (a + b), a + b)
        del tones[i]
    return np.stack([centre for centre, _ in tones]).astype(np.float32)


def nearest_tone(pixels: F32, centres: F32) -> npt.NDArray[np.intp]:
    """Return the number of the tone that each colour, `(n, 3)`, is nearest to."""
    nearest: npt.NDArray[np.intp] = np.square(pixels[:, None] - centres[None]).sum(axis=2).argmin(axis=1)
    return nearest
