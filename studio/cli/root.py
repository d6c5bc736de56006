"""The tree of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from studio import __version__
from studio.cli import bench, dataset, deliver, demo, dress, evaluate, garment, models, project, scenes, variants

app = typer.Typer(
    help="Fitting Studio: dress models in garments, place them on backgrounds, offline, at native resolution.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(project.app, name="project")
app.add_typer(project.import_app, name="import")
app.add_typer(models.app, name="models")
app.add_typer(scenes.placement_app, name="placement")
app.add_typer(dataset.app, name="dataset")
app.add_typer(bench.app, name="bench")
app.command("demo")(demo.demo)
app.command("dress")(dress.dress)
app.command("garment")(garment.garment)
app.command("looks")(scenes.looks)
app.command("show")(scenes.show)
app.command("compose")(scenes.compose)
app.command("export")(deliver.export)
app.command("evaluate")(evaluate.evaluate)
app.command("variants")(variants.variants)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"Fitting Studio {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Without a command, the window opens."""
    del version
