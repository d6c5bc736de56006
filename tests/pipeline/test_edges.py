"""Edges: the solver against known mixtures, sharp stays sharp, no fringe, tiles, ground truth."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import Cutout, Photo
from studio.domain.errors import MattingError
from studio.domain.progress import Progress
from studio.pipeline.edges import CLOSED_FORM, CONTOUR, EdgesParams, correct_contour
from studio.pipeline.matting.colours import spread_colours
from studio.pipeline.matting.foreground import estimate_foreground, refine_foreground
from studio.pipeline.matting.laplacian import solve_band
from studio.pipeline.matting.tiles import open_boxes
from studio.pipeline.stage import Inputs, StageContext
from tests.pipeline.fringe import bleed, rough_mask


def disc(size: int, radius: float, softness: float = 1.0) -> np.ndarray:
    y, x = np.mgrid[0:size, 0:size]
    return np.clip((radius - np.hypot(x - size / 2, y - size / 2)) / softness + 0.5, 0, 1).astype(np.float32)


def mix(alpha: np.ndarray, front: tuple[int, int, int], back: tuple[int, int, int]) -> np.ndarray:
    """Mixed as cameras do it here: in the file's own values."""
    return np.rint(alpha[..., None] * np.array(front) + (1 - alpha[..., None]) * np.array(back)).astype(np.uint8)


def blurred(alpha: np.ndarray, sigma: float = 4.0) -> np.ndarray:
    """What a coarse network makes of a mask."""
    return cv2.GaussianBlur((alpha > 0.5).astype(np.float32), (0, 0), sigma)


def correct(rgb: np.ndarray, mask: np.ndarray, params: EdgesParams | None = None) -> Cutout:
    return correct_contour(rgb, mask, params or EdgesParams(), Progress.silent())


def test_the_band_is_solved_to_the_true_mixture() -> None:
    truth = disc(120, 35, softness=10)
    image = mix(truth, (200, 40, 30), (30, 60, 200)).astype(np.float32) / 255
    unknown = (truth > 0) & (truth < 1)
    guess = np.where(unknown, np.float32(0.5), truth)
    solved = solve_band(image, guess, unknown, guess, np.zeros_like(guess), steps=400)
    assert np.abs(solved - truth)[unknown].mean() < 0.02
    assert np.array_equal(solved[~unknown], truth[~unknown])


def test_the_data_term_decides_where_colour_says_nothing() -> None:
    grey = np.full((40, 40, 3), 0.5, np.float32)
    unknown = np.zeros((40, 40), bool)
    unknown[10:30, 10:30] = True
    target = np.full((40, 40), 0.25, np.float32)
    solved = solve_band(grey, np.zeros((40, 40), np.float32), unknown, target, np.full((40, 40), 50.0, np.float32))
    assert solved[20, 20] == pytest.approx(0.25, abs=0.02)


def test_a_straight_edge_stays_sharp() -> None:
    truth = np.zeros((200, 200), np.float32)
    truth[:, 100:] = 1.0
    rgb = mix(truth, (40, 50, 90), (225, 224, 222))
    alpha = correct(rgb, blurred(truth, 5.0)).alpha
    partial = ((alpha > 0.05) & (alpha < 0.95)).sum(axis=1)
    assert partial.max() <= 1
    assert np.abs(alpha - truth).sum() < 0.01 * truth.sum()


def test_soft_edges_stay_soft() -> None:
    truth = disc(200, 60, softness=14)
    alpha = correct(mix(truth, (60, 40, 30), (228, 228, 226)), blurred(truth)).alpha
    assert np.abs(alpha - truth).mean() < 0.01


def test_thin_strands_outside_the_mask_are_found_before_a_wall() -> None:
    truth = disc(300, 70)
    for angle in np.linspace(0.2, 6.0, 12):
        tip = (round(150 + 82 * np.cos(angle)), round(150 + 82 * np.sin(angle)))
        root = (round(150 + 60 * np.cos(angle)), round(150 + 60 * np.sin(angle)))
        line = np.zeros((300, 300), np.uint8)
        cv2.line(line, root, tip, 255, 1, cv2.LINE_AA)
        truth = np.maximum(truth, line.astype(np.float32) / 255)
    noise = np.random.default_rng(0).normal(0, 1.0, (300, 300, 3))
    rgb = np.clip(mix(truth, (50, 32, 20), (224, 224, 222)) + noise, 0, 255).astype(np.uint8)
    mask = blurred(disc(300, 70))
    outside = (truth > 0.4) & (disc(300, 73) == 0)
    assert outside.sum() > 60
    alpha = correct(rgb, mask).alpha
    assert alpha[outside].mean() > 0.5
    assert alpha[:40].max() == 0.0


def test_white_cloth_on_white_keeps_its_edge() -> None:
    truth = disc(240, 80)
    rgb = mix(truth, (236, 236, 236), (234, 234, 234))
    alpha = correct(rgb, blurred(truth, 3.0)).alpha
    assert alpha[disc(240, 74) > 0].min() > 0.9
    assert alpha.sum() > 0.97 * truth.sum()


def test_foreground_loses_the_old_background() -> None:
    truth = disc(160, 50, softness=10)
    front, back = (120, 30, 40), (240, 240, 240)
    clean = estimate_foreground(mix(truth, front, back).astype(np.float32) / 255, truth) * 255
    partial = (truth > 0.1) & (truth < 1)
    assert np.abs(clean[partial] - np.array(front)).mean() < 6


def test_foreground_is_the_photo_where_alpha_is_one() -> None:
    rgb = np.random.default_rng(2).integers(0, 255, (90, 90, 3)).astype(np.float32) / 255
    alpha = disc(90, 30)
    clean = estimate_foreground(rgb, alpha)
    assert np.allclose(clean[alpha == 1], rgb[alpha == 1])


def test_colours_spread_from_where_they_are_known() -> None:
    values = np.zeros((64, 64, 3), np.float32)
    weight = np.zeros((64, 64), np.float32)
    values[:, :4], weight[:, :4] = (1.0, 0.0, 0.0), 1.0
    values[:, -4:], weight[:, -4:] = (0.0, 0.0, 1.0), 1.0
    filled = spread_colours(values, weight)
    assert filled[32, 8, 0] > 0.75 and filled[32, 55, 2] > 0.75
    assert np.isfinite(filled).all()


def test_a_large_photo_is_solved_as_a_small_one_and_keeps_native_edges() -> None:
    """The way through tiles: above the working size, a sharp native edge is still one pixel wide."""
    truth = np.zeros((1700, 1300), np.float32)
    truth[300:, 430:901] = 1.0
    truth[300:, 429] = truth[300:, 901] = 0.5
    rgb = mix(truth, (40, 60, 100), (226, 226, 224))
    mask = cv2.GaussianBlur(truth, (0, 0), 6.0)
    cutout = correct(rgb, mask)
    assert cutout.alpha.shape == truth.shape
    assert np.abs(cutout.alpha - truth).sum() < 0.003 * truth.sum()
    row = cutout.alpha[1000]
    assert ((row > 0.1) & (row < 0.9)).sum() <= 4
    inside = cutout.alpha == 1
    assert np.array_equal(cutout.foreground[inside], rgb[inside])
    edge = (cutout.alpha > 0.1) & (cutout.alpha < 0.95)
    assert np.abs(cutout.foreground[edge].astype(int) - (40, 60, 100)).mean() < 12


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(MattingError, match="edges.empty"):
        correct(np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), np.float32))


def test_the_same_input_gives_the_same_bytes() -> None:
    truth = disc(160, 50, softness=6)
    rgb = mix(truth, (90, 60, 40), (210, 214, 220))
    first, second = (correct(rgb, blurred(truth)) for _ in range(2))
    assert first.alpha.tobytes() == second.alpha.tobytes()
    assert first.foreground.tobytes() == second.foreground.tobytes()


def test_colours_may_be_left_as_they_are() -> None:
    truth = disc(160, 50, softness=6)
    rgb = mix(truth, (90, 60, 40), (210, 214, 220))
    assert np.array_equal(correct(rgb, blurred(truth), EdgesParams(decontaminate=False)).foreground, rgb)


@pytest.mark.parametrize("stage", [CONTOUR, CLOSED_FORM], ids=["contour", "closed_form"])
def test_both_implementations_run_as_stages(stage: object) -> None:
    truth = disc(160, 50, softness=8)
    rgb = mix(truth, (90, 60, 40), (30, 120, 60))
    inputs = Inputs({"photo": Photo(rgb, "0" * 64, "x"), "cutout": Cutout(blurred(truth), rgb)})
    ctx = StageContext(None, Progress.silent())  # type: ignore[arg-type]  # edges use no models
    result = stage.run(inputs, EdgesParams(), ctx)  # type: ignore[attr-defined]
    assert np.abs(result.alpha - truth).mean() < 0.01


@pytest.mark.parametrize(("name", "limit"), [("vitonhd_00641_00", 0.07), ("vitonhd_00599_00", 0.05)])
def test_a_model_from_a_light_studio_shows_no_fringe_on_black(shared: Path, name: str, limit: float) -> None:
    from studio.media.decode import open_photo

    photo = open_photo(shared / "photos" / "persons" / f"{name}.jpg")
    backdrop = np.median(photo.rgb8[:20].reshape(-1, 3), axis=0).astype(np.float32)
    mask = rough_mask(photo.rgb8)
    assert bleed(Cutout(mask, photo.rgb8.copy()), backdrop) > 0.2
    assert bleed(correct(photo.rgb8, mask), backdrop) < limit


def test_it_beats_the_plain_mask_on_ground_truth(shared: Path) -> None:
    """One picture of the benchmark (`benchmarks/bench_matting.py` has them all, and rembg's alpha matting)."""
    from PIL import Image

    from studio.media.decode import open_photo
    from studio.pipeline.cutout import predict_mask
    from tests.pipeline.test_cutout import RealSession

    folder = shared / "photos" / "matting_gt"
    photo = open_photo(folder / "p3mcomp_p_0865636e.jpg")
    truth = np.asarray(Image.open(folder / "p3mcomp_p_0865636e_alpha.png").convert("L")).astype(np.float32) / 255
    mask = predict_mask(photo.rgb8, "u2netp", RealSession(shared / "models" / "u2netp.onnx"))
    assert mask is not None
    coarse = mask.astype(np.float32) / 255
    solved = correct(photo.rgb8, coarse).alpha
    assert np.abs(solved - truth).sum() < 0.6 * np.abs(coarse - truth).sum()


def test_tiles_hold_every_open_pixel_and_no_empty_one_is_visited() -> None:
    open_pixels = np.random.default_rng(5).random((90, 130)) > 0.998
    seen = np.zeros_like(open_pixels)
    for box in open_boxes(open_pixels, 32):
        assert open_pixels[box.slices].any()
        assert not seen[box.slices].any()
        seen[box.slices] = True
    assert seen[open_pixels].all()


def test_colours_of_a_tile_are_those_of_the_whole_picture() -> None:
    """The seams of the tiles are invisible: a picture and its part give the same colours around one outline."""
    truth = disc(400, 150, softness=6)
    image = mix(truth, (180, 40, 60), (230, 228, 224)).astype(np.float32) / 255
    rough = np.full_like(image, 0.5)
    whole = refine_foreground(image, truth, rough, rough)
    near = np.s_[60:200, 20:160]
    part = refine_foreground(image[near], truth[near], rough[near], rough[near])
    assert np.abs(part[12:-12, 12:-12] - whole[72:188, 32:148]).max() < 1e-4
