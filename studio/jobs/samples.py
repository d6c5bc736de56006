"""The shipped samples: what they are and where they stand, from `resources/samples/samples.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.domain.artefacts import PhotoRole
from studio.domain.geometry import Placement
from studio.domain.progress import Progress
from studio.library.records import Changes
from studio.media.resources import resource_path

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Sample:
    """One shipped picture. places: for backgrounds, a placement by how much of a model is seen: "full", "half"."""

    file: Path
    role: PhotoRole
    framing: str = ""
    places: Mapping[str, Placement] | None = None


def shipped_samples() -> list[Sample]:
    """Return the samples that ship with the program."""
    root = resource_path("samples")
    table = tomllib.loads((root / "samples.toml").read_text("utf-8"))
    found = [Sample(root / row["file"], PhotoRole.MODEL, framing=row["framing"]) for row in table["models"]]
    found += [Sample(root / row["file"], PhotoRole.GARMENT) for row in table["garments"]]
    for row in table["backgrounds"]:
        places = {
            name: Placement(x=float(at["x"]), y=float(at["y"]), scale=float(at["scale"]))
            for name, at in row["placement"].items()
        }
        found.append(Sample(root / row["file"], PhotoRole.BACKGROUND, places=places))
    return found


def import_samples(workspace: Workspace, progress: Progress | None = None) -> Changes:
    """Take the samples into a project, the backgrounds with their named placements."""
    told = progress or Progress.silent()
    samples = shipped_samples()
    changes = Changes()
    for number, sample in enumerate(samples):
        told.report(number / len(samples), "import")
        report = workspace.import_photos([sample.file], sample.role)
        changes |= report.changes
        if report.failed:
            raise report.failed[0].error
        known = [*report.imported, *(photo_id for _, photo_id in report.duplicates)]
        for name, placement in (sample.places or {}).items():
            changes |= workspace.library.save_placement(known[0], name, placement)
    return changes


def place_for(model_name: str) -> str:
    """Return which of a sample background's named placements suits a sample model."""
    framings = {sample.file.name: sample.framing for sample in shipped_samples() if sample.role is PhotoRole.MODEL}
    return framings.get(model_name, "half")
