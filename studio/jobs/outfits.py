"""Outfits: a look is taken as the model of the next one, so that trousers follow a top and a jacket a dress."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from studio.domain.artefacts import PhotoRole
from studio.domain.errors import JobError
from studio.domain.progress import Progress
from studio.jobs.scenes import load_look
from studio.media.encode import EncodeOptions, ImageFormat, write_image

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace


def take_as_model(workspace: Workspace, look_id: str, progress: Progress | None = None) -> str:
    """Return the id of a model photo with a look's own pixels; the same look gives the same photo.

    The photo stands for itself: later corrections of the first look do not reach it; take the corrected look again.

    Raises:
        JobError: there is no such look, or models that forbid commercial use took part, which a photo could not say.
        StudioError: the project's folder refuses.
    """
    row = workspace.library.look(look_id)
    if not row.commercial:
        raise JobError("job.noncommercial", name=row.name)
    look = load_look(workspace, look_id, progress=progress)
    name = re.sub(r"[^\w.+ -]", "", row.name.replace("–", "+")).strip() or "look"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{re.sub(' +', ' ', name)}.png"
        write_image(file, look.pixels, EncodeOptions(ImageFormat.PNG), exif=look.exif, icc=look.icc)
        report = workspace.import_photos([file], PhotoRole.MODEL, copy=True, progress=progress)
    if report.failed:
        raise report.failed[0].error
    return report.imported[0] if report.imported else report.duplicates[0][1]
