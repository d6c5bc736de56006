"""Looks for the library's tests, without a pipeline."""

from __future__ import annotations

import hashlib

import numpy as np

from studio.domain.artefacts import Confidence, ParseMap
from studio.domain.keys import ArtefactKey, ArtefactRecord, ModelUse, Note
from studio.domain.recipe import Recipe, StageChoice
from studio.library.library import Library
from studio.library.records import LookEdits, LookRecord, LookStep


def key_of(stage: str, text: str) -> ArtefactKey:
    return ArtefactKey(stage, hashlib.sha256(text.encode()).hexdigest())


def make_record(library: Library, pair_id: str, text: str, *, commercial: bool = True) -> LookRecord:
    """Return a look record as a run would make it, with the edits as they are now, and put its blob on disk."""
    pair = library.pair(pair_id)
    model, garment = library.photo(pair.model_id), library.photo(pair.garment_id)
    use = ModelUse("u2netp", "ab" * 32, "Apache-2.0" if commercial else "CC-BY-NC-4.0", commercial)
    parse = ArtefactRecord(
        key_of("parse", f"{model.sha256}"),
        "fusion",
        2,
        {"smooth": 3, "names": ["a", "b"]},
        {"photo": ArtefactKey("photo", model.sha256)},
        models=(use,),
        fallbacks=(Note("parse.no_cloth_seg", {"file": model.name}),),
        duration_s=0.5,
        created_at="2026-01-01T00:00:00+00:00",
    )
    look = ArtefactRecord(key_of("look", pair_id + text), "native_blend", 1, {}, {"parse": parse.key}, duration_s=0.1)
    library.store.put(look.key, ParseMap(np.zeros((2, 3), np.uint8)), look)
    return LookRecord(
        key=look.key,
        model_sha256=model.sha256,
        garment_sha256=garment.sha256,
        recipe=Recipe(
            "Standard", {"parse": StageChoice("fusion", {"smooth": 3, "names": ["a", "b"], "deep": {"x": 1}})}
        ),
        steps=(LookStep("parse", parse), LookStep("look", look)),
        engine="drape",
        confidence=Confidence(0.7, (Note("tryon.turned", {"degrees": "40"}),)),
        edits=LookEdits(
            library.edits(model.id),
            library.edits(garment.id),
            library.edits(pair_id),
            library.edits_digest(model.id, garment.id, pair_id),
        ),
        duration_s=1.5,
    )


def add_look(library: Library, model_id: str, garment_id: str, text: str = "", *, commercial: bool = True) -> str:
    """Pair, blob and look in one go; returns the look's id."""
    pair = library.add_pairs([(model_id, garment_id)]).created[0]
    return library.record_look(pair, make_record(library, pair, text, commercial=commercial)).created[0]
