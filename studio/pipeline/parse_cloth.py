"""The garment network (u2net_cloth_seg), where it is installed: upper, lower and one-piece garments.

What it calls "full" covers dresses, but skirts and shorts as well: with another garment on the chest it is a lower one.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.pipeline.parse_matter import Matter
from studio.pipeline.stage import OnnxSession

INPUT_SIZE = 768
_UPPER, _LOWER, _FULL = 1, 2, 3
_VOTE_LIMIT = 4.0
_FLOOR = 0.02
_DRESS_SHARE = 0.5
_SURE_CLOTH, _MAYBE_SKIN = 0.8, 0.15
_TRUST = 0.5
"""Share of the garment network in the odds cloth : skin; the selfie network keeps the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class GarmentShares:
    """float32 `(H, W)` shares in [0, 1] of the network's three kinds of garment."""

    upper: F32
    lower: F32
    full: F32

    @property
    def any(self) -> F32:
        total: F32 = np.clip(self.upper + self.lower + self.full, 0.0, 1.0)
        return total

    def is_dress(self, chest: Bool) -> bool:
        """Tell whether the one-piece garment covers the chest."""
        return bool(chest.any() and self.full[chest].mean() > _DRESS_SHARE)

    def vote(self, dress: bool) -> F32:
        """Return the log ratio upper : lower, 0 where no garment was seen; a dress counts as neither."""
        upper, lower = self.upper.copy(), self.lower.copy()
        if not dress:
            lower += self.full
        ratio = np.clip(np.log((upper + _FLOOR) / (lower + _FLOOR)), -_VOTE_LIMIT, _VOTE_LIMIT)
        vote: F32 = (ratio * np.clip(upper + lower, 0.0, 1.0)).astype(np.float32)
        return vote


def read_garments(session: OnnxSession, image: U8) -> GarmentShares:
    """Return the shares for a uint8 `(H, W, 3)` picture, at its size."""
    square = cv2.resize(image, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_AREA)
    feed = ((square.astype(np.float32) / 255.0 - 0.5) / 0.5).transpose(2, 0, 1)[None]
    logits = session.run({session.input_names[0]: np.ascontiguousarray(feed)})[0][0]
    powers = np.exp(logits - logits.max(axis=0))
    shares = (powers / powers.sum(axis=0)).astype(np.float32)
    size = (image.shape[1], image.shape[0])
    upper, lower, full = (
        cv2.resize(shares[kind], size, interpolation=cv2.INTER_LINEAR) for kind in (_UPPER, _LOWER, _FULL)
    )
    return GarmentShares(upper, lower, full)


def join_matter(matter: F32, garments: GarmentShares) -> F32:
    """Return the class shares with the garment network's word on what is cloth and what is skin or hair.

    Only where it says cloth, or where the selfie network doubts, does it change anything: it leaves out garments it
    does not know (leggings, white trousers), and then says "none" of plain cloth.
    """
    cloth = garments.any
    pull = np.log((cloth + _FLOOR) / (1 - cloth + _FLOOR)) * _TRUST
    skin = matter[Matter.SKIN] + matter[Matter.FACE]
    doubtful = (matter[Matter.CLOTHES] < _SURE_CLOTH) & (skin > _MAYBE_SKIN)
    pull = np.maximum(pull, 0.0) + np.minimum(pull, 0.0) * doubtful
    joined = matter.copy()
    joined[Matter.CLOTHES] *= np.exp(pull)
    joined /= np.maximum(joined.sum(axis=0), 1e-6)
    return joined.astype(np.float32)
