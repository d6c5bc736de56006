"""Where a top meets a lower garment: the parse map's border gives way to the cloths' own colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studio.domain.arrays import U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.pose_body import read_torso
from studio.pipeline.tryon.draping.body import Body, Evidence, estimate_body
from studio.pipeline.tryon.draping.cloths import part_cloths
from studio.pipeline.tryon.draping.fields import BodyFields, measure_fields
from studio.pipeline.tryon.draping.view import choose_view
from tests.pipeline.tryon_figures import JEANS, OLD_TOP, draw_person

WAIST = 330
"""The row of the drawn person at which the top ends."""


@pytest.fixture(name="person", scope="module")
def _person() -> tuple[Body, Evidence, BodyFields]:
    drawn = draw_person()
    torso = read_torso(drawn.pose)
    assert torso is not None
    view = choose_view(drawn.photo, torso, 0.0)
    evidence = Evidence(
        drawn.photo.rgb8[view.box.slices],
        drawn.cutout.alpha[view.box.slices],
        drawn.parse.labels[view.box.slices],
        leak_free=False,
    )
    body = estimate_body(drawn.pose, view, evidence)
    assert body is not None
    return body, evidence, measure_fields(body, (evidence.labels.shape[0], evidence.labels.shape[1]))


def _piece(evidence: Evidence, rows: tuple[int, int], columns: tuple[int, int]) -> Bool:
    piece = np.zeros(evidence.labels.shape, bool)
    piece[rows[0] : rows[1], columns[0] : columns[1]] = True
    return piece


def _part(person: tuple[Body, Evidence, BodyFields], evidence: Evidence) -> U8:
    return part_cloths(evidence, person[2], person[0].size)


def _top_row(evidence: Evidence) -> int:
    middle = evidence.labels.shape[1] // 2
    return int(np.argmax(evidence.labels[:, middle] == Cihp.TROUSERS))


def test_a_waistband_called_top_is_the_trousers_again(person: tuple[Body, Evidence, BodyFields]) -> None:
    evidence = person[1]
    row, middle = _top_row(evidence), evidence.labels.shape[1] // 2
    band = _piece(evidence, (row, row + 14), (middle - 24, middle + 24))
    wrong = replace(evidence, labels=np.where(band, np.uint8(Cihp.UPPER), evidence.labels))

    found = _part(person, wrong)

    assert (found[band] == Cihp.TROUSERS).mean() > 0.9
    assert (found[~band] == evidence.labels[~band]).all()


def test_a_hem_called_trousers_is_the_top_again(person: tuple[Body, Evidence, BodyFields]) -> None:
    evidence = person[1]
    row, middle = _top_row(evidence), evidence.labels.shape[1] // 2
    hem = _piece(evidence, (row - 14, row), (middle - 24, middle + 24))
    wrong = replace(evidence, labels=np.where(hem, np.uint8(Cihp.TROUSERS), evidence.labels))

    found = _part(person, wrong)

    assert (found[hem] == Cihp.UPPER).mean() > 0.9


def test_a_print_in_the_trousers_colour_stays_on_the_top(person: tuple[Body, Evidence, BodyFields]) -> None:
    evidence = person[1]
    row, middle = _top_row(evidence), evidence.labels.shape[1] // 2
    drawn = _piece(evidence, (row - 20, row), (middle - 5, middle + 5))
    rgb = np.where(drawn[..., None], np.array(JEANS, np.uint8), evidence.rgb)
    labels = np.where(drawn, np.uint8(Cihp.TROUSERS), evidence.labels)

    found = _part(person, replace(evidence, rgb=rgb, labels=labels))

    assert (found[drawn] == Cihp.UPPER).all()


def test_cloths_of_one_colour_stay_as_they_are_labelled(person: tuple[Body, Evidence, BodyFields]) -> None:
    evidence = person[1]
    cloth = np.isin(evidence.labels, (Cihp.TROUSERS, Cihp.UPPER))
    rgb = np.where(cloth[..., None], np.array(OLD_TOP, np.uint8), evidence.rgb)

    assert (_part(person, replace(evidence, rgb=rgb)) == evidence.labels).all()
