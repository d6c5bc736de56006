"""The line between a top and a lower garment."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import PersonArtefacts
from studio.domain.edits import LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.blend import blend_look
from studio.pipeline.tryon.drape import DRAPE
from studio.pipeline.tryon.draping.fields import measure_fields
from studio.pipeline.tryon.draping.lower_dress import fit_lower
from studio.pipeline.tryon.draping.seam import find_seam
from tests.pipeline.lower_figures import NAVY, NEW, SKIRT, TROUSERS, draw_standing, lower_garment, person_of
from tests.pipeline.tryon_figures import OLD_TOP, context

SHORT = ((0.0, 0.55), (0.0, 0.0), (-0.36, 0.0), (-0.46, 0.55))


@pytest.fixture(scope="module")
def ragged() -> PersonArtefacts:
    """Return a person whose parse map steps up and down along the top's hem, as parse maps do."""
    person = draw_standing()
    labels, rgb = person.parse.labels.copy(), person.photo.rgb8.copy()
    for start in range(112, 188, 6):
        row = 202 if (start // 6) % 2 else 207
        part = np.s_[200:210, start : start + 6]
        rows = np.arange(200, 210)[:, None]
        labels[part] = np.where(rows < row, Cihp.UPPER, Cihp.TROUSERS)
        rgb[part] = np.where((rows < 205)[..., None], OLD_TOP, NAVY)
    return person_of(rgb, labels, person.pose)


def test_a_ragged_hem_is_drawn_as_one_line(ragged: PersonArtefacts) -> None:
    tryon = DRAPE.dress(ragged, lower_garment(TROUSERS), context(), layers=LayerOrder())
    rgb = blend_look(ragged.photo, ragged.cutout, tryon).rgb8.astype(float)
    window = rgb[190:220, 118:182]
    share = np.abs(window - OLD_TOP).sum(axis=2) / (np.abs(window - OLD_TOP) + np.abs(window - NEW)).sum(axis=2)
    ends = (share < 0.5).sum(axis=0)
    assert np.ptp(ends) <= 2
    assert np.abs(np.diff(ends)).max() <= 1


def test_an_open_front_and_sleeves_are_no_part_of_the_line() -> None:
    person = draw_standing()
    labels = person.parse.labels.copy()
    labels[176:205, 146:154] = Cihp.TROUSERS  # the placket of an open jacket
    labels[np.isin(labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM))] = Cihp.UPPER
    fitting = fit_lower(person_of(person.photo.rgb8.copy(), labels, person.pose))
    body, seen = fitting.legs.body, fitting.evidence.labels
    seam = find_seam(body, seen, measure_fields(body, (seen.shape[0], seen.shape[1])), hangs=True)
    assert seam is not None
    assert np.ptp(seam.depth) < 3 * fitting.view.scale
    assert abs(seam.lateral).max() < 45 * fitting.view.scale


def test_a_waist_that_is_seen_narrower_than_the_top_above_it_is_kept() -> None:
    person = draw_standing(top="inside")
    slim = person.parse.labels.copy()
    rgb = person.photo.rgb8.copy()
    rows, columns = np.mgrid[: slim.shape[0], : slim.shape[1]]
    beside = (np.abs(columns - 150) > 30) & (rows >= 186) & (rows < 214) & (slim == Cihp.TROUSERS)
    rgb[beside], slim[beside] = (224, 225, 228), 0
    person = person_of(rgb, slim, person.pose)
    tryon = DRAPE.dress(person, lower_garment(SKIRT), context(), layers=LayerOrder())
    look = blend_look(person.photo, person.cutout, tryon).rgb8.astype(int)
    worn = np.abs(look - NEW).max(axis=2) < 60
    wide = [np.ptp(np.flatnonzero(worn[y])) for y in range(190, 230)]
    assert wide[0] < 70  # 60 drawn
    assert np.abs(np.diff(wide)).max() <= 4  # and widens steadily


def test_the_old_garments_shade_on_the_backdrop_goes_softly() -> None:
    person = draw_standing()
    rgb, labels = person.photo.rgb8.astype(float), person.parse.labels
    away = cv2.distanceTransform((labels == 0).astype(np.uint8), cv2.DIST_L2, 5)
    shade = np.clip(1 - away / 16, 0, 1) * (labels == 0)
    lit = np.clip(rgb - 20 * shade[..., None], 0, 255).round().astype(np.uint8)
    person = person_of(lit, labels.copy(), person.pose)
    tryon = DRAPE.dress(person, lower_garment(SHORT), context(), layers=LayerOrder())
    look = blend_look(person.photo, person.cutout, tryon).rgb8.astype(float).mean(axis=2)
    line = look[420:470, 194:230].mean(axis=0)  # from the painted shank over where the wide trousers ended
    assert np.abs(np.diff(line)).max() < 3.0
