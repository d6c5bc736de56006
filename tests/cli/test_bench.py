"""The benchmark through the command line, with networks a sixteenth as wide."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import torch

from studio.networks.bench import CardLimits
from studio.training.bench import BatchRow, BenchReport, StageTime
from tests.cli.conftest import Studio

TINY = ("--size", "256x128", "--width", "4", "--runs", "1", "--device", "cpu", "--threads", "1")


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_it_measures_every_step_and_both_forms(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.training.bench.NATIVE_SCALE", 1)
    said = studio("bench", "tryon", *TINY, "--batch", "1,2", "--json")
    assert said.code == 0, said.err
    report = json.loads(said.out)
    assert [stage["stage"] for stage in report["stages"]] == [
        "inputs", "condition", "layers", "discriminator", "generator", "native"
    ]  # fmt: skip
    assert all(stage["best"] > 0 for stage in report["stages"])
    assert [row["batch"] for row in report["batches"]] == [1, 2]
    for row in report["batches"]:
        assert row["images_per_s"] == pytest.approx(row["batch"] / row["seconds"])
    assert report["ratio"] == pytest.approx(report["plain_s"] / report["ours_s"])
    assert report["difference"] < 1.0
    assert report["plain_processor_s"] > 0 and all(stage["processor"] > 0 for stage in report["stages"])
    assert report["weights"] == "random"
    assert report["limits"] is None


def test_a_cards_report_is_said_in_words(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = BatchRow(1, 0.02, 50.0, 3000.0, 0.25, 0.5), BatchRow(64, None, None, None)
    report = BenchReport(
        device="cuda", hardware="A card", torch="2", threads=2, size=(256, 128), dtype="bfloat16", form="fast",
        weights="installed", estimate_mb=2000.0, stages=(StageTime("generator", 0.02, 0.03),), batches=rows,
        plain_s=0.06, plain_peak_mb=8000.0, ours_s=0.02, ratio=3.0, difference=0.9, limits=CardLimits(6e14, 4e12),
    )  # fmt: skip
    monkeypatch.setattr("studio.training.bench.bench_tryon", lambda *given: report)
    said = studio("bench", "tryon", *TINY)
    assert said.code == 0, said.err
    for text in ("bfloat16, fast form, installed weights", "600 TFLOP/s", "50.00", "25%", "does not fit", "ratio 3.00"):
        assert text in said.out


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--size", "1000x768"), "1000x768"),
        (("--size", "128x128"), "128x128"),
        (("--size", "big"), "big"),
        (("--batch", "1,zero"), "1,zero"),
        (("--device", "abacus"), "abacus"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_one_sentence(
    studio: Studio, arguments: tuple[str, ...], names: str
) -> None:
    said = studio("bench", "tryon", *arguments)
    assert said.code == 7
    assert names in said.err
    assert len(said.err.strip().splitlines()) == 1
