"""An evaluation as a CSV table and as an HTML contact sheet with the pictures side by side."""

from __future__ import annotations

import base64
import csv
import html
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.media.encode import EncodeOptions, ImageFormat, encode_image
from studio.media.safe_io import write_atomic
from studio.training.evaluate import LIMITS, PROTOCOL, SIZE, Evaluation, is_growing

_OPTIONS = EncodeOptions(ImageFormat.JPEG, quality=90, max_side=SIZE[1])
"""Pictures are shown as large as they are measured: what LPIPS sees should be seen."""
_STYLE = (
    "body{font:14px sans-serif;margin:24px;background:#f4f4f4;color:#222}table{border-collapse:collapse}"
    "td,th{padding:4px 10px;text-align:right}td:first-child,th:first-child{text-align:left}"
    "figure{display:inline-block;margin:4px;text-align:center}figcaption{font-size:12px;color:#555}"
    "pre{white-space:pre-wrap;color:#555}.behind{color:#b00020;font-weight:bold}"
)
_BY_PAIR = ("ssim", "psnr", "lpips_alex", "lpips_vgg", "delta_e", "delta_e_median", "delta_e_worn")
"""What is told pair by pair: a mean hides the one pair that makes it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One measure of one pair. behind: a baseline is better; text: the value, and then the baseline's."""

    text: str
    behind: bool


def list_pairs(evaluation: Evaluation) -> tuple[list[str], list[tuple[str, list[Cell]]]]:
    """Return the measures told pair by pair, and each pair with the engine's own."""
    scores = [score for score in evaluation.scores if score.method == evaluation.methods[0]]
    names = [name for name in _BY_PAIR if any(name in score.values for score in scores)]
    return names, [
        (score.pair, [_cell(score.values[name], evaluation.best_baseline(score.pair, name), name) for name in names])
        for score in scores
    ]


def _cell(value: float, baseline: float, name: str) -> Cell:
    behind = value < baseline if is_growing(name) else value > baseline
    if math.isnan(value):
        return Cell("", False)
    digits = 3 if name.startswith(("ssim", "lpips")) else 2
    return Cell(f"{value:.{digits}f}" + (f" ({baseline:.{digits}f})" if behind else ""), behind)


def list_means(evaluation: Evaluation) -> list[list[str]]:
    """Return one row a measure, over areas and zones too: its name, then each method's mean."""
    means = [evaluation.mean(method) for method in evaluation.methods]
    return [[name, *(_number(mean, name, 4) for mean in means)] for name in _measures(evaluation)]


def list_aims(evaluation: Evaluation) -> list[str]:
    """Return how far the engine is from each aim that was measured, a sentence each."""
    if not evaluation.methods:
        return []
    engine = evaluation.methods[0]
    mean, told = evaluation.mean(engine), []
    for name, aim in LIMITS.items():
        value = mean.get(name, math.nan)
        if not math.isnan(value):
            short = aim - value if is_growing(name) else value - aim
            how = f"{short:.3f} short of it" if short > 0 else "reached"
            told.append(f"{name}: aim {'>=' if is_growing(name) else '<='} {aim:.2f}, {engine} {value:.3f}, {how}")
    return told


def write_csv(evaluation: Evaluation, path: Path) -> None:
    """Write one row a picture, then one mean row a method, then what was measured between the sets."""
    names = _measures(evaluation)
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["pair", "method", *names])
    for score in evaluation.scores:
        table.writerow([score.pair, score.method, *(_number(score.values, name, 5) for name in names)])
    for method in evaluation.methods:
        mean = evaluation.mean(method)
        table.writerow(["mean", method, *(_number(mean, name, 5) for name in names)])
    for name, value in evaluation.sets.items():
        table.writerow(["sets", name, f"{value:.5f}"])
    write_atomic(path, text.getvalue().encode("utf-8"))


def write_html(evaluation: Evaluation, path: Path) -> None:
    """Write one file that holds everything: protocol, means, and the pictures of every pair."""
    parts = [f"<meta charset=utf-8><style>{_STYLE}</style><h1>Evaluation</h1>"]
    parts.append(f"<pre>{html.escape(PROTOCOL)}</pre>")
    parts.append(_means(evaluation))
    parts.append(_by_pair(evaluation))
    pairs = dict.fromkeys(pair for pair, _ in evaluation.pictures)
    for pair in pairs:
        parts.append(f"<h2>{html.escape(pair)}</h2>")
        for (owner, name), picture in evaluation.pictures.items():
            if owner == pair:
                data = base64.b64encode(encode_image(picture, _OPTIONS)).decode("ascii")
                parts.append(
                    f'<figure><img src="data:image/jpeg;base64,{data}" height=512>'
                    f"<figcaption>{html.escape(_caption(evaluation, pair, name))}</figcaption></figure>"
                )
    write_atomic(path, "\n".join(parts).encode("utf-8"))


def _means(evaluation: Evaluation) -> str:
    head = "".join(f"<th>{html.escape(method)}</th>" for method in evaluation.methods)
    rows = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in list_means(evaluation)]
    aims = "".join(f"<li>{html.escape(aim)}</li>" for aim in list_aims(evaluation))
    sets = "".join(f"<li>{html.escape(name)}: {value:.4f}</li>" for name, value in evaluation.sets.items())
    return f"<table><tr><th>mean</th>{head}</tr>{''.join(rows)}</table><ul>{sets}{aims}</ul>"


def _by_pair(evaluation: Evaluation) -> str:
    if not evaluation.scores:
        return ""
    names, pairs = list_pairs(evaluation)
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = "".join(
        f"<tr><td>{html.escape(pair)}</td>"
        + "".join(f"<td{' class=behind' if cell.behind else ''}>{cell.text}</td>" for cell in cells)
        + "</tr>"
        for pair, cells in pairs
    )
    title = f"{html.escape(evaluation.methods[0])}, pair by pair; in brackets a baseline that is better"
    return f"<h2>{title}</h2><table><tr><th>pair</th>{head}</tr>{rows}</table>"


def _measures(evaluation: Evaluation) -> list[str]:
    """Return the names of all measures: not every method has a truth to be compared with."""
    return list(dict.fromkeys(name for score in evaluation.scores for name in score.values))


def _number(values: Mapping[str, float], name: str, digits: int) -> str:
    return f"{values[name]:.{digits}f}" if name in values and not math.isnan(values[name]) else ""


def _caption(evaluation: Evaluation, pair: str, name: str) -> str:
    for score in evaluation.scores:
        if score.pair == pair and score.method == name:
            first = "ssim" if "ssim" in score.values else "delta_e"
            return f"{name}: {first} {score.values[first]:.3f}"
    return name
