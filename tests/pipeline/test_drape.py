"""The drape engine on a drawn person with exact truth: what must change, what must not, and what it says of itself."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import Look, PersonArtefacts, TryOn
from studio.domain.edits import GarmentOverride, HemStyle, LayerOrder
from studio.domain.errors import PipelineError
from studio.domain.keys import ArtefactKey, ArtefactRecord
from studio.domain.labels import Cihp
from studio.pipeline.blend import blend_look
from studio.pipeline.cache import WarmCache
from studio.pipeline.codec import dump_artefact
from studio.pipeline.garment import analyse_garment
from studio.pipeline.parallel import limit_threads
from studio.pipeline.stage import Inputs
from studio.pipeline.tryon import drape
from studio.pipeline.tryon.drape import DRAPE, DrapeParams
from studio.pipeline.tryon.draping import compose
from studio.pipeline.tryon.draping.fill import fill_smoothly
from studio.pipeline.tryon.draping.judge import judge_pose
from studio.pipeline.tryon.draping.leakfree import masked_area
from studio.pipeline.tryon.draping.plates import undress
from studio.pipeline.tryon.draping.relax import measure_distortion, relax
from studio.pipeline.tryon.draping.sleeves import worn_sleeve_half
from tests.pipeline.tryon_figures import (
    LONG,
    NEW_TOP,
    OLD_TOP,
    SKIN,
    TANK,
    TEE,
    context,
    draw_person,
    dressed_garment,
    make_pose,
)


def _dress(person: PersonArtefacts, half: tuple[tuple[float, float], ...], hem: HemStyle = HemStyle.AUTO) -> TryOn:
    return DRAPE.dress(person, dressed_garment(half), context(), layers=LayerOrder(hem))


def _look(person: PersonArtefacts, tryon: TryOn) -> Look:
    return blend_look(person.photo, person.cutout, tryon)


def _near(rgb: np.ndarray, colour: tuple[int, int, int], tolerance: int) -> np.ndarray:
    return np.abs(rgb.astype(int) - colour).max(axis=2) <= tolerance


@pytest.fixture(scope="module")
def person() -> PersonArtefacts:
    return draw_person()


@pytest.mark.parametrize("half", [TEE, LONG, TANK], ids=["tee", "long", "tank"])
def test_outside_the_edit_mask_every_byte_is_the_photo(
    person: PersonArtefacts, half: tuple[tuple[float, float], ...]
) -> None:
    look = _look(person, _dress(person, half))
    outside = look.edit_mask == 0
    assert np.array_equal(look.pixels[outside], person.photo.pixels[outside])
    assert 0.15 < (~outside).mean() < 0.6


@pytest.mark.parametrize("half", [TEE, LONG, TANK], ids=["tee", "long", "tank"])
def test_nothing_of_the_old_garment_is_left(person: PersonArtefacts, half: tuple[tuple[float, float], ...]) -> None:
    look = _look(person, _dress(person, half))
    green = look.pixels[..., 1].astype(int) - np.maximum(look.pixels[..., 0], look.pixels[..., 2])
    before = person.photo.rgb8[..., 1].astype(int) - np.maximum(person.photo.rgb8[..., 0], person.photo.rgb8[..., 2])
    assert (before > 40).sum() > 20000
    assert (green > 40).sum() < 40


def test_hair_face_and_hands_stay_in_front(person: PersonArtefacts) -> None:
    look = _look(person, _dress(person, LONG))
    for label in (Cihp.HAIR, Cihp.FACE):
        inside = cv2.erode((person.parse.labels == label).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        changed = np.abs(look.pixels[inside].astype(int) - person.photo.pixels[inside])
        assert changed.max() <= 8, label.name
    hands = np.isin(person.parse.labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM))
    hands[:352] = False  # above, the sleeve's cuff may lie
    hands = cv2.erode(hands.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert _near(look.pixels, SKIN, 24)[hands].mean() > 0.98


def test_the_product_keeps_its_colour(person: PersonArtefacts) -> None:
    look = _look(person, _dress(person, TEE))
    solid = cv2.erode((look.garment_mask > 250).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert solid.sum() > 8000
    worn = look.pixels[solid][None].astype(np.float32) / 255
    lab = cv2.cvtColor(worn, cv2.COLOR_RGB2LAB)[0]
    product = cv2.cvtColor(np.float32([[NEW_TOP]]) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    assert np.median(np.linalg.norm(lab - product, axis=1)) < 3.0
    assert np.percentile(np.linalg.norm(lab - product, axis=1), 90) < 14.0


def test_a_short_sleeve_leaves_bare_skin_where_the_long_one_was(person: PersonArtefacts) -> None:
    look = _look(person, _dress(person, TEE))
    forearm = look.pixels[290:320, 100:112]
    assert _near(forearm, SKIN, 70).mean() > 0.7
    assert not _near(look.pixels, OLD_TOP, 30)[290:320, 90:120].any()


def test_a_long_sleeve_reaches_the_wrist(person: PersonArtefacts) -> None:
    look = _look(person, _dress(person, LONG))
    assert (look.garment_mask[300:325, 98:110] > 128).mean() > 0.9
    assert (look.garment_mask[364:, :] > 128)[:, :115].mean() < 0.05


def test_the_hem_can_be_tucked_by_hand(person: PersonArtefacts) -> None:
    loose = _dress(person, TEE, HemStyle.UNTUCKED)
    tucked = _dress(person, TEE, HemStyle.TUCKED)
    trousers = person.parse.labels == Cihp.TROUSERS
    covered = [(_look(person, tryon).garment_mask > 128)[trousers].sum() for tryon in (loose, tucked)]
    assert covered[1] < 0.2 * covered[0]


def test_hair_can_be_put_behind_the_garment_by_hand(person: PersonArtefacts) -> None:
    worn = dressed_garment(TEE)
    behind = DRAPE.dress(person, worn, context(), layers=LayerOrder(under=("hair",)))
    hair = cv2.erode((person.parse.labels == Cihp.HAIR).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    hair[:165] = False  # above, the shoulder's edge
    covered = [(_look(person, tryon).garment_mask > 200)[hair].mean() for tryon in (_dress(person, TEE), behind)]
    assert covered[0] < 0.05
    assert covered[1] > 0.9
    with pytest.raises(PipelineError) as caught:
        DRAPE.dress(person, worn, context(), layers=LayerOrder(over=("tail",)))
    assert caught.value.key == "tryon.part"


def test_the_same_inputs_give_the_same_bytes(person: PersonArtefacts) -> None:
    first, second = _dress(person, TEE), _dress(person, TEE)
    assert np.array_equal(first.patch.pixels, second.patch.pixels)
    assert np.array_equal(first.patch.alpha, second.patch.alpha)
    assert np.array_equal(first.image, second.image)


def test_tiles_do_not_show(person: PersonArtefacts, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _dress(person, TEE)
    monkeypatch.setattr(compose, "TILE", 96)
    tiled = _dress(person, TEE)
    assert (tiled.patch.box, tiled.patch.pixels.shape) == (whole.patch.box, whole.patch.pixels.shape)
    assert np.abs(tiled.patch.pixels.astype(int) - whole.patch.pixels).max() <= 1


def test_a_large_photo_is_dressed_at_its_own_size() -> None:
    small, large = draw_person(), draw_person(factor=4)
    look_small, look_large = _look(small, _dress(small, TEE)), _look(large, _dress(large, TEE))
    assert look_large.pixels.shape == (2048, 1536, 3)
    reduced = cv2.resize(look_large.garment_mask, (384, 512), interpolation=cv2.INTER_AREA) > 128
    same = look_small.garment_mask > 128
    assert (reduced & same).sum() / (reduced | same).sum() > 0.9
    outside = look_large.edit_mask == 0
    assert np.array_equal(look_large.pixels[outside], large.photo.pixels[outside])


def test_sixteen_bits_stay_sixteen_bits() -> None:
    person = draw_person(dtype=np.uint16)
    look = _look(person, _dress(person, TEE))
    assert look.pixels.dtype == np.uint16
    outside = look.edit_mask == 0
    assert np.array_equal(look.pixels[outside], person.photo.pixels[outside])
    assert _near((look.pixels // 257).astype(np.uint8), NEW_TOP, 30).sum() > 8000


def test_the_canvas_pictures_follow_the_framing(person: PersonArtefacts) -> None:
    tryon = _dress(person, TEE)
    assert tryon.image.shape == tryon.warped_garment.shape == (1024, 768, 3)
    assert tryon.warped_mask.shape == tryon.labels.shape == (1024, 768)
    solid = tryon.warped_mask > 0.9
    assert (tryon.labels[solid] == Cihp.UPPER).mean() > 0.98
    assert np.array_equal(tryon.image[solid], tryon.warped_garment[solid])
    look = _look(person, tryon)
    scaled = cv2.resize(look.garment_mask, (768, 1024), interpolation=cv2.INTER_LINEAR) / 255
    assert np.abs(scaled - tryon.warped_mask).mean() < 0.01


def test_the_leak_free_engine_does_not_see_the_old_garment(person: PersonArtefacts) -> None:
    other_rgb = person.photo.rgb8.copy()
    other_rgb[person.parse.labels == Cihp.UPPER] = (250, 220, 0)
    other_labels = person.parse.labels.copy()
    other_labels[280:330][other_labels[280:330] == Cihp.UPPER] = Cihp.BACKGROUND
    other = replace(
        person,
        photo=replace(person.photo, pixels=other_rgb),
        parse=replace(person.parse, labels=other_labels),
        cutout=replace(person.cutout, alpha=(person.cutout.alpha * 0.5).astype(np.float32)),
    )
    garment = dressed_garment(TEE)
    images = [
        DRAPE.dress(who, garment, context(), layers=LayerOrder(), leak_free=True).image for who in (person, other)
    ]
    assert np.array_equal(images[0], images[1])
    assert _near(images[0], NEW_TOP, 40).sum() > 30000
    assert not _near(images[0], OLD_TOP, 30).any()


@pytest.mark.parametrize("half", [TEE, LONG], ids=["tee", "long"])
def test_noise_under_the_agnostic_mask_changes_no_byte(
    person: PersonArtefacts, half: tuple[tuple[float, float], ...]
) -> None:
    random, hidden = np.random.default_rng(0), masked_area(person)
    hidden = cv2.warpAffine(hidden.astype(np.uint8), person.framing.inverse, person.photo.size) > 0
    count = int(hidden.sum())
    rgb, labels, alpha = person.photo.rgb8.copy(), person.parse.labels.copy(), person.cutout.alpha.copy()
    rgb[hidden] = random.integers(0, 256, (count, 3))
    labels[hidden] = random.integers(0, 20, count)
    alpha[hidden] = random.random(count)
    noisy = replace(
        person,
        photo=replace(person.photo, pixels=rgb),
        parse=replace(person.parse, labels=labels),
        cutout=replace(person.cutout, alpha=alpha, foreground=rgb.copy()),
    )
    garment = dressed_garment(half)
    first, second = (
        DRAPE.dress(who, garment, context(), layers=LayerOrder(), leak_free=True) for who in (person, noisy)
    )
    assert count > 0.05 * hidden.size
    assert np.array_equal(first.image, second.image) and np.array_equal(first.warped_mask, second.warped_mask)


def test_the_stage_runs_from_its_slots(person: PersonArtefacts) -> None:
    worn = dressed_garment(TEE)
    slots = {
        "photo": person.photo, "edges": person.cutout, "pose": person.pose, "framing": person.framing,
        "parse": person.parse, "densepose": person.densepose, "agnostic": person.agnostic,
        "garment_photo": worn.photo, "garment_edges": worn.cutout, "garment": worn.garment,
    }  # fmt: skip
    assert set(DRAPE.inputs) == set(slots)
    tryon = DRAPE.run(Inputs(slots), DrapeParams(), context())
    assert tryon.engine == "drape"
    assert tryon.confidence.score > 0.6


def test_a_person_without_shoulders_is_refused(person: PersonArtefacts) -> None:
    keypoints = person.pose.keypoints.copy()
    keypoints[[2, 5]] = 0
    headless = replace(person, pose=replace(person.pose, keypoints=keypoints))
    with pytest.raises(PipelineError) as caught:
        _dress(headless, TEE)
    assert caught.value.key == "tryon.no_shoulders"
    assert caught.value.values["file"] == "person.png"


@pytest.mark.parametrize(
    ("moved", "key"),
    [
        ({"right_wrist": (230.0, 240.0), "left_wrist": (150.0, 230.0)}, "tryon.arms_crossed"),
        ({"right_wrist": (230.0, 240.0)}, "tryon.arm_across"),
        ({"right_wrist": (160.0, 260.0)}, "tryon.hand_on_garment"),
        ({"right_elbow": (50.0, 230.0), "right_wrist": (110.0, 310.0)}, "tryon.arm_spread"),
        ({"right_elbow": (90.0, 120.0), "right_wrist": (120.0, 60.0)}, "tryon.arm_raised"),
        ({"right_shoulder": (170.0, 150.0), "left_shoulder": (225.0, 150.0)}, "tryon.turned"),
        ({"right_shoulder": (252.0, 150.0), "left_shoulder": (132.0, 150.0)}, "tryon.from_behind"),
        ({"right_knee": (110.0, 380.0), "left_knee": (270.0, 385.0)}, "tryon.seated"),
    ],
)
def test_hard_poses_are_named(moved: dict[str, tuple[float, float]], key: str) -> None:
    found = judge_pose(make_pose(moved), "person.png")
    assert key in [note.key for _, note in found]
    assert min(score for score, _ in found) <= 0.7


def test_an_easy_pose_has_no_reasons() -> None:
    assert judge_pose(make_pose(), "person.png") == []


def test_assessing_needs_no_pixels_and_agrees_with_dressing(person: PersonArtefacts) -> None:
    worn = dressed_garment(TEE)
    closed = replace(worn, garment=analyse_garment(worn.photo, worn.cutout, GarmentOverride(category="trousers")))
    assert DRAPE.assess(person, worn).score > 0.6
    assert DRAPE.assess(person, closed).score <= 0.6
    assert "garment.crotch_guessed" in [note.key for note in DRAPE.assess(person, closed).reasons]


def test_relaxing_removes_a_fold() -> None:
    columns, rows = np.meshgrid(np.arange(6.0), np.arange(6.0))
    rest = np.stack([columns.ravel(), rows.ravel()], -1)
    faces = []
    for row in range(5):
        for column in range(5):
            corner = row * 6 + column
            faces += [(corner, corner + 1, corner + 7), (corner, corner + 7, corner + 6)]
    targets = rest.copy()
    targets[14] += [2.5, 0.5]  # one vertex thrown past its neighbours
    triangles = np.array(faces, np.uint16)
    assert measure_distortion(rest, targets, triangles)[0] > 0
    weights = np.where(np.arange(36) == 14, 0.05, 0.5)
    relaxed = relax(rest, triangles, targets, weights)
    assert relaxed.folded == 0
    assert relaxed.stretch < 1.5


def test_filling_keeps_what_is_known_and_stays_in_range() -> None:
    rng = np.random.default_rng(1)
    rgb = rng.uniform(80, 120, (64, 48, 3)).astype(np.float32)
    known = np.zeros((64, 48), np.float32)
    known[:8] = 1.0
    filled = fill_smoothly(rgb, known)
    assert np.abs(filled[:8] - rgb[:8]).max() < 1e-3
    assert filled.min() > 75
    assert filled.max() < 125


def test_a_wide_sleeve_looks_narrower_worn_than_laid_flat_and_a_snug_one_does_not() -> None:
    arm = np.full(3, 40.0)
    worn = worn_sleeve_half(np.array([42.0, 60.0, 90.0]), arm)
    assert worn[0] == 42.0
    assert np.all(np.diff(worn) > 0)
    assert worn[2] < 0.75 * 90.0


def test_idle_tiles_are_skipped_without_a_trace(person: PersonArtefacts, monkeypatch: pytest.MonkeyPatch) -> None:
    skipping = _dress(person, TEE).patch
    monkeypatch.setattr(compose, "_meets", lambda active, view, tile: True)
    whole = _dress(person, TEE).patch
    assert np.array_equal(skipping.pixels, whole.pixels)
    assert np.array_equal(skipping.alpha, whole.alpha)


@pytest.mark.parametrize("half", [LONG, TANK], ids=["long", "tank"])
def test_threads_and_what_is_kept_of_the_person_change_no_byte(
    person: PersonArtefacts, half: tuple[tuple[float, float], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose, "TILE", 64)
    garment, other = dressed_garment(half), dressed_garment(TEE)
    with limit_threads(1):
        plain = DRAPE.dress(person, garment, context(), layers=LayerOrder())
    memory: WarmCache[object] = WarmCache(1 << 30)
    slots = ("photo", "edges", "pose", "framing", "parse", "densepose", "agnostic")
    keeping = replace(context(), memory=memory, keys={slot: ArtefactKey(slot, "one") for slot in slots})
    with limit_threads(3):
        DRAPE.dress(person, other, keeping, layers=LayerOrder())
        kept = DRAPE.dress(person, garment, keeping, layers=LayerOrder())
    record = ArtefactRecord(ArtefactKey("tryon", "one"), "drape", 1, {}, {})
    assert dump_artefact(plain, record) == dump_artefact(kept, record)


def test_what_is_under_the_old_garment_is_painted_once_for_all_garments(
    person: PersonArtefacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[int] = []
    monkeypatch.setattr(drape, "undress", lambda *given, **how: painted.append(1) or undress(*given, **how))  # type: ignore[func-returns-value]
    slots = ("photo", "edges", "pose", "framing", "parse", "densepose", "agnostic")
    keys = {slot: ArtefactKey(slot, "one") for slot in slots}
    keeping = replace(context(), memory=WarmCache(1 << 30), keys=keys)
    for half in (LONG, TANK, TEE):
        DRAPE.dress(person, dressed_garment(half), keeping, layers=LayerOrder())
    assert len(painted) == 1
