"""Bare legs: one outline and one skin, seen and painted."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from studio.domain.artefacts import PersonArtefacts
from studio.domain.edits import LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.blend import blend_look
from studio.pipeline.tryon.drape import DRAPE
from studio.pipeline.tryon.draping.leg_shape import LEG_AT, fit_curve
from studio.pipeline.tryon.draping.lower_dress import dress_lower, fit_lower
from studio.pipeline.tryon.draping.lower_judge import judge_lower
from studio.pipeline.tryon.draping.lower_measure import measure_touch
from tests.pipeline.lower_figures import NAVY, SIZE, TROUSERS, draw_standing, lower_garment, person_of
from tests.pipeline.tryon_figures import BACKDROP, context

F64 = npt.NDArray[np.float64]
SHORT_SKIRT = ((0.0, 0.55), (0.0, 0.0), (-0.36, 0.0), (-0.46, 0.55))
OLD_HEM = 340
DARK_SKIN = np.array([126.0, 78.0, 60.0])


def slim_in_shorts() -> PersonArtefacts:
    """Return the standing person with slim legs a little off their joints, round and dark, and a shaded old hem."""
    person = draw_standing("shorts")
    rgb, labels = person.photo.rgb8.astype(np.float64), person.parse.labels.copy()
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]].astype(np.float64)
    gone = np.isin(labels, (Cihp.LEFT_LEG, Cihp.RIGHT_LEG))
    rgb[gone], labels[gone] = BACKDROP, 0
    for middle, label in ((137.0, Cihp.RIGHT_LEG), (166.0, Cihp.LEFT_LEG)):
        half = np.interp(rows, [217, 360, 420, 505], [20, 10.0, 10.5, 7.5])
        across = (columns - middle) / half
        leg = (np.abs(across) < 1) & (rows > 217) & (rows < 505) & ~np.isin(labels, (Cihp.TROUSERS, Cihp.UPPER))
        shade = 1.0 - 0.35 * across**2 - 0.25 * np.exp(-np.clip(rows - 321, 0, 99) / 4)
        rgb[leg] = (DARK_SKIN * shade[..., None])[leg]
        labels[leg] = label
    wide = np.abs(columns - 150) < 54  # the old shorts reach lower and stand off the legs
    cloth = (labels != Cihp.LEFT_ARM) & (labels != Cihp.RIGHT_ARM) & wide & (rows > 235) & (rows < OLD_HEM)
    cloth &= (np.abs(columns - 150) > 2) | (rows < 255)
    gap = (np.abs(columns - 150) <= 2) & (rows >= 255) & (rows < OLD_HEM)
    rgb[gap], labels[gap] = BACKDROP, 0
    rgb[cloth], labels[cloth] = NAVY, Cihp.TROUSERS
    soft = cv2.GaussianBlur(rgb, (0, 0), 0.6)
    return person_of(np.clip(soft, 0, 255).round().astype(np.uint8), labels, person.pose)


@pytest.fixture(scope="module")
def slim() -> PersonArtefacts:
    return slim_in_shorts()


@pytest.fixture(scope="module")
def dressed(slim: PersonArtefacts) -> npt.NDArray[np.float64]:
    tryon = DRAPE.dress(slim, lower_garment(SHORT_SKIRT), context(), layers=LayerOrder())
    return blend_look(slim.photo, slim.cutout, tryon).rgb8.astype(np.float64)


def _outline(rgb: F64, rows: range, columns: slice) -> F64:
    """Return left and right edge of what is not backdrop in some columns, `(rows, 2)`, between pixels."""
    found = []
    for y in rows:
        share = np.clip((np.array(BACKDROP) - rgb[y, columns]).max(axis=1) / 70.0, 0, 1)
        inside = np.flatnonzero(share > 0.5)
        first, last = int(inside[0]), int(inside[-1])
        found.append((columns.start + first - share[first - 1], columns.start + last + share[last + 1]))
    return np.array(found)


def test_a_painted_leg_continues_the_seen_ones_outline(dressed: F64) -> None:
    rows = range(OLD_HEM - 24, OLD_HEM + 40)
    for columns in (slice(104, 151), slice(151, 200)):
        edges = _outline(dressed, rows, columns)
        step = np.abs(np.diff(edges, axis=0))
        assert step.max() < 1.2  # no step at the old hem
        slopes = edges[8:] - edges[:-8]
        assert np.abs(slopes[8:] - slopes[:-8]).max() < 3.0  # and no corner
        assert abs(np.ptp(edges[0]) - 26) < 8  # as wide as the knee leads to, not as the standard leg


def test_a_painted_leg_continues_the_seen_ones_tone(dressed: F64) -> None:
    for middle in (137, 166):
        line = cv2.GaussianBlur(dressed[OLD_HEM - 20 : OLD_HEM + 60, middle - 2 : middle + 3].mean(axis=1), (1, 9), 0)
        light = np.log(line.mean(axis=-1) if line.ndim == 2 else line)
        assert np.ptp(light) < 0.22
        assert np.abs(np.diff(light)).max() < 0.03  # neither a seam nor the old hem's shadow
        row = dressed[OLD_HEM - 12]
        sides = (row[middle - 7].mean() + row[middle + 7].mean()) / 2
        assert 0.6 < sides / row[middle].mean() < 0.95  # rounded as the seen leg is


def test_the_silhouette_is_measured_where_skin_is_seen(slim: PersonArtefacts) -> None:
    legs = fit_lower(slim).legs
    scale = fit_lower(slim).view.scale
    for number in (0, 1):
        shape = legs.legs[number].shape
        assert shape is not None
        below = shape.seen & (LEG_AT > 1.1)
        assert below.sum() > 20
        width = (shape.second - shape.first)[np.argmin(np.abs(LEG_AT - 1.0))] / scale
        assert abs(width - 20) < 2.5


def test_a_fitted_curve_keeps_place_and_slope_at_its_end_and_falls_to_nothing() -> None:
    at = np.arange(121.0)
    weight = (at > 60).astype(np.float64)
    wanted = np.where(weight > 0, 5.0 + 0.1 * (at - 60), 0.0)
    curve = fit_curve(wanted, weight, 1.0)
    assert np.abs(curve - wanted)[70:].max() < 0.1
    assert abs(curve[61] - wanted[61]) < 0.3
    assert abs((curve[61] - curve[57]) / 4 - 0.1) < 0.1
    assert abs(curve[0]) < 1.0
    assert np.abs(np.diff(curve, 2)).max() < 0.06


def test_the_confidence_measures_what_is_painted(slim: PersonArtefacts) -> None:
    skirt = lower_garment(SHORT_SKIRT)
    led = DRAPE.dress(slim, skirt, context(), layers=LayerOrder()).confidence
    alone = DRAPE.dress(draw_standing("trousers"), skirt, context(), layers=LayerOrder()).confidence
    hidden = DRAPE.dress(slim, lower_garment(TROUSERS), context(), layers=LayerOrder()).confidence
    assert "tryon.legs_painted" in [note.key for note in led.reasons]
    assert "tryon.legs_painted" in [note.key for note in alone.reasons]
    assert "tryon.legs_painted" not in [note.key for note in hidden.reasons]
    fitting = fit_lower(slim)
    placed = dress_lower(fitting, skirt, LayerOrder())[1]
    assert placed.painted.led
    assert placed.painted.area > 0.05
    assert placed.painted.misfit < 0.4
    unseen = dress_lower(fit_lower(draw_standing("trousers")), skirt, LayerOrder())[1]
    assert not unseen.painted.led
    assert unseen.painted.share > 0.95
    scores = [judge_lower(slim, skirt, one).score for one in (placed, unseen)]
    assert scores[1] < scores[0] < 1.0


def test_a_small_garment_photo_and_a_vague_waist_are_said(slim: PersonArtefacts) -> None:
    garment = lower_garment(TROUSERS)
    placed = dress_lower(fit_lower(slim), garment, LayerOrder())[1]
    sure = replace(placed, enlarged=1.0, waist_off=0.0)
    keys = [
        [note.key for note in judge_lower(slim, garment, one).reasons]
        for one in (sure, replace(sure, enlarged=1.6), replace(sure, waist_off=0.05), replace(sure, touch=0.3))
    ]
    assert keys == [[], ["tryon.enlarged"], ["tryon.waist_unsure"], ["tryon.hand_on_leg"]]


def test_a_hand_on_a_leg_that_goes_is_measured() -> None:
    labels = np.zeros((60, 60), np.uint8)
    labels[10:50, 20:40], labels[20:40, 12:20] = Cihp.RIGHT_LEG, Cihp.RIGHT_ARM
    gone = np.ones((60, 60), np.float32)
    assert measure_touch(gone, labels, 100.0) == pytest.approx(0.22, abs=0.03)
    assert measure_touch(0 * gone, labels, 100.0) == 0.0
