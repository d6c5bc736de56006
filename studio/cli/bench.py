"""`studio bench …`: how fast the networks run here."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from studio.cli.console import out, print_json, print_rows, progress_bar
from studio.cli.project import JsonOption
from studio.domain.errors import JobError

if TYPE_CHECKING:
    from studio.training.bench import BenchReport

app = typer.Typer(help="Measure how fast the networks run on the device at hand.", no_args_is_help=True)


@app.command("tryon")
def tryon(
    size: Annotated[str, typer.Option("--size", help="Height x width, multiples of 128.")] = "1024x768",
    batch: Annotated[str, typer.Option("--batch", help="Batch sizes, as 1,2,4. Default: what the device takes.")] = "",
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1 …")] = "auto",
    runs: Annotated[int, typer.Option("--runs", min=1, help="Repetitions; the best one counts.")] = 3,
    threads: Annotated[int, typer.Option("--threads", min=0, help="CPU threads; 0 = as torch decides.")] = 0,
    width: Annotated[int, typer.Option("--width", hidden=True, min=4)] = 64,
    as_json: JsonOption = False,
) -> None:
    """Measure HR-VITON: seconds per step, images per second by batch, memory, against the straightforward forward."""
    sizes, batches = _numbers(size, "x", 2), _numbers(batch, ",") if batch else ()
    import torch

    from studio.models.provider import LocalModels
    from studio.training.bench import BenchSettings, bench_tryon

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if threads:
        torch.set_num_threads(threads)
    settings = BenchSettings(device, (sizes[0], sizes[1]), batches, runs, width)
    with progress_bar("Measuring", quiet=as_json) as progress:
        report = bench_tryon(settings, LocalModels(), progress)
    if as_json:
        print_json(asdict(report))
        return
    _show(report)


def _numbers(text: str, separator: str, count: int = 0) -> tuple[int, ...]:
    """Read "1024x768" or "1,2,4".

    Raises:
        JobError: `bench.numbers`.
    """
    parts = text.lower().split(separator)
    if not all(re.fullmatch(r"\s*[1-9]\d{0,4}\s*", part) for part in parts) or count not in (0, len(parts)):
        raise JobError("bench.numbers", text=text)
    return tuple(int(part) for part in parts)


def _show(report: BenchReport) -> None:
    height, width = report.size
    out.print(f"{report.hardware} ({report.device}), torch {report.torch}, {report.threads} threads")
    out.print(
        f"HR-VITON {height}x{width}, {report.dtype}, {report.form} form, {report.weights} weights, "
        f"estimated {report.estimate_mb:.0f} MB"
    )
    if report.limits is not None:
        tera = report.limits.products_flops / 1e12, report.limits.copy_bytes / 1e12
        out.print(f"limits: {tera[0]:.0f} TFLOP/s in bfloat16 products, {tera[1]:.2f} TB/s in copies")
    rows = [
        [stage.stage, f"{stage.best:.3f}", f"{stage.median:.3f}", f"{stage.processor:.3f}"] for stage in report.stages
    ]
    print_rows(["step", "best s", "median s", "processor s"], rows)
    headings, rows = ["batch", "images/s", "peak MB"], []
    if report.limits is not None:
        headings += ["arithmetic", "traffic"]
    for row in report.batches:
        if row.seconds is None:
            rows.append([str(row.batch), "does not fit", *[""] * (len(headings) - 2)])
            continue
        shares = [f"{share:.0%}" for share in (row.arithmetic, row.traffic) if share is not None]
        rows.append([str(row.batch), f"{row.images_per_s or 0:.2f}", f"{row.peak_mb or 0:.0f}", *shares])
    print_rows(headings, rows)
    peak = "" if report.plain_peak_mb is None else f", peak {report.plain_peak_mb:.0f} MB"
    out.print(
        f"straightforward float32: {report.plain_s:.3f} s{peak}; ours: {report.ours_s:.3f} s; "
        f"ratio {report.ratio:.2f}; pictures differ by {report.difference:.3f}/255 at most"
    )
    if report.device == "cpu" and report.ours_processor_s:
        out.print(
            f"processor time: {report.plain_processor_s:.1f} s against {report.ours_processor_s:.1f} s, "
            f"ratio {report.plain_processor_s / report.ours_processor_s:.2f} (others on the machine do not add to it)"
        )
