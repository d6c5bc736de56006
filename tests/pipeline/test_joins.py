"""What is wrong with a finished look: drawn looks with one flaw each, and smooth ones with none."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from studio.domain.edits import LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.tryon.drape import DRAPE
from studio.pipeline.tryon.draping import judge
from studio.pipeline.tryon.draping.body import Arm, Body
from studio.pipeline.tryon.draping.joins import Finished, Flaw, Found, find_flaws, measure_belly, name_limb
from studio.pipeline.tryon.draping.judge import judge_look
from studio.pipeline.tryon.draping.plates import Plate
from tests.pipeline.tryon_figures import LONG, TEE, context, draw_person, dressed_garment

F32 = npt.NDArray[np.float32]
HEIGHT, WIDTH = 700, 600
SKIN, CLOTH, PAPER = (205, 160, 135), (40, 60, 120), (235, 235, 235)
HEM = 340
"""Below this row the drawn arm is seen, above it it is painted."""


def _body() -> Body:
    arms = tuple(
        Arm(np.array([[300.0 + side * 140, 120], [300 + side * 160, 360], [300 + side * 165, 560]]), 1.0, 2)
        for side in (-1, 1)
    )
    across = np.array([1.0, 0.0])
    half = np.full((2, 2), 120.0)
    return Body(
        np.array([300.0, 110.0]), np.array([0.0, 1.0]), across, across, 280.0, 420.0, (1.0, 1.0), 1.0,
        (arms[0], arms[1]), np.array([0.0, 2.0]), half, False,
    )  # fmt: skip


def _fill(points: list[tuple[float, float]]) -> F32:
    plane = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(plane, [np.round(np.array(points) * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return (plane / 255).astype(np.float32)


def _look(*, step: float = 0.0, fray: float = 0.0, tone: int = 0) -> Finished:
    """Return a top with cap sleeves and one bare arm, painted down to HEM.

    step: by how many pixels the painted part is wider. fray: height of teeth along the top's hem. tone: how much
    darker the painted part is.
    """
    teeth = [(420 - 8 * n, 500 + fray * (n % 2)) for n in range(31)]
    garment = _fill([(180, 100), (420, 100), (420, 400), *teeth, (180, 400)])
    arm = _fill(
        [(430 - step, 140), (475 + step, 140), (482 + step, HEM), (482, HEM), (488, 560), (440, 560), (435, HEM)]
    )
    arm *= 1 - garment
    rows = np.arange(HEIGHT)[:, None] * np.ones((1, WIDTH))
    painted = ((rows < HEM) & (rows > 90)).astype(np.float32)
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[(arm > 0.5) & (painted < 0.5)] = Cihp.LEFT_ARM
    shade = np.where(painted > 0.5, tone, 0)[..., None]
    rgb = np.array(PAPER) * (1 - arm - garment)[..., None] + np.array(CLOTH) * garment[..., None]
    rgb = rgb + (np.array(SKIN) - shade) * arm[..., None]
    alpha = np.maximum(garment, arm)
    none = np.zeros_like(alpha)
    return Finished(np.clip(rgb, 0, 255).astype(np.uint8), alpha, alpha, garment, painted, none, labels, _body())


def _kinds(look: Finished) -> set[Flaw]:
    return {one.flaw for one in find_flaws(look)}


def _doubts(look: Finished) -> dict[str, float]:
    return {note.key: score for score, note in judge_look(look, "person.jpg", "garment.jpg")}


def test_a_smooth_look_is_not_doubted() -> None:
    assert _doubts(_look()) == {}


@pytest.mark.parametrize(("step", "is_said"), [(0.0, False), (1.0, False), (8.0, True), (14.0, True)])
def test_a_step_where_painted_meets_seen_is_told_and_measured(step: float, is_said: bool) -> None:
    doubts = _doubts(_look(step=step))
    assert ("tryon.left_arm_wider" in doubts) is is_said
    assert all(score < 0.8 for score in doubts.values())


def test_a_larger_step_is_trusted_less() -> None:
    assert _doubts(_look(step=14))["tryon.left_arm_wider"] <= _doubts(_look(step=6))["tryon.left_arm_wider"]


def test_a_frayed_hem_is_told_unless_the_product_is_so() -> None:
    look = _look(fray=9)
    assert Flaw.FRAYED in _kinds(look)
    assert _doubts(look)["tryon.frayed"] < 0.66
    assert "tryon.frayed" not in _doubts(replace(look, natural=2.0))


def test_fur_may_be_rougher_on_a_body_than_laid_flat_and_a_single_ruffle_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for strength, natural, is_said in ((2.3, 1.8, False), (2.3, 1.2, True), (0.16, 0.05, True)):
        found = [Found(Flaw.FRAYED, strength, (200.0, 200.0))]
        monkeypatch.setattr(judge, "find_flaws", lambda look, found=found: found)
        assert ("tryon.frayed" in _doubts(replace(_look(), natural=natural))) is is_said


def test_frays_that_nobody_sees_do_not_count() -> None:
    look = _look(fray=9)
    unseen = look.rgb.copy()
    unseen[480:530] = CLOTH
    assert "tryon.frayed" not in _doubts(replace(look, rgb=unseen))


def test_a_change_of_tone_on_the_arm_is_told() -> None:
    assert Flaw.TONE not in _kinds(_look(tone=3))
    assert _doubts(_look(tone=30))["tryon.left_arm_tone"] < 0.66


def test_a_seen_arms_painted_rim_is_no_change_of_tone() -> None:
    look = _look()
    arm = ((look.alpha > 0.5) & (look.garment < 0.5)).astype(np.uint8)
    rim = (arm > 0) & (cv2.erode(arm, np.ones((7, 7), np.uint8)) == 0)
    rim[: HEM + 10] = False
    painted, rgb = look.painted.copy(), look.rgb.copy()
    painted[rim], rgb[rim] = 1.0, np.subtract(SKIN, 40)
    assert Flaw.TONE not in _kinds(replace(look, painted=painted, rgb=rgb))


def test_a_speck_of_skin_beside_the_garment_is_told() -> None:
    look = _look()
    alpha, labels, rgb = look.alpha.copy(), look.labels.copy(), look.rgb.copy()
    spot = np.s_[100:112, 165:172]
    alpha[spot], labels[spot], rgb[spot] = 1.0, Cihp.RIGHT_ARM, SKIN
    painted = look.painted.copy()
    painted[spot] = 0.0
    speck = replace(look, alpha=alpha, labels=labels, rgb=rgb, painted=painted)
    assert _doubts(speck)["tryon.speck"] < 0.66
    # The same bit of an arm of which the rest was painted is a limb.
    alpha, rgb = alpha.copy(), rgb.copy()
    limb = np.s_[60:180, 160:176]
    alpha[limb], rgb[limb] = 1.0, SKIN
    painted = np.ones_like(painted)
    painted[spot] = 0.0
    assert "tryon.speck" not in _doubts(replace(speck, alpha=alpha, rgb=rgb, painted=painted))


def test_background_inside_the_trunk_is_told() -> None:
    look = _look()
    alpha, garment, rgb = look.alpha.copy(), look.garment.copy(), look.rgb.copy()
    slit = np.s_[200:300, 280:290]
    alpha[slit], garment[slit], rgb[slit] = 0.0, 0.0, PAPER
    assert _doubts(replace(look, alpha=alpha, garment=garment, rgb=rgb))["tryon.hole"] < 0.66


def test_limbs_are_the_persons_own() -> None:
    look = _look()
    assert name_limb(look, (458.0, 300.0)) == "left_arm"
    assert name_limb(look, (142.0, 300.0)) == "right_arm"
    assert name_limb(look, (300.0, 650.0)) == "leg"
    assert name_limb(look, (300.0, 120.0)) == ""


def test_the_measures_are_the_same_on_every_run() -> None:
    assert find_flaws(_look(step=6, fray=9, tone=20)) == find_flaws(_look(step=6, fray=9, tone=20))


def test_a_drawn_look_is_not_doubted_by_what_is_seen_of_it() -> None:
    tryon = DRAPE.dress(draw_person(factor=2), dressed_garment(TEE), context(), layers=LayerOrder())
    assert tryon.confidence.score > 0.6


def test_arms_that_will_be_painted_are_announced_before() -> None:
    sleeved = draw_person()
    labels = sleeved.parse.labels.copy()
    for side, label in (("right", Cihp.RIGHT_ARM), ("left", Cihp.LEFT_ARM)):
        ends = [sleeved.pose.point(f"{side}_{joint}") for joint in ("elbow", "wrist")]
        assert ends[0] is not None and ends[1] is not None
        start, end = (tuple(np.round(point).astype(int).tolist()) for point in ends)
        cv2.line(labels, start, end, int(label), 9)
    bare = replace(sleeved, parse=replace(sleeved.parse, labels=labels))
    tee, long = dressed_garment(TEE), dressed_garment(LONG)
    said = [
        "tryon.arms_painted" in [note.key for note in DRAPE.assess(person, garment).reasons]
        for person, garment in ((sleeved, tee), (bare, tee), (sleeved, long))
    ]
    assert said == [True, False, False]


def test_a_bare_belly_that_no_photo_shows_is_doubted() -> None:
    look = _look()
    shape = look.alpha.shape
    skin = np.full((*shape, 3), 150, np.float32)
    below = np.zeros(shape, bool)
    below[330:430, 200:400] = True  # between a cropped top and the waist
    cropped = replace(
        look,
        garment=np.where(below, 0, look.garment).astype(np.float32),
        painted=np.maximum(look.painted, below).astype(np.float32),
        alpha=np.maximum(look.alpha, below).astype(np.float32),
    )
    bare = Plate(np.where(below[..., None], skin, 0).astype(np.float32), look.alpha, skin, skin)
    area = measure_belly(cropped, bare)
    assert area == pytest.approx(below.sum() / look.body.size**2, rel=0.2)
    assert measure_belly(cropped, replace(bare, rgb=np.zeros_like(skin))) == 0.0  # trousers were painted there
    keys = [note.key for _, note in judge_look(replace(look, belly=area), "model.jpg", "top.jpg")]
    assert "tryon.belly_painted" in keys
    assert "tryon.belly_painted" not in [note.key for _, note in judge_look(look, "model.jpg", "top.jpg")]
