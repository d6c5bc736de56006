"""Trousers, shorts and skirts: the mesh on the product photo, and the look on a drawn person."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from studio.domain.artefacts import Category, GarmentArtefacts, Look, PersonArtefacts, TryOn
from studio.domain.edits import HemStyle, LandmarkMove, LayerOrder
from studio.domain.errors import PipelineError
from studio.domain.labels import Cihp
from studio.pipeline.blend import blend_look
from studio.pipeline.garments.edits import apply_landmark_moves
from studio.pipeline.garments.lower import LEFT_LEG, RIGHT_LEG, _sharpen
from studio.pipeline.tryon.drape import DRAPE
from studio.pipeline.tryon.draping.lower_dress import dress_lower, fit_lower
from studio.pipeline.tryon.draping.lower_judge import judge_lower
from tests.pipeline.lower_figures import (
    NAVY,
    NEW,
    OLD_TOP,
    SHOE,
    SHORTS,
    SIZE,
    SKIN,
    SKIRT,
    TROUSERS,
    draw_standing,
    lower_garment,
    make_pose,
    person_of,
)
from tests.pipeline.tryon_figures import BACKDROP, context

ALL = {"trousers": TROUSERS, "shorts": SHORTS, "skirt": SKIRT}
Picture = npt.NDArray[np.uint8]


def _dress(person: PersonArtefacts, garment: GarmentArtefacts, order: LayerOrder | None = None) -> tuple[Look, TryOn]:
    tryon = DRAPE.dress(person, garment, context(), layers=order or LayerOrder())
    return blend_look(person.photo, person.cutout, tryon), tryon


def _near(rgb: Picture, colour: tuple[int, int, int], tolerance: int = 40) -> npt.NDArray[np.bool_]:
    near: npt.NDArray[np.bool_] = np.abs(rgb.astype(int) - colour).max(axis=2) <= tolerance
    return near


@pytest.fixture(scope="module")
def standing() -> PersonArtefacts:
    return draw_standing()


@pytest.fixture(scope="module")
def garments() -> dict[str, GarmentArtefacts]:
    return {name: lower_garment(half) for name, half in ALL.items()}


@pytest.mark.parametrize("name", list(ALL))
def test_a_mesh_covers_its_garment_and_does_not_fold(garments: dict[str, GarmentArtefacts], name: str) -> None:
    garment = garments[name].garment
    assert garment.category.value == name
    assert garment.confidence > 0.9
    triangles = garment.mesh.vertices[garment.mesh.faces]
    first, second = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    assert (area > 0).all()
    assert abs(area.sum() / 2 / (garments[name].cutout.alpha > 0.5).sum() - 1) < 0.05


def test_corners_lie_where_they_were_drawn(garments: dict[str, GarmentArtefacts]) -> None:
    marks = garments["trousers"].garment.landmarks
    corners = {"crotch": (0, 0.32), "waist_left": (-0.19, 0), "hem_left": (-0.20, 1), "hem_left_inner": (-0.04, 1)}
    for name, (x, y) in corners.items():
        drawn = np.array([x, y - 0.5]) * 0.8 * 480 + 240
        # The drawn legs part in a wedge: near its tip the gap is narrower than a pixel of the analysis.
        assert np.hypot(*(np.array(marks[name]) - drawn)) < (24 if name == "crotch" else 9), name
    assert marks["waist_left"][0] + marks["waist_right"][0] == pytest.approx(479, abs=6)


@pytest.mark.parametrize("radius", [0.0, 0.015])
def test_a_hems_corner_that_the_mask_rounds_is_a_corner(radius: float) -> None:
    turn = np.linspace(np.pi / 2, 0, 30)[:, None]
    arc = [1 - radius, 1 - radius] + radius * np.concatenate([np.cos(turn), np.sin(turn)], axis=1)
    run = np.linspace(0, 1, 400)[:, None]
    bottom = [0, 1] + run * (arc[0] - [0, 1])
    side = arc[-1] + run * ([1, 0] - arc[-1])
    ring = np.concatenate([bottom, arc, side, [1, 0] - run * [1, 0], run * [0, 1]])
    corner = int(np.argmax(ring.sum(axis=1)))
    sharp = _sharpen(ring, corner)
    assert np.hypot(*(sharp[corner] - [1, 1])) < 1e-3
    assert np.abs(sharp[100] - ring[100]).max() == 0


def test_closed_legs_are_guessed_and_said() -> None:
    closed = lower_garment(SKIRT, category="trousers").garment
    assert "crotch" in closed.landmarks
    assert [note.key for note in closed.reasons] == ["garment.crotch_guessed"]
    assert closed.confidence <= 0.6


def test_a_moved_crotch_takes_the_mesh_along(garments: dict[str, GarmentArtefacts]) -> None:
    artefacts = garments["trousers"]
    x, y = artefacts.garment.landmarks["crotch"]
    moved = apply_landmark_moves(artefacts.garment, [LandmarkMove("crotch", x, y + 20)], artefacts.photo)
    assert moved.landmarks["crotch"] == (x, y + 20)
    assert not np.array_equal(moved.mesh.vertices, artefacts.garment.mesh.vertices)


@pytest.mark.parametrize("name", list(ALL))
def test_outside_the_edit_mask_every_byte_is_the_photo(
    standing: PersonArtefacts, garments: dict[str, GarmentArtefacts], name: str
) -> None:
    look, _ = _dress(standing, garments[name])
    outside = look.edit_mask == 0
    assert outside.mean() > 0.6
    assert np.array_equal(look.pixels[outside], standing.photo.pixels[outside])
    top = standing.parse.labels == Cihp.UPPER
    above = top & (np.arange(SIZE[1])[:, None] < 170)
    assert not look.edit_mask[above].any()


@pytest.mark.parametrize("name", list(ALL))
def test_nothing_of_the_old_trousers_is_left(
    standing: PersonArtefacts, garments: dict[str, GarmentArtefacts], name: str
) -> None:
    look, _ = _dress(standing, garments[name])
    assert _near(look.rgb8, NAVY, 30).mean() < 0.001


def test_shorts_leave_legs_bare_in_the_persons_own_skin(
    standing: PersonArtefacts, garments: dict[str, GarmentArtefacts]
) -> None:
    look, tryon = _dress(standing, garments["shorts"])
    for x in (122, 178):
        assert np.abs(look.rgb8[400:480, x].astype(int).mean(axis=0) - SKIN).max() < 35
    assert _near(look.rgb8[400:490, 146:154], BACKDROP, 12).mean() > 0.9  # between the legs
    assert _near(look.rgb8[505:528, 118:130], SHOE).mean() > 0.8
    labels = tryon.labels
    assert (labels == Cihp.TROUSERS).any()
    assert (labels == Cihp.LEFT_LEG).any()
    assert (labels == Cihp.RIGHT_LEG).any()


def test_long_trousers_cover_bare_legs() -> None:
    person = draw_standing("shorts")
    look, tryon = _dress(person, lower_garment(TROUSERS))
    for x in (126, 174):
        assert _near(look.rgb8[340:480, x][None], NEW).mean() > 0.95
    assert not np.isin(tryon.labels, (Cihp.LEFT_LEG, Cihp.RIGHT_LEG)).mean() > 0.002


def test_labels_say_skirt_for_a_skirt(standing: PersonArtefacts, garments: dict[str, GarmentArtefacts]) -> None:
    _, tryon = _dress(standing, garments["skirt"])
    assert (tryon.labels == Cihp.SKIRT).any()
    assert not (tryon.labels == Cihp.TROUSERS).any()


def test_a_top_over_the_waistband_stays_in_front_unless_tucked(
    standing: PersonArtefacts, garments: dict[str, GarmentArtefacts]
) -> None:
    over, _ = _dress(standing, garments["skirt"], LayerOrder(HemStyle.UNTUCKED))
    tucked, _ = _dress(standing, garments["skirt"], LayerOrder(HemStyle.TUCKED))
    hem = np.s_[194:202, 130:170]
    assert _near(over.rgb8[hem], OLD_TOP).mean() > 0.9
    assert _near(tucked.rgb8[hem], NEW).mean() > 0.9


def test_hands_stay_in_front(standing: PersonArtefacts, garments: dict[str, GarmentArtefacts]) -> None:
    look, _ = _dress(standing, garments["skirt"])
    hands = standing.parse.labels == Cihp.LEFT_ARM
    hands &= np.arange(SIZE[1])[:, None] > 215
    assert _near(look.rgb8, SKIN, 45)[hands].mean() > 0.85


def test_under_a_dress_skirt_the_dress_is_cut_at_the_waist() -> None:
    person = draw_standing("dress")
    look, _ = _dress(person, lower_garment(TROUSERS))
    assert _near(look.rgb8[260:345], OLD_TOP, 30).mean() < 0.002
    assert _near(look.rgb8[110:150, 130:170], OLD_TOP).mean() > 0.95


def test_reasons_name_what_is_wrong_with_the_legs(garments: dict[str, GarmentArtefacts]) -> None:
    person, garment = draw_standing(), garments["trousers"]
    assert judge_lower(person, garment, None).reasons == ()

    def keys(moved: dict[str, tuple[float, float]], gone: tuple[str, ...] = ()) -> list[str]:
        posed = replace(person, pose=make_pose(moved, gone))
        return [note.key for note in judge_lower(posed, garment, None).reasons]

    assert keys({"right_knee": (180, 360), "left_knee": (130, 360)}) == ["tryon.legs_crossed"]
    assert keys({"right_knee": (90, 250), "left_knee": (210, 250)}) == ["tryon.lower_seated"]
    assert keys({"right_ankle": (90, 505), "left_ankle": (215, 505)}) == ["tryon.stride"]
    assert keys({}, ("right_hip", "left_hip")) == ["tryon.no_hips"]


def test_a_photo_that_ends_at_the_thigh_is_dressed_to_its_edge(garments: dict[str, GarmentArtefacts]) -> None:
    whole = draw_standing()
    cut = 300
    pose = make_pose(gone=("right_knee", "left_knee", "right_ankle", "left_ankle"))
    pose = type(pose)(pose.keypoints.copy(), pose.extra.copy(), (SIZE[0], cut))
    person = person_of(whole.photo.rgb8[:cut].copy(), whole.parse.labels[:cut].copy(), pose)
    look, tryon = _dress(person, garments["trousers"])
    assert _near(look.rgb8[cut - 4 :, 110:140], NEW).mean() > 0.8
    assert _near(look.rgb8, NAVY, 30).mean() < 0.001
    assert "tryon.no_hips" not in [note.key for note in tryon.confidence.reasons]


def test_a_leak_free_evaluation_refuses_a_lower_garment(
    standing: PersonArtefacts, garments: dict[str, GarmentArtefacts]
) -> None:
    with pytest.raises(PipelineError) as caught:
        DRAPE.dress(standing, garments["skirt"], context(), layers=LayerOrder(), leak_free=True)
    assert caught.value.key == "tryon.leak_free_lower"


def test_two_runs_give_the_same_bytes(standing: PersonArtefacts, garments: dict[str, GarmentArtefacts]) -> None:
    first, _ = _dress(standing, garments["shorts"])
    second, _ = _dress(standing, garments["shorts"])
    assert np.array_equal(first.pixels, second.pixels)
    assert garments["shorts"].garment.category is Category.SHORTS


@pytest.mark.parametrize("apart", [0, 45])
def test_shorts_hang_level_however_the_legs_stand_apart(garments: dict[str, GarmentArtefacts], apart: int) -> None:
    person = draw_standing()
    pose = make_pose(
        {"right_knee": (124 - apart, 360), "left_knee": (176 + apart, 360),
         "right_ankle": (124 - 2 * apart, 505), "left_ankle": (176 + 2 * apart, 505)}
    )  # fmt: skip
    fitting = fit_lower(person_of(person.photo.rgb8, person.parse.labels, pose))
    _, placed = dress_lower(fitting, garments["shorts"], LayerOrder())
    mesh = garments["shorts"].garment.mesh
    for part in (LEFT_LEG, RIGHT_LEG):
        hem = placed.vertices[(mesh.part == part) & (mesh.along > 0.995)]
        across, down = np.ptp(hem, axis=0)
        assert down < 0.06 * across


def test_a_piece_of_the_top_that_the_parse_map_calls_trousers_is_the_tops(standing: PersonArtefacts) -> None:
    labels = standing.parse.labels.copy()
    placket = np.s_[186:205, 141:159]
    assert (labels[placket] == Cihp.UPPER).all()
    labels[placket] = Cihp.TROUSERS
    fitting = fit_lower(person_of(standing.photo.rgb8, labels, make_pose()))
    box = fitting.view.box
    seen = fitting.evidence.labels[186 - box.y0 + 3 : 205 - box.y0 - 3, 144 - box.x0 : 156 - box.x0]
    assert fitting.view.scale == 1.0
    assert (seen == Cihp.UPPER).mean() > 0.9
