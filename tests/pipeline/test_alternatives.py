"""The alternative stages as the program finds them: entry points, manifest, sentences, nothing heavy imported."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from studio.media.messages import placeholders, shipped_catalogue
from studio.models.manifest import shipped_manifest
from studio.networks.registry import find_network
from tests.pipeline.network_fakes import GivenNetworks

PROJECT = Path(__file__).resolve().parents[2]
ALTERNATIVES = {
    "cutout": ("mask_rcnn", "u2net_torch", "u2netp_torch"),
    "pose": ("openpose_body25", "openpose_coco", "keypoint_rcnn"),
    "parse": ("schp_lip", "schp_atr"),
    "densepose": ("detectron2_r50_fpn",),
}
POINTS = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
PAIRS = [(stage, name) for stage, names in ALTERNATIVES.items() for name in names]


@pytest.mark.parametrize(("stage", "name"), PAIRS)
def test_registered_with_model_network_and_sentence(stage: str, name: str) -> None:
    module, _, attribute = POINTS[f"studio.{stage}"][name].partition(":")
    found = getattr(import_module(module), attribute)
    assert (found.name, found.implementation) == (stage, name)
    (model,) = found.models(found.params_type(), GivenNetworks())
    entry = shipped_manifest().find(model)
    assert entry.task == stage
    assert entry.commercial is find_network(entry.network).commercial is model.startswith("u2net")
    note = found.unavailable(GivenNetworks())
    for language in ("en", "ko"):
        sentence = shipped_catalogue().template(note.key, language)
        assert sentence is not None and placeholders(sentence) <= set(note.values)


def test_every_public_network_can_be_imported_once() -> None:
    networks = [entry.network for entry in shipped_manifest() if entry.network]
    assert len(networks) == len(set(networks))
    text = (PROJECT / "resources" / "models" / "manifest.toml").read_text("utf-8")
    ids = [row["id"] for row in tomllib.loads(text)["model"]]
    assert len(ids) == len(set(ids))


def test_listing_them_imports_no_torch() -> None:
    modules = sorted({POINTS[f"studio.{stage}"][name].partition(":")[0] for stage, name in PAIRS})
    code = f"import sys\nfor name in {modules}: __import__(name)\nsys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
