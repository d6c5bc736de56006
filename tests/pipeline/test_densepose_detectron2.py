"""detectron2's DensePose as a stage, with the network's answer given by the test."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from studio.domain.artefacts import Cutout, Photo
from studio.domain.errors import PipelineError
from studio.domain.geometry import Framing
from studio.pipeline import densepose_detectron2
from studio.pipeline.densepose_detectron2 import DETECTRON2, MODEL, DensePoseParams
from studio.pipeline.stage import Inputs
from tests.pipeline.network_fakes import GivenNetworks, context

LEFT, RIGHT = (40.0, 100.0, 340.0, 1000.0), (420.0, 100.0, 740.0, 1000.0)


class Instances(SimpleNamespace):
    """What detectron2 returns, as far as the stage reads it."""

    def __len__(self) -> int:
        return len(self.scores)


class Answer(torch.nn.Module):
    """Finds people in given boxes, each one all of part 2 with u = 0.25 and v = 0.5."""

    def __init__(self, boxes: tuple[tuple[float, ...], ...], scores: tuple[float, ...]) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []
        self._boxes, self._scores = boxes, scores

    def forward(self, batch: list[dict[str, Any]]) -> list[dict[str, Instances]]:
        self.asked += batch
        count, side = len(self._boxes), 8
        fine = torch.zeros(count, 25, side, side)
        fine[:, 2] = 1
        coarse = torch.zeros(count, 2, side, side)
        coarse[:, 1] = 1
        output = SimpleNamespace(
            coarse_segm=coarse,
            fine_segm=fine,
            u=torch.full((count, 25, side, side), 0.25),
            v=torch.full((count, 25, side, side), 0.5),
        )
        boxes = SimpleNamespace(tensor=torch.tensor(self._boxes).reshape(count, 4))
        found = Instances(scores=torch.tensor(self._scores), pred_boxes=boxes, pred_densepose=output)
        return [{"instances": found}]


def inputs(columns: slice) -> Inputs:
    """Return a canvas-sized photo framed as it is, with a cutout of some columns."""
    pixels = np.zeros((1024, 768, 3), np.uint8)
    pixels[..., 2] = 120
    alpha = np.zeros((1024, 768), np.float32)
    alpha[100:1000, columns] = 1
    framing = Framing(np.eye(2, 3), (768, 1024))
    photo = Photo(pixels, "0" * 64, "person.jpg")
    return Inputs({"photo": photo, "edges": Cutout(alpha, pixels.copy()), "framing": framing})


def test_the_person_in_the_cutout_is_painted_on_the_canvas() -> None:
    network = Answer((LEFT, RIGHT), (0.98, 0.9))
    ctx = context({MODEL: network})
    found = DETECTRON2.run(inputs(np.s_[430:730]), DensePoseParams(), ctx)
    assert found.index.shape == (1024, 768)
    assert (found.index[110:990, 430:730] == 2).all() and not found.index[:, :400].any()
    assert found.u[500, 600] == 0.25 and found.v[500, 600] == 0.5
    assert [note.key for note in ctx.notes] == ["pose.several"]
    asked = network.asked[0]
    assert (asked["width"], asked["height"]) == (768, 1024)
    assert asked["image"].shape == (3, 1067, 800) and asked["image"][0].min() == 120  # blue comes first


def test_nobody_is_told_with_the_file() -> None:
    for network in (Answer((LEFT,), (0.2,)), Answer((), ())):
        with pytest.raises(PipelineError) as caught:
            DETECTRON2.run(inputs(np.s_[430:730]), DensePoseParams(), context({MODEL: network}))
        assert caught.value.key == "pose.no_person" and caught.value.values["file"] == "person.jpg"


def test_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = DETECTRON2.unavailable(GivenNetworks())
    assert nothing is not None and nothing.key == "alternative.checkpoint_missing"
    monkeypatch.setattr(densepose_detectron2, "is_detectron2_there", lambda: False)
    checkpoint_only = DETECTRON2.unavailable(GivenNetworks({MODEL: object()}))
    assert checkpoint_only is not None and checkpoint_only.key == "densepose.no_detectron2"
    monkeypatch.setattr(densepose_detectron2, "is_detectron2_there", lambda: True)
    assert DETECTRON2.unavailable(GivenNetworks({MODEL: object()})) is None
