"""Painted skin: the person's own tone, light and grain, without a seam or ring, whatever their skin."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.arrays import F32, U8, Bool
from studio.domain.artefacts import PersonArtefacts, Photo
from studio.domain.edits import LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.blend import blend_look
from studio.pipeline.tryon.drape import DRAPE, _fit
from studio.pipeline.tryon.draping.body import Evidence
from studio.pipeline.tryon.draping.fields import BodyFields, measure_fields
from studio.pipeline.tryon.draping.plates import find_kept, leave_hands, measure_neck
from studio.pipeline.tryon.draping.relief import trunk_surface
from studio.pipeline.tryon.draping.skin import (
    HAND_WEIGHT,
    PRIOR,
    _join,
    _trust_hands,
    develop,
    expose,
    find_own_light,
    measure_blotches,
    read_light,
)
from tests.pipeline.tryon_figures import LONG, OLD_TOP, TANK, TEE, context, draw_person, dressed_garment, make_pose

HEM = 225
"""Where the drawn person's sleeves end, once shortened."""
TONES = {"light": (228, 192, 172), "dark": (112, 70, 50)}


def _short_sleeved(tone: tuple[int, int, int], shadow: float = 0.2) -> PersonArtefacts:
    """Return the drawn person with bare forearms, rounded and grained, and the old hem's shadow on them."""
    person = draw_person()
    labels, rgb = person.parse.labels.copy(), person.photo.rgb8.astype(np.float32)
    y, x = np.mgrid[0 : labels.shape[0], 0 : labels.shape[1]]
    grain = cv2.GaussianBlur(np.random.default_rng(5).standard_normal(labels.shape), (0, 0), 0.8) * 0.02
    lit = 1 + grain
    for side, label in ((-1, Cihp.RIGHT_ARM), (1, Cihp.LEFT_ARM)):
        bare = (labels == label) | ((labels == Cihp.UPPER) & (y > HEM) & ((x - 192) * side > 62))
        axis = 192 + side * np.interp(y, [150, 250, 340], [60, 80, 88])
        lit = np.where(bare, lit * (1 - 0.25 * np.clip((x - axis) / 17, -1, 1) ** 2), lit)
        lit = np.where(bare, lit * (1 - shadow * np.exp(-(((y - HEM) / 8) ** 2))), lit)
        labels[bare] = label
    skin = np.isin(labels, (Cihp.NECK, Cihp.FACE, Cihp.LEFT_ARM, Cihp.RIGHT_ARM))
    rgb[skin] = (np.array(tone) * lit[..., None])[skin]
    photo = Photo(np.clip(rgb, 0, 255).astype(np.uint8), "5" * 64, "person.png")
    return replace(person, photo=photo, parse=replace(person.parse, labels=labels))


def _dressed(person: PersonArtefacts, half: tuple[tuple[float, float], ...] = TANK) -> U8:
    tryon = DRAPE.dress(person, dressed_garment(half), context(), layers=LayerOrder())
    return blend_look(person.photo, person.cutout, tryon).pixels


def _strip(rgb: U8, side: int, rows: range) -> F32:
    """Return the mean colour down the middle of the arm, row by row."""
    found = []
    for y in rows:
        x = round(192 + side * float(np.interp(y, [150, 250, 340], [62, 80, 88])))
        found.append(rgb[y, x - 3 : x + 4].astype(np.float32).mean(axis=0))
    return np.array(found, np.float32)


@pytest.mark.parametrize("tone", sorted(TONES))
def test_a_bared_upper_arm_has_the_forearms_tone(tone: str) -> None:
    look = _dressed(_short_sleeved(TONES[tone]))
    for side in (-1, 1):
        painted, seen = (
            _strip(look, side, range(185, 215)).mean(axis=0),
            _strip(look, side, range(265, 320)).mean(axis=0),
        )
        # The upper arm's own forms are darker than the drawn forearm's tube by a few hundredths.
        assert np.abs(np.log(painted / seen)).max() < 0.11, (side, painted, seen)


@pytest.mark.parametrize("tone", sorted(TONES))
def test_the_old_sleeves_shadow_leaves_no_ring(tone: str) -> None:
    person = _short_sleeved(TONES[tone], shadow=0.25)
    before, after = (
        np.log(_strip(rgb, 1, range(200, 290)).mean(axis=1)) for rgb in (person.photo.rgb8, _dressed(person))
    )
    below = slice(HEM + 6 - 200, 90)
    assert np.ptp(before[below]) > 0.1
    calm = cv2.GaussianBlur(after[:, None], (1, 5), 1.5)[:, 0]
    # The drawn arm is a plain tube; the painted one's elbow is let into it.
    assert np.ptp(calm) < 0.14
    assert np.abs(np.diff(calm)).max() < 0.03


def test_painted_skin_is_as_grained_as_the_persons() -> None:
    look = _dressed(_short_sleeved(TONES["light"])).astype(np.float32).mean(axis=2)
    detail = look - cv2.GaussianBlur(look, (0, 0), 2.0)
    painted, seen = detail[195:215, 262:270].std(), detail[275:315, 268:278].std()
    assert 0.4 < painted / seen < 2.0


def test_no_skin_takes_the_old_garments_colour() -> None:
    look = _dressed(_short_sleeved(TONES["light"]))
    assert not (np.abs(look.astype(int) - OLD_TOP).max(axis=2) < 40).any()


def test_skin_under_the_old_garment_is_never_read() -> None:
    person = _short_sleeved(TONES["light"], shadow=0.0)
    loud = person.photo.rgb8.copy()
    loud[_deep(person.parse.labels == Cihp.UPPER)] = (255, 0, 255)
    other = replace(person, photo=Photo(loud, "6" * 64, "person.png"))
    looks = [_dressed(who) for who in (person, other)]
    arm = np.s_[185:215, 250:266]
    assert np.abs(looks[0][arm].astype(int) - looks[1][arm]).max() <= 2


def _deep(mask: Bool) -> Bool:
    deep: Bool = cv2.erode(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return deep


def test_a_covered_hem_keeps_the_forearm_as_it_was() -> None:
    person = _short_sleeved(TONES["light"])
    look = _dressed(person, TEE)
    hand = np.s_[330:365, 270:288]
    assert np.array_equal(look[hand], person.photo.rgb8[hand])


def _head_only(tone: tuple[int, int, int]) -> PersonArtefacts:
    """Return the drawn person without hands, in a V-neck: a hard light from one side, the throat glowing."""
    person = draw_person()
    labels, rgb = person.parse.labels.copy(), person.photo.rgb8.astype(np.float32)
    y, x = np.mgrid[0 : labels.shape[0], 0 : labels.shape[1]]
    hands = np.isin(labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM))
    labels[hands], rgb[hands] = Cihp.UPPER, OLD_TOP
    labels[(np.abs(x - 192) < 0.6 * (185 - y)) & (labels == Cihp.UPPER)] = Cihp.NECK
    lit = 1 + 0.45 * np.clip((x - 192) / 34, -1, 1) - 0.25 * np.clip((y - 80) / 46, -1, 1)
    for label, tint in ((Cihp.FACE, (1.0, 1.0, 1.0)), (Cihp.NECK, (1.1, 1.0, 0.75))):
        part = labels == label
        rgb[part] = (np.array(tone) * np.array(tint) * lit[..., None])[part]
    shine = (labels == Cihp.FACE) & (np.hypot(x - 210, y - 62) < 9)
    rgb[shine] = 0.5 * rgb[shine] + 120
    photo = Photo(np.clip(rgb, 0, 255).astype(np.uint8), "7" * 64, "person.png")
    return replace(person, photo=photo, parse=replace(person.parse, labels=labels))


@pytest.mark.parametrize("tone", [(150, 95, 68), (215, 178, 158)])
def test_arms_painted_from_a_hard_lit_face_stay_within_its_colours(tone: tuple[int, int, int]) -> None:
    person = _head_only(tone)
    seen = _lab(person.photo.rgb8[_deep(person.parse.labels == Cihp.FACE)])
    look = _dressed(person)
    for side in (-1, 1):
        painted = _lab(_strip(look, side, range(190, 320)))
        middle = np.median(painted, axis=0)
        assert np.abs(middle - np.median(seen, axis=0))[1:].max() < 2, (side, middle)
        assert np.percentile(seen[:, 0], 10) < middle[0] < np.percentile(seen[:, 0], 75), (side, middle)


def _lab(pixels: F32 | U8) -> F32:
    lab: F32 = cv2.cvtColor((pixels[None] / np.float32(255)).astype(np.float32), cv2.COLOR_RGB2LAB)[0]
    return lab


@pytest.mark.parametrize(("half", "hides"), [(TANK, True), (TEE, True), (LONG, False)])
def test_arms_that_would_end_without_hands_are_announced(half: tuple[tuple[float, float], ...], hides: bool) -> None:
    hidden, seen = _head_only(TONES["light"]), draw_person()
    confidence = DRAPE.assess(hidden, dressed_garment(half))
    assert ("tryon.arms_hidden" in [note.key for note in confidence.reasons]) is hides
    assert (confidence.score <= 0.5) is hides
    assert "tryon.arms_hidden" not in [note.key for note in DRAPE.assess(seen, dressed_garment(half)).reasons]


def test_an_arm_behind_the_back_is_no_hidden_hand_where_the_other_is_bare() -> None:
    person = _short_sleeved(TONES["light"])
    labels = person.parse.labels.copy()
    labels[labels == Cihp.LEFT_ARM] = Cihp.UPPER
    person = replace(person, parse=replace(person.parse, labels=labels))
    reasons = DRAPE.assess(person, dressed_garment(TEE)).reasons
    assert "tryon.arms_hidden" not in [note.key for note in reasons]


def test_an_arm_that_leaves_the_picture_needs_no_hand() -> None:
    person = _head_only(TONES["light"])
    pose = make_pose({"right_wrist": (-20, 340), "left_wrist": (404, 340)})
    reasons = DRAPE.assess(replace(person, pose=pose), dressed_garment(TEE)).reasons
    assert "tryon.arms_hidden" not in [note.key for note in reasons]


def test_the_light_is_read_from_the_skin_that_is_seen() -> None:
    rng = np.random.default_rng(1)
    across = rng.uniform(-0.95, 0.95, 900)
    features = np.stack([across, 0 * across, np.sqrt(1 - across**2) - 1, 0 * across, 0 * across], -1)
    light = PRIOR + np.array([0.15, 0.0, 0.1, 0.0, 0.0])[:, None]
    tone = np.log([120.0, 80.0, 60.0])
    seen = (tone + features @ light + rng.normal(0, 0.02, (900, 3))).astype(np.float32)
    seen[:40] = np.log(250.0)  # a bracelet
    found_tone, found_light = read_light(seen, features, np.ones(900, np.float32))
    assert np.abs(found_tone - tone).max() < 0.04
    assert np.abs(found_light[0] - light[0]).max() < 0.05
    assert np.abs(found_light[2] - light[2]).max() < 0.1


def test_without_skin_the_light_is_the_usual_one() -> None:
    tone, light = read_light(np.zeros((0, 3), np.float32), np.zeros((0, 5)), np.zeros(0, np.float32))
    assert np.array_equal(light, PRIOR)
    assert tone[0] > tone[1] > tone[2]


def test_film_records_equal_steps_of_light_flatter_the_brighter_it_is() -> None:
    values = np.array([[235.0, 190.0, 165.0], [130.0, 70.0, 45.0]])
    assert np.allclose(develop(expose(values)), values)
    fair, dark = np.log(values / develop(expose(values) - 0.3))
    assert fair[2] > 1.5 * fair[0]  # its shadow is redder
    assert dark[2] < 1.4 * dark[0]
    assert dark.mean() > 1.3 * fair.mean()  # and less deep


@pytest.mark.parametrize("tone", [(150, 95, 68), (215, 178, 158)])
def test_an_arm_that_nobody_saw_is_round(tone: tuple[int, int, int]) -> None:
    look = _dressed(_head_only(tone)).astype(np.float32)
    rows = range(195, 235)
    for side in (-1, 1):
        axis = [192 + side * float(np.interp(y, [150, 250, 340], [62, 80, 88])) for y in rows]
        middle, inner = (
            np.array(
                [
                    look[y, round(x - side * off) - 1 : round(x - side * off) + 2].mean(axis=0)
                    for y, x in zip(rows, axis, strict=True)
                ]
            )
            for off in (-2, 10)
        )
        fallen = np.log(middle.mean(axis=0) / inner.mean(axis=0))
        assert fallen.mean() > 0.06, (side, fallen)
        assert fallen[2] > fallen[0], (side, fallen)


def test_skin_is_painted_as_uneven_as_the_persons() -> None:
    rng = np.random.default_rng(3)
    noise = cv2.GaussianBlur(rng.standard_normal((80, 60)), (0, 0), 1.6)
    whole = np.ones((80, 60), np.float32)
    even, uneven = (
        measure_blotches(np.repeat((deep * noise / noise.std())[..., None], 3, axis=2), whole, 72.0)
        for deep in (0.001, 0.05)
    )
    assert 1.4 * even < uneven


def test_the_chests_tone_is_the_arms_and_the_faces_is_not() -> None:
    person = _head_only((200, 150, 120))
    labels, rgb = person.parse.labels.copy(), person.photo.rgb8.astype(np.float32)
    y, x = np.mgrid[0 : labels.shape[0], 0 : labels.shape[1]]
    low = (labels == Cihp.UPPER) & (np.abs(x - 192) < 45) & (y > 155) & (y < 215)
    labels[low] = Cihp.NECK
    rgb[low] = np.array((190, 130, 85))
    photo = Photo(np.clip(rgb, 0, 255).astype(np.uint8), "8" * 64, "person.png")
    bare = replace(person, photo=photo, parse=replace(person.parse, labels=labels))
    with_chest, without = (_lab(_strip(_dressed(who), 1, range(195, 300))).mean(axis=0) for who in (bare, person))
    chest = _lab(np.array([[190, 130, 85]], np.uint8))[0]
    assert abs(with_chest[2] - chest[2]) < 0.5 * abs(without[2] - chest[2])


def test_the_trunk_does_not_follow_a_hand_before_it() -> None:
    known = np.zeros((200, 100), np.float32)
    known[10:30, 40:60] = 1.0  # the chest
    known[150:170, 40:60] = 1.0
    hand = np.zeros(known.shape, bool)
    hand[150:170] = True
    share = leave_hands(hand, known, (50, 100))
    assert share[17, 25] > 0.95
    assert share[72, 25] < 0.1
    assert (np.diff(share[16:74, 25]) <= 0).all()
    assert (leave_hands(np.zeros_like(hand), known, (50, 100)) == 1).all()


def test_skin_that_is_lighter_away_from_the_collar_too_is_in_its_own_light() -> None:
    away = np.zeros((40, 60), np.float32)
    away[5:20, 5:55] = 1.0  # below it lies the collar
    rest = np.zeros((40, 60, 3), np.float32)
    rest[:, 30:] = -0.2
    rest[20:26] = -0.3  # a white collar's shine
    own = find_own_light(rest, away)[..., 0]
    assert own[23, 50] == pytest.approx(-0.2, abs=0.02)
    assert abs(float(own[23, 10])) < 0.02
    assert (find_own_light(-rest, away) > -0.01).all()


def test_of_an_arm_in_the_shade_only_its_sleeves_shadow_is_taken_off() -> None:
    hem = np.repeat(np.arange(120.0)[:, None] / 200, 60, axis=1).astype(np.float32)
    labels = np.full((120, 60), Cihp.RIGHT_ARM, np.uint8)
    removed = np.zeros((120, 60), np.float32)
    model = np.full((60, 30, 3), np.log(180.0), np.float32)
    coarse = np.full((60, 30), Cihp.RIGHT_ARM, np.uint8)
    gains = []
    for shadow in (0.0, 0.25):
        log = np.log(140.0) - shadow * np.exp(-((hem / 0.04) ** 2))
        rgb = np.repeat(np.exp(log)[..., None], 3, axis=2).astype(np.uint8)
        evidence = Evidence(rgb, np.ones((120, 60), np.float32), labels, False)
        gains.append(_join(evidence, hem, removed, ([model, model, model], coarse), 100.0)[..., 0])
    assert np.abs(gains[0] - 1).max() < 0.03  # darker than painted all along: its own light
    assert gains[1][2:5].mean() > 1.06 and np.abs(gains[1][60:] - 1).max() < 0.03


def _places(along: float) -> BodyFields:
    plane = np.zeros((40, 60), np.float32)
    return BodyFields(plane, plane, (plane + along, plane), (plane, plane + 9))


def test_fingers_say_little_of_an_arms_tone_where_a_face_says_more() -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[:10, :40], labels[20:30, :20] = Cihp.FACE, Cihp.RIGHT_ARM
    hand = labels == Cihp.RIGHT_ARM
    assert _trust_hands(_places(2.0), labels)[hand].max() == np.float32(HAND_WEIGHT)
    assert _trust_hands(_places(2.0), labels)[~hand].min() == 1
    assert _trust_hands(_places(1.5), labels).min() == 1  # it is no hand
    labels[:10] = 0
    assert _trust_hands(_places(2.0), labels).min() == 1  # nothing else tells


def test_no_cell_under_the_chin_is_painted_as_the_lit_face() -> None:
    fitting = _fit(draw_person(), False)
    labels = fitting.evidence.labels
    size = (labels.shape[1] // 4, labels.shape[0] // 4)
    coarse = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    fields = measure_fields(fitting.body, (labels.shape[0], labels.shape[1]))
    face = coarse == Cihp.FACE
    rows = np.flatnonzero(face.any(axis=1))
    chin = np.zeros_like(face)
    chin[rows[-1]] = face[rows[-1]]
    lit, throat = (trunk_surface(fitting.body, fields, coarse, size, behind_face=behind) for behind in (False, True))
    assert lit[chin, 3].max() == 0
    assert throat[chin, 3].min() > 0.3
    assert np.array_equal(lit[~face], throat[~face])


def test_a_neck_goes_up_behind_the_jaw() -> None:
    fitting = _fit(draw_person(), False)
    labels = fitting.evidence.labels
    fields = measure_fields(fitting.body, (labels.shape[0], labels.shape[1]))
    face = labels == Cihp.FACE
    lowest = float(np.percentile(fields.depth[face], 97))
    assert measure_neck(fitting.body, fields, labels).top > -lowest / fitting.body.size + 0.2


def test_seen_skin_is_believed_up_to_a_mask_that_throws_no_shadow() -> None:
    fitting = _fit(_short_sleeved(TONES["light"]), False)
    fields = measure_fields(fitting.body, fitting.evidence.alpha.shape)
    arms = np.isin(fitting.evidence.labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM))
    beside = arms & (cv2.dilate((fitting.evidence.labels == Cihp.UPPER).astype(np.uint8), np.ones((7, 7))) > 0)
    used = find_kept(fitting.body, fields, fitting.evidence)[0]
    masked = find_kept(fitting.body, fields, replace(fitting.evidence, leak_free=True))[0]
    assert used[beside].mean() < 0.3
    assert masked[beside].mean() > 0.4
    assert masked[arms].mean() > used[arms].mean()
