"""The person's light and folds on a new garment: what must come over, what must not, and within which bounds."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import GarmentArtefacts, PersonArtefacts, Photo, TryOn
from studio.domain.edits import LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.tryon import drape
from studio.pipeline.tryon.drape import DRAPE
from studio.pipeline.tryon.draping import light
from studio.pipeline.tryon.draping.body import Body, Evidence
from studio.pipeline.tryon.draping.fields import BodyFields, measure_fields
from studio.pipeline.tryon.draping.folds import STEP, Drape, lay_ground, make_folds, read_folds
from studio.pipeline.tryon.draping.shading import PRIOR, arm_surface, estimate_light, trunk_surface
from tests.pipeline.tryon_figures import LONG, OLD_TOP, TEE, U8, context, draw_person, dressed_garment

WHITE, BLACK = (250, 250, 248), (22, 22, 24)


def _dress(person: PersonArtefacts, garment: GarmentArtefacts, *, leak_free: bool = False) -> TryOn:
    return DRAPE.dress(person, garment, context(), layers=LayerOrder(), leak_free=leak_free)


def _worn(tryon: TryOn) -> U8:
    """Return the pixels that are wholly the new garment's."""
    return tryon.patch.pixels[tryon.patch.garment == 255]


def _with_pixels(person: PersonArtefacts, rgb: U8) -> PersonArtefacts:
    return replace(person, photo=Photo(rgb, "2" * 64, "person.png"))


def _figure(person: PersonArtefacts) -> tuple[Evidence, Body, BodyFields]:
    fitting = drape._fit(person, False)
    height, width = fitting.evidence.alpha.shape
    return fitting.evidence, fitting.body, measure_fields(fitting.body, (height, width))


def _lit(evidence: Evidence, body: Body, fields: BodyFields, light: tuple[float, float, float]) -> Evidence:
    """Return the drawn person in a plain sleeveless top, with bare arms, under a known light."""
    direction = np.array(light)
    shade = trunk_surface(body, fields.lateral, fields.depth).lit(direction)
    labels = evidence.labels.copy()
    for number, label in enumerate((Cihp.RIGHT_ARM, Cihp.LEFT_ARM)):
        labels[(labels == Cihp.UPPER) & (np.abs(fields.across[number]) < 1.5) & (fields.along[number] > 0.1)] = label
    for number, label in enumerate((Cihp.RIGHT_ARM, Cihp.LEFT_ARM)):
        arm = arm_surface(body, number, fields.along[number], fields.across[number]).lit(direction)
        shade = np.where(labels == label, arm, shade)
    linear = 0.45 * np.exp(shade - direction[2])
    rgb = np.clip(255 * linear ** (1 / 2.2), 0, 255)
    painted = np.repeat(np.round(rgb)[..., None], 3, axis=2).astype(np.uint8)
    return replace(evidence, rgb=painted, labels=labels)


@pytest.fixture(scope="module")
def person() -> PersonArtefacts:
    return draw_person()


@pytest.fixture(scope="module")
def plain_look(person: PersonArtefacts) -> TryOn:
    return _dress(person, dressed_garment(TEE))


@pytest.mark.parametrize("light", [(-0.3, 0.1, 0.3), (0.3, 0.1, 0.3), (0.0, 0.25, 0.4)], ids=["left", "right", "above"])
def test_light_is_found_on_a_drawn_body(person: PersonArtefacts, light: tuple[float, float, float]) -> None:
    evidence, body, fields = _figure(person)
    lit = _lit(evidence, body, fields, light)
    removed = (evidence.labels == Cihp.UPPER).astype(np.float32)
    found = estimate_light(body, lit, fields, removed).direction
    assert abs(found[0] - light[0]) < 0.08
    angle = np.degrees(np.arccos(found @ np.array(light) / np.linalg.norm(found) / np.linalg.norm(light)))
    assert angle < 12


def test_without_evidence_the_usual_light_is_taken(person: PersonArtefacts) -> None:
    evidence, body, fields = _figure(person)
    nobody = replace(evidence, labels=np.zeros_like(evidence.labels))
    light = estimate_light(body, nobody, fields, np.zeros_like(evidence.alpha))
    assert np.allclose(light.direction, PRIOR)
    assert not light.remainder.any()


@pytest.mark.parametrize("colour", [WHITE, BLACK, (180, 40, 60)], ids=["white", "black", "red"])
def test_the_garment_keeps_its_median_colour(person: PersonArtefacts, colour: tuple[int, int, int]) -> None:
    worn = _worn(_dress(person, dressed_garment(TEE, colour))).astype(int)
    assert np.abs(np.median(worn, axis=0) - colour).max() <= 4
    assert (
        np.abs(np.median(worn - worn.mean(axis=1, keepdims=True), axis=0) - (np.array(colour) - np.mean(colour))).max()
        <= 3
    )


def test_shading_is_seen_on_plain_cloth(plain_look: TryOn) -> None:
    red = _worn(plain_look)[:, 0].astype(float)
    assert 4 < red.std() < 30


def test_an_old_print_leaves_no_ghost(person: PersonArtefacts, plain_look: TryOn) -> None:
    rgb = person.photo.rgb8.copy()
    cv2.rectangle(rgb, (165, 205), (220, 245), (235, 235, 235), -1)
    cv2.putText(rgb, "OLD", (166, 285), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (10, 30, 10), 3)
    for y in (180, 192, 300, 310):
        cv2.line(rgb, (170, y), (244, y), (20, 30, 20), 3)
    printed = _dress(_with_pixels(person, rgb), dressed_garment(TEE))
    shown = (plain_look.patch.garment == 255) & (printed.patch.garment == 255)
    gap = np.abs(printed.patch.pixels.astype(int) - plain_look.patch.pixels)[shown].max(axis=1)
    assert np.percentile(gap, 99) <= 10
    edges = _outlines(printed) - _outlines(plain_look)
    assert np.abs(edges[shown]).max() <= 6


def _outlines(tryon: TryOn) -> np.ndarray:
    """Return what is finer than a fold: letters and stripes would show here."""
    grey = tryon.patch.pixels.astype(np.float32).mean(axis=2)
    return grey - cv2.GaussianBlur(grey, (0, 0), 3)


def _folded(person: PersonArtefacts) -> tuple[PersonArtefacts, np.ndarray]:
    """Return the person with soft slanting folds in the old top, and the folds."""
    y, x = np.mgrid[0:512, 0:384].astype(np.float32)
    folds = 0.22 * np.sin((x + 0.6 * y) / 3.4)
    shaded = person.photo.rgb8 * np.where(person.parse.labels == Cihp.UPPER, np.exp(folds / 2.2), 1.0)[..., None]
    return _with_pixels(person, np.clip(np.round(shaded), 0, 255).astype(np.uint8)), folds


def test_soft_folds_of_plain_cloth_come_over(person: PersonArtefacts, plain_look: TryOn) -> None:
    folded, folds = _folded(person)
    evidence, body, _ = _figure(folded)
    view = drape._fit(folded, False).view
    seen, sure = read_folds(body, evidence, (evidence.labels == Cihp.UPPER).astype(np.float32))
    truth = folds[view.box.slices][::STEP, ::STEP]
    assert (sure > 0.8).sum() > 500
    assert np.corrcoef(seen[sure > 0.8], truth[sure > 0.8])[0, 1] > 0.8
    look = _dress(folded, dressed_garment(TEE))
    assert not np.array_equal(look.patch.pixels, plain_look.patch.pixels)


def test_leak_free_nothing_under_the_mask_is_read(person: PersonArtefacts) -> None:
    folded, _ = _folded(person)
    garment = dressed_garment(LONG)
    first, second = (_dress(who, garment, leak_free=True) for who in (person, folded))
    assert np.array_equal(first.image, second.image)


def test_folds_are_about_zero_and_the_same_every_time(person: PersonArtefacts) -> None:
    _, body, fields = _figure(person)
    ground = lay_ground(fields)
    hanging = Drape(0.5, None, 1.1 * body.length, (1.9, 1.9))
    folds, again = (make_folds(body, ground, hanging, PRIOR) for _ in range(2))
    on_trunk = (np.abs(fields.lateral) < 0.4 * body.size)[::STEP, ::STEP] & (fields.depth > 0)[::STEP, ::STEP]
    assert abs(folds.trunk[on_trunk].mean()) < 0.08
    assert folds.trunk[on_trunk].std() > 0.01
    assert np.array_equal(folds.trunk, again.trunk)
    assert np.array_equal(folds.arms[0], again.arms[0])


def test_no_two_people_fold_alike(person: PersonArtefacts) -> None:
    _, body, fields = _figure(person)
    ground = lay_ground(fields)
    one, other = (make_folds(body, ground, Drape(0.5, None, body.length, None, seed), PRIOR) for seed in (0, 100))
    assert abs(np.corrcoef(one.trunk.ravel(), other.trunk.ravel())[0, 1]) < 0.6


def test_over_the_chest_cloth_lies_smooth(person: PersonArtefacts) -> None:
    _, body, fields = _figure(person)
    ground = lay_ground(fields)
    half = body.half_width(ground.depth, 1)
    rows = (ground.depth > 0.1 * body.length) & (ground.depth < 0.4 * body.length)
    chest, flanks = rows & (np.abs(ground.lateral) < 0.5 * half), rows & (np.abs(ground.lateral) < 1.1 * half)
    made = [
        make_folds(body, ground, Drape(0.5, None, body.length, None, seed), PRIOR).trunk for seed in range(0, 800, 100)
    ]
    on_chest, to_flanks = (float(np.mean([folds[area].std() for folds in made])) for area in (chest, flanks))
    assert on_chest < 0.045, "streaks there look like dirt"
    assert to_flanks > 1.1 * on_chest, "folds come from the armpits"


def test_looser_cloth_folds_more(person: PersonArtefacts) -> None:
    _, body, fields = _figure(person)
    ground = lay_ground(fields)
    close, loose = (
        make_folds(body, ground, Drape(share, 0.85 * body.length, body.length, None), PRIOR).trunk
        for share in (0.0, 1.0)
    )
    assert loose.std() > 1.2 * close.std()


def test_down_to_its_armpit_a_sleeve_is_sewn_on(person: PersonArtefacts) -> None:
    _, body, fields = _figure(person)
    armpit = body.place(np.array([0.4 * body.size]), np.array([0.3 * body.length]))
    sewn, free = light._hanging(body, fields, armpit), light._hanging(body, fields, np.zeros((0, 2)))
    right = fields.lateral > 5
    above = right & (fields.depth < 0.3 * body.length)
    below = right & (fields.depth > 0.3 * body.length + light.COMES_FREE * body.size)
    assert sewn[above].max() == pytest.approx(light.SEWN_ON) and free[above].max() > 0.9
    assert sewn[below].min() == pytest.approx(1.0)
    assert np.array_equal(sewn[fields.lateral < -5], free[fields.lateral < -5])


def test_a_sleeve_before_the_torso_stands_out(person: PersonArtefacts) -> None:
    look = _dress(person, dressed_garment(LONG, OLD_TOP))
    patch = look.patch
    row = 280 - patch.y
    line = patch.pixels[row, 110 - patch.x : 150 - patch.x, 1].astype(int)
    assert line.max() - line.min() > 15


def test_the_same_inputs_give_the_same_bytes(person: PersonArtefacts, plain_look: TryOn) -> None:
    again = _dress(person, dressed_garment(TEE))
    assert np.array_equal(again.patch.pixels, plain_look.patch.pixels)
