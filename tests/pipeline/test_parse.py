"""Parse: the fused map on real photos, and the pieces it is made of."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from studio.domain.artefacts import Cutout, ParseMap, Photo, Pose
from studio.domain.errors import PipelineError
from studio.domain.labels import GARMENTS, SKIN, Cihp
from studio.pipeline.framing import CATALOGUE, FramingParams
from studio.pipeline.parse import FUSION, GARMENT_MODEL, MATTER_MODEL, ParseParams
from studio.pipeline.parse_cloth import GarmentShares, join_matter, read_garments
from studio.pipeline.parse_limbs import Bone, bone_distance
from studio.pipeline.parse_matter import Matter, plan_views
from studio.pipeline.parse_refine import EdgeSnapper, RegionSmoother, components_touching, remove_specks
from studio.pipeline.parse_work import extend_labels, make_work, to_native
from studio.pipeline.pose import BLAZEPOSE, PoseParams
from studio.pipeline.pose_body import read_torso_rows
from studio.pipeline.stage import Inputs
from tests.pipeline.body_fakes import NoModels, SharedModels, context, make_cutout, make_pose, read_photo, rough_alpha

EMBEDDED = ParseParams(use_garment_model=False)


def _parse(photo: Photo, shared: Path, alpha: np.ndarray | None = None) -> tuple[ParseMap, Cutout]:
    models = SharedModels(shared / "models")
    cutout = make_cutout(photo, rough_alpha(photo, models) if alpha is None else alpha)
    slots = {"photo": photo, "edges": cutout}
    pose: Pose = BLAZEPOSE.run(Inputs(slots), PoseParams(), context(models))
    slots["pose"] = pose  # type: ignore[assignment]
    slots["framing"] = CATALOGUE.run(Inputs(slots), FramingParams(), context(models))  # type: ignore[assignment]
    return FUSION.run(Inputs(slots), EMBEDDED, context(models)), cutout


def _iou(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / max((first | second).sum(), 1))


def test_agrees_with_the_data_sets_own_parse(shared: Path) -> None:
    folder = shared / "photos/pairs"
    photo = read_photo(folder / "00017_00_person.jpg")
    parse, cutout = _parse(photo, shared)
    theirs = np.array(Image.open(folder / "00017_00_parse.png"))
    hull = cutout.alpha >= 0.5
    assert not parse.labels[~hull].any()
    assert (parse.labels[hull] > 0).all()
    for label, least in ((Cihp.UPPER, 0.9), (Cihp.TROUSERS, 0.85), (Cihp.HAIR, 0.8), (Cihp.FACE, 0.75)):
        assert _iou(parse.labels == label, theirs == label) > least, label.name
    for label in (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.NECK):
        ours, wanted = parse.labels == label, theirs == label
        assert abs(np.nonzero(ours)[1].mean() - np.nonzero(wanted)[1].mean()) < 40, label.name


def test_bare_belly_is_skin_and_hands_are_arms(shared: Path) -> None:
    photo = read_photo(shared / "photos/pairs/02015_00_person.jpg")
    labels = _parse(photo, shared)[0].labels
    assert labels[520, 400] == Cihp.NECK
    assert labels[440, 400] == Cihp.UPPER
    assert labels[800, 420] == Cihp.TROUSERS
    assert labels[586, 526] == Cihp.LEFT_ARM
    assert labels[480, 262] == Cihp.RIGHT_ARM
    assert not np.isin(labels, (Cihp.LEFT_LEG, Cihp.RIGHT_LEG)).any()


def test_street_photos_score_against_hand_made_labels(shared: Path) -> None:
    shared_pixels = {name: [0, 0] for name in ("garment", "hair", "skin")}
    for name in ("ccp_0122", "ccp_0871"):
        photo = read_photo(shared / f"photos/parse_gt/{name}.jpg")
        truth = cv2.imread(str(shared / f"photos/parse_gt/{name}_lip.png"), cv2.IMREAD_UNCHANGED)
        labels = _parse(photo, shared)[0].labels
        judged = truth != 253
        groups = {
            "garment": (np.isin(labels, GARMENTS), np.isin(truth, GARMENTS)),
            "hair": (labels == Cihp.HAIR, truth == Cihp.HAIR),
            "skin": (np.isin(labels, SKIN), truth == 255),
        }
        for group, (ours, theirs) in groups.items():
            shared_pixels[group][0] += int((ours & theirs & judged).sum())
            shared_pixels[group][1] += int(((ours | theirs) & judged).sum())
    score = {group: both / union for group, (both, union) in shared_pixels.items()}
    assert score["garment"] > 0.82
    assert score["hair"] > 0.6
    assert score["skin"] > 0.65


def test_a_larger_photo_gives_the_same_map_with_finer_borders(shared: Path) -> None:
    photo = read_photo(shared / "photos/pairs/00055_00_person.jpg")
    small, cutout = _parse(photo, shared)
    pixels = cv2.resize(photo.rgb8, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC)
    alpha = np.clip(cv2.resize(cutout.alpha, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_LINEAR), 0, 1)
    large = _parse(Photo(pixels, "x", "large.jpg"), shared, alpha)[0]
    shrunk = cv2.resize(large.labels, photo.size, interpolation=cv2.INTER_NEAREST)
    assert (shrunk == small.labels).mean() > 0.97


def test_an_empty_cutout_is_refused(shared: Path) -> None:
    photo = Photo(np.zeros((80, 60, 3), np.uint8), "x", "nobody.jpg")
    slots = {
        "photo": photo,
        "edges": make_cutout(photo, np.zeros((80, 60), np.float32)),
        "pose": make_pose((60, 80), {}),
    }
    with pytest.raises(PipelineError, match=r"parse\.no_person") as caught:
        FUSION.run(Inputs(slots), EMBEDDED, context(SharedModels(shared / "models")))
    assert caught.value.values["file"] == "nobody.jpg"


def test_without_shoulders_the_fallback_is_noted(shared: Path) -> None:
    photo = read_photo(shared / "photos/pairs/00013_00_person.jpg")
    models = SharedModels(shared / "models")
    cutout = make_cutout(photo, rough_alpha(photo, models))
    ctx = context(models)
    labels = FUSION.run(Inputs({"photo": photo, "edges": cutout, "pose": make_pose(joints={})}), EMBEDDED, ctx).labels
    assert [note.key for note in ctx.notes] == ["parse.no_shoulders"]
    assert (labels == Cihp.UPPER).any() and (labels == Cihp.FACE).any()


class _WithGarments(NoModels):
    def is_installed(self, model_id: str) -> bool:
        return model_id in (MATTER_MODEL, GARMENT_MODEL)


def test_the_garment_model_is_part_of_the_key_only_when_used() -> None:
    assert FUSION.models(ParseParams(), NoModels()) == (MATTER_MODEL,)
    assert FUSION.models(ParseParams(), _WithGarments()) == (MATTER_MODEL, GARMENT_MODEL)
    assert FUSION.models(EMBEDDED, _WithGarments()) == (MATTER_MODEL,)
    note = FUSION.unavailable(NoModels())
    assert note is not None and note.values["model"] == MATTER_MODEL


class _TwoGarments:
    """A garment network that sees "upper" in the upper half and "full" in the lower."""

    input_names = ("input",)

    def run(self, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        image = feeds["input"]
        assert image.shape == (1, 3, 768, 768) and image.min() >= -1 and image.max() <= 1
        logits = np.zeros((1, 4, 768, 768), np.float32)
        logits[:, 1, :384] = 9
        logits[:, 3, 384:] = 9
        return [logits]


def test_full_below_an_upper_garment_is_a_lower_one() -> None:
    shares = read_garments(_TwoGarments(), np.full((100, 80, 3), 90, np.uint8))
    chest = np.zeros((100, 80), bool)
    chest[10:40] = True
    assert not shares.is_dress(chest)
    vote = shares.vote(dress=False)
    assert vote[20, 40] > 2 and vote[80, 40] < -2
    assert shares.is_dress(~chest & (np.arange(100)[:, None] > 55))
    assert abs(shares.vote(dress=True)[80, 40]) < 0.2


def test_the_garment_network_settles_doubt_but_not_certainty() -> None:
    matter = np.zeros((len(Matter), 1, 3), np.float32)
    matter[Matter.CLOTHES], matter[Matter.SKIN] = [[0.4, 0.95, 0.6]], [[0.6, 0.05, 0.4]]
    some, none = np.float32([[0.99, 0.0, 0.0]]), np.zeros((1, 3), np.float32)
    joined = join_matter(matter, GarmentShares(some, none, none))
    assert joined[Matter.CLOTHES, 0, 0] > 0.5
    assert joined[Matter.CLOTHES, 0, 1] == pytest.approx(0.95, abs=1e-3)
    assert joined[Matter.CLOTHES, 0, 2] < 0.5


def test_unscaled_labels_come_back_as_they_were_and_keep_the_hull() -> None:
    rng = np.random.default_rng(5)
    photo = Photo(rng.integers(0, 256, (300, 200, 3)).astype(np.uint8), "x")
    alpha = np.zeros((300, 200), np.float32)
    alpha[20:280, 30:170] = 1
    cutout = make_cutout(photo, alpha)
    work = make_work(photo, cutout, make_pose((200, 300), {"nose": (100, 40)}))
    assert work.joints[0, :2].tolist() == [100 - work.box.x0, 40 - work.box.y0]
    labels = rng.integers(1, 20, work.alpha.shape).astype(np.uint8)
    native = to_native(labels, work, cutout)
    assert np.array_equal(
        native[20:280, 30:170], labels[20 - work.box.y0 : 280 - work.box.y0, 30 - work.box.x0 : 170 - work.box.x0]
    )
    assert not native[alpha == 0].any()


def test_upsampled_borders_are_straight() -> None:
    alpha = np.ones((3000, 2000), np.float32)
    photo = Photo(np.zeros((3000, 2000, 3), np.uint8), "x")
    cutout = make_cutout(photo, alpha)
    work = make_work(photo, cutout, make_pose((2000, 3000), {}))
    y, x = np.mgrid[0 : work.size[1], 0 : work.size[0]]
    labels = np.where(x > 0.4 * y + 60, 5, 9).astype(np.uint8)
    native = to_native(labels, work, cutout)
    border = (native == 5).argmax(axis=1)
    rows = np.arange(500, 2500)
    assert np.abs(np.diff(border[rows])).max() <= 4
    straight = np.polyval(np.polyfit(rows, border[rows], 1), rows)
    assert np.abs(straight - border[rows]).max() < 2 / work.scale[0]


def test_unknown_labels_are_those_of_the_nearest_known() -> None:
    labels, known = np.zeros((9, 9), np.uint8), np.zeros((9, 9), bool)
    labels[0], labels[8] = 3, 7
    known[[0, 8]] = True
    extended = extend_labels(labels, known)
    assert (extended[:4] == 3).all() and (extended[5:] == 7).all()


def test_specks_go_and_small_parts_may_stay() -> None:
    labels = np.full((60, 60), 5, np.uint8)
    labels[10:13, 10:13], labels[40:46, 40:46], labels[20:22, 50:60] = 9, 15, 2
    hull = np.ones((60, 60), bool)
    cleaned = remove_specks(labels, hull, 50, frozenset({15}))
    assert (cleaned[10:13, 10:13] == 5).all()
    assert (cleaned[40:46, 40:46] == 15).all()
    assert (cleaned[20:22, 50:60] == 5).all()


def test_a_soft_border_moves_onto_the_edge() -> None:
    image = np.full((80, 120, 3), 200, np.uint8)
    image[:, 60:] = (30, 60, 90)
    soft = np.clip((np.tile(np.arange(120), (80, 1)) - 46) / 16, 0, 1).astype(np.float32)
    snapped = EdgeSnapper(image).snap(soft)
    assert abs(int((snapped[40] > 0.5).argmax()) - 60) <= 2
    assert snapped[40, 70] - snapped[40, 50] > 0.5


def test_votes_spread_through_a_region_and_stop_at_its_edge() -> None:
    image = np.full((90, 60, 3), 220, np.uint8)
    image[45:] = (40, 40, 60)
    votes = np.zeros((90, 60), np.float32)
    votes[:10], votes[80:] = 1, -1
    spread = RegionSmoother(image, np.ones((90, 60), bool)).spread(votes)
    assert (spread[:44] > 0).all() and (spread[46:] < 0).all()


def test_only_regions_with_a_seed_are_kept() -> None:
    mask, seeds = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    mask[2:6, 2:6] = mask[10:15, 10:15] = True
    seeds[3, 3] = True
    kept = components_touching(mask, seeds)
    assert kept[2:6, 2:6].all() and not kept[10:15, 10:15].any()


def test_distance_to_a_bone_counts_in_its_girth() -> None:
    distance = bone_distance((101, 101), Bone(np.array([20.0, 50.0]), np.array([80.0, 50.0]), 10.0, 20.0))
    assert distance[50, 50] == pytest.approx(0, abs=0.1)
    assert distance[60, 20] == pytest.approx(1, abs=0.05)
    assert distance[70, 80] == pytest.approx(1, abs=0.05)
    assert distance[50, 0] == pytest.approx(2, abs=0.05)


def test_views_look_closer_at_head_and_hips(shared: Path) -> None:
    photo = read_photo(shared / "photos/pairs/00013_00_person.jpg")
    models = SharedModels(shared / "models")
    work = make_work(photo, make_cutout(photo, rough_alpha(photo, models)), make_pose())
    views = plan_views(work, read_torso_rows(work.joints))
    assert len(views) == 3
    assert all(view.box.height < views[0].box.height for view in views[1:])
    assert plan_views(work, None) == views[:1]
