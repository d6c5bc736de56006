"""DensePose through detectron2: building without compiled operators, and the charts painted on a picture."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from studio.domain.errors import ModelError
from studio.networks import densepose, detectron2_tree
from studio.networks.densepose import Charts, build_densepose, paint_charts, preprocess, resized_size

TREE = {
    "detectron2/__init__.py": "",
    "detectron2/config.py": """
class Config:
    def __init__(self): self.pairs = {}
    def merge_from_list(self, items): self.pairs.update(zip(items[::2], items[1::2]))
def get_cfg(): return Config()
""",
    "detectron2/modeling.py": """
import torch
from detectron2 import _C
class Network(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.conv = torch.nn.Conv2d(3, 2, 1)
        self.anchors = torch.nn.Module()
        self.anchors.register_buffer("0", torch.ones(3, 4), persistent=False)
        self.register_buffer("pixel_mean", torch.zeros(3, 1, 1))
def build_model(config): return Network(config)
""",
    "projects/DensePose/densepose/__init__.py": """
def add_densepose_config(config): config.pairs["MODEL.ROI_DENSEPOSE_HEAD.NUM_PATCHES"] = 24
""",
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a source tree with detectron2's layout, named by the environment and forgotten afterwards."""
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv(detectron2_tree.TREE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in [name for name in sys.modules if name.split(".")[0] in ("detectron2", "densepose")]:
        monkeypatch.delitem(sys.modules, name)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.split(".")[0] in ("detectron2", "densepose"):
            del sys.modules[name]


def test_absent_detectron2_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(detectron2_tree.TREE_VARIABLE, str(tmp_path))
    if detectron2_tree.is_detectron2_there():
        pytest.skip("detectron2 is installed here")
    with pytest.raises(ModelError) as caught:
        build_densepose({})
    assert caught.value.key == "densepose.no_detectron2"
    assert caught.value.values["variable"] == detectron2_tree.TREE_VARIABLE


def test_the_source_tree_is_enough(tree: Path) -> None:
    assert detectron2_tree.is_detectron2_there()
    network = build_densepose({"conv.weight": (2, 3, 1, 1), "conv.bias": (2,)})
    assert list(network.state_dict()) == ["conv.weight", "conv.bias"]
    assert network.config.pairs["MODEL.ROI_HEADS.NAME"] == "DensePoseROIHeads"
    assert network.config.pairs["MODEL.RESNETS.DEPTH"] == 50
    assert str(tree) in sys.path


def test_old_checkpoints_that_keep_anchors_fit_too(tree: Path) -> None:
    del tree
    shapes = {"conv.weight": (2, 3, 1, 1), "conv.bias": (2,), "anchors.0": (3, 4), "pixel_mean": (3, 1, 1)}
    network = build_densepose(shapes)
    assert {key: tuple(value.shape) for key, value in network.state_dict().items()} == shapes


def test_the_input_is_bgr_at_the_published_size() -> None:
    assert resized_size(768, 1024) == (800, 1067)
    assert resized_size(300, 1200) == (333, 1333)
    picture = np.zeros((40, 30, 3), np.uint8)
    picture[..., 0] = 200
    tensor = preprocess(picture)
    assert tensor.shape == (3, 1067, 800)
    assert tensor[2].min() == 200 and tensor[:2].max() == 0


def charts(box: tuple[float, float, float, float]) -> Charts:
    """Return a head above a torso: part 23 in the upper half, part 1 in the lower; nothing in the left quarter."""
    side = 112
    fine = torch.zeros(25, side, side)
    fine[23, : side // 2] = 5
    fine[1, side // 2 :] = 5
    coarse = torch.zeros(2, side, side)
    coarse[0, :, : side // 4] = 3
    coarse[1, :, side // 4 :] = 3
    u = torch.arange(25.0)[:, None, None].expand(25, side, side) / 25
    return Charts(coarse, fine, u, 2 * u, box)


def test_each_pixel_takes_the_coordinates_of_its_own_part() -> None:
    index, u, v = paint_charts(charts((10.0, 20.0, 90.0, 180.0)), (100, 200))
    assert index.shape == u.shape == v.shape == (200, 100)
    assert (index[25:95, 35:88] == 23).all() and (index[105:175, 35:88] == 1).all()
    assert not index[:, :28].any() and not index[:19].any() and not index[181:].any()
    np.testing.assert_allclose(u[50, 60], 23 / 25, atol=1e-6)
    np.testing.assert_allclose(v[150, 60], 2 / 25, atol=1e-6)
    assert v[50, 60] == 1.0  # clipped
    assert not u[index == 0].any()


def test_a_person_cut_by_the_border_is_pasted_in_place() -> None:
    whole, _, _ = paint_charts(charts((-20.0, -30.0, 60.0, 130.0)), (100, 200))
    moved, _, _ = paint_charts(charts((20.0, 30.0, 100.0, 190.0)), (100, 200))
    assert np.array_equal(whole[:100, :60], moved[60:160, 40:])


def test_parts_are_those_of_the_artefact() -> None:
    assert densepose.PARTS == 24
