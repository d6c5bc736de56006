"""Evaluation on a drawn person: a perfect engine scores as one, faults are seen in their zones, sheets hold all."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from studio.domain.artefacts import Confidence, GarmentArtefacts, PersonArtefacts, TryOn
from studio.domain.edits import LayerOrder
from studio.domain.geometry import Framing
from studio.networks.lpips import Lpips
from studio.pipeline.blend import blend_look
from studio.pipeline.framing import warp_to_canvas
from studio.pipeline.stage import StageContext
from studio.training import evaluate, sets
from studio.training.baselines import fill_hidden, paste_to_box
from studio.training.evaluate import Evaluation, Evaluator, TruePair, find_pairs, reduce, to_canvas, zones
from studio.training.report import list_pairs, write_csv, write_html
from tests.pipeline.test_residue import dress
from tests.pipeline.tryon_figures import TEE, NoModels, draw_person, dressed_garment

PAIRS = [TruePair(name, Path(f"{name}_person.jpg"), Path(f"{name}_garment.jpg")) for name in ("a", "b")]


class Painter:
    """An engine that paints what it is told, and remembers whether it was to look at nothing."""

    id = "painter"

    def __init__(self, picture: np.ndarray) -> None:
        self.picture = picture
        self.leak_free: list[bool] = []

    def dress(
        self,
        person: PersonArtefacts,
        garment: GarmentArtefacts,
        ctx: StageContext,
        *,
        layers: LayerOrder,
        leak_free: bool = False,
    ) -> TryOn:
        self.leak_free.append(leak_free)
        return SimpleNamespace(image=self.picture)  # type: ignore[return-value]  # nothing else is asked for


@pytest.fixture(scope="module")
def person() -> PersonArtefacts:
    return draw_person(2)


@pytest.fixture(scope="module")
def truth(person: PersonArtefacts) -> np.ndarray:
    return to_canvas(person.photo.rgb8, person.framing)


@pytest.fixture
def lab(person: PersonArtefacts, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Evaluate without a pipeline: every pair is the drawn person in the drawn garment."""
    garment = dressed_garment(TEE)
    look = dress(person)
    patch = SimpleNamespace(
        box=SimpleNamespace(slices=np.s_[:, :]), alpha=look.edit.astype(np.float32), pixels=look.pixels,
        body_alpha=look.body.astype(np.float32), garment=look.worn,
    )  # fmt: skip
    tryon = SimpleNamespace(patch=patch, confidence=Confidence(1.0), engine="painter")
    made = {
        "look": blend_look(person.photo, person.cutout, tryon),  # type: ignore[arg-type]
        "garment_edges": garment.cutout, "garment": garment.garment, "garment_photo": garment.photo,
    }  # fmt: skip

    class Given:
        def __init__(self, *rest: object) -> None: ...

        def get(self, node: str) -> Any:
            return made[node]

        def look(self, *rest: object) -> dict[str, str]:
            return {slot: slot for slot in made}

    monkeypatch.setattr(evaluate, "Runner", Given)
    monkeypatch.setattr(evaluate, "GraphBuilder", Given)
    monkeypatch.setattr(Evaluator, "_prepare", lambda self, runner, one, two: (person, garment))
    monkeypatch.setattr(evaluate.Photos, "add_file", lambda self, path: path)

    def run(engine: Painter, pairs: list[TruePair], **wanted: Any) -> Evaluation:
        torch.manual_seed(0)
        network = Lpips("alex").eval()
        for lin in network.lins:
            lin.weight.data.abs_()
        judges = {sets.VGG: _Describes(), sets.INCEPTION: _Describes()}
        evaluator = Evaluator(NoModels(), engine, networks={"lpips_alex": network}, judges=judges)  # type: ignore[arg-type]
        return evaluator.run(pairs, **wanted)

    return run


class _Describes(torch.nn.Module):
    """Describes a picture by its mean colour."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.mean(dim=(2, 3))

    describe = forward


def test_a_perfect_engine_scores_as_one_everywhere_and_the_sheets_hold_all(
    lab: Any, truth: np.ndarray, tmp_path: Path
) -> None:
    engine = Painter(truth)
    result = lab(engine, PAIRS, unpaired=True)
    assert engine.leak_free == [True, True]
    mean = result.mean("painter")
    # Not exactly one: the drawn agnostic picture, over which it is composed, was interpolated by other means.
    assert mean["ssim"] > 0.999 and mean["lpips_alex"] < 1e-3 and mean["moved_outside"] == 0
    for zone in ("inside", "collar", "shoulder", "sleeve", "cuff", "hem", "print"):
        assert mean[f"ssim_{zone}"] > 0.999 and mean[f"lpips_alex_{zone}"] < 1e-3 and mean[f"psnr_{zone}"] > 45
    worse = result.mean("pasted to the box")
    assert worse["ssim"] < 0.99 and worse["lpips_alex_inside"] > worse["lpips_alex"] > 1e-3
    mean = result.mean("painter, unpaired")
    assert set(mean) == {"delta_e", "delta_e_median", "moved_outside", "residue"}
    assert mean["moved_outside"] == 0 and mean["residue"] == 0
    assert set(result.sets) == {"fid", "kid", "frechet_vgg", "pictures"} and result.sets["pictures"] == 2
    assert result.sets["fid"] == pytest.approx(result.sets["frechet_vgg"]) and result.sets["fid"] > 0
    write_csv(result, tmp_path / "scores.csv")
    write_html(result, tmp_path / "pictures.html")
    rows = list(csv.reader((tmp_path / "scores.csv").read_text("utf-8").splitlines()))
    assert rows[0][:3] == ["pair", "method", "ssim"] and "residue" in rows[0]
    assert [row[1] for row in rows if row[0] == "sets"] == list(result.sets)
    page = (tmp_path / "pictures.html").read_text("utf-8")
    assert page.count("<img") == 2 * 6 and "painter, unpaired" in page and "CIEDE2000" in page


def test_every_pair_is_told_and_where_a_baseline_leads(lab: Any, truth: np.ndarray, tmp_path: Path) -> None:
    result = lab(Painter(truth), PAIRS)
    assert set(result.mean("photo")) == {"delta_e", "delta_e_median"}, "how far the photo itself is from the product"
    names, rows = list_pairs(result)
    assert [pair for pair, _ in rows] == [pair.id for pair in PAIRS] and "lpips_alex" in names
    assert not any(cell.behind for cell in rows[0][1][: names.index("delta_e")]), "a perfect engine leads"
    result = lab(Painter(np.random.default_rng(0).integers(0, 255, truth.shape).astype(np.uint8)), PAIRS)
    names, rows = list_pairs(result)
    cell = rows[0][1][names.index("ssim")]
    assert cell.behind and cell.text.endswith(f"({result.best_baseline(PAIRS[0].id, 'ssim'):.3f})")
    write_html(result, tmp_path / "pictures.html")
    assert cell.text in (tmp_path / "pictures.html").read_text("utf-8")


def test_a_fault_is_seen_in_its_zone_and_not_in_others(lab: Any, truth: np.ndarray, person: PersonArtefacts) -> None:
    places = dict(zones(person))
    rows, columns = np.nonzero(places["hem"])
    wrong = truth.copy()
    wrong[2 * rows.min() : 2 * rows.max(), 2 * columns.min() : 2 * columns.max()] = 255
    mean = lab(Painter(wrong), PAIRS[:1]).mean("painter")
    assert mean["ssim_hem"] < 0.6 and mean["psnr_hem"] < 25
    assert mean["ssim_collar"] > 0.999 and mean["psnr_collar"] > 45
    assert mean["lpips_alex_hem"] > 3 * mean["lpips_alex_collar"]


def test_without_inception_there_is_no_fid_under_any_name() -> None:
    pictures = [np.full((8, 8, 3), value, np.uint8) for value in (10, 90, 200)]
    found = sets.set_distances(pictures, pictures, {sets.VGG: _Describes()})
    assert set(found) == {"frechet_vgg", "pictures"} and found["frechet_vgg"] == pytest.approx(0, abs=1e-9)
    assert sets.set_distances(pictures[:1], pictures, {sets.VGG: _Describes()}) == {}


def test_kid_is_told_by_subsets_where_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    one, two = random.normal(0, 1, (60, 4)), random.normal(1, 1, (60, 4))
    whole, deviation = sets.kid(one, two)
    assert math.isnan(deviation)
    monkeypatch.setattr(sets, "SUBSET_SIZE", 20)
    mean, deviation = sets.kid(one, two)
    assert mean == pytest.approx(whole, rel=0.1) and 0 < deviation < mean
    assert sets.kid(one, two) == (mean, deviation)


def test_a_large_photo_is_brought_to_the_canvas_as_its_agnostic_image_is() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2048, 1536, 3)).astype(np.uint8)
    halved = Framing(np.array([[0.5, 0.0, -0.25], [0.0, 0.5, -0.25]]), (1536, 2048), (0, 0, 0))
    canvas = to_canvas(noise, halved)
    assert canvas.std() < 0.6 * noise.std(), "averaged, not picked"
    assert np.array_equal(canvas, warp_to_canvas(noise, halved))


def test_a_baseline_is_as_smooth_as_its_product_photo(person: PersonArtefacts) -> None:
    garment = dressed_garment(TEE)
    height, width = garment.photo.rgb8.shape[:2]
    stripes = np.zeros((4 * height, 4 * width, 3), np.uint8)
    stripes[::2] = 255  # one pixel each: pasted four times smaller, they are an even grey
    alpha = np.repeat(np.repeat(garment.cutout.alpha, 4, axis=0), 4, axis=1)
    fine = replace(garment, cutout=replace(garment.cutout, alpha=alpha, foreground=stripes))
    picture, plain = paste_to_box(person, fine), fill_hidden(person.agnostic.image)
    pasted = (np.abs(picture.astype(np.int16) - plain).max(axis=2) > 8) & (picture.std(axis=2) < 2)
    pasted = cv2.erode(pasted.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert pasted.sum() > 5000 and picture[pasted].std() < 20


def test_pairs_are_found_by_name(tmp_path: Path) -> None:
    for name in ("x_person.jpg", "x_garment.png", "alone_person.jpg"):
        (tmp_path / name).touch()
    assert [pair.id for pair in find_pairs(tmp_path)] == ["x"]


def test_an_empty_zone_has_no_number(person: PersonArtefacts) -> None:
    black = np.zeros((16, 16, 3), np.uint8)
    assert math.isnan(evaluate.metrics.psnr(black, black, np.zeros((16, 16), bool)))
    unseen = replace(person, pose=replace(person.pose, keypoints=np.zeros((18, 3), np.float32)))
    assert list(zones(unseen)) == []
    assert reduce(np.zeros((1024, 768, 3), np.uint8)).shape == (512, 384, 3)
