"""`studio export`: deliver looks or scenes by a preset, each file read back and proven."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from studio.cli.console import ExitCode, err, out, print_json, print_rows, progress_bar, sentence
from studio.cli.project import JsonOption, ProjectOption, project_folder
from studio.cli.scenes import LookOption, chosen_looks
from studio.domain.keys import Json, Note
from studio.jobs.workspace import Workspace
from studio.library.records import Filter, LookState, Order


def export(
    preset: Annotated[str, typer.Option("--preset", help="A preset's name, or the beginning of it.")] = "Catalogue",
    to: Annotated[Path | None, typer.Option("--to", "-o", help="The delivery folder. Default: exports/.")] = None,
    look: LookOption = None,
    scenes: Annotated[bool, typer.Option("--scenes", help="Deliver scenes instead of single looks.")] = False,
    approved: Annotated[bool, typer.Option("--approved", help="Only looks that were approved.")] = False,
    subfolders: Annotated[str, typer.Option(help='Folders below it: "{model}/{garment}".')] = "",
    allow_noncommercial: Annotated[
        bool, typer.Option("--allow-non-commercial", help="Deliver results of non-commercial models too.")
    ] = False,
    list_presets: Annotated[bool, typer.Option("--list", help="List the presets and stop.")] = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> int:
    """Deliver looks (or scenes); every written file is read back and checked."""
    from studio.compositing.export import PRESETS
    from studio.jobs.deliver import export_looks, export_scenes

    if list_presets:
        print_rows(["preset", "format", "size"], [[one.name, one.format.value, _size(one.size)] for one in PRESETS])
        return ExitCode.OK
    chosen = next((one for one in PRESETS if one.name.casefold().startswith(preset.casefold())), None)
    if chosen is None:
        known = ", ".join(one.name for one in PRESETS)
        raise typer.BadParameter(f"there is no preset {preset}; known: {known}")
    with Workspace.open(project_folder(project)) as workspace, progress_bar("Delivering", quiet=as_json) as progress:
        library = workspace.library
        if scenes:
            ids = library.scene_ids(Filter(), Order.NAME)
        else:
            rows = chosen_looks(library, look)
            done = (LookState.APPROVED, LookState.EXPORTED)
            ids = [row.id for row in rows if not approved or row.state in done]
        result = (export_scenes if scenes else export_looks)(
            workspace,
            ids,
            chosen,
            to,
            subfolders=subfolders,
            allow_noncommercial=allow_noncommercial,
            progress=progress,
        )
    if as_json:
        files: list[Json] = [{"file": str(one.file), "passed": one.report.passed} for one in result.delivered]
        refused: list[Json] = [sentence(one.reason) for one in (*result.withheld, *result.failed)]
        print_json({"delivered": files, "refused": refused, "passed": result.passed})
        return ExitCode.OK if result.passed else ExitCode.SOME_FAILED
    for item in result.delivered:
        out.print(str(item.file))
        for check in item.report.checks:
            if not check.passed:
                values = {"wanted": check.wanted, "found": check.found, "file": item.file.name}
                err.print(sentence(Note(f"preflight.{check.name}", values)))
    for refusal in (*result.withheld, *result.failed):
        err.print(sentence(refusal.reason))
    out.print(f"{len(result.delivered)} delivered, {len(result.withheld)} withheld, {len(result.failed)} failed.")
    return ExitCode.OK if result.passed else ExitCode.SOME_FAILED


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}" if all(size) else "native"
