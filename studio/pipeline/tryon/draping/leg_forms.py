"""The forms of a knee and a shin that the charts of our bodies are too smooth for, as a height field under light.

Places: `along` a leg (0 hip, 1 knee, 2 ankle), `across` it (-1..1 between its edges). Heights and lengths below are in
half-widths of the knee, y down from the kneecap's middle, x towards the other leg.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.domain.arrays import F64
from studio.pipeline.tryon.draping.relief import smoothstep

KNEECAP_AT, HALVES_PER_LEG = 0.965, 7.8
"""Where the kneecap's middle lies on a leg; how many half-widths of the knee thigh and shank are long."""
FROM_ABOVE, FROM_SIDE, HOLLOW = 0.75, 0.14, 0.5
"""What a slope of 1 that faces down, or away from the lamp, and what a hollow of 1 take of the light, in exposure."""
BETWEEN = 0.3
"""How much darker it is between the thighs, at most."""
_RUDDY = np.array([0.012, -0.05, -0.045])
"""What blood under thin skin adds over the kneecap, red, green, blue, in exposure."""


@dataclass(frozen=True, slots=True)
class _Form:
    """A rounded rise or hollow: middle, half-sizes, how much its long side leans outwards, height, and its flatness on
    top: 2 is a hill, 4 a plateau with steep sides.
    """

    x: float
    y: float
    wide: float
    high: float
    height: float
    lean: float = 0.0
    flat: float = 2.0

    def raise_on(self, x: F64, y: F64) -> F64:
        """Return its height at places."""
        down = (y - self.y) / self.high
        away = (x - self.x + self.lean * (y - self.y)) / self.wide
        raised: F64 = self.height * np.exp(-((down * down + away * away) ** (self.flat / 2)) / 2)
        return raised


# After anatomy plates for artists: what the surface of a relaxed, standing leg shows from the front.
_FORMS = (
    _Form(0.02, 0.0, 0.40, 0.46, 0.20, flat=3.2),  # kneecap
    _Form(0.0, -0.78, 0.42, 0.22, 0.07),  # the fold of skin above it
    _Form(-0.36, 0.62, 0.22, 0.24, 0.08),  # the pads below it, outer and inner
    _Form(0.36, 0.58, 0.24, 0.26, 0.10),
    _Form(0.0, 0.85, 0.14, 0.5, 0.05),  # its tendon
    _Form(-0.02, 1.42, 0.26, 0.32, 0.07),  # the shin's head
    _Form(0.66, 0.05, 0.26, 0.5, 0.10),  # the thigh bone's inner end
    _Form(0.52, -1.35, 0.34, 0.62, 0.13, lean=0.18),  # the inner muscle's drop above the knee
    _Form(-0.5, -1.9, 0.3, 0.9, 0.07, lean=-0.1),  # the outer one
    _Form(0.55, -0.52, 0.14, 0.34, -0.06),  # hollows beside the kneecap
    _Form(-0.58, -0.1, 0.16, 0.5, -0.08),
    _Form(-0.42, 3.1, 0.26, 1.7, 0.08),  # the muscle beside the shin
    _Form(0.12, 3.3, 0.12, 2.2, 0.05, lean=0.02),  # the shin's edge
    _Form(0.7, 2.6, 0.28, 1.3, 0.09),  # the calf's inner head
)
_STEP = 0.04


def light_forms(along: F64, across: F64, inner: float) -> F64:
    """Return what a leg's forms add to the light `(..., 3)`, in exposure. inner: the sign of `across` on the inside."""
    x, y = across * inner, (along - KNEECAP_AT) * HALVES_PER_LEG

    def height(dx: float, dy: float) -> F64:
        total: F64 = np.zeros_like(x)
        for form in _FORMS:
            total += form.raise_on(x + dx, y + dy)
        return total

    own, left, right = height(0, 0), height(-_STEP, 0), height(_STEP, 0)
    up, down = height(0, -_STEP), height(0, _STEP)
    sideways, falls = (left - right) / (2 * _STEP), (up - down) / (2 * _STEP)
    wide = 0.22
    around = (height(-wide, 0) + height(wide, 0) + height(0, -wide) + height(0, wide)) / 4
    light = -FROM_ABOVE * falls - FROM_SIDE * np.abs(sideways) + HOLLOW / wide * (own - around)
    light -= BETWEEN * smoothstep(x, 0.2, 1.0) * np.exp(-np.clip(along, 0, 3) / 0.45)
    ruddy = _Form(0.0, 0.1, 0.6, 0.9, 1.0).raise_on(x, y)
    lit: F64 = light[..., None] * np.array([0.93, 1.0, 1.07]) + ruddy[..., None] * _RUDDY
    return lit
