"""One sleeve tells how far the other goes, where locks hide it."""

from __future__ import annotations

import numpy as np
import pytest

from studio.domain.arrays import F32, F64
from studio.domain.artefacts import COCO18
from studio.domain.geometry import Box
from studio.pipeline.parse_matter import Matter
from studio.pipeline.parse_sleeves import even_sleeves
from studio.pipeline.parse_work import Work
from studio.pipeline.pose_body import Torso, read_torso_rows

SHAPE = (640, 480)
HEM, OTHER_HEM = 300, 312
SLEEVE, SKIN, TRUNK = (210, 160, 150), (205, 165, 135), (225, 195, 190)


def _work() -> tuple[Work, Torso]:
    """Return a person with hanging arms: a nude sleeve down to `HEM` on the left, to `OTHER_HEM` on the right."""
    joints: F64 = np.zeros((18, 3))
    spots = {"neck": (240, 150), "left_shoulder": (340, 160), "right_shoulder": (140, 160),
             "left_elbow": (360, 400), "right_elbow": (120, 380), "left_hip": (290, 480),
             "right_hip": (190, 480), "nose": (240, 80)}  # fmt: skip
    for name, (x, y) in spots.items():
        joints[COCO18.index(name)] = (x, y, 1.0)
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    image = np.full((*SHAPE, 3), TRUNK, np.uint8)
    for arm, hem in ((x > 315, HEM), (x < 165, OTHER_HEM)):
        image[arm] = np.where((y < hem)[..., None], np.uint8(SLEEVE), np.uint8(SKIN))[arm]
    work = Work(image, np.ones(SHAPE, np.float32), Box(0, 0, SHAPE[1], SHAPE[0]), (1.0, 1.0), joints, np.zeros((10, 3)))
    torso = read_torso_rows(joints)
    assert torso is not None
    return work, torso


def _matter(right: tuple[float, float]) -> F32:
    """Return shares: the left sleeve is plain, the right arm is (cloth, skin); locks hide the half of its sleeve."""
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    matter = np.zeros((len(Matter), *SHAPE), np.float32)
    matter[Matter.CLOTHES] = 0.95
    bare = (x > 315) & (y >= HEM)
    matter[Matter.CLOTHES][bare] = 0.04
    arm = x < 165
    matter[Matter.CLOTHES][arm] = right[0]
    matter[Matter.SKIN] = np.where(bare, 0.95, np.where(arm, right[1], 0.04))
    locks = arm & (y < 250)
    matter[Matter.HAIR] = np.where(locks, 0.9, 0.01)
    matter[Matter.CLOTHES][locks] = matter[Matter.SKIN][locks] = 0.05
    return matter / matter.sum(axis=0)


@pytest.mark.parametrize(("right", "dressed"), [((0.35, 0.6), True), ((0.02, 0.97), False)])
def test_a_doubted_sleeve_ends_at_its_own_edge_near_where_the_other_one_does(
    right: tuple[float, float], dressed: bool
) -> None:
    work, torso = _work()
    matter = _matter(right)
    leaned = even_sleeves(matter, work, torso)
    cloth = leaned[Matter.CLOTHES] > leaned[Matter.SKIN]
    sleeve, below = np.s_[260 : OTHER_HEM - 8, 110:145], np.s_[OTHER_HEM + 8 : 370, 105:140]
    assert cloth[sleeve].mean() == float(dressed)
    assert not cloth[below].any()
    assert np.allclose(leaned[:, :, 180:], matter[:, :, 180:])
    assert np.allclose(leaned.sum(axis=0), 1.0, atol=1e-5)


def test_two_plain_sleeves_are_left_as_they_are_seen() -> None:
    work, torso = _work()
    matter = _matter((0.35, 0.6))
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    for kind, cloth in ((Matter.CLOTHES, 0.95), (Matter.SKIN, 0.04), (Matter.HAIR, 0.01)):
        other = {Matter.CLOTHES: 0.04, Matter.SKIN: 0.95, Matter.HAIR: 0.01}[kind]
        matter[kind] = np.where(x < 165, np.where(y < 270, cloth, other), matter[kind])
    assert np.array_equal(even_sleeves(matter, work, torso), matter)
