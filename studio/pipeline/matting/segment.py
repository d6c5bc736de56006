"""Click-to-segment: what SAM 2 finds under clicks and in a box. The photo is looked at once, clicks are quick.

Source of the network: Ravi et al., "SAM 2: Segment Anything in Images and Videos", 2024; its tiny variant as ONNX.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.domain.edits import Points
from studio.domain.progress import Progress
from studio.domain.prompts import Prompt
from studio.pipeline.stage import ModelProvider

ENCODER, DECODER = "sam2_tiny_encoder", "sam2_tiny_decoder"
SIDE = 1024
"""The network sees the photo at this size, both ways, whatever its shape."""
GRID = 256
"""Sides of the masks it returns."""
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_UPSAMPLE = 4
"""The contour is traced on the mask enlarged so many times: it is smooth below the grid's own steps."""
_STRAIGHT = 0.35
"""How far, in pixels of that enlargement, a traced contour may be simplified."""
_SMALLEST = 12.0
"""Rings of a smaller area, in the same pixels, are noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What the network saw in a photo. size: (width, height) of the photo."""

    size: tuple[int, int]
    embedding: F32
    fine: F32
    middle: F32


def look_at(rgb: U8, models: ModelProvider, progress: Progress | None = None) -> Features:
    """Run the encoder over a photo: seconds on a CPU, once per photo.

    Raises:
        ModelError: the encoder is not installed.
    """
    told = progress or Progress.silent()
    told.report(0.0, "segment")
    session = models.session(ENCODER)
    told.report(0.2, "segment")
    height, width = rgb.shape[:2]
    smaller = cv2.INTER_AREA if max(height, width) > SIDE else cv2.INTER_CUBIC
    seen = cv2.resize(rgb, (SIDE, SIDE), interpolation=smaller).astype(np.float32) / np.float32(255)
    planes = np.ascontiguousarray(((seen - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None])
    fine, middle, embedding = session.run({session.input_names[0]: planes})
    return Features(
        (width, height),
        np.asarray(embedding, np.float32),
        np.asarray(fine, np.float32),
        np.asarray(middle, np.float32),
    )


def find_object(features: Features, prompts: Sequence[Prompt], models: ModelProvider) -> tuple[Points, ...]:
    """Return the outline of what the prompts point at, in pixels of the photo; outer rings and holes alike.

    One click is answered at once; several, or a box, are looked at a second time with the first answer in hand, which
    makes them agree with each other.

    Raises:
        ModelError: the decoder is not installed.
    """
    if not prompts:
        return ()
    logits = _decode(features, prompts, models, None)
    if len(prompts) > 1:
        logits = _decode(features, prompts, models, logits)
    return _trace(logits, features.size)


def _decode(features: Features, prompts: Sequence[Prompt], models: ModelProvider, before: F32 | None) -> F32:
    """Return the logits of the best answer; of a second look, the one that is most like the first."""
    width, height = features.size
    places = np.array([[one.x * SIDE / width, one.y * SIDE / height] for one in prompts], np.float32)
    mask = np.zeros((GRID, GRID), np.float32) if before is None else before
    masks, scores = models.session(DECODER).run(
        {
            "image_embed": features.embedding,
            "high_res_feats_0": features.fine,
            "high_res_feats_1": features.middle,
            "point_coords": places[None],
            "point_labels": np.array([[float(one.role) for one in prompts]], np.float32),
            "mask_input": mask[None, None],
            "has_mask_input": np.array([0.0 if before is None else 1.0], np.float32),
        }
    )
    if before is None:
        best = int(np.asarray(scores)[0].argmax())
    else:
        best = int(np.argmax([_overlap(one > 0, before > 0) for one in masks[0]]))
    return np.asarray(masks[0, best], np.float32)


def _overlap(first: Bool, second: Bool) -> float:
    both, either = int((first & second).sum()), int((first | second).sum())
    return both / either if either else 0.0


def _trace(logits: F32, size: tuple[int, int]) -> tuple[Points, ...]:
    from skimage.measure import find_contours

    side = GRID * _UPSAMPLE
    large = cv2.resize(logits, (side, side), interpolation=cv2.INTER_CUBIC)
    # A rim of "not this" closes contours that run into the photo's border, just outside of it.
    padded = np.pad(large, 1, constant_values=-abs(float(large.min())) - 1.0)
    rings: list[Points] = []
    for contour in find_contours(padded, 0.0):
        line = (contour[:, ::-1] - 1.0).astype(np.float32)
        if abs(cv2.contourArea(line)) < _SMALLEST:
            continue
        simple = cv2.approxPolyDP(line, _STRAIGHT, closed=True)[:, 0]
        # The centre of grid cell 0 lies half a cell inside the photo; edits count pixel centres as integers.
        at = (simple + 0.5) * (size[0] / side, size[1] / side) - 0.5
        if len(at) > 2:
            rings.append(tuple((round(float(x), 2), round(float(y), 2)) for x, y in at))
    return tuple(rings)
