"""Human-part label schemes: names, palettes, and the maps between them.

CIHP-20 as VITON-HD uses it (class 10 = neck and torso skin) is ours; LIP-20 (class 10 = jumpsuit) and ATR-18 are
mapped at the door. The 13- and 7-class merges are those VITON-HD and HR-VITON were trained on.
Sources: Gong et al., "Instance-level Human Parsing via Part Grouping Network", ECCV 2018 (CIHP);
Liang et al., "Look into Person", TPAMI 2018 (LIP); Choi et al., "VITON-HD", CVPR 2021 (merges).
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

import numpy as np

from studio.domain.arrays import U8
from studio.domain.errors import ArtefactError


class LabelScheme(StrEnum):
    """Which class numbering a parse map uses; numbers mean nothing without it."""

    CIHP = "cihp"
    LIP = "lip"
    ATR = "atr"
    VITON13 = "viton13"
    VITON7 = "viton7"


class Cihp(IntEnum):
    """The 20 classes of our parse map; left and right are the person's own."""

    BACKGROUND = 0
    HAT = 1
    HAIR = 2
    GLOVE = 3
    SUNGLASSES = 4
    UPPER = 5
    DRESS = 6
    COAT = 7
    SOCKS = 8
    TROUSERS = 9
    NECK = 10
    SCARF = 11
    SKIRT = 12
    FACE = 13
    LEFT_ARM = 14
    RIGHT_ARM = 15
    LEFT_LEG = 16
    RIGHT_LEG = 17
    LEFT_SHOE = 18
    RIGHT_SHOE = 19


_LIP_NAMES = (
    "background", "hat", "hair", "glove", "sunglasses", "upper-clothes", "dress", "coat", "socks", "pants",
    "jumpsuits", "scarf", "skirt", "face", "left-arm", "right-arm", "left-leg", "right-leg", "left-shoe", "right-shoe",
)  # fmt: skip
NAMES: dict[LabelScheme, tuple[str, ...]] = {
    LabelScheme.LIP: _LIP_NAMES,
    LabelScheme.CIHP: (*_LIP_NAMES[:10], "torso-skin", *_LIP_NAMES[11:]),
    LabelScheme.ATR: (
        "background", "hat", "hair", "sunglasses", "upper-clothes", "skirt", "pants", "dress", "belt", "left-shoe",
        "right-shoe", "face", "left-leg", "right-leg", "left-arm", "right-arm", "bag", "scarf",
    ),
    LabelScheme.VITON13: (
        "background", "hair", "face", "upper", "bottom", "left-arm", "right-arm", "left-leg", "right-leg", "left-shoe",
        "right-shoe", "socks", "noise",
    ),
    LabelScheme.VITON7: ("background", "paste", "upper", "hair", "left-arm", "right-arm", "noise"),
}  # fmt: skip

# The colours in which VITON-HD ships its parse maps (palette PNG), in label order.
_CIHP_PALETTE = (
    (0, 0, 0), (128, 0, 0), (254, 0, 0), (0, 85, 0), (169, 0, 51), (254, 85, 0), (0, 0, 85), (0, 119, 220),
    (85, 85, 0), (0, 85, 85), (85, 51, 0), (52, 86, 128), (0, 128, 0), (0, 0, 254), (51, 169, 220), (0, 254, 254),
    (85, 254, 169), (169, 254, 85), (254, 254, 0), (254, 169, 0),
)  # fmt: skip

# For each target class: the source classes merged into it.
_CIHP_TO_VITON13 = (
    (0, 10), (1, 2), (4, 13), (5, 6, 7), (9, 12), (14,), (15,), (16,), (17,), (18,), (19,), (8,), (3, 11),
)  # fmt: skip
_VITON13_TO_VITON7 = ((0,), (2, 4, 7, 8, 9, 10, 11), (3,), (1,), (5,), (6,), (12,))
# ATR's belt (8) joins the trousers and its bag (16) the background: CIHP has neither.
_ATR_TO_CIHP = (0, 1, 2, 4, 5, 12, 9, 6, 9, 18, 19, 13, 16, 17, 14, 15, 0, 11)
# LIP's jumpsuit becomes a dress: both are one garment over torso and legs.
_LIP_TO_CIHP = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 6, 11, 12, 13, 14, 15, 16, 17, 18, 19)


def _pascal_palette(count: int) -> tuple[tuple[int, int, int], ...]:
    """Return the PASCAL VOC palette: the bits of the label, three at a time, fill R, G, B from the top bit down."""
    colours = []
    for label in range(count):
        channels = [0, 0, 0]
        for step in range(8):
            for channel in range(3):
                channels[channel] |= ((label >> (3 * step + channel)) & 1) << (7 - step)
        colours.append((channels[0], channels[1], channels[2]))
    return tuple(colours)


def palette(scheme: LabelScheme) -> U8:
    """Return the scheme's colours, uint8 `(classes, 3)` RGB, in label order."""
    count = class_count(scheme)
    colours = _CIHP_PALETTE if scheme is LabelScheme.CIHP else _pascal_palette(count)
    return np.array(colours, np.uint8)


def class_count(scheme: LabelScheme) -> int:
    """Return how many classes the scheme has, background included."""
    return len(NAMES[scheme])


def _table(source: LabelScheme, target: LabelScheme) -> U8:
    merges = {
        (LabelScheme.CIHP, LabelScheme.VITON13): _CIHP_TO_VITON13,
        (LabelScheme.VITON13, LabelScheme.VITON7): _VITON13_TO_VITON7,
    }
    direct = {
        (LabelScheme.ATR, LabelScheme.CIHP): _ATR_TO_CIHP,
        (LabelScheme.LIP, LabelScheme.CIHP): _LIP_TO_CIHP,
    }
    if (source, target) in direct:
        return np.array(direct[source, target], np.uint8)
    if (source, target) not in merges:
        raise ArtefactError("labels.no_map", source=source.value, target=target.value)
    table = np.zeros(class_count(source), np.uint8)
    for new, olds in enumerate(merges[source, target]):
        table[list(olds)] = new
    return table


def convert_labels(labels: U8, source: LabelScheme, target: LabelScheme) -> U8:
    """Map labels of one scheme to another, uint8 of any shape.

    Raises:
        ArtefactError: there is no map between the two schemes, or a label is outside the source scheme.
    """
    if source is target:
        return labels
    if (source, target) == (LabelScheme.CIHP, LabelScheme.VITON7):
        return convert_labels(convert_labels(labels, source, LabelScheme.VITON13), LabelScheme.VITON13, target)
    table = _table(source, target)
    if labels.size and int(labels.max()) >= len(table):
        raise ArtefactError("labels.range", scheme=source.value, got=str(int(labels.max())))
    converted: U8 = table[labels]
    return converted


SKIN = (Cihp.NECK, Cihp.FACE, Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.LEFT_LEG, Cihp.RIGHT_LEG)
GARMENTS = (Cihp.UPPER, Cihp.DRESS, Cihp.COAT, Cihp.TROUSERS, Cihp.SKIRT)
