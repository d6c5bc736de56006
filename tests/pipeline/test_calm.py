"""The outline of an amateur's photo: frayed by the floor's texture, with joints hanging on it; fur and straps stay."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.artefacts import Cutout
from studio.pipeline.garments.calm import calm_outline, drop_loose, drop_strands, measure_roughness
from studio.pipeline.garments.curve import smooth_closed_curve, trace_level
from studio.pipeline.garments.purge import purge_backdrop, without_crumbs
from tests.pipeline.test_contour import outline_error
from tests.pipeline.tryon_figures import TEE, draw_garment

SIZE = (400, 534)
FLOOR, CLOTH = np.array([150.0, 146.0, 140.0]), np.array([40.0, 52.0, 90.0])


def on_floor(alpha: np.ndarray) -> np.ndarray:
    grain = cv2.GaussianBlur(np.random.default_rng(2).normal(size=(*alpha.shape, 3)), (0, 0), 1.2)
    floor = FLOOR + 14 * grain / grain.std()
    return np.clip(floor + (CLOTH - floor) * alpha[..., None], 0, 255).round().astype(np.uint8)


def fray(alpha: np.ndarray) -> np.ndarray:
    """Return a soft matte that follows the floor's grain by a pixel or two of a small photo."""
    noise = cv2.GaussianBlur(np.random.default_rng(4).normal(size=alpha.shape).astype(np.float32), (0, 0), 1.3)
    signed = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    signed -= cv2.distanceTransform((alpha <= 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    return np.clip((signed + 0.7 * noise / noise.std()) / 5 + 0.5, 0, 1).astype(np.float32)


def test_a_frayed_matte_on_a_floor_gets_a_smooth_outline() -> None:
    _, cutout = draw_garment(TEE, size=SIZE)
    truth = cutout.alpha
    rgb, matte = on_floor(truth), fray(truth)
    mended = purge_backdrop(rgb, Cutout(matte, rgb))
    (before,), (after,) = (
        [curve for curve in trace_level(plane) if len(curve) > 400] for plane in (matte, mended.alpha)
    )
    rough = [np.hypot(*(curve - smooth_closed_curve(curve, 9)).T).mean() for curve in (before, after)]
    assert rough[1] < 0.6 * rough[0]
    assert outline_error(mended.alpha, truth).mean() < 1.0
    # As sharp as a drawn edge, and in the cloth's own colour.
    soft = ((mended.alpha > 0.05) & (mended.alpha < 0.95)).sum() / len(after)
    assert soft < 2.5 < ((matte > 0.05) & (matte < 0.95)).sum() / len(before)
    rim = (mended.alpha > 0.05) & (mended.alpha < 0.95)
    assert np.abs(mended.foreground[rim].astype(float) - CLOTH).mean() < 6


def test_a_joint_of_the_floor_goes_and_a_strap_stays() -> None:
    solid = np.zeros((500, 400), np.uint8)
    solid[200:400, 100:300] = 1
    cv2.line(solid, (300, 380), (390, 440), 1, 2)  # away over the floor
    cv2.polylines(solid, [np.array([(120, 200), (150, 90), (180, 200)])], False, 1, 3)  # from cloth to cloth
    whole = drop_strands(solid)
    assert whole[:199].sum() == solid[:199].sum()
    assert whole[401:].sum() == 0
    assert whole[200:400, 100:300].all()


def test_a_piece_apart_is_none_of_the_garment() -> None:
    solid = np.zeros((500, 400), np.uint8)
    solid[200:400, 100:300] = 1
    solid[20:40, 20:40] = 1
    assert drop_loose(solid).sum() == 200 * 200


def test_fur_on_a_floor_keeps_its_fringe() -> None:
    rng = np.random.default_rng(8)
    alpha = np.zeros((SIZE[1], SIZE[0]), np.float32)
    cv2.ellipse(alpha, (200, 260), (110, 140), 0, 0, 360, 1.0, -1)
    for angle in rng.uniform(0, 2 * np.pi, 260):
        root = np.array([200 + 108 * np.cos(angle), 260 + 138 * np.sin(angle)])
        tip = root + 14 * np.array([np.cos(angle + rng.normal() / 3), np.sin(angle + rng.normal() / 3)])
        cv2.line(alpha, root.astype(int).tolist(), tip.astype(int).tolist(), 1.0, 1, cv2.LINE_AA)
    rgb = on_floor(alpha)
    cutout = Cutout(alpha, rgb)
    assert calm_outline(rgb, cutout) is cutout


def test_a_plain_shape_is_not_rough() -> None:
    solid = np.zeros((500, 400), np.uint8)
    cv2.ellipse(solid, (200, 250), (120, 180), 0, 0, 360, 1, -1)
    assert measure_roughness(solid) < 1.05
    assert measure_roughness(np.zeros((500, 400), np.uint8)) == 1.0


def test_shaded_paper_left_in_a_gap_is_a_crumb() -> None:
    alpha = np.zeros((300, 300), np.float32)
    alpha[40:260, 40:130] = alpha[40:260, 160:260] = 1.0
    alpha[40:80, 130:160] = 1.0  # above the gap both hang together
    alpha[100:112, 143:149] = 0.9
    alpha[98:114, 141:143] = 0.3
    mended = without_crumbs(Cutout(alpha, np.zeros((300, 300, 3), np.uint8))).alpha
    assert mended[82:258, 133:157].max() == 0
    assert np.array_equal(mended[:, :130], alpha[:, :130])
