"""What is trusted, what is imported, what is refused."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from studio.domain.errors import CheckpointError, ModelError, StorageError
from studio.domain.progress import Progress
from studio.models.checkpoints import read_checkpoint
from studio.models.commands import ModelStatus, import_models, list_models, verify_models
from studio.models.convert import read_arrays
from studio.models.manifest import shipped_manifest
from studio.models.store import ModelStore, default_root
from tests.models.builder import PAYLOAD, Listener, entry, manifest


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    (tmp_path / "embedded").mkdir()
    (tmp_path / "embedded" / "inside.onnx").write_bytes(PAYLOAD)
    inside, tiny = entry("inside", embedded=True), entry("tiny")
    return ModelStore(tmp_path / "store", manifest(tmp_path / "embedded", inside, tiny))


def test_the_root_may_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITTING_STUDIO_MODELS", str(tmp_path))
    assert default_root() == tmp_path
    monkeypatch.delenv("FITTING_STUDIO_MODELS")
    assert default_root().parts[-2:] == ("fitting-studio", "models")


def test_embedded_models_are_always_there(store: ModelStore) -> None:
    assert store.is_installed("inside") and not store.is_installed("tiny") and not store.is_installed("stranger")
    use = store.use("inside")
    assert (use.id, use.licence, use.commercial) == ("inside", "MIT", True)
    with pytest.raises(ModelError) as caught:
        store.remove("inside")
    assert caught.value.key == "model.embedded"


def test_missing_and_unknown_models_say_how_to_get_them(store: ModelStore) -> None:
    for model_id, key in (("tiny", "model.missing_by_hand"), ("stranger", "model.unknown")):
        with pytest.raises(ModelError) as caught:
            store.path(model_id)
        assert caught.value.key == key


def test_a_file_put_there_by_hand_is_trusted_after_its_checksum(store: ModelStore) -> None:
    store.root.mkdir()
    (store.root / "tiny.onnx").write_bytes(PAYLOAD)
    assert store.path("tiny").read_bytes() == PAYLOAD
    assert json.loads((store.root / "tiny.onnx.receipt.json").read_text())["sha256"] == store.use("tiny").sha256


def test_a_file_that_changed_is_not_trusted(store: ModelStore) -> None:
    store.root.mkdir()
    path = store.root / "tiny.onnx"
    path.write_bytes(PAYLOAD)
    store.path("tiny")
    path.write_bytes(PAYLOAD[:-1] + b"?")
    os.utime(path, ns=(1, 1))
    for again in (store, ModelStore(store.root, store.manifest)):
        with pytest.raises(ModelError) as caught:
            again.path("tiny")
        assert caught.value.key == "model.damaged" and str(path) in caught.value.values["file"]


def test_a_checksum_is_taken_once(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.root.mkdir()
    (store.root / "tiny.onnx").write_bytes(PAYLOAD)
    store.path("tiny")

    def refuse(*_: object) -> str:
        raise AssertionError("the checksum was taken again")

    monkeypatch.setattr("studio.models.store.hash_file", refuse)
    assert ModelStore(store.root, store.manifest).path("tiny").is_file()


def test_import_of_a_renamed_file_and_of_a_folder(store: ModelStore, tmp_path: Path) -> None:
    folder = tmp_path / "from"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "whatever.onnx").write_bytes(PAYLOAD)
    (folder / "other.onnx").write_bytes(b"something else")
    (folder / "notes.txt").write_text("no model")
    listener = Listener()
    outcomes = {outcome.file.name: outcome for outcome in import_models(folder, listener.progress, store)}
    assert outcomes["whatever.onnx"].models == ("tiny",)
    assert outcomes["other.onnx"].error is not None and outcomes["other.onnx"].error.key == "model.not_recognised"
    assert set(outcomes) == {"whatever.onnx", "other.onnx"}
    assert store.path("tiny").read_bytes() == PAYLOAD
    assert listener.seen[-1] == 1.0


def test_import_of_nothing(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        import_models(tmp_path / "nowhere", Progress.silent(), store)
    assert caught.value.key == "model.nothing_found"


def test_list_and_verify(store: ModelStore) -> None:
    assert {row.id: row.status for row in list_models(store)} == {
        "inside": ModelStatus.EMBEDDED,
        "tiny": ModelStatus.MISSING,
    }
    assert list_models(store)[1].how is not None
    store.root.mkdir()
    path = store.root / "tiny.onnx"
    path.write_bytes(PAYLOAD)
    assert list_models(store)[1].status is ModelStatus.INSTALLED
    assert [row.status for row in verify_models(Progress.silent(), store)] == [
        ModelStatus.EMBEDDED,
        ModelStatus.INSTALLED,
    ]
    damaged = bytearray(PAYLOAD)
    damaged[77] ^= 1
    path.write_bytes(bytes(damaged))
    rows = {row.id: row for row in verify_models(Progress.silent(), store)}
    assert rows["tiny"].status is ModelStatus.DAMAGED and rows["tiny"].how is not None
    path.write_bytes(PAYLOAD[:100])
    assert list_models(store)[1].status is ModelStatus.DAMAGED


def test_remove(store: ModelStore) -> None:
    store.root.mkdir()
    (store.root / "tiny.onnx").write_bytes(PAYLOAD)
    store.path("tiny")
    store.remove("tiny")
    assert list(store.root.iterdir()) == []


def test_a_store_that_refuses(store: ModelStore, tmp_path: Path) -> None:
    store.root.write_text("a file where the folder should be")
    (tmp_path / "a.onnx").write_bytes(PAYLOAD)
    with pytest.raises(StorageError):
        import_models(tmp_path / "a.onnx", Progress.silent(), store)


def test_rembg_uses_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("U2NET_HOME", "elsewhere")
    store = ModelStore(tmp_path)
    store.serve_rembg()
    assert os.environ["U2NET_HOME"] == str(tmp_path)
    assert (tmp_path / "u2netp.onnx").read_bytes() == store.path("u2netp").read_bytes()


# --- checkpoints ---------------------------------------------------------------------------------------------------


class _Evil:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch /tmp/fitting-studio-was-here",)


def test_code_in_a_checkpoint_never_runs(tmp_path: Path) -> None:
    import torch

    torch.save({"state_dict": {"a.weight": torch.zeros(1)}, "extra": _Evil()}, tmp_path / "a.pth")
    (tmp_path / "b.pkl").write_bytes(pickle.dumps({"model": _Evil()}))
    for path in (tmp_path / "a.pth", tmp_path / "b.pkl"):
        with pytest.raises(ModelError) as caught:
            read_checkpoint(path)
        assert caught.value.key == "model.unsafe"
    assert not Path("/tmp/fitting-studio-was-here").exists()


def test_arrays_come_out_of_a_pickle(tmp_path: Path) -> None:
    tree = {"layer": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3)}}
    for protocol in (2, 4):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(tree, protocol))
        assert np.array_equal(read_arrays(tmp_path / "a.pkl")["layer"]["kernel"], tree["layer"]["kernel"])


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors", "a.pkl"])
def test_truncated_and_foreign_checkpoints(tmp_path: Path, name: str) -> None:
    import torch
    from safetensors.torch import save_file

    path = tmp_path / name
    state = {"a.weight": torch.zeros(50, 50)}
    if name == "a.safetensors":
        save_file(state, path)
    elif name == "a.pth":
        torch.save(state, path)
    else:
        path.write_bytes(pickle.dumps({"a": np.zeros((50, 50))}))
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"text, not weights"):
        path.write_bytes(data)
        with pytest.raises(ModelError) as caught:
            read_checkpoint(path)
        assert caught.value.key in ("model.cut_off", "model.unreadable", "model.unsafe")
        assert caught.value.values["file"] == str(path)


def test_a_checkpoint_is_recognised_by_its_keys_and_kept_as_safetensors(tmp_path: Path) -> None:
    import torch

    from studio.networks.registry import find_network

    module = find_network("u2net.small").load_builder()(
        {"outconv.weight": (1, 6, 1, 1), "stage1.rebnconv1.conv_s1.weight": (16, 64, 3, 3)}
    )
    state = {f"module.{key}": value for key, value in module.state_dict().items()}
    path = tmp_path / "renamed by someone.pth"
    torch.save({"epoch": 3, "state_dict": state}, path)
    store = ModelStore(tmp_path / "store")
    (outcome,) = import_models(path, Progress.silent(), store)
    assert outcome.models == ("u2netp_checkpoint",)
    use = store.use("u2netp_checkpoint")
    assert use.licence == "Apache-2.0" and len(use.sha256) == 64
    from studio.models.provider import LocalModels

    warm = LocalModels(store)
    back = warm.module("u2netp_checkpoint")
    assert back is warm.module("u2netp_checkpoint") and not back.training
    for key, value in module.state_dict().items():
        assert torch.equal(back.state_dict()[key], value), key


def test_a_checkpoint_with_a_key_missing_says_which(tmp_path: Path) -> None:
    import torch

    from studio.networks.registry import find_network

    module = find_network("u2net.small").load_builder()(
        {"outconv.weight": (1, 6, 1, 1), "stage1.rebnconv1.conv_s1.weight": (16, 64, 3, 3)}
    )
    state = dict(module.state_dict())
    del state["side1.bias"]
    torch.save(state, tmp_path / "a.pth")
    (outcome,) = import_models(tmp_path / "a.pth", Progress.silent(), ModelStore(tmp_path / "store"))
    assert isinstance(outcome.error, CheckpointError)
    assert outcome.error.values["entry"] == "side1.bias"


def test_weights_of_nothing_we_know(tmp_path: Path) -> None:
    import torch

    torch.save({"some.weight": torch.zeros(3)}, tmp_path / "a.pth")
    (outcome,) = import_models(tmp_path / "a.pth", Progress.silent(), ModelStore(tmp_path / "store"))
    assert isinstance(outcome.error, CheckpointError)


# --- the shipped manifest ------------------------------------------------------------------------------------------


def test_the_shipped_manifest_is_complete() -> None:
    rows = list(shipped_manifest())
    assert {row.id for row in rows if row.embedded} == {
        "u2netp",
        "blazepose_detector",
        "blazepose_landmarks",
        "selfie_multiclass",
    }
    for row in rows:
        assert row.licence and row.title and row.sources, row.id
        assert row.sha256 or row.network or any(source.member_sha256 for source in row.sources), row.id
        assert len({each.file for each in rows}) == len(rows)


def test_networks_of_the_manifest_and_of_the_registry_agree() -> None:
    from studio.networks.registry import NETWORKS

    specs = {spec.id: spec for spec in NETWORKS}
    rows = {row.network: row for row in shipped_manifest() if row.network}
    assert set(rows) == set(specs)
    for name, row in rows.items():
        assert (row.licence, row.commercial) == (specs[name].licence, specs[name].commercial), name
