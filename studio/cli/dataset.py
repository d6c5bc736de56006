"""`studio dataset …`: the project in other tools' folders, and their folders in the project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from studio.cli.console import ExitCode, err, out, print_json, print_rows, progress_bar, sentence
from studio.cli.dress import parse_choices
from studio.cli.project import JsonOption, ProjectOption, project_folder
from studio.domain.keys import Json
from studio.jobs.interchange import (
    Exchange,
    FolderLayout,
    export_forerunner,
    export_viton_hd,
    import_forerunner,
    import_viton_hd,
    recognise,
)
from studio.jobs.workspace import Workspace

app = typer.Typer(
    help="Write and read the VITON-HD data set's layout and the forerunner's folders.", no_args_is_help=True
)

PhaseOption = Annotated[str, typer.Option("--phase", help="Which part of the data set: test or train.")]


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="Where to write; made if it is not there.")],
    layout: Annotated[FolderLayout, typer.Option("--layout", help="Whose folders.")] = FolderLayout.VITON_HD,
    phase: PhaseOption = "test",
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write the project's pairs with all intermediates (viton-hd), or its photos and looks (forerunner)."""
    with Workspace.open(project_folder(project)) as workspace, progress_bar("Writing", quiet=as_json) as progress:
        if layout is FolderLayout.VITON_HD:
            done = export_viton_hd(workspace, folder, phase=phase, progress=progress)
        else:
            done = export_forerunner(workspace, folder, progress=progress)
    return _tell(folder, done, as_json)


@app.command("import")
def import_dataset(
    folder: Annotated[Path, typer.Argument(help="A data set's folder, or one that holds inputs/ and output/.")],
    phase: PhaseOption = "test",
    corrections: Annotated[
        bool,
        typer.Option(
            "--corrections/--no-corrections",
            help="Bring the data set's keypoints and parse maps too, as hand corrections.",
        ),
    ] = True,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take photos, pairs and backgrounds from such folders; whose they are is recognised."""
    found = recognise(folder, phase)
    with Workspace.open(project_folder(project)) as workspace, progress_bar("Importing", quiet=as_json) as progress:
        if found is FolderLayout.VITON_HD:
            done = import_viton_hd(workspace, folder, phase=phase, corrections=corrections, progress=progress)
        else:
            done = import_forerunner(workspace, folder, progress=progress)
    return _tell(folder, done, as_json)


@app.command("check")
def check(
    folder: Annotated[Path, typer.Argument(help="A folder in the VITON-HD layout.")],
    phase: PhaseOption = "test",
    kinds: Annotated[
        list[str] | None, typer.Option("--kind", help="A folder to compare, as image-parse-v3; repeatable.")
    ] = None,
    use: Annotated[
        list[str] | None, typer.Option("--use", help="STAGE=NAME: another implementation; repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many photos of each sort; 0 = all.")] = 0,
    to: Annotated[Path | None, typer.Option("--out", "-o", help="Also write every measure as CSV.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Compare every stage's files in a data set with what our stages make of the same photos."""
    from studio.models.provider import LocalModels
    from studio.pipeline.interchange.viton_hd import Layout
    from studio.training.agreement import KINDS, check_dataset

    unknown = set(kinds or ()) - set(KINDS)
    if unknown:
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: kinds are {', '.join(KINDS)}")
    with progress_bar("Comparing", quiet=as_json) as progress:
        result = check_dataset(
            Layout(folder, phase), LocalModels(), parse_choices(use or []), kinds=kinds or KINDS, limit=limit,
            progress=progress,
        )  # fmt: skip
    if to is not None:
        result.write_csv(to)
    names = ("kind", "measure", "mean", "worst", "worst file", "files")
    if as_json:
        found: list[Json] = [dict(zip(names, row, strict=True)) for row in result.summary()]
        failed: dict[str, Json] = {name: sentence(note) for name, note in result.failed.items()}
        print_json({"folder": str(folder), "measures": found, "failed": failed})
    else:
        rows = [
            [kind, measure, f"{mean:.3f}", f"{worst:.3f}", file, str(count)]
            for kind, measure, mean, worst, file, count in result.summary()
        ]
        print_rows(list(names), rows)
        for name, note in result.failed.items():
            err.print(f"{name}: {sentence(note)}")
    return ExitCode.SOME_FAILED if result.failed else ExitCode.OK


def _tell(folder: Path, done: Exchange, as_json: bool) -> int:
    problems = [sentence(problem) for problem in done.problems]
    counts: dict[str, Json] = {
        "models": done.models,
        "garments": done.garments,
        "backgrounds": done.backgrounds,
        "pairs": done.pairs,
        "looks": done.looks,
        "corrected": done.corrected,
    }
    if as_json:
        print_json({"folder": str(folder), **counts, "problems": [*problems]})
    else:
        out.print(
            f"{folder}: {', '.join(f'{count} {name}' for name, count in counts.items() if count) or 'nothing new'}"
        )
        for problem in problems:
            err.print(problem)
    return ExitCode.SOME_FAILED if problems else ExitCode.OK
