"""The embedded files give what the originals give, at their speed and at half their size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.domain.arrays import F32
from studio.media.resources import resource_path
from studio.models.manifest import shipped_manifest
from studio.models.provider import LocalModels
from studio.models.store import hash_file

ORIGINALS = {
    "blazepose_detector": ("pose_detection.onnx", 224),
    "blazepose_landmarks": ("pose_landmark_full.onnx", 256),
    "selfie_multiclass": ("selfie_multiclass.onnx", 256),
}
_MEGABYTES = 1e6


def _photos(shared: Path, side: int) -> list[F32]:
    files = sorted((shared / "photos" / "persons").glob("*"))[:6]
    return [np.asarray(Image.open(file).convert("RGB").resize((side, side)), np.float32)[None] for file in files]


def _original(path: Path):  # type: ignore[no-untyped-def]  # onnxruntime has no types
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _softmax(logits: F32) -> F32:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_files_are_the_manifest_s_and_small_enough() -> None:
    rows = [row for row in shipped_manifest() if row.embedded]
    paths = [resource_path("models", row.file) for row in rows]
    assert [hash_file(path) for path in paths] == [row.sha256 for row in rows]
    assert [path.stat().st_size for path in paths] == [row.bytes for row in rows]
    assert sum(path.stat().st_size for path in paths) < 30 * _MEGABYTES


def test_u2netp_is_the_official_file() -> None:
    import hashlib

    digest = hashlib.md5(resource_path("models", "u2netp.onnx").read_bytes(), usedforsecurity=False).hexdigest()
    assert digest == "8e83ca70e441ab06c318d82300c84806"


@pytest.mark.parametrize("model_id", ["blazepose_detector", "blazepose_landmarks"])
def test_blazepose_is_bit_equal(shared: Path, model_id: str) -> None:
    name, side = ORIGINALS[model_id]
    original, embedded = _original(shared / "models" / name), LocalModels(threads=2).session(model_id)
    for photo in _photos(shared, side):
        fed = photo / 127.5 - 1 if side == 224 else photo / 255
        for want, got in zip(original.run(None, {"t0": fed}), embedded.run({"t0": fed}), strict=True):
            assert np.array_equal(want, got)


def test_masks_of_the_segmenter_stay_within_one_level(shared: Path) -> None:
    name, side = ORIGINALS["selfie_multiclass"]
    original, embedded = _original(shared / "models" / name), LocalModels(threads=2).session("selfie_multiclass")
    for photo in _photos(shared, side):
        want, got = (
            _softmax(each[0]) for each in (original.run(None, {"t0": photo / 255}), embedded.run({"t0": photo / 255}))
        )
        assert np.abs(want - got).max() < 1 / 255


@pytest.mark.parametrize("model_id", sorted(ORIGINALS))
def test_the_graph_that_runs_is_the_original_s(shared: Path, tmp_path: Path, model_id: str) -> None:
    """onnxruntime folds what restores the weights, so speed is the original's: equal nodes, equal constants."""
    onnx = pytest.importorskip("onnx", reason="the onnx package is needed to read the optimised graph")
    import onnxruntime

    seen = []
    for path in (shared / "models" / ORIGINALS[model_id][0], resource_path("models", f"{model_id}.onnx")):
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(tmp_path / f"{len(seen)}.onnx")
        options.log_severity_level = 3  # it warns that an optimised model belongs to this machine
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        graph = onnx.load(options.optimized_model_filepath).graph
        weights = sorted((tuple(tensor.dims), tensor.data_type) for tensor in graph.initializer)
        seen.append((sorted(node.op_type for node in graph.node), weights))
    assert seen[0] == seen[1]
