"""Evaluation through the command line, on a shipped model and garment: what is said, what is written."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from studio.media.resources import resource_path
from tests.cli.conftest import Studio

ZONES = ("inside", "collar", "shoulder", "sleeve", "cuff", "hem", "print")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "pairs"
    folder.mkdir()
    shutil.copy(resource_path("samples") / "models" / "model_mira.jpg", folder / "mira_person.jpg")
    shutil.copy(resource_path("samples") / "garments" / "tee_sunrise.jpg", folder / "mira_garment.jpg")
    return folder


def test_the_table_the_csv_and_the_sheet_hold_every_protocol(studio: Studio, pairs: Path, tmp_path: Path) -> None:
    said = studio("evaluate", pairs, "-o", tmp_path / "out", "--cycle", "--unpaired")
    assert said.code == 0, said.err
    table = {line.split()[0]: line.split()[1:] for line in said.out.splitlines() if line.strip()}
    assert len(table["ssim"]) == 4, "drape, two baselines and the cycle have a truth; photo and unpaired have none"
    for zone in ZONES:
        assert len(table[f"ssim_{zone}"]) == len(table[f"psnr_{zone}"]) == 4
    assert [float(value) for value in table["moved_outside"]] == [0.0] * 5, "nothing moves outside, cycle included"
    assert "384 x 512" in said.out and "area averaging" in said.out and "ssim: aim >= 0.88, drape" in said.out
    assert "Inception" in said.err and "fid" not in table
    rows = list(csv.reader((tmp_path / "out" / "scores.csv").read_text("utf-8").splitlines()))
    methods = [row[1] for row in rows if row[0] == "mira"]
    assert methods[:4] == ["drape", "pasted to the box", "affine fit", "drape, cycle"]
    assert {f"ssim_{zone}" for zone in ZONES} < set(rows[0])
    page = (tmp_path / "out" / "pictures.html").read_text("utf-8")
    assert page.count("<img") == 7, "photo, product, drape, two baselines, cycle, unpaired"
