"""SCHP as a parse stage: the photo's way into the network and the labels' way back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from studio.domain.arrays import U8
from studio.domain.artefacts import Cutout, ParseMap, Photo
from studio.domain.errors import PipelineError
from studio.domain.labels import Cihp, LabelScheme
from studio.networks.schp import BGR_MEAN, BGR_STD, SchpOutput
from studio.pipeline.parse_schp import SCHP_ATR, SCHP_LIP, SchpParams, SchpParse, complete
from studio.pipeline.stage import Inputs
from tests.pipeline.body_fakes import make_pose
from tests.pipeline.network_fakes import GivenNetworks, context

SIZE = (360, 480)
JOINTS = {"nose": (180.0, 70.0), "neck": (180.0, 140.0)}
# What the painted person wears, as (colour, LIP class, ATR class, ours).
HAIR = ((60, 30, 10), 2, 2, Cihp.HAIR)
FACE = ((230, 180, 160), 13, 11, Cihp.FACE)
SHIRT = ((40, 90, 220), 5, 4, Cihp.UPPER)
JUMPSUIT = ((20, 160, 60), 10, 7, Cihp.DRESS)
LEFT_ARM = ((240, 120, 20), 14, 14, Cihp.LEFT_ARM)
RIGHT_ARM = ((150, 20, 160), 15, 15, Cihp.RIGHT_ARM)
WORN = (HAIR, FACE, SHIRT, JUMPSUIT, LEFT_ARM, RIGHT_ARM)
BACKGROUND = (255, 255, 255)


def painted() -> tuple[Photo, U8]:
    """Return a person of rectangles and the labels (ours) it was painted from."""
    picture = np.full((SIZE[1], SIZE[0], 3), BACKGROUND, np.uint8)
    labels = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    boxes = (
        (HAIR, (140, 20, 220, 50)),
        (FACE, (145, 50, 215, 130)),
        (SHIRT, (110, 130, 250, 280)),
        (JUMPSUIT, (120, 280, 240, 440)),
        (RIGHT_ARM, (70, 140, 110, 300)),
        (LEFT_ARM, (250, 140, 290, 300)),
    )
    for (colour, _, _, ours), (x0, y0, x1, y1) in boxes:
        picture[y0:y1, x0:x1] = colour
        labels[y0:y1, x0:x1] = ours
    return Photo(picture, "0" * 64, "painted.png"), labels


class ColourParser(torch.nn.Module):
    """Stands in for SCHP: the class of a pixel is that of the nearest colour, at a quarter of the size."""

    def __init__(self, column: int, classes: int) -> None:
        super().__init__()
        self.sides: list[tuple[int, int]] = []
        self._known = [(BACKGROUND, 0), *((row[0], row[column]) for row in WORN)]
        self._classes = classes

    def forward(self, image: Tensor) -> SchpOutput:
        self.sides.append((image.shape[2], image.shape[3]))
        std, mean = (torch.tensor(values)[:, None, None] for values in (BGR_STD, BGR_MEAN))
        rgb = ((image[0] * std + mean) * 255).flip(0)
        logits = torch.full((1, self._classes, *image.shape[2:]), -9.0)
        for colour, label in self._known:
            distance = (rgb - torch.tensor(colour, dtype=torch.float32)[:, None, None]).norm(dim=0)
            logits[0, label] = torch.maximum(logits[0, label], -distance / 100)
        quarter = ((image.shape[2] + 3) // 4, (image.shape[3] + 3) // 4)
        fusion = F.interpolate(logits, size=quarter, mode="bilinear", align_corners=True)
        return SchpOutput(fusion, fusion, fusion[:, :2])


def run(stage: SchpParse, photo: Photo, alpha: U8, network: torch.nn.Module, params: SchpParams) -> ParseMap:
    cutout = Cutout((alpha > 0).astype(np.float32), photo.rgb8.copy())
    inputs = Inputs({"photo": photo, "edges": cutout, "pose": make_pose(SIZE, JOINTS)})
    return stage.run(inputs, params, context({stage.implementation: network}))


def interior(labels: U8) -> U8:
    """Return where a 9 x 9 neighbourhood has one label: resampling cannot move a border that far."""
    same = np.ones((9, 9), np.uint8)
    inside: U8 = (cv2.erode(labels, same) == labels) & (cv2.dilate(labels, same) == labels)
    return inside


@pytest.mark.parametrize(("stage", "column", "classes", "side"), [(SCHP_LIP, 1, 20, 473), (SCHP_ATR, 2, 18, 512)])
def test_labels_come_back_to_the_photo_as_ours(stage: SchpParse, column: int, classes: int, side: int) -> None:
    photo, wanted = painted()
    network = ColourParser(column, classes)
    parse = run(stage, photo, wanted, network, SchpParams(neck_from_pose=False))
    assert network.sides == [(side, side)]
    assert parse.scheme is LabelScheme.CIHP
    inside = interior(wanted)
    assert (parse.labels[inside] == wanted[inside]).mean() > 0.999
    assert not parse.labels[wanted == 0].any()


def test_the_face_ends_at_the_chin() -> None:
    photo, wanted = painted()
    parse = run(SCHP_LIP, photo, wanted, ColourParser(1, 20), SchpParams())
    assert (parse.labels[55:100, 150:210] == Cihp.FACE).all()
    assert (parse.labels[110:126, 150:210] == Cihp.NECK).all()
    assert not (parse.labels[135:] == Cihp.NECK).any()


def test_a_gap_inside_the_person_takes_the_nearest_label() -> None:
    labels = np.zeros((20, 40), np.uint8)
    labels[:, :15] = Cihp.UPPER
    labels[:, 25:] = Cihp.LEFT_ARM
    solid = np.ones((20, 40), bool)
    solid[:3] = False
    complete(labels, solid, reach=3)
    assert not labels[:3].any()
    assert (labels[3:, 15:18] == Cihp.UPPER).all()
    assert (labels[3:, 22:25] == Cihp.LEFT_ARM).all()
    assert not labels[3:, 18:22].any()


def test_an_empty_cutout_is_told() -> None:
    photo, wanted = painted()
    with pytest.raises(PipelineError) as caught:
        run(SCHP_LIP, photo, np.zeros_like(wanted), ColourParser(1, 20), SchpParams())
    assert caught.value.key == "framing.no_person"


def test_it_says_what_is_missing() -> None:
    note = SCHP_LIP.unavailable(GivenNetworks())
    assert note is not None and note.key == "alternative.checkpoint_missing"
    assert SCHP_LIP.unavailable(GivenNetworks({"schp_lip": object()})) is None
    assert SCHP_LIP.models(SchpParams(), GivenNetworks()) == ("schp_lip",)
