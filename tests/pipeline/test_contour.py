"""The drawn outline: pale cloth on a painted backdrop, fur, a white collar, a gap between two clear edges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import Cutout
from studio.pipeline import pieces
from studio.pipeline.garments.contour import redraw_outline
from studio.pipeline.garments.curve import find_corners, smooth_closed_curve, trace_level
from studio.pipeline.garments.purge import purge_backdrop
from tests.pipeline.tryon_figures import LONG, TEE, draw_garment

SIZE = (768, 1024)
PAPER = 246


def product(half: tuple[tuple[float, float], ...], colour: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return a shop's photo, compressed as shops do it, and the true mask."""
    _, cutout = draw_garment(half, colour, SIZE)
    alpha = cutout.alpha[..., None]
    rgb = PAPER + (np.array(colour, np.float32) - PAPER) * alpha
    return compress(rgb), cutout.alpha


def compress(rgb: np.ndarray) -> np.ndarray:
    _, data = cv2.imencode(".jpg", np.round(rgb).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def fray(alpha: np.ndarray) -> np.ndarray:
    """Return a matte that noise leads astray by a few pixels."""
    rng = np.random.default_rng(4)
    noise = cv2.GaussianBlur(rng.normal(size=alpha.shape).astype(np.float32), (0, 0), 3.0)
    signed = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    signed -= cv2.distanceTransform((alpha <= 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    return np.clip((signed + 4.0 * noise / noise.std()) / 2 + 0.5, 0, 1).astype(np.float32)


def outline_error(alpha: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the distance of each outline point from the true outline."""
    edges = [
        cv2.morphologyEx((plane > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0
        for plane in (alpha, truth)
    ]
    return cv2.distanceTransform((~edges[1]).astype(np.uint8), cv2.DIST_L2, 5)[edges[0]]


@pytest.mark.parametrize("colour", [(251, 251, 250), (253, 253, 253), (241, 241, 240)])
def test_pale_cloth_on_pale_paper_has_a_smooth_outline(colour: tuple[int, int, int]) -> None:
    rgb, truth = product(TEE, colour)
    matte = fray(truth)
    mended = purge_backdrop(rgb, Cutout(matte, rgb)).alpha
    before, after = outline_error(matte, truth), outline_error(mended, truth)
    assert np.percentile(before, 95) > 5.0
    assert after.mean() < 0.8
    assert np.percentile(after, 95) < 2.5
    (curve,) = trace_level(mended)
    rough = np.hypot(*(curve - smooth_closed_curve(curve, 12)).T)
    assert np.percentile(rough, 95) < 0.5


def test_blocks_of_compression_beside_pale_cloth_are_not_its_outline() -> None:
    rgb, truth = product(TEE, (250, 250, 249))
    band = (cv2.dilate(truth, np.ones((13, 13), np.uint8)) > 0.5) & (truth < 0.02)
    blocks = np.random.default_rng(3).random((SIZE[1] // 8, SIZE[0] // 8)) < 0.2
    noisy = cv2.resize(blocks.astype(np.uint8), SIZE, interpolation=cv2.INTER_NEAREST) > 0
    rgb[band & noisy] = PAPER + 2
    mended = purge_backdrop(rgb, Cutout(truth, rgb)).alpha
    assert np.percentile(outline_error(mended, truth), 99) < 3.2


def test_fur_keeps_its_fringe() -> None:
    rng = np.random.default_rng(8)
    alpha = np.zeros((SIZE[1], SIZE[0]), np.float32)
    cv2.ellipse(alpha, (384, 500), (200, 260), 0, 0, 360, 1.0, -1)
    for angle in rng.uniform(0, 2 * np.pi, 900):
        root = np.array([384 + 198 * np.cos(angle), 500 + 258 * np.sin(angle)])
        tip = root + 26 * np.array([np.cos(angle + rng.normal() / 3), np.sin(angle + rng.normal() / 3)])
        cv2.line(alpha, root.astype(int).tolist(), tip.astype(int).tolist(), 1.0, 1, cv2.LINE_AA)
    cloth = np.array([60.0, 45.0, 40.0])
    rgb = compress(PAPER + (cloth - PAPER) * alpha[..., None])
    mended = redraw_outline(rgb, Cutout(alpha, rgb))
    assert mended is not None
    assert np.abs(mended.alpha - alpha).mean() < 1e-3


def test_a_white_collar_is_no_backdrop() -> None:
    rgb, truth = product(TEE, (150, 20, 30))
    photo = rgb.astype(np.float32)
    collar = np.zeros(truth.shape, np.uint8)
    cv2.ellipse(collar, (384, 130), (90, 60), 0, 0, 180, 255, 22)
    photo[collar > 0] = (252, 251, 253)
    pixels = compress(photo)
    mended = purge_backdrop(pixels, Cutout(truth, pixels))
    inside = (collar > 0) & (cv2.erode(truth, np.ones((9, 9), np.uint8)) > 0.99)
    assert inside.sum() > 2000
    assert mended.alpha[inside].min() > 0.99


def test_a_gap_is_open_to_its_narrow_ends() -> None:
    rgb, truth = product(LONG, (30, 30, 34))
    closed = cv2.morphologyEx(truth, cv2.MORPH_CLOSE, np.ones((61, 61), np.uint8))
    mended = purge_backdrop(rgb, Cutout(closed, rgb)).alpha
    gap = (truth < 0.02) & (closed > 0.5)
    assert gap.sum() > 4000
    assert (mended[gap] > 0.5).mean() < 0.02


def test_no_painted_backdrop_no_drawn_outline() -> None:
    rgb, truth = product(TEE, (253, 253, 253))
    noise = np.random.default_rng(1).normal(0, 6, rgb.shape)
    floor = np.clip(rgb + noise, 0, 255).astype(np.uint8)
    assert redraw_outline(floor, Cutout(truth, floor)) is None


def test_corners_stay_where_they_are() -> None:
    square = np.zeros((200, 200), np.float32)
    square[40:160, 40:160] = 1.0
    (curve,) = trace_level(cv2.GaussianBlur(square, (0, 0), 1.0))
    assert find_corners(curve).sum() == 4
    smooth = smooth_closed_curve(curve, 20)
    for corner in ((39.5, 39.5), (159.5, 39.5), (159.5, 159.5), (39.5, 159.5)):
        assert np.hypot(*(smooth - corner).T).min() < 2.0
    assert np.abs(np.abs(smooth - 99.5).max(axis=1) - 60).max() < 1.5


def test_an_opening_beside_the_collar_stays_open() -> None:
    rgb, truth = product(TEE, (24, 24, 26))
    middle, top = SIZE[0] // 2, np.nonzero(truth[:, SIZE[0] // 2] > 0.5)[0][0]
    slit = np.array(
        [(middle + 60, top - 30), (middle + 78, top - 30), (middle + 20, top + 70), (middle + 12, top + 66)]
    )
    opened = truth.copy()
    cv2.fillPoly(opened, [slit.astype(np.int32)], 0.0, cv2.LINE_AA)
    rgb = compress(np.where(opened[..., None] > 0.5, rgb, PAPER).astype(np.float32))
    kept = purge_backdrop(rgb, Cutout(opened, rgb)).alpha
    within = cv2.erode(cv2.fillPoly(np.zeros(truth.shape, np.uint8), [slit.astype(np.int32)], 1), np.ones((5, 5)))
    assert kept[within > 0].mean() < 0.05


def test_a_slit_is_open_where_the_matte_sees_only_its_mouth_and_a_stripe_stays_cloth() -> None:
    truth = np.zeros((1024, 768), np.float32)
    truth[200:900, 150:620] = 1.0
    truth[620:900, 240:256] = 0.0  # between sleeve and trunk, wide enough to be seen
    truth[575:620, 245:251] = 0.0  # its narrow end
    cloth = truth.copy()
    cloth[850:900, 450:456] = 0.0  # a stripe as white as the paper
    rgb = compress(PAPER + (np.array((70, 80, 50), np.float32) - PAPER) * cloth[..., None])
    matte = truth.copy()
    matte[575:620, 240:256] = 1.0
    mended = purge_backdrop(rgb, Cutout(matte, rgb)).alpha
    assert mended[580:615, 247:249].max() < 0.3
    assert mended[615:640, 247:249].max() < 0.3  # no thread across the mouth
    assert mended[850:890, 450:456].min() > 0.9


def test_a_large_photo_drawn_in_pieces_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rgb, truth = product(TEE, (250, 250, 249))
    large, matte = (cv2.resize(plane, None, fx=2, fy=2) for plane in (rgb, fray(truth)))
    whole = purge_backdrop(large, Cutout(matte, large))
    monkeypatch.setattr(pieces, "FEW", 0)
    monkeypatch.setattr(pieces, "SIDE", 300)
    pieced = purge_backdrop(large, Cutout(matte, large))
    assert len(list(pieces.pieces_of(matte.shape))) == 42, "it was drawn in pieces"
    assert np.abs(whole.alpha - pieced.alpha).max() < 1e-3
    seen = whole.alpha > 0.01
    assert np.abs(whole.foreground.astype(int) - pieced.foreground)[seen].max() <= 1
