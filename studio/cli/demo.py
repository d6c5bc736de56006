"""`studio demo`: the main job from end to end on the shipped samples."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from studio.cli.console import ExitCode, out, progress_bar
from studio.cli.dress import report, run_queue
from studio.cli.scenes import file_name
from studio.domain.artefacts import PhotoRole
from studio.jobs.samples import import_samples, place_for
from studio.jobs.scenes import load_look
from studio.jobs.workspace import Workspace
from studio.library.library import DATABASE
from studio.library.records import Filter, LookRow
from studio.media.encode import write_image


def demo(
    to: Annotated[Path, typer.Option("--out", "-o", help="Where the project and the pictures go.")] = Path(
        "fitting-studio-demo"
    ),
) -> int:
    """Dress the sample models, place them on backgrounds, and write the pictures with their intermediates."""
    started = time.perf_counter()
    folder = to / "project"
    to.mkdir(parents=True, exist_ok=True)
    opened = Workspace.open(folder) if (folder / DATABASE).is_file() else Workspace.create(folder, "Demo")
    with opened as workspace:
        with progress_bar("Importing the samples") as progress:
            import_samples(workspace, progress)
        library = workspace.library
        ids = {role: library.photo_ids(Filter(role=role)) for role in PhotoRole}
        workspace.queue.resume()
        workspace.queue_all(ids[PhotoRole.MODEL], ids[PhotoRole.GARMENT])
        view = run_queue(workspace, quiet=False)
        code = report(workspace, view, [], as_json=False)
        with progress_bar("Composing") as progress:
            rows = library.looks(library.look_ids(Filter()))
            for number, row in enumerate(rows):
                progress.report(number / len(rows), row.name)
                rooms = ids[PhotoRole.BACKGROUND]
                _write_look(workspace, row, rooms[number % len(rooms)], to)
        out.print(f"{len(rows)} looks in {time.perf_counter() - started:.1f} s: {to.resolve()}")
        return code if rows else ExitCode.SOME_FAILED


def _write_look(workspace: Workspace, row: LookRow, background_id: str, folder: Path) -> None:
    """Write a look, the look on a background, and the sheet of its intermediates."""
    name = file_name(row.name)
    model = workspace.library.photo(row.model_id).name
    scene_id = workspace.place_batch([row.id], background_id, place_for(model)).created[-1]
    write_image(folder / f"{name}-scene.jpg", workspace.compose(scene_id))
    write_image(folder / f"{name}-look.jpg", load_look(workspace, row.id).pixels)
    write_image(folder / f"{name}-sheet.jpg", workspace.contact_sheet(row.id))
