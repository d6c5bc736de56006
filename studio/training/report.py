"""An evaluation as a CSV table and as an HTML contact sheet with the pictures side by side."""

from __future__ import annotations

import base64
import csv
import html
import io
from pathlib import Path

from studio.media.encode import EncodeOptions, ImageFormat, encode_image
from studio.media.safe_io import write_atomic
from studio.training.evaluate import LIMITS, PROTOCOL, Evaluation

_OPTIONS = EncodeOptions(ImageFormat.JPEG, quality=88, max_side=320)
_STYLE = (
    "body{font:14px sans-serif;margin:24px;background:#f4f4f4;color:#222}table{border-collapse:collapse}"
    "td,th{padding:4px 10px;text-align:right}td:first-child,th:first-child{text-align:left}"
    "figure{display:inline-block;margin:4px;text-align:center}figcaption{font-size:12px;color:#555}"
    "pre{white-space:pre-wrap;color:#555}"
)


def write_csv(evaluation: Evaluation, path: Path) -> None:
    """Write one row a picture, then one mean row a method."""
    names = list(evaluation.scores[0].values) if evaluation.scores else []
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["pair", "method", *names])
    for score in evaluation.scores:
        table.writerow([score.pair, score.method, *(f"{score.values[name]:.5f}" for name in names)])
    for method in evaluation.methods:
        mean = evaluation.mean(method)
        table.writerow(["mean", method, *(f"{mean[name]:.5f}" for name in names)])
    write_atomic(path, text.getvalue().encode("utf-8"))


def write_html(evaluation: Evaluation, path: Path) -> None:
    """Write one file that holds everything: protocol, means, and the pictures of every pair."""
    parts = [f"<meta charset=utf-8><style>{_STYLE}</style><h1>Paired evaluation</h1>"]
    parts.append(f"<pre>{html.escape(PROTOCOL)}</pre>")
    parts.append(_means(evaluation))
    pairs = dict.fromkeys(pair for pair, _ in evaluation.pictures)
    for pair in pairs:
        parts.append(f"<h2>{html.escape(pair)}</h2>")
        for (owner, name), picture in evaluation.pictures.items():
            if owner == pair:
                data = base64.b64encode(encode_image(picture, _OPTIONS)).decode("ascii")
                parts.append(
                    f'<figure><img src="data:image/jpeg;base64,{data}" height=320>'
                    f"<figcaption>{html.escape(_caption(evaluation, pair, name))}</figcaption></figure>"
                )
    write_atomic(path, "\n".join(parts).encode("utf-8"))


def _means(evaluation: Evaluation) -> str:
    methods = evaluation.methods
    means = {method: evaluation.mean(method) for method in methods}
    names = list(means[methods[0]]) if methods else []
    head = "".join(f"<th>{html.escape(method)}</th>" for method in methods)
    rows = [
        f"<tr><td>{name}</td>" + "".join(f"<td>{means[method][name]:.4f}</td>" for method in methods) + "</tr>"
        for name in names
    ]
    aims = ", ".join(f"{name} {value}" for name, value in LIMITS.items())
    return f"<table><tr><th>mean</th>{head}</tr>{''.join(rows)}</table><p>Aim: {aims}</p>"


def _caption(evaluation: Evaluation, pair: str, name: str) -> str:
    for score in evaluation.scores:
        if score.pair == pair and score.method == name:
            return f"{name}: SSIM {score.values['ssim']:.3f}"
    return name
