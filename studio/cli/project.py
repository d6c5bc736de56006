"""`studio project …`: make, look at, check, mend and back up a project; `studio import …`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from studio.cli.console import ExitCode, err, out, print_json, progress_bar, sentence
from studio.domain.artefacts import PhotoRole
from studio.domain.errors import LibraryError
from studio.domain.keys import Json
from studio.library.library import DATABASE, Library
from studio.library.records import Filter

app = typer.Typer(help="Make, look at, check, mend and back up a project.", no_args_is_help=True)
import_app = typer.Typer(help="Take photos into the project; folders are searched.", no_args_is_help=True)

ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", "-p", help="The project's folder. Default: $FITTING_STUDIO_PROJECT, else this folder."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document instead of text.")]
Paths = Annotated[list[Path], typer.Argument(help="Photos or folders of photos.")]


def project_folder(given: Path | None) -> Path:
    """Return the project a command works on.

    Raises:
        LibraryError: none was named and this folder is not one.
    """
    named = os.environ.get("FITTING_STUDIO_PROJECT", "")
    folder = given or (Path(named) if named else Path.cwd())
    if not (folder / DATABASE).is_file():
        raise LibraryError("library.none", folder=str(folder))
    return folder


@app.command("new")
def new(
    folder: Annotated[Path, typer.Argument(help="A folder that is new or empty.")],
    name: Annotated[str, typer.Option(help="What to call it; the folder's name by default.")] = "",
) -> None:
    """Make a project."""
    with Library.create(folder, name) as library:
        out.print(f"{library.info().name}: {library.folder}")


@app.command("info")
def info(project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Say what a project holds and how far it is."""
    with Library.open(project_folder(project), read_only=True) as library:
        facts, coverage = library.info(), library.coverage()
        counts = {str(state): count for state, count in library.job_counts().items()}
        body: dict[str, Json] = {
            "name": facts.name,
            "folder": str(facts.folder),
            "schema": facts.schema,
            "commercial": facts.commercial,
            "models": len(library.photo_ids(_of(PhotoRole.MODEL))),
            "garments": len(library.photo_ids(_of(PhotoRole.GARMENT))),
            "backgrounds": len(library.photo_ids(_of(PhotoRole.BACKGROUND))),
            "pairs": coverage.pairs,
            "dressed": coverage.dressed,
            "approved": coverage.approved,
            "exported": coverage.exported,
            "failed": coverage.failed,
            "jobs": dict(counts),
        }
    if as_json:
        print_json(body)
        return
    for name, value in body.items():
        out.print(f"{name:>12}  {value}")


def _of(role: PhotoRole) -> Filter:
    return Filter(role=role)


@app.command("check")
def check(
    project: ProjectOption = None,
    quick: Annotated[bool, typer.Option("--quick", help="Do not read every photo and artefact.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Check that nothing is damaged or missing; exit code 1 where something is."""
    from studio.library.integrity import Severity, check_project

    with (
        Library.open(project_folder(project), read_only=True) as library,
        progress_bar("Checking", quiet=as_json) as progress,
    ):
        report = check_project(library, deep=not quick, progress=progress)
    damage = [finding for finding in report.findings if finding.severity is Severity.DAMAGE]
    if as_json:
        findings: list[Json] = [
            {"severity": str(finding.severity), "what": sentence(finding.note)} for finding in report.findings
        ]
        print_json({"ok": not damage, "findings": findings})
        return ExitCode.SOME_FAILED if damage else ExitCode.OK
    for finding in report.findings:
        out.print(sentence(finding.note))
    if not damage:
        out.print(f"Whole: {report.photos} photos, {report.looks} looks, {report.artefacts} artefacts.")
    return ExitCode.SOME_FAILED if damage else ExitCode.OK


@app.command("repair")
def repair(project: ProjectOption = None) -> None:
    """Mend what can be mended, after a backup; says what was done."""
    from studio.library.repair import repair_project

    report = repair_project(project_folder(project))
    for note in report.actions:
        out.print(sentence(note))
    if report.file is not None:
        out.print(str(report.file))
    if not report.actions:
        out.print("There was nothing to mend.")


@app.command("backup")
def backup(project: ProjectOption = None) -> None:
    """Back the project's database up now."""
    with Library.open(project_folder(project)) as library:
        out.print(str(library.backup()))


@app.command("restore")
def restore(
    file: Annotated[Path, typer.Argument(help="A file of the project's backups folder.")],
    project: ProjectOption = None,
) -> None:
    """Make a backup the project's database again; what is there now is backed up first."""
    with Library.restore_backup(project_folder(project), file) as library:
        out.print(f"{library.info().name}: {file.name}")


@app.command("undo")
def undo(project: ProjectOption = None) -> None:
    """Take the last library operation back."""
    with Library.open(project_folder(project)) as library:
        library.undo()


def _import(paths: list[Path], role: PhotoRole, project: Path | None, reference: bool, as_json: bool) -> int:
    folder = project_folder(project)
    with Library.open(folder) as library, progress_bar("Importing", quiet=as_json) as progress:
        report = library.import_photos(paths, role, copy=False if reference else None, progress=progress)
    failed = [sentence(failure.error) for failure in report.failed]
    if as_json:
        print_json(
            {"imported": list(report.imported), "duplicates": len(report.duplicates), "failed": [*map(str, failed)]}
        )
    else:
        known = f", {len(report.duplicates)} already there" if report.duplicates else ""
        out.print(f"{len(report.imported)} imported{known}.")
        for text in failed:
            err.print(text)
    return ExitCode.SOME_FAILED if failed else ExitCode.OK


ReferenceOption = Annotated[bool, typer.Option("--reference", help="Refer to the files where they lie; copy nothing.")]


@import_app.command("models")
def import_models(
    paths: Paths, project: ProjectOption = None, reference: ReferenceOption = False, as_json: JsonOption = False
) -> int:
    """Import photos of models."""
    return _import(paths, PhotoRole.MODEL, project, reference, as_json)


@import_app.command("garments")
def import_garments(
    paths: Paths, project: ProjectOption = None, reference: ReferenceOption = False, as_json: JsonOption = False
) -> int:
    """Import product photos of garments."""
    return _import(paths, PhotoRole.GARMENT, project, reference, as_json)


@import_app.command("backgrounds")
def import_backgrounds(
    paths: Paths, project: ProjectOption = None, reference: ReferenceOption = False, as_json: JsonOption = False
) -> int:
    """Import backgrounds."""
    return _import(paths, PhotoRole.BACKGROUND, project, reference, as_json)
