"""An outfit through the door a user takes: a top, then an open jacket over that look, which shows between panels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from studio.jobs.scenes import load_look
from studio.jobs.workspace import Workspace
from studio.library.records import Filter
from studio.media.resources import resource_path
from tests.cli.conftest import Studio
from tests.pipeline.test_fronts import draw_open


def test_an_open_jacket_goes_over_a_dressed_look(project: Path, studio: Studio, tmp_path: Path) -> None:
    jacket = tmp_path / "jacket.png"
    Image.fromarray(draw_open()[0].rgb8).save(jacket)
    samples = resource_path("samples")
    assert studio("import", "models", samples / "models" / "model_mira.jpg", "-p", project).code == 0
    assert studio("import", "garments", samples / "garments" / "tee_sunrise.jpg", "-p", project).code == 0
    assert studio("dress", "--all", "-p", project).code == 0
    assert studio("import", "garments", jacket, "-p", project).code == 0
    with Workspace.open(project, read_only=True) as workspace:
        first = workspace.library.look_ids(Filter())[0]
    said = studio("dress", "--over", first, "--garment", "jacket", "-p", project, "--json")
    assert said.code == 0
    with Workspace.open(project, read_only=True) as workspace:
        inner = load_look(workspace, first)
        outer = load_look(workspace, said.json()["looks"][0]["id"])
    panels, tee = outer.garment_mask > 250, inner.garment_mask > 250
    framed = np.zeros_like(panels)
    for row in np.flatnonzero(panels.any(axis=1)):
        columns = np.flatnonzero(panels[row])
        framed[row, columns[0] : columns[-1]] = True
    shown = framed & tee & (outer.garment_mask == 0)
    assert shown.sum() > 0.1 * tee.sum()
    change = np.abs(outer.rgb8[shown].astype(int) - inner.rgb8[shown]).max(axis=1)
    assert np.median(change) <= 2 and np.percentile(change, 95) < 60
    assert panels.sum() > 0.5 * tee.sum()
