"""What a reviewer is told of a look beside its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.domain.artefacts import Category, PhotoRole
from studio.jobs import compare
from studio.jobs.workspace import Workspace
from studio.library.records import Filter
from studio.pipeline.residue import Residue
from tests.fakes import Bench, FakeModels, draw_photo


def test_traces_of_the_old_garment_are_told_however_small(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_photo(tmp_path / "models" / "m.png", 0)
    draw_photo(tmp_path / "garments" / "g.png", 4)
    with Workspace.create(tmp_path / "project", models=FakeModels()) as workspace:
        for role, name in ((PhotoRole.MODEL, "models"), (PhotoRole.GARMENT, "garments")):
            workspace.import_photos([tmp_path / name], role)
        ids = [workspace.library.photo_ids(Filter(role=role)) for role in (PhotoRole.MODEL, PhotoRole.GARMENT)]
        workspace.queue_all(*ids)
        workspace.run_queue()
        look = workspace.library.look_ids()[0]
        assert 0.0 <= compare.look_residue(workspace, look) <= 1.0
        seen: list[Any] = []

        def found(*given: Any) -> Residue:
            seen.extend(given)
            return Residue(0.001, 0.001, np.zeros((1, 1), bool))

        monkeypatch.setattr(compare, "find_residue", found)
        assert compare.look_residue(workspace, look) == 0.001, "below what is a reason for doubt, too"
        assert seen[0].shape == seen[1].pixels.shape and seen[4] is Category.TOP
