"""A hand in a pocket: the new garment hides it where the old one did."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import PersonArtefacts
from studio.domain.edits import LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.blend import blend_look
from studio.pipeline.tryon.drape import DRAPE
from studio.pipeline.tryon.draping.lower_dress import fit_lower
from studio.pipeline.tryon.draping.pockets import find_pockets
from tests.pipeline.lower_figures import (
    NAVY,
    NEW,
    SKIN,
    TROUSERS,
    draw_standing,
    lower_garment,
    make_pose,
    person_of,
)
from tests.pipeline.tryon_figures import BACKDROP, context

KNUCKLES = (88, 238)


def _hand_in_pocket() -> PersonArtefacts:
    """Return the drawn person with the right forearm going into trousers that bulge with the hand."""
    person = draw_standing()
    labels, rgb = person.parse.labels.copy(), person.photo.rgb8.copy()
    arm = labels == Cihp.RIGHT_ARM
    labels[arm], rgb[arm] = Cihp.BACKGROUND, BACKDROP
    cv2.polylines(labels, [np.array([(106, 104), (84, 160), (98, 218)])], False, int(Cihp.RIGHT_ARM), 15)
    rgb[labels == Cihp.RIGHT_ARM] = SKIN
    pocket = np.zeros(labels.shape, np.uint8)
    cv2.fillPoly(pocket, [np.array([(112, 205), (86, 228), KNUCKLES, (94, 262), (102, 300), (120, 300)])], 1)
    labels[pocket > 0], rgb[pocket > 0] = Cihp.TROUSERS, NAVY
    pose = make_pose({"right_elbow": (84, 160), "right_wrist": (98, 218)})
    return person_of(rgb, labels, pose)


@pytest.fixture(scope="module")
def person() -> PersonArtefacts:
    return _hand_in_pocket()


def test_a_hand_that_the_old_cloth_hides_is_in_a_pocket_and_one_that_is_seen_is_not(person: PersonArtefacts) -> None:
    fitting = fit_lower(person)
    left, right = find_pockets(fitting.legs.body, fitting.evidence)
    assert left is not None
    assert right is None
    fitting = fit_lower(draw_standing())
    assert find_pockets(fitting.legs.body, fitting.evidence) == (None, None)


def test_narrower_trousers_still_hide_the_hand(person: PersonArtefacts) -> None:
    garment = lower_garment(TROUSERS)
    tryon = DRAPE.dress(person, garment, context(), layers=LayerOrder())
    look = blend_look(person.photo, person.cutout, tryon)
    x, y = KNUCKLES
    beside = look.rgb8[y - 4 : y + 5, x + 3 : x + 12].astype(int)
    assert (np.abs(beside - NEW).max(axis=2) < 60).all()
    # Below the fingers the cloth falls back to the leg.
    assert (np.abs(look.rgb8[330, 80:98].astype(int) - BACKDROP).max(axis=1) < 30).all()


def test_a_pocket_pushes_outwards_only(person: PersonArtefacts) -> None:
    fitting = fit_lower(person)
    pocket = find_pockets(fitting.legs.body, fitting.evidence)[0]
    assert pocket is not None
    depth = np.append(pocket.depth, pocket.depth[-1] + 50)
    wide, narrow = (pocket.push(depth, np.full(len(depth), edge)) for edge in (1e3, 0.0))
    assert not wide.any()
    assert narrow[:-1].min() > 0
    assert narrow[-1] == 0
    assert replace(pocket, reach=pocket.reach - 1e3).push(depth, np.zeros(len(depth))).max() == 0
