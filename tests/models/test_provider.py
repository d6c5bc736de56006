"""Warm models: loaded once, let go by age, on the device that is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.domain.errors import ModelError
from studio.models import device
from studio.models.device import Device
from studio.models.provider import LocalModels
from studio.models.store import ModelStore
from studio.pipeline.stage import ModelProvider, OnnxSession
from tests.models.builder import entry, identity_onnx, manifest


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    rows = [entry(name, payload=identity_onnx(), embedded=True, memory_mb=100) for name in ("a", "b", "c")]
    rows.append(entry("junk", payload=b"junk", embedded=True))
    for row in rows:
        (tmp_path / row.file).write_bytes(b"junk" if row.id == "junk" else identity_onnx())
    return ModelStore(tmp_path / "store", manifest(tmp_path, *rows))


def test_it_is_what_stages_expect(store: ModelStore) -> None:
    provider: ModelProvider = LocalModels(store)
    session: OnnxSession = provider.session("a")
    assert session.input_names == ("x",)
    (out,) = session.run({"x": np.array([1, 2], np.float32)})
    assert out.tolist() == [1, 2]


def test_sessions_are_warm_and_say_where_they_run(store: ModelStore) -> None:
    models = LocalModels(store, device=Device.CPU)
    assert models.session("a") is models.session("a")
    assert models.session("a").provider == "CPUExecutionProvider"
    models.unload()
    assert models.warm == ()


def test_the_least_recently_used_goes_first(store: ModelStore) -> None:
    models = LocalModels(store, budget_mb=250)
    first = models.session("a")
    models.session("b")
    models.session("a")
    models.session("c")
    assert models.warm == ("a", "c")
    assert models.session("a") is first


def test_a_model_larger_than_the_budget_is_still_used(store: ModelStore) -> None:
    models = LocalModels(store, budget_mb=10)
    models.session("a")
    models.session("b")
    assert models.warm == ("b",)


def test_a_file_that_is_no_model(store: ModelStore) -> None:
    with pytest.raises(ModelError) as caught:
        LocalModels(store).session("junk")
    assert caught.value.key == "model.unreadable"


def test_an_onnx_model_is_no_torch_network(store: ModelStore) -> None:
    for ask in (LocalModels(store).module, LocalModels(store).state_dict):
        with pytest.raises(ModelError) as caught:
            ask("a")
        assert caught.value.key == "model.no_network"


def test_a_graphics_processor_that_refuses_is_replaced_and_noted(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.models.provider.onnx_providers", lambda _: ["NoSuchProvider", device.CPU_PROVIDER])
    models = LocalModels(store)
    with pytest.warns(UserWarning, match="NoSuchProvider"):
        session = models.session("a")
    assert session.provider == device.CPU_PROVIDER
    assert [note.key for note in models.fallbacks] == ["model.fell_back_to_cpu"]
    assert models.fallbacks_of(["a"]) == models.fallbacks and models.fallbacks_of(["b"]) == []


class GivesUp:
    """A session on a card whose memory is full when it runs."""

    def get_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", device.CPU_PROVIDER]

    def get_inputs(self) -> list[object]:
        return []

    get_outputs = get_inputs

    def run(self, *args: object) -> list[object]:
        raise RuntimeError("Failed to allocate memory for requested buffer")


def test_a_graphics_processor_that_gives_up_on_the_way_is_replaced_and_noted(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        "studio.models.provider.onnx_providers", lambda _: ["CUDAExecutionProvider", device.CPU_PROVIDER]
    )
    monkeypatch.setattr(
        onnxruntime, "InferenceSession",
        lambda path, options, providers: GivesUp() if len(providers) > 1 else real(path, options, providers=providers),
    )  # fmt: skip
    models = LocalModels(store)
    session = models.session("a")
    assert session.provider == "CUDAExecutionProvider" and models.fallbacks == []
    (out,) = session.run({"x": np.array([1, 2], np.float32)})
    assert out.tolist() == [1, 2] and session.provider == device.CPU_PROVIDER
    (note,) = models.fallbacks_of(["a"])
    assert (note.key, note.values["reason"]) == ("model.fell_back_to_cpu", "CUDAExecutionProvider")


@pytest.mark.parametrize(("refusals", "ends_on"), [(1, "card"), (2, "cpu")])
def test_a_full_card_lets_all_others_go_and_then_keeps_a_network_on_the_processor(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch, refusals: int, ends_on: str
) -> None:
    import torch

    class Network:
        at, tries = "", 0

        def to(self, where: str) -> Network:
            self.tries += 1
            if where == "card" and self.tries <= refusals:
                raise torch.OutOfMemoryError("full")
            self.at = where
            return self

    monkeypatch.setattr(LocalModels, "device", "card")
    models = LocalModels(store)
    models.session("b")
    network = models._place(Network(), store.manifest.find("a"))
    assert network.at == ends_on and models.warm == ()
    assert len(models.fallbacks_of(["a"])) == (ends_on == "cpu")


def test_torch_is_not_imported_for_onnx_models() -> None:
    import subprocess
    import sys

    program = (
        "import sys; from studio.models.provider import LocalModels;"
        "LocalModels().session('blazepose_detector');"
        "assert 'torch' not in sys.modules and 'cv2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_cores_and_providers() -> None:
    assert 1 <= device.physical_cores() <= 1024
    assert device.onnx_providers(Device.CPU) == [device.CPU_PROVIDER]
    assert device.onnx_providers(Device.AUTO)[-1] == device.CPU_PROVIDER
    assert LocalModels(device=Device.CPU).device == "cpu"
