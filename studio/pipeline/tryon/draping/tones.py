"""Cloth under light and shade, and how much light it takes so that a look has the product's own colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, F64, U8
from studio.media.colour_difference import delta_e2000, find_tones, is_mixed, nearest_tone, to_lab
from studio.pipeline.parallel import each
from studio.pipeline.planes import largest, spread

DEEPER, WHITE_SHADES = 1.3, 0.6
"""How strongly dark and white cloth take a shade: white cloth lights its own folds."""
SHEEN = 0.15
"""What a full stop of light adds to black cloth: its folds are seen by their sheen, not by its colour."""
MOST_SHIFT = 0.06
"""How far the product's tones may move all factors beyond their own median, for the garment's visible part."""
SHIFTS = ((0.02, 3), (0.005, 3))
"""Shifts are tried in steps of the first, so many to both sides: coarse ones, then fine ones around the best."""
LEAST_TONE = 0.1
"""A tone with a smaller share of the product is a detail."""
LEAST_SHOWN = 20
SAME_TONE = 12.0
"""What shows of a tone and is farther from it than this, CIELAB, before any light, is something else: another part of
a print, nearest to a lining that nobody sees."""
ENOUGH = 6000
"""Pixels that are enough for medians."""
MOST_TONED, TRIES = 3.0, 3
"""How far a tone's own colour is moved at most, CIELAB, so that in the look's light it is the product's; how often what
is still missing is added."""
NEAR_TONE, FADES = 64.0, 0.05
"""Colours this near to a tone, 0..255, move with it; those far from all tones hardly move."""
ROWS = 256
"""A photo's rows are toned by so many: in one piece it would take many times its memory."""
DARK_TONED = 16.0
"""Added to values that are moved in proportion: what lies in a fold of dark cloth is not crushed, nor left behind."""


def shade_cloth(rgb: F32, factor: F32) -> F32:
    """Return cloth (0..255) under a logarithmic factor: white stays below white, black shows its folds.

    Mid tones are multiplied. Towards white, light is held back and shade softened; towards black a little is added or
    taken away that does not depend on the colour.
    """
    gain = np.expm1(factor)
    up, down = np.maximum(gain, 0), spread(np.minimum(gain, 0))
    value = rgb * np.float32(1 / 255)
    square = value * value
    change = 1 - np.minimum(value, 1)
    np.square(change, out=change)
    np.square(change, out=change)
    change *= np.float32(SHEEN)
    change += value * np.float32(DEEPER)
    change *= spread(gain)
    square *= value
    change -= square * (np.float32(DEEPER - WHITE_SHADES) * down)
    # The channel nearest to white holds all three back: light makes no yellow greener.
    brightest = np.square(np.square(largest(value)))
    change -= value * spread(brightest * (np.float32(DEEPER) * up))
    value += change
    value *= np.float32(255)
    return np.clip(value, 0, 255, out=value)


def find_middle(factor: F32, cloth: F32, product: F32) -> float:
    """Return what to take from all factors so that each tone of the cloth that shows has the product's colour.

    factor: `(n,)`, of the cloth that shows, `(n, 3)` 0..255. product: `(m, 3)`, all of it. Each tone is compared with
    itself, for a pose shows as much as it likes of stripes, sleeves of another colour or a print: a median over all
    would ask for light where only another share of the tones is seen.
    """
    if factor.size == 0:
        return 0.0
    step = max(1, len(factor) // ENOUGH)
    factor, cloth = factor[::step], cloth[::step]
    plain = float(np.median(factor))
    tones = _compare(cloth, product[:: max(1, len(product) // ENOUGH)])
    best = plain
    for width, count in SHIFTS:
        tried = [best + width * number for number in range(-count, count + 1)]
        tried = [middle for middle in tried if abs(middle - plain) < MOST_SHIFT + 1e-6]
        # Of equals the one nearest to the light's own median: white cloth looks the same under many.
        missed = [(round(_miss(factor - np.float32(middle), cloth, tones), 3), abs(middle - plain)) for middle in tried]
        best = tried[missed.index(min(missed))]
    return best


_Tones = list[tuple[float, F64, npt.NDArray[np.intp]]]
"""Share, product's median in CIELAB and numbers of the shown pixels of each tone."""


def _compare(cloth: F32, product: F32) -> _Tones:
    if not len(product):
        return []
    own, shown = (to_lab(pixels[None])[0] for pixels in (product, cloth))
    centres = find_tones(own)
    of_product, of_cloth = nearest_tone(own, centres), nearest_tone(shown, centres)
    tones: _Tones = []
    for number in range(len(centres)):
        here, there = of_product == number, np.flatnonzero(of_cloth == number)
        if here.mean() < LEAST_TONE or len(there) < LEAST_SHOWN or is_mixed(own[here]):
            continue
        wanted = np.median(own[here], axis=0).astype(np.float64)
        if float(np.linalg.norm(np.median(shown[there], axis=0) - wanted)) < SAME_TONE:
            tones.append((float(here.mean()), wanted, there))
    return tones


def _miss(factor: F32, cloth: F32, tones: _Tones) -> float:
    """Return how far the tones under this light are from the product's: CIEDE2000, squared, weighted by their share.

    Squared, so that no tone pays much for a little of another.
    """
    lit = to_lab(shade_cloth(cloth[:, None], factor[:, None])[:, 0][None])[0]
    return sum(
        share * float(delta_e2000(wanted, np.median(lit[there], axis=0).astype(np.float64))) ** 2
        for share, wanted, there in tones
    )


def _bytes(pixels: F32) -> U8:
    rounded: U8 = np.clip(np.round(pixels), 0, 255).astype(np.uint8)
    return rounded


@dataclass(frozen=True, slots=True, eq=False)
class Toning:
    """How the tones of a cloth are moved. centres: `(n, 3)`, shifts: what is added there, `(n, 3)`, both 0..255."""

    centres: F32
    shifts: F32

    def apply(self, rgb: F32) -> F32:
        """Return cloth `(..., 3)`, 0..255, with its tones moved, and what lies between them in between."""
        if not len(self.centres):
            return rgb
        planes = cv2.split(np.ascontiguousarray(rgb.reshape(-1, 1, 3)))
        total = np.full(planes[0].shape, FADES, np.float32)
        gains = [np.zeros_like(total) for _ in planes]
        for centre, shift in zip(self.centres, self.shifts, strict=True):
            away = total * 0
            for plane, middle in zip(planes, centre, strict=True):
                away += np.square(plane - middle)
            weight = cv2.exp(away * np.float32(-0.5 / NEAR_TONE**2))
            total += weight
            # In proportion to the value: a tone's shade moves less than its light.
            for gain, share in zip(gains, shift / (centre + np.float32(DARK_TONED)), strict=True):
                gain += weight * share
        moved = [
            plane + (plane + np.float32(DARK_TONED)) * gain / total for plane, gain in zip(planes, gains, strict=True)
        ]
        toned: F32 = np.clip(cv2.merge(moved), 0, 255).reshape(rgb.shape)
        return toned


def find_toning(factor: F32, cloth: F32, product: F32) -> Toning:
    """Return how to move the cloth's colours so that under these factors each tone's median is the product's.

    One light for all cannot do that: in shade dark tones lose more than white does, and the part of the product that
    shows may be the paler or the greyer one. What is left after `find_middle` is small and is given to each tone
    itself. Arguments: see there.
    """
    none = np.zeros((0, 3), np.float32)
    if factor.size == 0:
        return Toning(none, none)
    step = max(1, len(factor) // ENOUGH)
    factor, cloth = factor[::step], cloth[::step]
    tones = _compare(cloth, product[:: max(1, len(product) // ENOUGH)])
    if not tones:
        return Toning(none, none)
    wanted = np.stack([wanted for _, wanted, _ in tones])
    missing = np.zeros_like(wanted)
    for _ in range(TRIES):
        toning = _toning_towards(wanted, missing)
        lit = shade_cloth(toning.apply(cloth)[:, None], factor[:, None])[:, 0]
        lab = to_lab(lit[None])[0]
        missing += wanted - np.stack([np.median(lab[there], axis=0) for _, _, there in tones])
        missing *= np.minimum(1, MOST_TONED / np.maximum(np.linalg.norm(missing, axis=1, keepdims=True), 1e-6))
    return _toning_towards(wanted, missing)


def _toning_towards(tones: F64, missing: F64) -> Toning:
    """Return the toning that adds what is missing, both CIELAB, at each tone."""
    centres, moved = (
        cv2.cvtColor(colours[None].astype(np.float32), cv2.COLOR_LAB2RGB)[0] * np.float32(255)
        for colours in (tones, tones + missing)
    )
    return Toning(centres, moved - centres)


def tone_picture(rgb: U8, toning: Toning | None) -> U8:
    """Return a product photo's pixels with its tones moved."""
    if toning is None or not np.abs(toning.shifts).max(initial=0) >= 0.5:
        return rgb
    toned = np.empty_like(rgb)

    def tone(row: int) -> None:
        toned[row : row + ROWS] = _bytes(toning.apply(rgb[row : row + ROWS].astype(np.float32)))

    each(tone, range(0, len(rgb), ROWS))
    return toned
