"""What a generative engine hands to the native renderer."""

from __future__ import annotations

from dataclasses import dataclass

from studio.domain.arrays import F32, U8


@dataclass(frozen=True, slots=True, eq=False)
class CanvasResult:
    """One generated pair on the canvas.

    picture: uint8 `(H, W, 3)`. labels: uint8 `(H, W)`, the networks' 13 classes after dressing.
    grid: float32 `(H, W, 2)`, where each pixel's garment is taken from, (x, y) in [-1, 1] of the framed garment photo,
    its outer edges at the extremes. mask: float32 `(H, W)`, the warped garment's coverage after what lies in front was
    cut out. cloth: uint8 `(H, W, 3)`, the warped garment, white elsewhere.
    score: how plausible the predicted segmentation is (see `rejection_score`), None where nobody judged it.
    """

    picture: U8
    labels: U8
    grid: F32
    mask: F32
    cloth: U8
    score: float | None = None
