"""How sleeves lie: round their arms, in the armpit's crease, without folds; what lies beside a mesh goes on evenly."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.arrays import F64
from studio.domain.artefacts import Cutout, Garment, PersonArtefacts
from studio.domain.edits import LayerOrder
from studio.pipeline.garment import analyse_garment
from studio.pipeline.garments.fitting import fit_outline, prepare_silhouette
from studio.pipeline.garments.outline import corners
from studio.pipeline.garments.template import _at_apex
from studio.pipeline.tryon.drape import DRAPE, _fit
from studio.pipeline.tryon.draping.limbs import PLACES, Limb, trace_limb
from studio.pipeline.tryon.draping.outlines import trace_outlines
from studio.pipeline.tryon.draping.raster import (
    LayerMap,
    _affines,
    build_layers,
    dense_map,
    find_squeezed,
    prepare_source,
    sample_layer,
)
from studio.pipeline.tryon.draping.relax import measure_distortion
from studio.pipeline.tryon.draping.rim import surround
from studio.pipeline.tryon.draping.targets import Placed, find_armhole, place_garment
from tests.pipeline.test_limbs import _person as bare_person
from tests.pipeline.tryon_figures import TEE, context, draw_garment, draw_person, dressed_garment

CAP = ((-0.12, 0.0), (-0.25, 0.04), (-0.34, 0.16), (-0.26, 0.24), (-0.235, 0.29), (-0.23, 1.0))
"""A tee with cap sleeves: their inner edge is hardly longer than nothing."""
LAID = (
    (-0.1, 0.0), (-0.24, 0.05), (-0.34, 0.45), (-0.37, 0.97), (-0.285, 0.97), (-0.272, 0.81), (-0.2, 0.55),
    (-0.22, 0.3), (-0.18, 0.55), (-0.24, 0.7), (-0.272, 0.8), (-0.272, 0.81), (-0.285, 0.86),
)  # fmt: skip
"""Long sleeves beside a trunk that flares under them: a gap below the armpit, none at the hem."""
NARROW = ((-0.1, 0.0), (-0.24, 0.04), (-0.32, 0.24), (-0.25, 0.28), (-0.215, 0.24), (-0.215, 1.0))
"""One whose sleeves are cut tight."""


@pytest.fixture(scope="module")
def person() -> PersonArtefacts:
    return draw_person()


def _place(garment: Garment, person: PersonArtefacts) -> tuple[Placed, tuple[Limb, Limb]]:
    fitting = _fit(person, leak_free=False)
    limbs = (trace_limb(fitting.body, fitting.evidence, 0), trace_limb(fitting.body, fitting.evidence, 1))
    return place_garment(garment, fitting.body, None, limbs), limbs


def _folded(garment: Garment, vertices: F64, part: int) -> float:
    """Return the share of a sleeve that is turned over."""
    faces = garment.mesh.faces[(garment.mesh.part == part)[garment.mesh.faces].any(axis=1)]
    one, other = vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]]
    area = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    return float(np.abs(area[np.sign(area) != np.sign(np.median(area))]).sum() / np.abs(area).sum())


@pytest.mark.parametrize("half", [TEE, CAP, NARROW], ids=["tee", "cap", "narrow"])
def test_a_sleeve_goes_round_its_arm_and_never_folds(
    half: tuple[tuple[float, float], ...], person: PersonArtefacts
) -> None:
    garment = analyse_garment(*draw_garment(half))
    placed, limbs = _place(garment, person)
    for number, limb in enumerate(limbs):
        part = 2 + number
        assert _folded(garment, placed.vertices, part) < 0.02
        cuff = placed.vertices[(garment.mesh.part == part) & (garment.mesh.along > 0.995)]
        place = placed.cuffs[number]
        for edge in (limb.first, limb.second):
            spot = np.array(
                [np.interp(place, PLACES, (limb.spots + limb.normals * edge[:, None])[:, k]) for k in (0, 1)]
            )
            if abs(spot[0] - 192) > abs(np.interp(place, PLACES, limb.spots[:, 0]) - 192):  # the outer edge
                assert np.abs(cuff[:, 0] - 192).max() > abs(spot[0] - 192) + 0.5


def test_an_armpit_lies_in_the_crease_and_not_on_the_arm(person: PersonArtefacts) -> None:
    """A wide garment's sides go under hanging arms: they do not cover them."""
    wide = tuple((x * 1.45 if y > 0.2 else x * 1.1, y) for x, y in TEE)
    garment = analyse_garment(*draw_garment(wide))
    placed, limbs = _place(garment, person)
    body = _fit(person, leak_free=False).body
    for side, limb in zip((-1, 1), limbs, strict=True):
        armpit = placed.vertices[find_armhole(garment, side)[-1]]
        lateral, depth = body.locate(armpit[None])
        crease, at = limb.inner_edge(body, side)
        seat = max(float(np.interp(depth[0], at, crease)), float(body.half_width(depth, side)[0]))
        assert lateral[0] * side < seat + 0.06 * body.size


def _grid(bend: float) -> tuple[np.ndarray, F64, np.ndarray]:
    """A mesh of 4 x 4 vertices and where they lie: stretched ever more downwards."""
    y, x = np.mgrid[0:4, 0:4].astype(np.float64)
    source = np.stack([x.ravel() * 20 + 30, y.ravel() * 20 + 30], -1)
    target = source.copy()
    target[:, 0] += bend * (y.ravel() - 1.5) * (x.ravel() - 1.5)
    faces = [(r * 4 + c, r * 4 + c + 1, r * 4 + c + 5) for r in range(3) for c in range(3)]
    faces += [(r * 4 + c, r * 4 + c + 5, r * 4 + c + 4) for r in range(3) for c in range(3)]
    return source.astype(np.float32), target, np.array(faces, np.uint16)


def test_beside_a_mesh_the_map_goes_on_without_a_tear() -> None:
    source, target, faces = _grid(6.0)
    x, y, weight = dense_map(source, target, faces, np.ones(len(source)), (130, 130))
    covered = np.zeros((130, 130), np.uint8)
    for face in faces:
        cv2.fillConvexPoly(covered, np.round(target[face] * 16).astype(np.int32), 1, shift=4)
    near = cv2.dilate(covered, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))) > 0
    assert weight[near].min() > 0.9
    for plane, axis in ((x, 1), (y, 0)):
        step = np.diff(plane, axis=axis)
        both = near[:, 1:] & near[:, :-1] if axis else near[1:] & near[:-1]
        assert step[both].min() > 0.2 and step[both].max() < 2.2


def test_the_strip_beside_a_mesh_is_as_wide_as_asked() -> None:
    source, target, faces = _grid(0.0)
    rim = surround(source, target, faces, _affines(source.astype(np.float64), target, faces), 10.0)
    own = rim.target[len(target) :]
    assert np.allclose(rim.source[len(target) :], own, atol=1e-3)  # where nothing is stretched, neither is the strip
    assert own.min() == pytest.approx(20, abs=0.1) and own.max() == pytest.approx(100, abs=0.1)


def test_squeezed_cloth_is_sampled_even_and_all_other_as_it_is() -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::3] = 255
    alpha = np.ones((400, 400), np.float32)
    source = prepare_source(stripes, Cutout(alpha, stripes), 1.0)
    rows, columns = np.mgrid[0:60, 0:60].astype(np.float32)
    ones, part = np.ones((60, 60), np.float32), np.ones((100, 100), np.float32)
    layers = [LayerMap("front", columns * by, rows, ones, part) for by in (5, 1)]
    squeezed, plain = find_squeezed(layers, source, 1.0)
    rgb, _ = sample_layer(source, (squeezed.x, squeezed.y, ones), part, squeezed.squeezed)
    assert rgb[4:-4, 4:-4].std() < 25 and abs(float(rgb.mean()) - 85) < 12  # picked, they are 0 and 255
    assert plain.squeezed is None
    rgb, cover = sample_layer(source, (plain.x, plain.y, ones), part, None)
    assert np.array_equal(rgb, stripes[:60, :60]) and (cover == 1).all()


def test_a_sliver_of_the_mesh_does_not_stretch_what_lies_beside_it() -> None:
    source, target, faces = _grid(0.0)
    thin = len(source)
    source = np.concatenate([source, [[150.0, 60.0]]]).astype(np.float32)
    target = np.concatenate([target, [[90.2, 60.0]]])  # its 60 pixels of cloth are squeezed into a fifth of one
    right = np.flatnonzero(np.isclose(target[:thin, 0], target[:thin, 0].max()))
    squeezed = np.array([(right[1], thin, right[2])], np.uint16)
    faces = np.concatenate([faces, squeezed])
    rim = surround(source, target, faces, _affines(source.astype(np.float64), target, faces), 10.0)
    corner = np.flatnonzero(rim.base == right[0])[0]
    assert np.hypot(*(rim.source[len(target) + corner] - rim.target[len(target) + corner])) < 8


def test_an_armpit_within_the_cloth_comes_to_the_top_of_its_gap() -> None:
    _, cutout = draw_garment(TEE)
    silhouette = prepare_silhouette(cutout.alpha)
    fit = fit_outline(silhouette)
    own = corners(fit.params, fit.sleeve)
    assert _at_apex(own, fit.params, 1, silhouette) is own  # it lies there already
    within = replace(own, armpit=own.armpit + np.array([0.02, -0.03]))
    found = _at_apex(within, fit.params, 1, silhouette).armpit
    assert np.hypot(*(found - own.armpit)) < 0.012
    far = replace(own, armpit=own.armpit + np.array([-0.1, 0.3]))
    assert _at_apex(far, fit.params, 1, silhouette) is far  # no gap is near


def test_at_an_armpit_four_corners_are_meant_and_a_tear_is_more() -> None:
    plane = np.zeros((300, 300), np.float32)
    plane[40:260, 40:260] = 1.0
    plane[146:154, 252:260] = 0.0  # a notch bends out, in and out again
    armpits = np.array([[254.0, 150.0]])
    size = 400.0
    (seen,), (meant,) = (trace_outlines(plane, size, armpits=points) for points in (np.zeros((0, 2)), armpits))
    assert seen.fraying.max() > 1.0 and meant.fraying.max() == 0.0
    plane[160:166, 252:260] = 0.0
    (torn,) = trace_outlines(plane, size, armpits=armpits)
    assert torn.fraying.max() > 1.0


def test_a_sleeves_shadow_fades_out_on_an_arm_that_stays() -> None:
    bare = bare_person(sleeve=160)
    garment = dressed_garment(TEE)
    tryon = DRAPE.dress(bare, garment, context(), layers=LayerOrder())
    look = bare.photo.rgb8.astype(np.float64)
    changed = tryon.patch.alpha > 0
    look[tryon.patch.box.slices][changed] = tryon.patch.pixels[changed]
    limb = trace_limb(_fit(bare, leak_free=False).body, _fit(bare, leak_free=False).evidence, 0)
    worn = np.zeros(look.shape[:2])
    worn[tryon.patch.box.slices] = tryon.patch.garment
    line = np.array([limb.spot(place) for place in np.linspace(0.3, 1.2, 120)]).round().astype(int)
    below = np.flatnonzero(worn[line[:, 1], line[:, 0]] > 0).max() + 2
    x, y = line[below:].T
    light = (look[y, x] / bare.photo.rgb8[y, x]).mean(axis=1)
    assert light[0] < 0.95 and light[-1] == pytest.approx(1.0, abs=0.01)
    assert np.diff(light).max() < 0.03  # no edge where it ends


def test_over_the_torso_a_sleeves_layer_ends_with_its_mesh(person: PersonArtefacts) -> None:
    garment = analyse_garment(*draw_garment(TEE))
    placed, _ = _place(garment, person)
    layers = {layer.name: layer for layer in build_layers(garment, placed.vertices, (384, 512))}
    face_part = garment.mesh.part[garment.mesh.faces].max(axis=1)
    torso, sleeve = np.zeros((512, 384), np.uint8), np.zeros((512, 384), np.uint8)
    for plane, faces in ((torso, garment.mesh.faces[face_part == 0]), (sleeve, garment.mesh.faces[face_part == 2])):
        for face in faces:
            cv2.fillConvexPoly(plane, np.round(placed.vertices[face]).astype(np.int32), 1)
    armpit = placed.armpits[0]
    below = (np.arange(512)[:, None] > armpit[1] + 2) & np.ones((1, 384), bool)
    away = cv2.distanceTransform(1 - sleeve, cv2.DIST_L2, 5) > 6
    assert (torso.astype(bool) & below & away).any()
    assert layers["left_sleeve"].weight[torso.astype(bool) & below & away].max() == 0.0


def test_a_flank_goes_up_to_the_sleeve_that_lies_on_it_and_never_into_it() -> None:
    """Below the gap the sides flare under the sleeves: what is seen there up to the sleeve is the trunk's."""
    photo, cutout = draw_garment(LAID)
    garment = analyse_garment(photo, cutout)
    mesh = garment.mesh
    for side, part in ((-1, 2), (1, 3)):
        inner = mesh.vertices[(mesh.part == part) & (mesh.across > 0.99)]
        inner = inner[np.argsort(inner[:, 1])]
        flank = mesh.vertices[(mesh.part == 0) & (np.abs(mesh.across - side) < 1e-3) & (mesh.along > 0.35)]
        edge = np.interp(flank[:, 1], inner[:, 1], inner[:, 0])
        assert ((flank[:, 0] - edge) * side < 3).all()
        low = (flank[:, 1] > 430) & (flank[:, 1] < 500)  # closed there
        assert (np.abs(flank[low, 0] - edge[low]) < 12).all()


def test_the_print_at_a_sleeves_root_keeps_its_scale(person: PersonArtefacts) -> None:
    garment = analyse_garment(*draw_garment(LAID))
    placed, _ = _place(garment, person)
    for part in (2, 3):
        own = (garment.mesh.part == part) & (garment.mesh.along < 0.3)
        faces = garment.mesh.faces[own[garment.mesh.faces].any(axis=1)]
        _, stretch = measure_distortion(garment.mesh.vertices * placed.scale, placed.vertices, faces)
        assert stretch < 2.6  # 4.2 without its spreading
