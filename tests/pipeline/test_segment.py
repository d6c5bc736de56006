"""Click-to-segment: what the network is asked, how its answer becomes an outline, and what that does to a mask."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from studio.domain.arrays import F32, AnyArray
from studio.domain.edits import MaskRegion, Points, StrokeMode
from studio.domain.prompts import Prompt, PromptRole
from studio.pipeline.edits_mask import edit_mask
from studio.pipeline.matting.brush import region_coverage
from studio.pipeline.matting.segment import DECODER, ENCODER, GRID, SIDE, Features, find_object, look_at
from tests.fakes import FakeModels

SIZE = (200, 400)


class FakeSession:
    """Answers what it was told to and keeps what it was asked."""

    input_names = ("image",)

    def __init__(self, answers: list[AnyArray]) -> None:
        self.answers = answers
        self.asked: list[Mapping[str, AnyArray]] = []

    def run(self, feeds: Mapping[str, AnyArray]) -> list[AnyArray]:
        self.asked.append(feeds)
        return self.answers


class SegmentModels(FakeModels):
    """Two networks that answer with fixed masks."""

    def __init__(self, masks: F32, scores: list[float]) -> None:
        super().__init__()
        one = np.zeros((1, 1), np.float32)
        self.encoder = FakeSession([one, one + 1, one + 2])
        self.decoder = FakeSession([masks[None], np.array([scores], np.float32)])

    def session(self, model_id: str) -> FakeSession:
        return {ENCODER: self.encoder, DECODER: self.decoder}[model_id]


def box(x0: int, y0: int, x1: int, y1: int) -> F32:
    """Logits of a rectangle in cells of the network's grid."""
    logits = np.full((GRID, GRID), -8.0, np.float32)
    logits[y0:y1, x0:x1] = 8.0
    return logits


def features() -> Features:
    empty = np.zeros((1, 1), np.float32)
    return Features(SIZE, empty, empty, empty)


def bounds(rings: tuple[Points, ...]) -> tuple[float, ...]:
    points = np.array([point for ring in rings for point in ring])
    return (*points.min(axis=0), *points.max(axis=0))


def test_a_photo_is_looked_at_square_and_standardised() -> None:
    models = SegmentModels(np.stack([box(0, 0, 4, 4)]), [1.0])
    seen = look_at(np.full((40, 20, 3), 255, np.uint8), models)
    planes = models.encoder.asked[0]["image"]
    assert planes.shape == (1, 3, SIDE, SIDE) and planes.dtype == np.float32
    assert planes[0, :, 0, 0] == pytest.approx(
        [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225], abs=1e-4
    )
    assert seen.size == (20, 40) and float(seen.embedding[0, 0]) == 2.0


def test_one_click_takes_the_best_answer_at_its_place() -> None:
    models = SegmentModels(np.stack([box(0, 0, 256, 256), box(64, 64, 128, 192)]), [0.2, 0.9])
    rings = find_object(features(), [Prompt(50, 100, PromptRole.THIS)], models)
    asked = models.decoder.asked
    assert len(asked) == 1 and asked[0]["point_coords"][0].tolist() == [[256.0, 256.0]]
    assert len(rings) == 1
    # A quarter to a half across, a quarter to three quarters down, within a share of a cell.
    assert bounds(rings) == pytest.approx((50 - 0.5, 100 - 0.5, 100 - 0.5, 300 - 0.5), abs=0.8)


def test_several_prompts_are_looked_at_twice_and_the_second_look_agrees_with_the_first() -> None:
    first, other = box(64, 64, 128, 192), box(0, 0, 32, 32)
    models = SegmentModels(np.stack([other, first]), [0.1, 0.9])
    prompts = [
        Prompt(0, 0, PromptRole.BOX_START),
        Prompt(90, 90, PromptRole.BOX_END),
        Prompt(1, 1, PromptRole.NOT_THIS),
    ]
    rings = find_object(features(), prompts, models)
    again = models.decoder.asked[1]
    assert again["has_mask_input"].tolist() == [1.0] and np.array_equal(again["mask_input"][0, 0], first)
    assert again["point_labels"].tolist() == [[2.0, 3.0, 0.0]]
    assert bounds(rings)[2] == pytest.approx(99.5, abs=0.8)


def test_holes_are_rings_of_their_own_and_specks_are_dropped() -> None:
    logits = box(64, 64, 192, 192)
    logits[100:140, 100:140] = -8
    logits[5, 5] = 0.3
    rings = find_object(features(), [Prompt(5, 5, PromptRole.THIS)], SegmentModels(logits[None], [1.0]))
    assert len(rings) == 2


def test_what_runs_out_of_the_photo_ends_at_its_border() -> None:
    rings = find_object(features(), [Prompt(5, 5, PromptRole.THIS)], SegmentModels(box(0, 0, 256, 64)[None], [1.0]))
    found = region_coverage(MaskRegion(rings, StrokeMode.ADD), SIZE)
    assert found is not None
    cover, place = found
    assert (place.x0, place.y0, place.x1) == (0, 0, SIZE[0]) and cover[:90].min() == 255 and 99 <= place.y1 <= 106


def test_nothing_asked_or_nothing_found_is_no_outline() -> None:
    models = SegmentModels(np.full((1, GRID, GRID), -5, np.float32), [1.0])
    assert find_object(features(), [], models) == ()
    assert find_object(features(), [Prompt(1, 1, PromptRole.THIS)], models) == ()


def test_a_region_adds_and_subtracts_and_spares_its_holes() -> None:
    rings = (
        ((10.0, 10.0), (60.0, 10.0), (60.0, 60.0), (10.0, 60.0)),
        ((30.0, 30.0), (40.0, 30.0), (40.0, 40.0), (30.0, 40.0)),
    )
    rgb = np.zeros((80, 80, 3), np.uint8)
    added = edit_mask(np.zeros((80, 80), np.float32), rgb, [MaskRegion(rings, StrokeMode.ADD, 0.5)])
    assert added[20, 20] == pytest.approx(0.5, abs=0.01) and added[35, 35] == 0 and added[5, 5] == 0
    taken = edit_mask(np.ones((80, 80), np.float32), rgb, [MaskRegion(rings, StrokeMode.SUBTRACT)])
    assert taken[20, 20] == 0 and taken[35, 35] == 1 and taken[70, 70] == 1


def test_the_real_network_finds_a_disc() -> None:
    folder = os.environ.get("FITTING_STUDIO_MODELS", "")
    if not folder or not (Path(folder) / "sam2_tiny_decoder.onnx").is_file():
        pytest.skip("SAM 2 is not installed (FITTING_STUDIO_MODELS)")
    from studio.models.provider import LocalModels

    y, x = np.mgrid[0:480, 0:360]
    inside = (x - 150) ** 2 + (y - 260) ** 2 < 90**2
    rgb = np.where(inside[..., None], (200, 60, 50), (225, 228, 230)).astype(np.uint8)
    models = LocalModels()
    found = find_object(look_at(rgb, models), [Prompt(150, 260, PromptRole.THIS)], models)
    mask = edit_mask(np.zeros(inside.shape, np.float32), rgb, [MaskRegion(found, StrokeMode.ADD)]) > 0.5
    assert (mask & inside).sum() / (mask | inside).sum() > 0.97
