"""Match a person's light to the background: exposure, colour temperature, contrast. The product keeps its colour.

The correction is a gain per channel in linear light and a contrast about a pivot, both measured from the background
around the feet, both bounded: a catalogue look may lean towards its room, never change its skin.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.compositing.light import to_linear
from studio.compositing.placement import Stand, person_outline
from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.geometry import Grade, Placement

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_MIDDLE = 0.18
"""Linear middle grey: the pivot of contrast and the exposure a well-lit scene averages."""
_COLOUR_SHARE = 0.5
"""How much of the background's cast a person takes at full strength: cloth and skin in a room are lit by it in part."""
_MOST_COLOUR = 1.25
_EXPOSURE_SHARE = 0.35
_MOST_EXPOSURE_EV = 0.7
_CONTRAST_SHARE = 0.3
_MOST_CONTRAST = 0.2
_TEMPERATURE_GAIN = 0.25
"""Red and blue gain at temperature 1 by hand."""


@dataclass(frozen=True, slots=True)
class Grading:
    """What is done to a look's linear light: `(rgb * gain / pivot) ** (1 + contrast) * pivot`."""

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 0.0

    @property
    def is_neutral(self) -> bool:
        """Nothing would change."""
        return self.gain == (1.0, 1.0, 1.0) and self.contrast == 0.0

    def apply(self, linear: F32) -> F32:
        """Return graded linear light, clipped to [0, 1]."""
        graded = linear * np.array(self.gain, np.float32)
        if self.contrast:
            # On luminance, so that saturated colours keep their hue.
            luma = np.maximum(graded @ _LUMA, np.float32(1e-5))[..., None]
            graded = graded * np.power(luma / np.float32(_MIDDLE), np.float32(self.contrast))
        clipped: F32 = np.clip(graded, 0.0, 1.0)
        return clipped


def plan_grading(
    background: U8 | None, foreground: U8, alpha: F32, garment: U8, stand: Stand, placement: Placement
) -> Grading:
    """Measure the background where the look stands and return the correction its placement asks for."""
    grade = placement.grade
    gain = np.ones(3)
    contrast = grade.contrast
    if background is not None and grade.strength > 0:
        matched, matched_contrast = _match(background, foreground, alpha, garment, stand, placement)
        gain *= matched
        contrast += matched_contrast
    gain *= _by_hand(grade)
    return Grading((float(gain[0]), float(gain[1]), float(gain[2])), float(contrast))


def _by_hand(grade: Grade) -> F64:
    warm = 1.0 + _TEMPERATURE_GAIN * grade.temperature
    gain: F64 = 2.0**grade.exposure_ev * np.array([warm, 1.0, 2.0 - warm])
    return gain


def _match(
    background: U8, foreground: U8, alpha: F32, garment: U8, stand: Stand, placement: Placement
) -> tuple[F64, float]:
    strength = placement.grade.strength
    around = to_linear(_around_feet(background, stand, placement)).reshape(-1, 3)
    person = to_linear(_reduce(foreground))[_person_pixels(alpha, garment, foreground.shape[:2])]
    if len(person) == 0 or len(around) == 0:
        return np.ones(3), 0.0
    light = around.mean(axis=0).astype(np.float64) + 1e-4
    cast = light / max(float(light @ _LUMA), 1e-4)
    colour = np.clip(cast ** (_COLOUR_SHARE * strength), 1 / _MOST_COLOUR, _MOST_COLOUR)
    colour = colour / float(colour @ _LUMA)
    scene_ev, scene_spread = _tone(around)
    _, person_spread = _tone(person)
    exposure = np.clip(_EXPOSURE_SHARE * scene_ev, -_MOST_EXPOSURE_EV, _MOST_EXPOSURE_EV) * strength
    ratio = scene_spread / max(person_spread, 1e-3) - 1.0
    contrast = float(np.clip(_CONTRAST_SHARE * ratio, -_MOST_CONTRAST, _MOST_CONTRAST)) * strength
    return colour * 2.0**exposure, contrast


def _tone(linear: F32) -> tuple[float, float]:
    """Return mean exposure against middle grey and its spread, in stops."""
    stops = np.log2(np.maximum(linear @ _LUMA, np.float32(0.004)) / np.float32(_MIDDLE))
    return float(stops.mean()), float(stops.std())


def _around_feet(background: U8, stand: Stand, placement: Placement) -> U8:
    height, width = background.shape[:2]
    outline = person_outline(stand, placement, (width, height))
    low, high = outline.min(axis=0), outline.max(axis=0)
    margin = 0.35 * (high[1] - low[1])
    x0, x1 = int(max(0, low[0] - margin)), int(min(width, high[0] + margin))
    y0, y1 = int(max(0, high[1] - 1.5 * margin)), int(min(height, high[1] + 0.5 * margin))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return _reduce(background)
    return _reduce(background[y0:y1, x0:x1])


def _reduce(pixels: U8) -> U8:
    scale = min(1.0, 192 / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    reduced: U8 = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return reduced


def _person_pixels(alpha: F32, garment: U8, shape: tuple[int, int]) -> Bool:
    scale = min(1.0, 192 / max(shape))
    size = (max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale)))
    solid = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > 0.9
    worn = cv2.resize(garment, size, interpolation=cv2.INTER_AREA) > 20
    chosen: Bool = solid & ~worn
    return chosen


def protect(garment: U8, softness: int = 5) -> F32:
    """Return float32 `(H, W)`: 1 where the product's colour must stay, falling softly to 0 outside its edge."""
    size = (2 * softness + 1, 2 * softness + 1)
    grown = cv2.dilate(garment, np.ones(size, np.uint8))
    soft: F32 = cv2.blur(grown, size).astype(np.float32) / np.float32(255)
    kept: F32 = np.maximum(soft, garment.astype(np.float32) / np.float32(255))
    return kept


def delta_e(first: U8, second: U8) -> F32:
    """Return CIEDE2000 per pixel between two sRGB pictures.

    Source: Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula", 2005.
    """
    lab1, lab2 = (cv2.cvtColor(p.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB) for p in (first, second))
    lab1, lab2 = lab1.astype(np.float64), lab2.astype(np.float64)
    chroma = (np.hypot(lab1[..., 1], lab1[..., 2]) + np.hypot(lab2[..., 1], lab2[..., 2])) / 2
    stretch = 1 + 0.5 * (1 - np.sqrt(chroma**7 / (chroma**7 + 25.0**7)))
    c1, h1 = _polar(lab1, stretch)
    c2, h2 = _polar(lab2, stretch)
    both = c1 * c2 != 0
    turn = np.where(both, (h2 - h1 + 540) % 360 - 180, 0.0)
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.deg2rad(turn / 2))
    mean_hue = np.where(both, (h1 + turn / 2) % 360, h1 + h2)
    return _weigh(lab1[..., 0], lab2[..., 0], c1, c2, hue, mean_hue)


def _polar(lab: F64, stretch: F64) -> tuple[F64, F64]:
    a, b = lab[..., 1] * stretch, lab[..., 2]
    return np.hypot(a, b), np.rad2deg(np.arctan2(b, a)) % 360


def _weigh(l1: F64, l2: F64, c1: F64, c2: F64, hue: F64, mean_hue: F64) -> F32:
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    angle = np.deg2rad(mean_hue)
    t = (
        1
        - 0.17 * np.cos(angle - np.pi / 6)
        + 0.24 * np.cos(2 * angle)
        + 0.32 * np.cos(3 * angle + np.deg2rad(6))
        - 0.20 * np.cos(4 * angle - np.deg2rad(63))
    )
    s_l = 1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    rotation = (
        -2
        * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
        * np.sin(np.deg2rad(60 * np.exp(-(((mean_hue - 275) / 25) ** 2))))
    )
    dl, dc, dh = (l2 - l1) / s_l, (c2 - c1) / s_c, hue / s_h
    difference: F32 = np.sqrt(np.maximum(dl**2 + dc**2 + dh**2 + rotation * dc * dh, 0)).astype(np.float32)
    return difference
