"""Corrections by hand on a dressed sample, with the real engine: each makes again what depends on it, and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.domain.artefacts import Look, PhotoRole
from studio.domain.edits import HemStyle, LandmarkMove, LayerOrder, MaskStroke, MaskTarget, StrokeMode
from studio.jobs.scenes import load_look
from studio.jobs.workspace import Workspace
from studio.jobs.worn import say
from studio.library.records import Filter
from studio.media.resources import resource_path


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """One model in one tee."""
    samples = resource_path("samples")
    with Workspace.create(tmp_path / "project") as made:
        made.import_photos([samples / "models" / "model_mira.jpg"], PhotoRole.MODEL)
        made.import_photos([samples / "garments" / "tee_sunrise.jpg"], PhotoRole.GARMENT)
        made.queue_all(*(made.library.photo_ids(Filter(role=role)) for role in (PhotoRole.MODEL, PhotoRole.GARMENT)))
        made.run_queue()
        yield made


def test_only_what_depends_on_a_correction_is_made_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    library, made = workspace.library, Counter[str]()
    store = type(library.store)
    put = store.put

    def count(self: object, key: object, *rest: object) -> None:
        made[key.stage] += 1  # type: ignore[attr-defined]  # an ArtefactKey
        put(self, key, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "put", count)

    def renewed() -> tuple[dict[str, int], Look]:
        made.clear()
        assert len(library.stale_look_ids()) == 1
        workspace.redress()
        workspace.run_queue()
        return dict(made), load_look(workspace, library.look_ids()[0])

    first = load_look(workspace, library.look_ids()[0])
    garment = library.photo_ids(Filter(role=PhotoRole.GARMENT))[0]
    x, y = workspace.artefact(garment, "garment").landmarks["hem_left"]  # type: ignore[union-attr]
    library.add_edit(garment, LandmarkMove("hem_left", x, y - 60))
    stages, moved = renewed()
    assert stages == {"garment": 1, "tryon": 1, "look": 1}
    assert _worn(moved, first) > 500
    say(workspace, library.look_ids(), LayerOrder, lambda before: replace(before, hem=HemStyle.TUCKED))
    stages, tucked = renewed()
    assert stages == {"tryon": 1, "look": 1} and _worn(tucked, moved) > 500
    middle = np.argwhere(tucked.edit_mask > 0).mean(axis=0)
    stroke = MaskStroke(((float(middle[1]), float(middle[0])),), StrokeMode.SUBTRACT, radius=25, target=MaskTarget.EDIT)
    library.add_edit(library.look(library.look_ids()[0]).pair_id, stroke)
    stages, spared = renewed()
    assert stages == {"tryon": 1, "look": 1}
    photo = workspace.artefact(library.look_ids()[0], "photo").rgb8  # type: ignore[union-attr]
    assert (spared.edit_mask > 0).sum() < (tucked.edit_mask > 0).sum() - 800
    assert np.array_equal(spared.rgb8[spared.edit_mask == 0], photo[spared.edit_mask == 0])


def _worn(one: Look, other: Look) -> int:
    """Return where one look shows the garment and the other does not, in pixels."""
    return int(((one.garment_mask > 128) != (other.garment_mask > 128)).sum())
