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
