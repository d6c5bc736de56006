"""`studio evaluate`: measure an engine on true pairs, leak-free, beside two baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from studio.cli.console import ExitCode, err, out, print_json, print_rows, progress_bar, sentence
from studio.cli.project import JsonOption
from studio.domain.keys import Json

_SHOWN = ("ssim", "psnr", "lpips_alex", "lpips_vgg", "ssim_inside", "psnr_inside", "delta_e", "moved_outside")


def evaluate(
    folder: Annotated[Path, typer.Argument(help="A folder of true pairs: ID_person.jpg beside ID_garment.jpg.")],
    to: Annotated[Path, typer.Option("--out", "-o", help="Where the CSV and the contact sheet go.")] = Path(
        "evaluation"
    ),
    engine: Annotated[str, typer.Option(help="The try-on engine: drape, hr_viton, viton_hd.")] = "drape",
    cycle: Annotated[bool, typer.Option("--cycle", help="Also dress in another garment and back.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many pairs; 0 = all.")] = 0,
    as_json: JsonOption = False,
) -> int:
    """Measure SSIM, PSNR and LPIPS (with its models installed) of an engine and of two baselines."""
    from studio.models.provider import LocalModels
    from studio.networks.lpips import load_lpips
    from studio.pipeline.registry import load_stage
    from studio.training.evaluate import PROTOCOL, Engine, Evaluator, find_pairs
    from studio.training.report import write_csv, write_html

    provider = LocalModels()
    networks = {
        name: load_lpips(backbone, provider.state_dict(name))
        for name, backbone in (("lpips_alex", "alex"), ("lpips_vgg", "vgg"))
        if provider.is_installed(name)
    }
    pairs = find_pairs(folder)[: limit or None]
    evaluator = Evaluator(provider, cast(Engine, load_stage("tryon", engine)), networks=networks)
    with progress_bar("Evaluating", quiet=as_json) as progress:
        result = evaluator.run(pairs, cycle=cycle, progress=progress)
    to.mkdir(parents=True, exist_ok=True)
    write_csv(result, to / "scores.csv")
    write_html(result, to / "pictures.html")
    means = {method: result.mean(method) for method in result.methods}
    if as_json:
        body: dict[str, Json] = {method: dict(values) for method, values in means.items()}
        print_json({"protocol": PROTOCOL, "means": body, "pairs": len(pairs) - len(result.failed)})
    else:
        shown = [name for name in _SHOWN if means and name in next(iter(means.values()))]
        print_rows(
            ["method", *shown],
            [[method, *(f"{values[name]:.4f}" for name in shown)] for method, values in means.items()],
        )
        out.print(f"{len(pairs) - len(result.failed)} pairs. {PROTOCOL}")
        out.print(str(to / "pictures.html"))
    for pair, note in result.failed.items():
        err.print(f"{pair}: {sentence(note)}")
    return ExitCode.SOME_FAILED if result.failed else ExitCode.OK
