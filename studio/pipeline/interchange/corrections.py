"""Keypoints and parse maps of others as hand corrections: undone like any other, and kept when a model changes."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import U8
from studio.domain.artefacts import COCO18, Pose
from studio.domain.edits import KeypointMove, ParseStroke, Points, StrokeShape


def pose_moves(pose: Pose) -> list[KeypointMove]:
    """Return moves that put every COCO-18 keypoint where a pose has it, and hide those it does not see.

    The neck comes last: moving a shoulder moves it.
    """
    names = sorted(COCO18, key=lambda name: name == "neck")
    moves = []
    for name in names:
        x, y, confidence = (float(value) for value in pose.keypoints[COCO18.index(name)])
        moves.append(KeypointMove(name, x, y, visible=confidence > 0))
    return moves


def label_strokes(labels: U8, size: tuple[int, int]) -> list[ParseStroke]:
    """Return polygons that paint a whole parse map, every pixel of it where it has the photo's own size.

    labels: uint8 `(H, W)`. size: the photo's (width, height).

    Each connected region is painted as its outer outline, larger ones first, so that what lies inside comes over it.
    """
    if (labels.shape[1], labels.shape[0]) != size:
        labels = np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    regions: list[tuple[float, int, Points]] = []
    for label in np.unique(labels):
        mask = (labels == label).astype(np.uint8)
        # Neighbours by sides, not corners: then regions nest and never cross.
        count, numbers, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        for number in range(1, count):
            x, y, width, height = (int(value) for value in boxes[number][:4])
            part = (numbers[y : y + height, x : x + width] == number).astype(np.uint8)
            (outline, *_), _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(x, y))
            points = tuple((float(at[0]), float(at[1])) for at in outline[:, 0])
            # The outline's inner area grows with what it encloses; half its length makes it a count of pixels.
            area = cv2.contourArea(outline) + cv2.arcLength(outline, closed=True) / 2
            regions.append((float(area), int(label), points))
    regions.sort(key=lambda region: -region[0])
    return [ParseStroke(points, label, shape=StrokeShape.POLYGON) for _, label, points in regions]
