"""The front neckline: drawn garments with exact truth, and real product photos where the shared folder is there."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.domain.arrays import F64, U8
from studio.domain.artefacts import Cutout, Garment, Photo
from studio.pipeline.garment import analyse_garment
from studio.pipeline.garments.neckedge import move_inwards
from studio.pipeline.garments.neckline import points_beside
from tests.pipeline.tryon_figures import TEE, draw_garment, outline

SIZE = (480, 640)
HEIGHT = 0.8 * SIZE[1]
TOP = 0.1 * SIZE[1]
HALF = 0.11 * HEIGHT
PALE, INSIDE, RIB = (243, 242, 240), (196, 196, 190), (236, 235, 233)


def _curve(depth: float, shape: float, half: float = HALF) -> F64:
    x = np.linspace(-1, 1, 41)
    return np.stack([SIZE[0] / 2 + half * x, TOP + depth * (1 - np.abs(x) ** shape)], -1)


def _draw(depth: float, shape: float, colour: tuple[int, int, int] = PALE, inside: tuple[int, int, int] = INSIDE) -> U8:
    """Return a tee whose back's inside shows above a front edge of this depth."""
    photo, _ = draw_garment(TEE, colour)
    rgb = photo.rgb8.copy()
    cv2.fillPoly(rgb, [np.round(_curve(depth, shape) * 16).astype(np.int32)], inside, cv2.LINE_AA, shift=4)
    return rgb


def _analyse(rgb: U8) -> Garment:
    _, cutout = draw_garment(TEE)
    return analyse_garment(Photo(rgb, "0" * 64, "tee.png"), Cutout(cutout.alpha, rgb.copy()))


def _print_on(rgb: U8) -> None:
    """Paint a strong print whose upper edge lies well below the collar, as wide as it."""
    middle, y = SIZE[0] // 2, round(TOP + 0.27 * HEIGHT)
    cv2.rectangle(rgb, (middle - 70, y), (middle + 70, y + 150), (190, 20, 40), -1)
    cv2.circle(rgb, (middle - 50, y), 24, (20, 20, 24), -1)
    cv2.circle(rgb, (middle + 50, y), 24, (20, 20, 24), -1)
    cv2.circle(rgb, (middle, y + 60), 40, (250, 210, 30), -1)


def _gap(garment: Garment, depth: float, shape: float) -> float:
    """Return the mean distance of the found neckline from the drawn one, in shares of the garment's height."""
    drawn = _curve(depth, shape)
    found = np.array([point for name, point in sorted(garment.landmarks.items()) if name.startswith("neckline_")])
    return float(np.hypot(*(found[:, None] - drawn[None]).transpose(2, 0, 1)).min(axis=1).mean()) / HEIGHT


@pytest.mark.parametrize(
    ("depth", "shape"), [(0.06, 2.2), (0.10, 2.6), (0.22, 1.0), (0.20, 2.0)], ids=["boat", "crew", "v", "scoop"]
)
def test_necklines_of_all_kinds_are_found(depth: float, shape: float) -> None:
    garment = _analyse(_draw(depth * HEIGHT, shape, (150, 60, 80), (92, 34, 48)))
    assert _gap(garment, depth * HEIGHT, shape) < 0.012
    assert "garment.neckline_unsure" not in [note.key for note in garment.reasons]


def test_a_strong_print_on_a_pale_tee_is_not_its_neckline() -> None:
    rgb = _draw(0.10 * HEIGHT, 2.4)
    _print_on(rgb)
    garment = _analyse(rgb)
    assert _gap(garment, 0.10 * HEIGHT, 2.4) < 0.012
    assert garment.landmarks["collar_front"][1] < TOP + 0.12 * HEIGHT


def test_a_rib_below_the_edge_is_not_the_neckline() -> None:
    rgb = _draw(0.09 * HEIGHT, 2.4, (150, 120, 190), (20, 14, 22))
    rib = _curve(0.15 * HEIGHT, 2.4, HALF * 1.35)
    lower = np.concatenate([rib, _curve(0.09 * HEIGHT, 2.4)[::-1]])
    cv2.fillPoly(rgb, [np.round(lower * 16).astype(np.int32)], (60, 34, 66), cv2.LINE_AA, shift=4)
    _, cutout = draw_garment(TEE)
    rgb[cutout.alpha < 0.5] = draw_garment(TEE)[0].rgb8[cutout.alpha < 0.5]
    assert _gap(_analyse(rgb), 0.09 * HEIGHT, 2.4) < 0.015


def test_no_v_is_drawn_through_a_rib() -> None:
    rgb = _draw(0.06 * HEIGHT, 3.4, (150, 120, 190), (20, 14, 22))
    rib = np.concatenate([_curve(0.12 * HEIGHT, 2.2, HALF * 1.3), _curve(0.06 * HEIGHT, 3.4)[::-1]])
    cv2.fillPoly(rgb, [np.round(rib * 16).astype(np.int32)], (60, 34, 66), cv2.LINE_AA, shift=4)
    _, cutout = draw_garment(TEE)
    rgb[cutout.alpha < 0.5] = draw_garment(TEE)[0].rgb8[cutout.alpha < 0.5]
    assert _gap(_analyse(rgb), 0.06 * HEIGHT, 3.4) < 0.015


def test_a_band_inside_the_back_is_not_the_neckline() -> None:
    rgb = _draw(0.20 * HEIGHT, 1.1, (40, 70, 140), (14, 26, 54))
    band = np.concatenate([_curve(0.03 * HEIGHT, 3.0), _curve(0.0, 3.0)[::-1]])
    cv2.fillPoly(rgb, [np.round(band * 16).astype(np.int32)], (40, 70, 140), cv2.LINE_AA, shift=4)
    assert _gap(_analyse(rgb), 0.20 * HEIGHT, 1.1) < 0.02


def test_a_rib_as_dark_as_the_backs_inside_is_found_by_its_clear_edge_and_the_backs_rib() -> None:
    lilac, inside, rib, width = (196, 180, 222), (54, 38, 64), (60, 38, 68), 0.024 * HEIGHT
    photo, cutout = draw_garment(TEE, lilac)
    rgb = photo.rgb8.copy()
    outer = _curve(0.13 * HEIGHT, 2.2, HALF * 1.3)
    inner = move_inwards(outer, width)
    for line, colour in ((outer, rib), (inner, inside), (_curve(width, 5.0, 0.92 * HALF), (6, 4, 8))):
        _paint(rgb, line, colour)
    rgb[cutout.alpha < 0.5] = photo.rgb8[cutout.alpha < 0.5]
    found = np.array([point for name, point in sorted(_analyse(rgb).landmarks.items()) if name.startswith("neckline_")])
    gap = np.hypot(*(found[3:-3, None] - inner[None]).transpose(2, 0, 1)).min(axis=1) / HEIGHT
    assert gap.max() < 0.012


def _spread(garment: Garment, truth: F64) -> F64:
    """Return the distances of a true curve's inner 80 % from the found neckline, in shares of the collar's width."""
    found = np.array([point for name, point in sorted(garment.landmarks.items()) if name.startswith("neckline_")])
    along = np.linspace(0, len(found) - 1, 600)
    line = np.stack([np.interp(along, np.arange(len(found)), found[:, axis]) for axis in (0, 1)], -1)
    half = np.ptp(truth[:, 0]) / 2
    inner = truth[np.abs(truth[:, 0] - truth[:, 0].mean()) < 0.8 * half]
    return np.hypot(*(inner[:, None] - line[None]).transpose(2, 0, 1)).min(axis=1) / (2 * half)


def _paint(rgb: U8, line: F64, colour: tuple[int, int, int]) -> None:
    cv2.fillPoly(rgb, [np.round(line * 16).astype(np.int32)], colour, cv2.LINE_AA, shift=4)


def test_the_line_lies_on_a_worn_edge_over_rib_and_label() -> None:
    size = (2 * SIZE[0], 2 * SIZE[1])
    photo, cutout = draw_garment(TEE, (62, 104, 92), size)
    rgb = photo.rgb8.copy()
    edge = 2 * _curve(0.095 * HEIGHT, 2.3)
    edge[:, 1] += 0.006 * HEIGHT * np.sin((edge[:, 0] / 2 - SIZE[0] / 2) / HALF * 2.2)  # it hangs as no family's curve
    _paint(rgb, np.concatenate([edge, np.add(edge, [0, 0.09 * HEIGHT])[::-1]]), (56, 94, 83))
    _paint(rgb, edge, (30, 58, 52))
    label = rgb.copy()
    left, top, bottom = SIZE[0] - 30, round(2 * TOP + 0.07 * HEIGHT), round(2 * TOP + 0.3 * HEIGHT)
    cv2.rectangle(label, (left, top), (left + 60, bottom), (214, 212, 204), -1)
    for row in (top + 14, top + 34):
        cv2.line(label, (left + 10, row), (left + 50, row), (60, 60, 60), 4)
    behind = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillPoly(behind, [np.round(edge * 16).astype(np.int32)], 1, shift=4)
    rgb = cv2.GaussianBlur(np.where(behind[..., None] > 0, label, rgb), (0, 0), 0.7)  # it hangs down behind the edge
    garment = analyse_garment(Photo(rgb, "0" * 64, "tee.png"), Cutout(cutout.alpha, rgb.copy()))
    # The line is laid a soft edge's width into the front.
    assert _spread(garment, move_inwards(edge, -1.8)).max() < 0.01


def _leopard(rgb: U8, where: U8) -> None:
    """Paint a spotted pattern on what `where` selects."""
    noise = cv2.GaussianBlur(np.random.default_rng(3).normal(size=rgb.shape[:2]), (0, 0), 3.2)
    spots = (noise > 0.7 * noise.std()) & (where > 0)
    rgb[where > 0] = (226, 214, 196)
    rgb[spots] = (44, 36, 36)


@pytest.mark.parametrize("lining", [(246, 246, 246), (90, 84, 76)], ids=["pale", "dark"])
def test_a_tie_on_a_pattern_is_no_deep_v(lining: tuple[int, int, int]) -> None:
    photo, cutout = draw_garment(TEE)
    rgb = photo.rgb8.copy()
    _leopard(rgb, (cutout.alpha > 0.5).astype(np.uint8))
    cv2.fillPoly(rgb, [np.round(_curve(0.10 * HEIGHT, 2.0) * 16).astype(np.int32)], lining, cv2.LINE_AA, shift=4)
    middle, knot = SIZE[0] // 2, round(TOP + 0.12 * HEIGHT)
    for side in (-1, 1):  # a bow and its ends, hanging as a V would run
        cv2.line(rgb, (middle, knot), (middle + side * 40, knot + 30), (16, 14, 14), 5, cv2.LINE_AA)
        cv2.line(rgb, (middle, knot), (middle + side * 18, knot + 130), (16, 14, 14), 4, cv2.LINE_AA)
    garment = _analyse(rgb)
    assert garment.landmarks["collar_front"][1] < TOP + 0.13 * HEIGHT
    assert _gap(garment, 0.10 * HEIGHT, 2.0) < 0.02 or garment.confidence <= 0.7


def test_a_plain_front_without_an_edge_is_announced() -> None:
    photo, cutout = draw_garment(TEE, (90, 92, 96))
    garment = analyse_garment(photo, cutout)
    assert "garment.neckline_unsure" in [note.key for note in garment.reasons]
    assert garment.confidence <= 0.7


def test_a_neckline_is_smooth_and_runs_from_left_to_right() -> None:
    garment = _analyse(_draw(0.12 * HEIGHT, 2.2))
    points = np.array([point for name, point in sorted(garment.landmarks.items()) if name.startswith("neckline_")])
    assert (np.diff(points[:, 0]) > 0).all()
    turns = np.diff(np.unwrap(np.arctan2(*np.diff(points, axis=0).T[::-1])))
    assert (turns < 0.05).all() or (turns > -0.05).all()
    assert outline(TEE, SIZE, HEIGHT)[:, 1].min() - 5 <= points[:, 1].min()


MASKED = {
    # Read off the photos: the lowest point of the front edge, in garment photo pixels.
    "00006": (375, 179), "00013": (370, 232), "00017": (376, 320), "00064": (377, 157),
}  # fmt: skip


@pytest.mark.parametrize("pair", sorted(MASKED))
def test_real_necklines(shared: Path, pair: str) -> None:
    stem = shared / "photos" / "pairs" / f"{pair}_00_garment"
    rgb = cv2.imread(f"{stem}.jpg")[:, :, ::-1].copy()
    mask = cv2.imread(f"{stem}_mask.jpg", cv2.IMREAD_GRAYSCALE)
    garment = analyse_garment(Photo(rgb, "3" * 64, pair), Cutout(mask.astype(np.float32) / 255, rgb.copy()))
    assert np.hypot(*(np.array(garment.landmarks["collar_front"]) - MASKED[pair])) < 12


def test_real_lace_let_into_a_plain_front_is_no_lining(shared: Path) -> None:
    stem = shared / "photos" / "pairs" / "00064_00_garment"
    rgb = cv2.imread(f"{stem}.jpg")[:, :, ::-1].copy()
    mask = cv2.erode(cv2.imread(f"{stem}_mask.jpg", cv2.IMREAD_GRAYSCALE), np.ones((5, 5), np.uint8))
    garment = analyse_garment(Photo(rgb, "3" * 64, "lace"), Cutout(mask.astype(np.float32) / 255, rgb.copy()))
    assert np.hypot(*(np.array(garment.landmarks["collar_front"]) - MASKED["00064"])) < 12


# A white tee on white paper with a large print: read off the photo by hand, for there is no mask of it.
WHITE_TEE = (
    (246, 122), (278, 130), (345, 140), (420, 140), (480, 130), (512, 122), (600, 160), (690, 300), (590, 340),
    (565, 330), (590, 850), (190, 835), (225, 330), (190, 340), (90, 300), (170, 160),
)  # fmt: skip


def test_a_real_print_under_a_pale_collar_is_not_the_neckline(shared: Path) -> None:
    rgb = cv2.imread(str(shared / "photos" / "pairs" / "12562_00_garment.jpg"))[:, :, ::-1].copy()
    mask = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.array(WHITE_TEE, np.int32)], 255, cv2.LINE_AA)
    garment = analyse_garment(Photo(rgb, "4" * 64, "12562"), Cutout(mask.astype(np.float32) / 255, rgb.copy()))
    assert np.hypot(*(np.array(garment.landmarks["collar_front"]) - (373, 215))) < 12


def test_a_lopsided_opening_follows_the_cloth_and_not_the_air() -> None:
    photo, cutout = draw_garment(TEE)
    alpha, middle = cutout.alpha.copy(), SIZE[0] // 2
    opening = np.array([(-74, -40), (-64, 130), (-39, 140), (64, -40)]) + np.array([middle - 35, TOP])
    cv2.fillPoly(alpha, [opening.round().astype(np.int32)], 0.0, cv2.LINE_AA)
    garment = analyse_garment(photo, Cutout(alpha, photo.rgb8.copy()))
    points = np.array([point for name, point in sorted(garment.landmarks.items()) if name.startswith("neckline_")])
    near = cv2.dilate(alpha, np.ones((9, 9), np.uint8))
    assert all(near[round(y), round(x)] > 0.5 for x, y in points)


def test_a_collar_cut_off_by_the_picture_is_announced() -> None:
    rgb = _draw(0.12 * HEIGHT, 2.2)[round(TOP) + 2 :].copy()
    _, cutout = draw_garment(TEE)
    garment = analyse_garment(
        Photo(rgb, "0" * 64, "tee.png"), Cutout(cutout.alpha[round(TOP) + 2 :].copy(), rgb.copy())
    )
    assert "garment.neckline_unsure" in [note.key for note in garment.reasons]


def test_a_white_label_is_not_the_edge_of_a_black_front() -> None:
    rgb = _draw(0.12 * HEIGHT, 2.2, colour=(34, 34, 36), inside=(24, 24, 26))
    middle = SIZE[0] // 2
    cv2.rectangle(rgb, (middle - 18, round(TOP) + 14), (middle + 18, round(TOP) + 26), (250, 250, 250), -1)
    assert _gap(_analyse(rgb), 0.12 * HEIGHT, 2.2) < 0.02


def _wrap(depth: float, point: float = 0.4) -> F64:
    """Return the edge of wrapped fronts: steep at the shoulders, and meeting in a point."""
    x = np.linspace(-1, 1, 61)
    hang = 1 - point * np.abs(x) - (1 - point) * np.abs(x) ** 2.6
    return np.stack([SIZE[0] / 2 + 1.2 * HALF * x, TOP + depth * hang], -1)


def test_a_wrapped_front_before_a_paler_lining_of_another_tint_ends_at_its_edge() -> None:
    velvet, lining, facing = (22, 58, 104), (44, 84, 92), (30, 66, 90)
    photo, _ = draw_garment(TEE, velvet)
    rgb = photo.rgb8.copy()
    edge = _wrap(0.25 * HEIGHT)
    _paint(rgb, edge, lining)
    band = np.concatenate([_curve(0.035 * HEIGHT, 3.0), _curve(0.0, 3.0)[::-1]])
    _paint(rgb, band, facing)
    garment = _analyse(rgb)
    found = np.array([point for name, point in sorted(garment.landmarks.items()) if name.startswith("neckline_")])
    gap = np.hypot(*(found[2:-2, None] - edge[None]).transpose(2, 0, 1)).min(axis=1) / HEIGHT
    assert gap.max() < 0.02


def test_the_front_is_read_beside_the_shoulders_and_not_where_a_print_is() -> None:
    x = np.linspace(-1, 1, 25)
    box = np.stack([0.15 * x, 0.14 * (1 - np.abs(x) ** 5)], -1)
    spots = points_beside(box).reshape(-1, 2)
    assert len(spots) >= 12
    assert (np.abs(spots[:, 0]) > 0.1).all()


def test_a_knitted_roll_neck_ends_at_its_own_upper_edge() -> None:
    photo, cutout = draw_garment(TEE, (150, 60, 40))
    alpha, rgb, middle = cutout.alpha.copy(), photo.rgb8.copy(), SIZE[0] // 2
    collar = np.s_[round(TOP - 0.085 * HEIGHT) : round(TOP + 12), middle - 44 : middle + 44]
    alpha[collar], rgb[collar] = 1.0, (150, 60, 40)
    ribs = cv2.GaussianBlur(np.random.default_rng(5).normal(size=rgb.shape[:2]), (0, 0), sigmaX=1.2, sigmaY=5)
    knit = np.clip(rgb * (1 + 0.12 * ribs / ribs.std())[..., None], 0, 255)
    rgb = np.where(alpha[..., None] > 0.5, knit, rgb).astype(np.uint8)
    garment = analyse_garment(Photo(rgb, "0" * 64, "roll.png"), Cutout(alpha, rgb.copy()))
    lowest = max(y for name, (_, y) in garment.landmarks.items() if name.startswith("neckline_"))
    assert lowest < TOP - 0.03 * HEIGHT
