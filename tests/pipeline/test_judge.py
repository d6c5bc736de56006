"""What is said of a pair before it is dressed: the reasons are of what the engine will really have to do."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import Category, ParseMap, PersonArtefacts
from studio.domain.labels import Cihp
from studio.pipeline.tryon.drape import DRAPE
from studio.pipeline.tryon.draping.judge import TOLD, judge
from studio.pipeline.tryon.draping.relax import STRETCH_LIMIT
from tests.pipeline.tryon_figures import LONG, TEE, draw_person, dressed_garment, make_pose

ACROSS = (150.0, 250.0)


def _crossing(*, bare: bool) -> PersonArtefacts:
    """Return a person whose left forearm lies across the trunk, bare or sleeved."""
    person, labels = draw_person(), draw_person().parse.labels.copy()
    if bare:
        cv2.line(labels, (272, 250), (int(ACROSS[0]), int(ACROSS[1])), int(Cihp.LEFT_ARM), 15)
    return replace(person, pose=make_pose({"left_wrist": ACROSS}), parse=ParseMap(labels))


def test_a_bare_forearm_across_the_trunk_is_told_and_not_doubted() -> None:
    tee, long = dressed_garment(TEE), dressed_garment(LONG)
    kept = DRAPE.assess(_crossing(bare=True), tee)
    assert "tryon.arm_across" in [note.key for note in kept.reasons] and kept.score == pytest.approx(TOLD)
    for person, garment in ((_crossing(bare=False), tee), (_crossing(bare=True), long)):
        assert DRAPE.assess(person, garment).score <= 0.5, "a sleeve is to be taken off or put on it"


def test_a_seated_persons_top_is_told_and_not_doubted() -> None:
    seated = replace(draw_person(), pose=make_pose({"right_knee": (110.0, 380.0), "left_knee": (270.0, 385.0)}))
    top = dressed_garment(LONG)
    dress = replace(top, garment=replace(top.garment, category=Category.DRESS))
    found = DRAPE.assess(seated, top)
    assert "tryon.seated" in [note.key for note in found.reasons] and found.score == pytest.approx(TOLD)
    assert judge(seated, dress, None).score <= 0.35


def test_an_arm_that_goes_into_a_pocket_needs_no_hand() -> None:
    person = draw_person()
    labels = person.parse.labels.copy()
    labels[np.isin(labels, (Cihp.RIGHT_ARM, Cihp.LEFT_ARM))] = Cihp.UPPER
    hidden = replace(person, parse=ParseMap(labels.copy()))
    assert "tryon.arms_hidden" in [note.key for note in DRAPE.assess(hidden, dressed_garment(TEE)).reasons]
    labels[345:] = np.where(labels[345:] > 0, Cihp.TROUSERS, 0)
    pockets = replace(person, parse=ParseMap(labels))
    reasons = [note.key for note in DRAPE.assess(pockets, dressed_garment(TEE)).reasons]
    assert "tryon.arms_hidden" not in reasons and "tryon.arms_painted" in reasons


@pytest.mark.parametrize(("stretch", "told"), [(STRETCH_LIMIT - 0.01, False), (STRETCH_LIMIT + 0.05, True)])
def test_cloth_stretched_beyond_the_limit_is_said(stretch: float, told: bool) -> None:
    placed = SimpleNamespace(relaxed=SimpleNamespace(folded=0, stretch=stretch))
    confidence = judge(draw_person(), dressed_garment(TEE), placed)  # type: ignore[arg-type]  # nothing else is asked
    said = {note.key: dict(note.values) for note in confidence.reasons}
    assert ("tryon.stretched" in said) is told
    if told:
        assert said["tryon.stretched"]["percent"] == "65" and confidence.score <= 0.7


def test_a_long_sleeve_that_ends_at_a_hand_nobody_sees_is_doubted() -> None:
    person, long = draw_person(), dressed_garment(LONG)
    labels = person.parse.labels.copy()
    labels[labels == Cihp.LEFT_ARM] = Cihp.TROUSERS
    pocket = replace(person, parse=ParseMap(labels))
    found = DRAPE.assess(pocket, long)
    assert found.reasons[0].key == "tryon.hand_hidden" and found.score <= 0.6
    for seen, garment in ((person, long), (pocket, dressed_garment(TEE))):
        assert "tryon.hand_hidden" not in [note.key for note in DRAPE.assess(seen, garment).reasons]
    below = replace(pocket, pose=make_pose({"left_wrist": (292, 505)}))
    assert "tryon.hand_hidden" not in [note.key for note in DRAPE.assess(below, long).reasons], "out of the picture"
