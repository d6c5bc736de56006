"""Why two looks differ: their provenance laid side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from studio.domain.edits import Edit, to_json
from studio.domain.jsonable import encode
from studio.domain.keys import Json
from studio.library.records import LookRecord


class Cause(StrEnum):
    """What kind of thing differs."""

    INPUT = "input"  # another photo
    IMPLEMENTATION = "implementation"  # another engine or network for a stage
    VERSION = "version"  # the same stage, changed by a newer program
    SETTING = "setting"
    MODEL = "model"  # weights
    EDIT = "edit"  # hand corrections
    FALLBACK = "fallback"  # one of them had to make do with less


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. where: the slot ("parse", "garment_edges") or side; what: which setting, model, ...

    first, second: the values, "" where a side has none.
    """

    cause: Cause
    where: str
    what: str
    first: str
    second: str


def compare_looks(first: LookRecord, second: LookRecord) -> tuple[Difference, ...]:
    """Return the root causes; a stage that differs only because its inputs do is not listed."""
    found: list[Difference] = []
    for where, one, other in (
        ("model", first.model_sha256, second.model_sha256),
        ("garment", first.garment_sha256, second.garment_sha256),
    ):
        if one != other:
            found.append(Difference(Cause.INPUT, where, "photo", one, other))
    found.extend(_edit_differences(first, second))
    ones = {step.slot: step.record for step in first.steps}
    others = {step.slot: step.record for step in second.steps}
    for slot in sorted(ones.keys() | others.keys()):
        one_record, other_record = ones.get(slot), others.get(slot)
        if one_record is None or other_record is None:
            continue  # an edited stage brings a step of its own: listed as the edit
        if one_record.implementation != other_record.implementation:
            values = (one_record.implementation, other_record.implementation)
            if "edit" not in values:
                found.append(Difference(Cause.IMPLEMENTATION, slot, slot, *values))
            continue
        if one_record.version != other_record.version:
            values = (str(one_record.version), str(other_record.version))
            found.append(Difference(Cause.VERSION, slot, slot, *values))
        found.extend(_mapping_differences(Cause.SETTING, slot, one_record.params, other_record.params))
        uses = ({use.id: use.sha256 for use in one_record.models}, {use.id: use.sha256 for use in other_record.models})
        found.extend(_mapping_differences(Cause.MODEL, slot, *uses))
        notes = (
            {note.key: encode(note.values) for note in one_record.fallbacks},
            {note.key: encode(note.values) for note in other_record.fallbacks},
        )
        found.extend(_mapping_differences(Cause.FALLBACK, slot, *notes))
    return tuple(found)


def _edit_differences(first: LookRecord, second: LookRecord) -> Iterator[Difference]:
    sides = (
        ("model", first.edits.model, second.edits.model),
        ("garment", first.edits.garment, second.edits.garment),
        ("pair", first.edits.pair, second.edits.pair),
    )
    for where, ones, others in sides:
        shared = 0
        while shared < min(len(ones), len(others)) and ones[shared] == others[shared]:
            shared += 1
        for edit in ones[shared:]:
            yield Difference(Cause.EDIT, where, type(edit).__name__, _edit_text(edit), "")
        for edit in others[shared:]:
            yield Difference(Cause.EDIT, where, type(edit).__name__, "", _edit_text(edit))


def _edit_text(edit: Edit) -> str:
    return json.dumps(to_json(edit), ensure_ascii=False)


def _mapping_differences(
    cause: Cause, where: str, ones: Mapping[str, Json], others: Mapping[str, Json]
) -> Iterator[Difference]:
    for what in sorted(ones.keys() | others.keys()):
        if ones.get(what) != others.get(what):
            yield Difference(cause, where, what, _text(ones.get(what)), _text(others.get(what)))


def _text(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
