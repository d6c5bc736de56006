"""Frozen dataclasses survive JSON, and what does not fit is refused."""

from __future__ import annotations

import json

import pytest

from studio.domain import edits
from studio.domain.errors import ArtefactError
from studio.domain.geometry import Grade, Placement, Shadow
from studio.domain.jsonable import decode, encode
from studio.domain.keys import ArtefactKey, ArtefactRecord, ModelUse, Note
from studio.domain.recipe import Recipe, StageChoice

RECORD = ArtefactRecord(
    ArtefactKey("parse", "ab" * 32),
    "fusion",
    3,
    {"strength": 0.5, "nested": {"list": [1, "two", None]}},
    {"photo": ArtefactKey("photo", "cd" * 32)},
    edits=("e1",),
    models=(ModelUse("u2netp", "00", "Apache-2.0", True),),
    fallbacks=(Note("parse.no_cloth_seg", {"name": "x"}),),
    duration_s=1.25,
)
VALUES = [
    RECORD,
    Placement(x=0.25, shadow=Shadow(cast=0.0), grade=Grade(strength=1.0)),
    Recipe("Mine", {"parse": StageChoice("schp_lip", {"size": 473})}),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_round_trip_through_json_text(value: object) -> None:
    assert decode(type(value), json.loads(json.dumps(encode(value)))) == value


EDITS = [
    edits.MaskStroke(((1.0, 2.0), (3.5, 4.0)), edits.StrokeMode.ADD, radius=7),
    edits.MaskFill(1.0, 2.0, 8.0, edits.StrokeMode.SUBTRACT, edits.MaskTarget.EDIT),
    edits.MaskRegion((((0.0, 0.0), (4.0, 0.0), (4.0, 4.0)), ((1.0, 1.0), (2.0, 1.0))), edits.StrokeMode.ADD, 0.5),
    edits.MaskOp(edits.MaskOpKind.FEATHER, 3.0),
    edits.ParseStroke(((0.0, 0.0),), 14, locked=(13, 2)),
    edits.KeypointMove("left_wrist", 10.0, 20.0),
    edits.LandmarkMove("hem_left", 1.0, 1.0),
    edits.GarmentOverride(category="dress"),
    edits.LayerOrder(edits.HemStyle.TUCKED, over=("hair",)),
    edits.PlacementEdit("background-id", Placement()),
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: type(edit).__name__)
def test_every_edit_round_trips_and_knows_its_stage(edit: edits.Edit) -> None:
    again = edits.from_json(json.loads(json.dumps(edits.to_json(edit))))
    assert again == edit
    assert edits.edit_digest(again) == edits.edit_digest(edit)
    assert edits.stage_of(edit)


def test_edit_digest_tells_edits_apart() -> None:
    assert len({edits.edit_digest(edit) for edit in EDITS}) == len(EDITS)


def test_mask_edit_on_the_edit_mask_belongs_to_the_tryon() -> None:
    assert edits.stage_of(EDITS[1]) == "tryon"
    assert edits.stage_of(EDITS[0]) == "edges"


@pytest.mark.parametrize(
    "value", [{"x": "left"}, {"unknown": 1}, [], {"shadow": {"contact": "dark"}}], ids=["type", "field", "list", "deep"]
)
def test_misfit_is_refused(value: object) -> None:
    with pytest.raises(ArtefactError):
        decode(Placement, value)  # type: ignore[arg-type]


def test_unknown_edit_kind_is_refused() -> None:
    with pytest.raises(ArtefactError, match="edit.unknown"):
        edits.from_json({"edit": "Explode"})
