"""`studio evaluate`: measure an engine on true pairs, leak-free, beside two baselines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from studio.cli.console import ExitCode, err, out, print_json, print_rows, progress_bar, sentence
from studio.cli.project import JsonOption
from studio.domain.keys import Json, Note
from studio.domain.recipe import Recipe, StageChoice

if TYPE_CHECKING:
    from studio.training.evaluate import Evaluation

_BACKBONES = {"lpips_alex": "alex", "lpips_vgg": "vgg"}


def evaluate(
    folder: Annotated[Path, typer.Argument(help="A folder of true pairs: ID_person.jpg beside ID_garment.jpg.")],
    to: Annotated[Path, typer.Option("--out", "-o", help="Where the CSV and the contact sheet go.")] = Path(
        "evaluation"
    ),
    engine: Annotated[str, typer.Option(help="The try-on engine: drape, hr_viton, viton_hd.")] = "drape",
    cycle: Annotated[bool, typer.Option("--cycle", help="Also dress in another garment and back.")] = False,
    unpaired: Annotated[
        bool, typer.Option("--unpaired", help="Also in the next pair's garment: FID, KID, residue, colours.")
    ] = False,
    limit: Annotated[int, typer.Option(help="At most so many pairs; 0 = all.")] = 0,
    as_json: JsonOption = False,
) -> int:
    """Measure an engine and two baselines: SSIM, PSNR, LPIPS (with its models), colours, residue; FID and KID."""
    from studio.models.provider import LocalModels
    from studio.networks.lpips import load_lpips
    from studio.pipeline.registry import load_stage
    from studio.training.evaluate import PROTOCOL, Engine, Evaluator, find_pairs
    from studio.training.report import write_csv, write_html
    from studio.training.sets import INCEPTION, VGG

    provider = LocalModels()
    installed = [name for name in _BACKBONES if provider.is_installed(name)]
    networks = {name: load_lpips(_BACKBONES[name], provider.state_dict(name)) for name in installed}
    pairs = find_pairs(folder)[: limit or None]
    judges = {VGG: networks[VGG]} if VGG in networks else {}
    if provider.is_installed(INCEPTION):
        judges[INCEPTION] = provider.module(INCEPTION).to("cpu")
    recipe = Recipe("Evaluation", {"tryon": StageChoice(engine)})
    evaluator = Evaluator(provider, cast(Engine, load_stage("tryon", engine)), recipe, networks, judges)
    with progress_bar("Evaluating", quiet=as_json) as progress:
        result = evaluator.run(pairs, cycle=cycle, unpaired=unpaired, progress=progress)
    to.mkdir(parents=True, exist_ok=True)
    write_csv(result, to / "scores.csv")
    write_html(result, to / "pictures.html")
    if as_json:
        body: dict[str, Json] = {method: _plain(result.mean(method)) for method in result.methods}
        sets: dict[str, Json] = dict(result.sets)
        print_json({"protocol": PROTOCOL, "means": body, "sets": sets, "pairs": len(pairs) - len(result.failed)})
    else:
        _show(result)
        if unpaired and INCEPTION not in judges:
            err.print(sentence(Note("evaluate.no_inception", {"model": INCEPTION})))
        out.print(f"{len(pairs) - len(result.failed)} pairs. {PROTOCOL}")
        out.print(str(to / "pictures.html"))
    for pair, note in result.failed.items():
        err.print(f"{pair}: {sentence(note)}")
    return ExitCode.SOME_FAILED if result.failed else ExitCode.OK


def _show(result: Evaluation) -> None:
    """Print what was measured: all means, every pair, what was read off all pictures together, how far the aims are."""
    from studio.training.report import list_aims, list_means, list_pairs

    if result.scores:
        print_rows(["mean", *result.methods], list_means(result), whole_names=True)
        names, rows = list_pairs(result)
        print_rows(["pair", *names], [[pair, *(cell.text for cell in cells)] for pair, cells in rows])
    if result.sets:
        print_rows(["sets", "value"], [[name, f"{value:.4f}"] for name, value in result.sets.items()])
    for aim in list_aims(result):
        out.print(aim)


def _plain(values: Mapping[str, float]) -> Json:
    """Return numbers for JSON, which knows no NaN: what no pair had is null."""
    return {name: None if math.isnan(value) else value for name, value in values.items()}
