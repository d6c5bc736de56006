"""What reading and writing both do to transparent pixels."""

from __future__ import annotations

import numpy as np

from studio.domain.arrays import AnyArray


def flatten(colours: AnyArray, alpha: AnyArray) -> AnyArray:
    """Put `(H, W, 3)` with straight alpha `(H, W)` on white; wholly opaque pixels keep their bytes."""
    white = np.iinfo(colours.dtype).max
    part = alpha[..., None].astype(np.float32) / white
    flat: AnyArray = np.rint(colours * part + white * (1 - part)).astype(colours.dtype)
    return flat
