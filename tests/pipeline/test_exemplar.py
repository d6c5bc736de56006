"""What the old garment hid of a structured backdrop: its beams go on; a studio's is left to the plain fill."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, Bool
from studio.pipeline.tryon.draping.exemplar import carry_on_structure, is_structured
from studio.pipeline.tryon.draping.fill import fill_smoothly

SIZE = 96.0


def _hole() -> tuple[Bool, Bool]:
    hole = np.zeros((320, 240), np.uint8)
    cv2.ellipse(hole, (120, 150), (45, 70), 0, 0, 360, 1, -1)
    return hole == 0, hole > 0


def _beams() -> F32:
    """Dark wall with upright beams and some grain."""
    rgb = np.full((320, 240, 3), 60, np.float32)
    for x in (20, 90, 160, 230):
        rgb[:, max(0, x - 10) : x + 10] = (170, 110, 80)
    noise = np.random.default_rng(1).standard_normal(rgb.shape[:2]).astype(np.float32)
    return rgb + 2 * noise[..., None]


def _filled(rgb: F32, known: Bool, hole: Bool) -> F32:
    plain = np.where(known[..., None], rgb, fill_smoothly(rgb, known.astype(np.float32)))
    return carry_on_structure(plain, rgb, known, hole, SIZE)


def test_beams_go_on_through_the_hole() -> None:
    known, hole = _hole()
    truth = _beams()
    broken = np.where(hole[..., None], np.float32(255), truth)
    filled = _filled(broken, known, hole)
    calm = [cv2.GaussianBlur(picture, (0, 0), 2) for picture in (filled, truth)]
    wrong = np.abs(calm[0] - calm[1]).max(axis=2)[hole]
    assert np.median(wrong) < 5
    assert (wrong > 40).mean() < 0.12
    assert np.array_equal(filled[known], broken[known])


def test_it_is_the_same_every_time_and_never_shows_what_was_hidden() -> None:
    known, hole = _hole()
    fills = [_filled(np.where(hole[..., None], np.float32(hidden), _beams()), known, hole) for hidden in (255, 255, 0)]
    assert np.array_equal(fills[0], fills[1])
    assert np.array_equal(fills[0], fills[2])


def test_what_could_only_be_brought_from_far_away_stays_plain() -> None:
    known, hole = _hole()
    truth, size = _beams(), 40.0
    broken = np.where(hole[..., None], np.float32(255), truth)
    plain = np.full_like(truth, 100)
    filled = carry_on_structure(plain, broken, known, hole, size)
    inside = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5) / size
    assert np.array_equal(filled[inside > 1.0], plain[inside > 1.0])
    rim = hole & (inside < 0.2)
    assert np.median(np.abs(filled - truth).max(axis=2)[rim]) < 10
    steps = np.abs(np.diff(cv2.GaussianBlur(filled - plain, (0, 0), 2).mean(axis=2), axis=0))[inside[1:] > 0.6]
    assert steps.max() < 10, "no edge where it turns plain"


def test_a_studio_backdrop_keeps_the_plain_fill() -> None:
    known, hole = _hole()
    y = np.mgrid[0:320, 0:240][0].astype(np.float32)
    wall = np.repeat((200 + y / 20)[..., None], 3, axis=2).astype(np.float32)
    plain = wall + 1
    assert not is_structured(wall, known, hole, SIZE)
    assert carry_on_structure(plain, wall, known, hole, SIZE) is plain
    assert is_structured(_beams(), known, hole, SIZE)


def test_a_picture_with_nothing_to_copy_keeps_the_plain_fill() -> None:
    rgb = _beams()
    nowhere = np.zeros(rgb.shape[:2], bool)
    assert carry_on_structure(rgb, rgb, nowhere, ~nowhere, SIZE) is rgb
