"""How tops fit: sleeves laid on the flanks, uneven flat lays, sizes, waistlines; on drawn figures and real photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import Cutout, Garment, ParseMap, PersonArtefacts, Photo, SleeveLength
from studio.domain.edits import HemStyle, LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.garment import analyse_garment
from studio.pipeline.garments import fitting, template
from studio.pipeline.garments.purge import purge_backdrop
from studio.pipeline.tryon.drape import DRAPE, _fit
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.relax import measure_distortion
from studio.pipeline.tryon.draping.targets import (
    TOP_LENGTH,
    estimate_scale,
    lean_over_chest,
    place_garment,
    read_pattern,
    wear,
)
from tests.pipeline.tryon_figures import (
    BACKDROP,
    LONG,
    NEW_TOP,
    TEE,
    context,
    draw_garment,
    draw_person,
    dressed_garment,
    outline,
)

SIZE, HEIGHT = (480, 640), 512.0
LAID_SHORT = ((-0.09, 0.0), (-0.28, 0.05), (-0.37, 0.47), (-0.235, 0.5), (-0.235, 1.0))
LAID_LONG = ((-0.1, 0.0), (-0.26, 0.05), (-0.39, 1.0), (-0.3, 1.0), (-0.27, 0.66), (-0.265, 0.9))
SWEATER = (
    (-0.1, 0.0), (-0.36, 0.1), (-0.52, 0.5), (-0.56, 0.86), (-0.44, 0.86), (-0.4, 0.5), (-0.41, 1.0),
)  # fmt: skip
"""A wide sweater: dropped shoulders, the sleeves beside it."""
PRINT_LIMIT = 1.25
"""No print on the flat of the chest is stretched or squeezed more than this, against the garment's own scale."""
REAL = {
    "vitonhdtrain_00900": (("long",), 0.36),
    "vitonhdtrain_00012": (("long",), 0.36),
    "vitonhdtrain_00134": (("long",), 0.36),
    "fitdit_0012": (("short", "elbow"), 0.36),
}


@pytest.fixture(scope="module")
def person() -> PersonArtefacts:
    return draw_person()


@pytest.fixture(scope="module")
def body(person: PersonArtefacts) -> Body:
    return _fit(person, leak_free=False).body


def _drawn(points: np.ndarray) -> Garment:
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 255, cv2.LINE_AA)
    rgb = np.where(mask[..., None] > 127, np.uint8(NEW_TOP), np.uint8(228)).astype(np.uint8)
    return analyse_garment(Photo(rgb, "0" * 64, "drawn.png"), Cutout(mask.astype(np.float32) / 255, rgb.copy()))


def _folds(garment: Garment) -> int:
    triangles = garment.mesh.vertices[garment.mesh.faces]
    first, second = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    return int((first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] <= 0).sum())


def _share(garment: Garment, name: str) -> tuple[float, float]:
    x, y = garment.landmarks[name]
    return (x - SIZE[0] / 2) / HEIGHT, (y - (SIZE[1] - HEIGHT) / 2) / HEIGHT


@pytest.mark.parametrize(
    ("half", "sleeves", "torso"),
    [(LAID_SHORT, (SleeveLength.SHORT, SleeveLength.ELBOW), 0.235), (LAID_LONG, (SleeveLength.LONG,), 0.27)],
    ids=["short", "long"],
)
def test_sleeves_on_the_flanks_are_parted_from_the_torso(
    half: tuple[tuple[float, float], ...], sleeves: tuple[SleeveLength, ...], torso: float
) -> None:
    garment = analyse_garment(*draw_garment(half))
    assert garment.sleeve in sleeves
    x, y = _share(garment, "armpit_left")
    assert abs(-x - 1.07 * torso) < 0.05
    assert 0.18 < y < 0.36  # an armhole's depth, far above where outline or gap show it
    assert _folds(garment) == 0


def test_an_open_armpit_stays_where_it_is_seen() -> None:
    x, y = _share(analyse_garment(*draw_garment(TEE)), "armpit_left")
    assert abs(-x - 0.24) < 0.03
    assert abs(y - 0.25) < 0.03


@pytest.mark.parametrize("gap", [0.035, 0.06])
def test_a_sleeve_beside_a_narrow_gap_begins_at_its_very_top(gap: float) -> None:
    half = ((-0.11, 0.0), (-0.26, 0.06), (-0.38, 0.42), (-0.24 - gap, 0.42), (-0.243, 0.25), (-0.24, 1.0))
    garment = analyse_garment(*draw_garment(half))
    armpit, cuff = _share(garment, "armpit_left"), _share(garment, "cuff_left_inner")
    assert abs(-armpit[0] - 0.243) < 0.006
    assert 0 <= armpit[1] - 0.25 < 0.015
    assert np.hypot(-cuff[0] - 0.24 - gap, cuff[1] - 0.42) < 0.008


def test_an_edge_on_the_far_bank_of_a_gap_comes_back_as_a_whole() -> None:
    points = outline(
        ((-0.1, 0.0), (-0.25, 0.06), (-0.42, 0.4), (-0.3, 0.44), (-0.24, 0.25), (-0.24, 1.0)), SIZE, HEIGHT
    )
    mask = np.zeros((SIZE[1], SIZE[0]), np.float32)
    cv2.fillPoly(mask, [points], 1.0)
    silhouette = fitting.prepare_silhouette(mask, fitting.MESH_HEIGHT)
    down = np.linspace(0.27, 0.46, 9)  # the sleeve's corner is at 0.44: beside the last point no bank is left
    flank = np.stack([np.full(9, -0.24), down], -1)
    edge = template._from_far_bank(flank, silhouette, -1)
    assert np.abs(edge[:, 0] - np.interp(down, [0.25, 0.44, 0.63], [-0.24, -0.3, -0.36])).max() < 0.006


def test_a_sleeve_that_parts_from_the_hem_sooner_on_one_side_is_still_laid_beside_the_torso() -> None:
    left = ((-0.1, 0.0), (-0.26, 0.06), (-0.4, 0.97), (-0.31, 0.97), (-0.245, 0.74), (-0.245, 0.81))
    right = ((0.245, 0.81), (0.245, 0.78), (0.31, 0.97), (0.4, 0.97), (0.26, 0.06), (0.1, 0.0))
    points = np.array([*left, *right]) * HEIGHT + [SIZE[0] / 2, (SIZE[1] - HEIGHT) / 2]
    mask = np.zeros((SIZE[1], SIZE[0]), np.float32)
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 1.0)
    rows = fitting.measure_rows(fitting.prepare_silhouette(mask))
    torso = rows.inner[~np.isnan(rows.gap) & ~np.isnan(rows.inner)]
    assert np.abs(torso * 0.97 - 0.245).max() < 0.015  # rows are in shares of the sleeves' length
    assert _folds(_drawn(points)) == 0


def test_a_cuff_that_hangs_in_a_curve_lies_whole_on_the_mesh() -> None:
    start, end = np.array(TEE[2]), np.array(TEE[3])
    away = np.array([-(end - start)[1], (end - start)[0]])
    bulge = [
        tuple(start + share * (end - start) + 0.25 * np.sin(np.pi * share) * away) for share in np.linspace(0, 1, 9)
    ]
    photo, cutout = draw_garment((*TEE[:2], *bulge, *TEE[4:]))
    mesh = analyse_garment(photo, cutout).mesh
    covered = np.zeros(cutout.alpha.shape, np.uint8)
    for face in mesh.faces:
        cv2.fillConvexPoly(covered, np.round(mesh.vertices[face]).astype(np.int32), 1)
    bare = cv2.distanceTransform((covered == 0).astype(np.uint8), cv2.DIST_L2, 5) * (cutout.alpha > 0.5)
    assert bare[cutout.alpha.shape[0] // 4 :].max() < 4.0  # below the collar: nothing hangs on beyond the cuff's row


def test_each_side_of_an_uneven_flat_lay_has_its_own_sleeve(monkeypatch: pytest.MonkeyPatch) -> None:
    raised = outline(TEE, SIZE, HEIGHT).astype(float)
    raised[[2, 3], 1] -= [95, 70]  # the left sleeve alone

    def missed() -> float:
        garment = _drawn(raised)
        assert _folds(garment) == 0
        mesh, drawn = np.zeros((SIZE[1], SIZE[0]), np.uint8), np.zeros((SIZE[1], SIZE[0]), np.uint8)
        cv2.fillPoly(drawn, [np.round(raised).astype(np.int32)], 1)
        for face in garment.mesh.faces:
            cv2.fillConvexPoly(mesh, np.round(garment.mesh.vertices[face]).astype(np.int32), 1)
        return float((mesh != drawn).sum() / drawn.sum())

    own = missed()
    monkeypatch.setattr(fitting, "EVEN", 0.0)
    assert own < 0.75 * missed()
    assert own < 0.06


def test_a_wide_sweater_is_wide_and_not_cropped(body: Body) -> None:
    garment = analyse_garment(*draw_garment(SWEATER))
    assert garment.sleeve is SleeveLength.LONG
    placed = place_garment(garment, body, None)
    assert 1.45 < placed.hem_depth / body.size < 2.1
    assert min(placed.cuffs) > 1.85
    chest = np.ptp(placed.vertices[(garment.mesh.part == 0) & (np.abs(garment.mesh.along - 0.6) < 0.1), 0])
    depth = np.array([0.5 * body.length])
    assert chest > 1.1 * (body.half_width(depth, -1) + body.half_width(depth, 1))[0]


def test_a_cropped_top_stays_cropped(body: Body) -> None:
    cropped = tuple((x, y if y < 0.5 else 0.62) for x, y in TEE)
    whole, short = (analyse_garment(*draw_garment(half)) for half in (TEE, cropped))
    depths = [place_garment(garment, body, None).hem_depth for garment in (whole, short)]
    assert depths[1] < 0.85 * depths[0]


def test_what_goes_round_the_body_is_taken_from_the_sides_not_from_the_chest() -> None:
    garment = analyse_garment(*draw_garment(SWEATER))
    pattern = read_pattern(garment)
    worn = wear(garment, pattern)
    torso = garment.mesh.part == 0
    low = torso & (garment.mesh.along > 0.5)
    edge = low & (np.abs(garment.mesh.across) > 0.99)
    middle = low & (np.abs(garment.mesh.across) < 0.45) & (np.abs(garment.mesh.across) > 0.05)
    assert np.allclose(worn.points[edge, 0] / pattern.points[edge, 0], 1 / pattern.ease, atol=0.01)
    assert (worn.points[middle, 0] / pattern.points[middle, 0]).min() > 0.93


def test_scale_knows_a_flat_lay_from_a_form(body: Body) -> None:
    flat = tuple((1.25 * x, y) for x, y in TEE)
    on_form, laid = (read_pattern(analyse_garment(*draw_garment(half))) for half in (TEE, flat))
    ratio = estimate_scale(laid, body, SleeveLength.SHORT) / estimate_scale(on_form, body, SleeveLength.SHORT)
    assert ratio > 0.85  # by widths alone it would be 0.8 or less


def test_a_worn_neckline_ends_higher_than_it_was_cut_and_keeps_its_hem_and_sides() -> None:
    garment = analyse_garment(*draw_garment(TEE))
    pattern, mesh = read_pattern(garment), garment.mesh
    size, cut = pattern.shoulder[0] * 2, 0.2 * pattern.shoulder[0] * 2
    fronts = {name: tuple(pattern.origin + pattern.down * depth) for name, depth in (("crew", cut), ("v", 3 * cut))}
    rises = {}
    for name, front in fronts.items():
        cut_so = replace(garment, landmarks={**garment.landmarks, "collar_front": front})
        rise = pattern.points[:, 1] - lean_over_chest(cut_so, pattern, size).points[:, 1]
        rises[name] = float(rise.max())
        depth = pattern.points[:, 1] + 1e-6
        below = (mesh.part == 0) & (np.abs(mesh.across) < 0.2) & (depth > cut) & (depth < 0.4 * size)
        assert name != "crew" or rise[below].min() > 0.9 * rise.max()
        assert np.allclose(rise[(mesh.part == 0) & ((mesh.along > 0.999) | (np.abs(mesh.across) > 0.999))], 0.0)
        assert np.allclose(rise[mesh.part > 1], 0.0)
    assert rises["crew"] == pytest.approx((0.2 - np.sqrt(0.2**2 - 0.13**2)) * size, rel=0.02)
    assert rises["v"] < 0.4 * rises["crew"]  # mostly downwards is how it was cut


def test_tops_differ_less_in_length_than_in_how_loose_they_are(body: Body) -> None:
    pattern = read_pattern(analyse_garment(*draw_garment(TEE)))
    loose = replace(pattern, armpit=pattern.armpit * [1.15, 1.0], shoulder=pattern.shoulder * [1.15, 1.0])
    for sleeve, least in ((SleeveLength.SHORT, 0.94), (SleeveLength.NONE, 0.94), (SleeveLength.LONG, 0.88)):
        scales = [estimate_scale(cut, body, sleeve) for cut in (loose, pattern)]
        assert least < scales[0] / scales[1] < 1.0
        told = [estimate_scale(cut, body, sleeve, ends_anywhere=True) for cut in (loose, pattern)]
        assert told[0] / told[1] < scales[0] / scales[1]
    fitted = estimate_scale(pattern, body, SleeveLength.SHORT) * pattern.hem_y / body.size
    assert fitted == pytest.approx(TOP_LENGTH, rel=0.15)


def test_a_trunk_that_is_not_seen_is_not_as_wide_as_it_may_be_at_most(person: PersonArtefacts) -> None:
    hidden = replace(person, parse=ParseMap(np.zeros_like(person.parse.labels)))
    body = _fit(hidden, leak_free=True).body
    waist = body.half_width(np.array([0.48 * body.length]), -1)[0] / body.size
    assert 0.44 < waist < 0.475  # the standard's waist is 0.44 of the shoulder width


def test_a_tucked_top_ends_at_the_waist_beside_the_hips_too(person: PersonArtefacts) -> None:
    wide = tuple((1.3 * x, y) for x, y in TEE)
    tryon = DRAPE.dress(person, dressed_garment(wide), context(), layers=LayerOrder(HemStyle.TUCKED))
    garment = np.zeros(person.photo.pixels.shape[:2], np.uint8)
    garment[tryon.patch.box.slices] = tryon.patch.garment
    assert (garment[250:290] > 128).any()
    assert not (garment[345:] > 60).any()


def test_an_arm_behind_the_back_gets_no_sleeve_on_the_trunk(person: PersonArtefacts) -> None:
    labels, rgb, alpha = person.parse.labels.copy(), person.photo.rgb8.copy(), person.cutout.alpha.copy()
    arm = (labels == Cihp.RIGHT_ARM) | ((labels == Cihp.UPPER) & (np.arange(labels.shape[1]) < 122)[None])
    arm[:200] = False
    labels[arm], rgb[arm], alpha[arm] = 0, BACKDROP, 0.0
    hidden = replace(
        person,
        photo=Photo(rgb, "6" * 64, "hidden.png"),
        cutout=Cutout(alpha, rgb.copy()),
        parse=ParseMap(labels),
    )
    assert [arm.hidden for arm in _fit(hidden, leak_free=False).body.arms] == [True, False]
    assert not any(arm.hidden for arm in _fit(person, leak_free=False).body.arms)
    tryon = DRAPE.dress(hidden, dressed_garment(LONG), context(), layers=LayerOrder())
    garment = np.zeros(labels.shape, np.uint8)
    garment[tryon.patch.box.slices] = tryon.patch.garment
    assert not (garment[275:350, :118] > 60).any()
    assert (garment[300:325, 274:286] > 128).mean() > 0.9


def test_a_sleeve_ends_where_its_cloth_ends(body: Body) -> None:
    garment = analyse_garment(*draw_garment(TEE))
    placed = place_garment(garment, body, None)
    assert 0.2 < min(placed.cuffs) <= max(placed.cuffs) < 0.9
    long = place_garment(analyse_garment(*draw_garment(LONG)), body, None)
    assert 1.8 < min(long.cuffs) <= max(long.cuffs) < 2.2


@pytest.mark.parametrize("half", [TEE, LONG], ids=["tee", "long"])
def test_both_sleeves_lie_alike_and_off_the_chest(half: tuple[tuple[float, float], ...], body: Body) -> None:
    garment = analyse_garment(*draw_garment(half))
    placed = place_garment(garment, body, None)
    assert placed.relaxed.folded <= 0.005 * len(garment.mesh.faces)
    spans = []
    for number, side in ((2, -1), (3, 1)):
        lateral, _ = body.locate(placed.vertices[(garment.mesh.part == number) & (garment.mesh.along > 0.4)])
        spans.append((np.min(side * lateral), np.max(side * lateral)))
    assert np.allclose(spans[0], spans[1], atol=0.04 * body.size)
    assert min(spans[0][0], spans[1][0]) > 0.27 * body.size


@pytest.mark.parametrize("half", [TEE, LONG, LAID_SHORT, LAID_LONG], ids=["tee", "long", "laid short", "laid long"])
def test_prints_keep_their_shape_on_the_flat_of_the_chest(half: tuple[tuple[float, float], ...], body: Body) -> None:
    garment = analyse_garment(*draw_garment(half))
    placed = place_garment(garment, body, None)
    mesh = garment.mesh
    chest = (mesh.part[mesh.faces] == 0).all(axis=1) & (np.abs(mesh.across[mesh.faces]) < 0.5).all(axis=1)
    chest &= (mesh.along[mesh.faces] < 0.6).all(axis=1) & (mesh.along[mesh.faces] > 0.12).all(axis=1)
    folded, stretch = measure_distortion(
        read_pattern(garment).points * placed.scale, placed.vertices, mesh.faces[chest]
    )
    assert folded == 0
    assert stretch < PRINT_LIMIT


@pytest.mark.parametrize("name", sorted(REAL))
def test_real_tops_with_sleeves_laid_on_the_flanks(shared: Path, name: str) -> None:
    rgb = cv2.imread(str(shared / "photos" / "garments" / f"{name}.jpg"))[:, :, ::-1].copy()
    alpha = np.clip((250 - rgb.min(axis=2).astype(np.float32)) / 10, 0, 1)
    mask = np.zeros(alpha.shape, np.uint8)
    contours, _ = cv2.findContours((alpha > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(mask, [max(contours, key=cv2.contourArea)], -1, 1, -1)
    cutout = purge_backdrop(rgb, Cutout(mask.astype(np.float32), rgb.copy()))  # as the edges stage leaves it
    garment = analyse_garment(Photo(rgb, "3" * 64, name), cutout)
    sleeves, deepest = REAL[name]
    assert garment.sleeve.value in sleeves
    assert _folds(garment) == 0
    pattern = read_pattern(garment)
    assert pattern.armpit[1] / pattern.hem_y < deepest
    assert 0.8 < pattern.shoulder[0] / pattern.armpit[0] < 1.1
