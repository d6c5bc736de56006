"""`studio looks`, `show`, `placement …` and `compose`: looks, their intermediates, and looks on backgrounds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from studio.cli.console import ExitCode, err, out, print_json, print_rows, progress_bar, sentence
from studio.cli.project import JsonOption, ProjectOption, project_folder
from studio.domain.artefacts import PhotoRole
from studio.domain.errors import JobError, StudioError
from studio.domain.geometry import Placement
from studio.domain.keys import Json
from studio.jobs.compare import look_residue
from studio.jobs.workspace import Workspace
from studio.library.library import Library
from studio.library.records import Filter, LookRow, Order
from studio.media.encode import write_image
from studio.pipeline.residue import NOTABLE

placement_app = typer.Typer(help="Named places on backgrounds.", no_args_is_help=True)

LookOption = Annotated[
    list[str] | None, typer.Option("--look", help="A look's id or name; repeatable. Default: all looks.")
]
BackgroundOption = Annotated[str, typer.Option("--background", "-b", help="A background's name or id.")]


def find_look(library: Library, wanted: str) -> LookRow:
    """Return the look with this id, the beginning of this id, or this name.

    Raises:
        JobError: none, or more than one.
    """
    rows = library.looks(library.look_ids(Filter()))
    found = [row for row in rows if wanted in (row.id, row.name)] or [row for row in rows if row.id.startswith(wanted)]
    if len(found) != 1:
        raise JobError("cli.look_unknown" if not found else "cli.look_ambiguous", name=wanted, count=str(len(found)))
    return found[0]


def find_background(library: Library, wanted: str) -> str:
    """Return the id of a background named by id, file name or file name without its ending.

    Raises:
        JobError: there is none, or more than one.
    """
    rows = library.photos(library.photo_ids(Filter(role=PhotoRole.BACKGROUND)))
    found = [row.id for row in rows if wanted in (row.id, row.name, Path(row.name).stem)]
    if len(found) != 1:
        known = ", ".join(row.name for row in rows) or "–"
        raise JobError("cli.background_unknown", name=wanted, known=known)
    return found[0]


def chosen_looks(library: Library, wanted: list[str] | None) -> list[LookRow]:
    """Return the named looks, or all current ones."""
    if wanted:
        return [find_look(library, one) for one in wanted]
    return library.looks(library.look_ids(Filter(), Order.NAME))


def file_name(text: str) -> str:
    """Return text as a file name that every file system takes."""
    return re.sub(r"[^\w.\- ]+", "_", text, flags=re.UNICODE).strip(" .") or "look"


def looks(project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """List the looks with their state and confidence."""
    with Library.open(project_folder(project), read_only=True) as library:
        rows = chosen_looks(library, None)
    if as_json:
        found: list[Json] = [
            {
                "id": row.id,
                "name": row.name,
                "state": row.state.value,
                "confidence": row.confidence.score,
                "reasons": [sentence(note) for note in row.confidence.reasons],
                "stale": row.is_stale,
                "commercial": row.commercial,
            }
            for row in rows
        ]
        print_json(found)
        return
    print_rows(
        ["id", "look", "state", "confidence"],
        [[row.id[:8], row.name, row.state.value, f"{row.confidence.score:.0%}"] for row in rows],
    )


def show(
    look: Annotated[str, typer.Argument(help="A look's id, the beginning of it, or its name.")],
    to: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where the sheet goes. Default: LOOK-sheet.jpg.")
    ] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how a look was made and how far to trust it; write a contact sheet of all its intermediates."""
    with Workspace.open(project_folder(project), read_only=True) as workspace:
        row = find_look(workspace.library, look)
        record = workspace.library.look_record(row.id)
        target = to or Path(f"{file_name(row.name)}-sheet.jpg")
        write_image(target, workspace.contact_sheet(row.id))
        residue = look_residue(workspace, row.id)
    reasons: list[Json] = [sentence(note) for note in record.confidence.reasons]
    notes: list[Json] = list(dict.fromkeys(sentence(note) for note in record.fallbacks))
    models: list[Json] = [
        {"id": use.id, "sha256": use.sha256, "licence": use.licence, "commercial": use.commercial}
        for use in record.models
    ]
    if as_json:
        body: dict[str, Json] = {"id": row.id, "name": row.name, "engine": record.engine, "sheet": str(target)}
        print_json(
            {
                **body,
                "confidence": record.confidence.score,
                "residue": residue,
                "reasons": reasons,
                "notes": notes,
                "models": models,
            }
        )
        return
    out.print(f"{row.name}: {record.engine}, confidence {record.confidence.score:.0%}")
    out.print(f"Traces of the old garment: {residue:.2%} of its area (told from {NOTABLE:.2%} on)")
    for told in (*reasons, *notes):
        out.print(f"- {told}")
    for use in record.models:
        out.print(f"{use.id} {use.sha256[:12]}: {use.licence}" + ("" if use.commercial else " (not commercial)"))
    out.print(str(target))


@placement_app.command("list")
def list_placements(background: BackgroundOption, project: ProjectOption = None) -> None:
    """List the named places of a background."""
    with Library.open(project_folder(project), read_only=True) as library:
        rows = library.placements(find_background(library, background))
    print_rows(
        ["name", "x", "y", "scale"],
        [[row.name, *(f"{v:.3f}" for v in (row.placement.x, row.placement.y, row.placement.scale))] for row in rows],
    )


@placement_app.command("save")
def save_placement(
    name: Annotated[str, typer.Argument(help='What to call it: "left of the sofa".')],
    background: BackgroundOption,
    x: Annotated[float, typer.Option(help="Where the feet stand, in shares of the width.")] = 0.5,
    y: Annotated[float, typer.Option(help="Where the feet stand, in shares of the height.")] = 0.95,
    scale: Annotated[float, typer.Option(help="Height of the person in shares of the background's height.")] = 0.8,
    project: ProjectOption = None,
) -> None:
    """Keep a place on a background under a name."""
    with Library.open(project_folder(project)) as library:
        library.save_placement(find_background(library, background), name, Placement(x=x, y=y, scale=scale))


@placement_app.command("import")
def import_placements(
    file: Annotated[Path, typer.Argument(help="A backgrounds.txt: a background and its position file on each line.")],
    name: Annotated[str, typer.Option(help="What to call the places.")] = "imported",
    project: ProjectOption = None,
) -> int:
    """Take backgrounds and their places from the forerunner's backgrounds.txt."""
    from studio.compositing.backgrounds_txt import read_backgrounds

    found = read_backgrounds(file)
    problems = [sentence(note) for note in found.problems]
    with Library.open(project_folder(project)) as library:
        for entry in found.entries:
            report = library.import_photos([entry.picture], PhotoRole.BACKGROUND)
            problems += [sentence(failure.error) for failure in report.failed]
            for photo_id in (*report.imported, *(known for _, known in report.duplicates)):
                library.save_placement(photo_id, name, entry.placement)
                out.print(f"{entry.picture.name}: {name}")
    for problem in problems:
        err.print(problem)
    return ExitCode.SOME_FAILED if problems else ExitCode.OK


@placement_app.command("export")
def export_placements(
    file: Annotated[Path, typer.Argument(help="The backgrounds.txt to write; position files go beside it.")],
    project: ProjectOption = None,
) -> None:
    """Write every background with its first named place in the forerunner's format."""
    from studio.compositing.backgrounds_txt import entry_beside, write_backgrounds

    with Library.open(project_folder(project), read_only=True) as library:
        photos = library.photos(library.photo_ids(Filter(role=PhotoRole.BACKGROUND)))
        places = [(photo.file, library.placements(photo.id)) for photo in photos]
    entries = [entry_beside(file, picture, kept[0].placement) for picture, kept in places if kept]
    write_backgrounds(file, entries)
    out.print(f"{file}: {len(entries)}")


def compose(
    background: BackgroundOption,
    look: LookOption = None,
    at: Annotated[str, typer.Option("--at", help="A named place of the background.")] = "",
    x: Annotated[float, typer.Option(help="Where the feet stand, in shares of the width.")] = 0.5,
    y: Annotated[float, typer.Option(help="Where the feet stand, in shares of the height.")] = 0.95,
    scale: Annotated[float, typer.Option(help="Height of the person in shares of the background's height.")] = 0.8,
    to: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the pictures. Default: exports/.")] = None,
    suffix: Annotated[str, typer.Option("--format", help="jpg, png, webp or tif.")] = "jpg",
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> int:
    """Place looks on a background, one scene each, and render them at the background's native size."""
    failed: list[tuple[str, StudioError]] = []
    written: list[str] = []
    with Workspace.open(project_folder(project)) as workspace:
        library = workspace.library
        room = find_background(library, background)
        rows = chosen_looks(library, look)
        where: Placement | str = at or Placement(x=x, y=y, scale=scale)
        scenes = workspace.place_batch([row.id for row in rows], room, where).created
        folder = to or library.export_folder / "scenes"
        folder.mkdir(parents=True, exist_ok=True)
        with progress_bar("Composing", quiet=as_json) as progress:
            for number, scene_id in enumerate(scenes):
                scene = library.scene(scene_id)
                target = folder / f"{file_name(scene.name)}.{suffix.lstrip('.')}"
                try:
                    pixels = workspace.compose(scene_id, progress=progress.part(number / len(scenes), 1 / len(scenes)))
                    write_image(target, pixels)
                    library.record_export(target, scene_id=scene_id)
                except StudioError as error:
                    failed.append((scene.name, error))
                else:
                    written.append(str(target))
    if as_json:
        reasons: list[Json] = [{"scene": name, "why": sentence(reason)} for name, reason in failed]
        print_json({"written": [*written], "failed": reasons})
    else:
        for path in written:
            out.print(path)
        for name, reason in failed:
            err.print(f"{name}: {sentence(reason)}")
    return ExitCode.SOME_FAILED if failed else ExitCode.OK
