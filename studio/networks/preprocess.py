"""From arrays to what the try-on networks see: label merges, one-hot maps, ranges, and the resize rules.

The rules are those of the public VITON-HD and HR-VITON data loaders: a picture is resized only
when its shorter side is not the working width, photos bilinear with antialiasing, parse maps and
masks by nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from studio.domain.arrays import U8
from studio.domain.labels import LabelScheme, class_count, convert_labels

if TYPE_CHECKING:
    import torch
    from _typeshed import DataclassInstance
    from torch import Tensor

Inputs = TypeVar("Inputs", bound="DataclassInstance")
"""A dataclass all of whose fields are tensors with the batch first."""

CLASSES_13, CLASSES_7 = class_count(LabelScheme.VITON13), class_count(LabelScheme.VITON7)
UPPER_OF_13 = 3
UPPER_OF_7 = 2
MASK_THRESHOLD = 128


def merge_to_13(labels: U8) -> U8:
    """Merge a CIHP-20 parse map to the 13 classes the networks know.

    Neck and torso skin falls to the background: the networks are to paint it anew.
    """
    return convert_labels(labels, LabelScheme.CIHP, LabelScheme.VITON13)


def resize_to_width(array: U8, width: int, *, nearest: bool) -> U8:
    """Resize so that the shorter side has this length; unchanged when it already has.

    Args:
        array: uint8 `(H, W)` or `(H, W, 3)`.
        nearest: for labels and masks; photos are resized bilinear with antialiasing.
    """
    height, current = array.shape[:2]
    shorter, longer = min(height, current), max(height, current)
    if shorter == width:
        return array
    far = int(width * longer / shorter)
    size = (width, far) if current <= height else (far, width)
    how = Image.Resampling.NEAREST if nearest else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(array).resize(size, how))


def photo_tensor(photo: U8) -> Tensor:
    """Return a photo `(H, W, 3)` as float32 `(1, 3, H, W)` in [-1, 1]."""
    import torch

    planes = np.ascontiguousarray(photo.transpose(2, 0, 1))
    return torch.from_numpy(planes)[None].float().div_(255).sub_(0.5).div_(0.5)


def mask_tensor(mask: U8) -> Tensor:
    """Return a mask `(H, W)` as float32 `(1, 1, H, W)`, 1 where it is at least 128."""
    import torch

    return torch.from_numpy((mask >= MASK_THRESHOLD).astype(np.float32))[None, None]


def one_hot(labels: npt.NDArray[np.integer] | Tensor, classes: int) -> Tensor:
    """Return labels `(H, W)` or `(N, H, W)` as float32 `(N, classes, H, W)`."""
    import torch

    index = torch.from_numpy(labels.astype(np.int64)) if isinstance(labels, np.ndarray) else labels.long()
    if index.ndim == 2:
        index = index[None]
    planes = torch.zeros(index.shape[0], classes, *index.shape[1:], device=index.device)
    return planes.scatter_(1, index[:, None], 1.0)


def parse_tensor(labels: U8) -> Tensor:
    """Return a CIHP-20 parse map `(H, W)` as the networks' one-hot `(1, 13, H, W)`."""
    return one_hot(merge_to_13(labels), CLASSES_13)


def join_batch(items: Sequence[Inputs]) -> Inputs:
    """Join the inputs of several pairs, all of one size, to one batch."""
    import torch

    names = [field.name for field in fields(items[0])]
    return type(items[0])(**{name: torch.cat([getattr(item, name) for item in items]) for name in names})


def move_batch(batch: Inputs, device: torch.device | str, dtype: torch.dtype | None = None) -> Inputs:
    """Return a batch on another device, and in another floating type if one is given."""
    return type(batch)(**{f.name: getattr(batch, f.name).to(device, dtype) for f in fields(batch)})


def picture_u8(picture: Tensor) -> U8:
    """Return a generated picture `(N, 3, H, W)` in [-1, 1] as uint8 `(N, H, W, 3)`, truncated as published."""
    scaled = (picture.float() + 1).mul_(0.5).mul_(255).clamp_(0, 255)
    return np.asarray(scaled.byte().permute(0, 2, 3, 1).contiguous().cpu().numpy())
