"""`studio garment`: what the program takes a garment for, and saying it where it is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from studio.cli.console import out, print_json, sentence
from studio.cli.dress import find_garment
from studio.cli.project import JsonOption, ProjectOption, project_folder
from studio.domain.artefacts import Category, Garment, Neckline, SleeveLength
from studio.domain.edits import GarmentOverride
from studio.domain.keys import Json
from studio.jobs.workspace import Workspace
from studio.jobs.worn import analysed, garment_override, say


def garment(
    name: Annotated[str, typer.Argument(help="A garment's file name, with or without its ending, or its id.")],
    category: Annotated[
        Category | None, typer.Option(help="What it is; outerwear goes over what is worn, a top takes its place.")
    ] = None,
    sleeve: Annotated[SleeveLength | None, typer.Option(help="How long its sleeves are.")] = None,
    neckline: Annotated[Neckline | None, typer.Option(help="Its neckline; open: two front panels.")] = None,
    as_found: Annotated[bool, typer.Option("--as-found", help="Take back what was said of it before.")] = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a garment is; without options, show what it is taken for. Then: studio dress --stale."""
    said = {"category": category, "sleeve": sleeve, "neckline": neckline}
    given = {field: value.value for field, value in said.items() if value is not None}
    with Workspace.open(project_folder(project), read_only=not (given or as_found)) as workspace:
        garment_id = find_garment(workspace, name)
        if given or as_found:
            say(
                workspace,
                [garment_id],
                GarmentOverride,
                lambda before: replace(GarmentOverride() if as_found else before, **given),
            )
        override, found = garment_override(workspace, garment_id), analysed(workspace, garment_id)
    told = {field: _told(field, override, found) for field in said}
    doubts: list[Json] = [] if found is None else [sentence(note) for note in found.reasons]
    if as_json:
        print_json({"name": name, **{field: words[0] for field, words in told.items()}, "doubts": doubts})
        return
    for field, words in told.items():
        out.print(f"{field:>10}  " + "  ".join(words))
    for doubt in doubts:
        out.print(str(doubt))


def _told(field: str, override: GarmentOverride, found: Garment | None) -> tuple[str, str]:
    """Return what a garment is, and who says so."""
    said = str(getattr(override, field))
    if said:
        return said, "(said)"
    return ("–", "(not looked at yet)") if found is None else (str(getattr(found, field).value), "(found)")
