"""Trousers where an old top hid them: one piece with what is seen of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studio.domain.arrays import F32
from studio.domain.edits import LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.tryon.drape import _fit
from studio.pipeline.tryon.draping.body import Body, Evidence
from studio.pipeline.tryon.draping.continued import Continued, continue_lower
from studio.pipeline.tryon.draping.fields import BodyFields, measure_fields
from studio.pipeline.tryon.draping.layers import take_apart
from tests.pipeline.tryon_figures import draw_person

CLOTH, CREASE, OLD = (150.0, 75.0, 35.0), 0.5, (20, 30, 200)
SHADED = 0.6


@pytest.fixture(scope="module")
def body() -> Body:
    return _fit(draw_person(), leak_free=False).body


@pytest.fixture(scope="module")
def worn(body: Body) -> tuple[Evidence, BodyFields, F32, int]:
    """Return trousers with a crease, below a top that hangs over them with a shadow; its place, and its hem's row."""
    person = draw_person()
    shape = (person.photo.size[1], person.photo.size[0])
    fields = measure_fields(body, shape)
    hem = int(body.axis(np.array([1.0 * body.length]))[0][1])
    inside = np.abs(fields.lateral) < 0.4 * body.size
    labels = np.zeros(shape, np.uint8)
    rows = np.arange(shape[0])[:, None]
    labels[inside & (rows < hem)], labels[inside & (rows >= hem)] = Cihp.UPPER, Cihp.TROUSERS
    rgb = np.full((*shape, 3), 225, np.uint8)
    shade = 1 - (1 - SHADED) * np.clip(1 - (rows - hem) / (0.1 * body.size), 0, 1)
    cloth = np.array(CLOTH) * shade[..., None] * np.ones((1, shape[1], 1))
    crease = np.abs(fields.lateral - 0.15 * body.size) < 1.5
    cloth = np.where(crease[..., None], CREASE * cloth, cloth)
    rgb = np.where(inside[..., None], np.where((rows < hem)[..., None], OLD, cloth), rgb).astype(np.uint8)
    removed = (inside & (rows < hem + 3)).astype(np.float32)
    return Evidence(rgb, inside.astype(np.float32), labels, leak_free=False), fields, removed, hem


def _continued(body: Body, worn: tuple[Evidence, BodyFields, F32, int]) -> Continued:
    evidence, fields, removed, _ = worn
    return continue_lower((body, evidence, fields), removed, 0.75 * body.length, hangs=True)


def test_trousers_go_on_in_their_own_colour_without_the_old_hems_shadow(
    body: Body, worn: tuple[Evidence, BodyFields, F32, int]
) -> None:
    evidence, _, removed, hem = worn
    found = _continued(body, worn)
    column = round(float(body.axis(np.array([body.length]))[0][0])) - 12
    assert found.gain is not None
    whole = np.where(removed[..., None] > 0, found.rgb, evidence.rgb * found.gain)
    line = whole[hem - 40 : hem + 40, column]
    assert np.abs(line - CLOTH).max() < 0.14 * max(CLOTH)
    assert np.abs(np.diff(line[:, 0])).max() < 8  # nothing tells where the old hem was
    assert found.coverage[hem - 30, column] > 0.99


def test_a_crease_goes_on_to_the_waist(body: Body, worn: tuple[Evidence, BodyFields, F32, int]) -> None:
    _, fields, _, hem = worn
    found = _continued(body, worn)
    row = found.rgb[hem - 25, :, 0]
    columns = np.flatnonzero(np.abs(fields.lateral[hem - 25] - 0.15 * body.size) < 0.06 * body.size)
    assert row[columns].min() < 0.8 * CLOTH[0]


def test_what_stands_between_the_flanks_is_never_background(
    body: Body, worn: tuple[Evidence, BodyFields, F32, int]
) -> None:
    evidence, fields, removed, hem = worn
    holed = evidence.alpha.copy()
    column = round(float(body.axis(np.array([body.length]))[0][0]))
    holed[hem - 5 : hem + 5, column - 5 : column + 5] = 0
    found = continue_lower((body, replace(evidence, alpha=holed), fields), removed, 0.75 * body.length, hangs=True)
    assert found.coverage[hem, column] > 0.99


def test_the_darkest_of_the_shadow_goes_with_a_top_that_hangs(
    body: Body, worn: tuple[Evidence, BodyFields, F32, int]
) -> None:
    evidence, fields, _, hem = worn
    layers = take_apart(body, evidence, LayerOrder(), fields)
    column = round(float(body.axis(np.array([body.length]))[0][0]))
    assert layers.hangs
    assert layers.removed[hem + 6, column] > 0.9
    unseen = take_apart(body, replace(evidence, leak_free=True), LayerOrder(), fields)
    assert unseen.removed[hem + 8, column] < 0.1


def test_trousers_seen_only_far_below_the_waist_leave_nothing_of_a_long_old_top(
    body: Body, worn: tuple[Evidence, BodyFields, F32, int]
) -> None:
    evidence, fields, _, _ = worn
    low = fields.depth > 0.75 * body.length + 1.35 * body.size
    labels = np.where(
        low & (evidence.labels > 0), np.uint8(Cihp.TROUSERS), np.where(evidence.labels > 0, np.uint8(Cihp.UPPER), 0)
    )
    rgb = np.where(
        (labels == Cihp.UPPER)[..., None], np.uint8(OLD), np.where(low[..., None], np.uint8(CLOTH), evidence.rgb)
    )
    coat = replace(evidence, labels=labels.astype(np.uint8), rgb=rgb.astype(np.uint8))
    assert (labels == Cihp.TROUSERS).sum() > 0.01 * body.size**2
    found = continue_lower(
        (body, coat, fields), (labels == Cihp.UPPER).astype(np.float32), 0.75 * body.length, hangs=True
    )
    painted = found.rgb[(found.coverage > 0.9) & (labels == Cihp.UPPER)]
    assert np.abs(painted - CLOTH).max() < 30


def test_under_the_end_of_a_tie_trousers_reach_the_hand_that_lies_on_them(
    body: Body, worn: tuple[Evidence, BodyFields, F32, int]
) -> None:
    evidence, fields, removed, hem = worn
    labels, rgb, alpha, cover = (plane.copy() for plane in (evidence.labels, evidence.rgb, evidence.alpha, removed))
    rows, out = np.arange(labels.shape[0])[:, None], fields.lateral / body.size
    below = rows >= hem
    wide, tie, fingers = (
        below & (out >= first - 0.01) & (out < last) for first, last in ((0.4, 0.46), (0.46, 0.7), (0.7, 0.85))
    )
    fingers &= rows > hem + 10
    for area, label, colour in ((wide, Cihp.TROUSERS, CLOTH), (tie, Cihp.UPPER, OLD), (fingers, Cihp.LEFT_ARM, OLD)):
        labels[area], rgb[area], alpha[area] = label, colour, 1.0
    cover[tie] = 1.0
    along = np.where(fingers, 2.0, fields.along[1]).astype(np.float32)
    person = (body, Evidence(rgb, alpha, labels, leak_free=False), replace(fields, along=(fields.along[0], along)))
    found = continue_lower(person, cover, 0.75 * body.length, hangs=True)
    under = (out > 0.5) & (out < 0.67) & (rows > hem + 20) & (rows < hem + 60)
    assert found.coverage[under].min() > 0.9
    assert found.rgb[under].min(axis=0)[0] > 0.5 * CLOTH[0]  # no black where cloth from beside ends
