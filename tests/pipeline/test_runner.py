"""The runner makes what is missing, once, and knows what an edit changes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.domain.artefacts import Artefact, Cutout, ParseMap, Photo, PhotoRole
from studio.domain.edits import Edit, ParseStroke
from studio.domain.errors import Cancelled, PipelineError
from studio.domain.keys import ModelUse, Note
from studio.domain.progress import Progress
from studio.domain.recipe import Recipe
from studio.pipeline import runner as runner_module
from studio.pipeline.cache import ArtefactStore, FolderStore, MemoryStore, WarmCache
from studio.pipeline.graph import PhotoNode, StageNode, chosen_stage, edited, stage_node
from studio.pipeline.runner import Runner
from studio.pipeline.stage import Inputs, ModelProvider, NoParams, StageContext


@dataclass(frozen=True)
class Strength:
    value: float = 1.0


@dataclass
class CountingStage:
    """Adds one to a number kept in a 1 x 1 parse map; counts its runs."""

    name: str
    inputs: tuple[str, ...]
    version: int = 1
    implementation: str = "counting"
    params_type: type[Any] = NoParams
    output: type[Any] = ParseMap
    runs: list[str] = field(default_factory=list)

    def models(self, params: object, provider: ModelProvider) -> tuple[str, ...]:
        return ("tiny",)

    def unavailable(self, provider: ModelProvider) -> Note | None:
        return None

    def run(self, inputs: Inputs, params: object, ctx: StageContext) -> Artefact:
        self.runs.append(self.name)
        ctx.note_fallback("noted", stage=self.name)
        value = sum(int(item.labels[0, 0]) for item in inputs.slots.values() if isinstance(item, ParseMap))
        return ParseMap(np.full((1, 1), value + 1, np.uint8))


class OneModel:
    def __init__(self, sha256: str = "m1") -> None:
        self.sha256 = sha256

    def use(self, model_id: str) -> ModelUse:
        return ModelUse(model_id, self.sha256, "MIT", True)


@dataclass
class Photos:
    def load(self, sha256: str) -> Photo:
        return Photo(np.zeros((2, 2, 3), np.uint8), sha256)


PHOTO = PhotoNode("p1", "one.jpg")


def _chain(model: str = "m1") -> tuple[list[CountingStage], list[StageNode]]:
    stages = [
        CountingStage("cutout", ("photo",)),
        CountingStage("parse", ("photo", "cutout")),
        CountingStage("pose", ("photo",)),
        CountingStage("look", ("parse", "pose")),
    ]
    nodes: dict[str, Any] = {"photo": PHOTO}
    for stage in stages:
        nodes[stage.name] = stage_node(stage, NoParams(), nodes, OneModel(model))  # type: ignore[arg-type]
    return stages, [nodes[stage.name] for stage in stages]


def _runner(store: ArtefactStore | None = None) -> Runner:
    return Runner(store or MemoryStore(), Photos(), OneModel())  # type: ignore[arg-type]


def test_each_step_runs_once(tmp_path: Path) -> None:
    stages, nodes = _chain()
    store = FolderStore(tmp_path)
    first = _runner(store).get(nodes[-1])
    again = _runner(store).get(nodes[-1])
    assert isinstance(first, ParseMap)
    assert isinstance(again, ParseMap)
    assert first.labels[0, 0] == again.labels[0, 0] == 4
    assert [len(stage.runs) for stage in stages] == [1, 1, 1, 1]


def test_only_what_depends_on_a_change_runs_again() -> None:
    stages, nodes = _chain()
    store = MemoryStore()
    _runner(store).get(nodes[-1])
    stages[2].version = 2
    pose = stage_node(stages[2], NoParams(), {"photo": PHOTO}, OneModel())  # type: ignore[arg-type]
    look = stage_node(stages[3], NoParams(), {"parse": nodes[1], "pose": pose}, OneModel())  # type: ignore[arg-type]
    assert [step.key.stage for step in _runner(store).plan(look)] == ["pose", "look"]


def test_another_model_gives_another_key() -> None:
    assert _chain("m1")[1][0].key != _chain("m2")[1][0].key
    assert _chain("m1")[1][0].key == _chain("m1")[1][0].key


def test_an_edit_is_an_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def apply(stage: str, artefact: Artefact, edits: Sequence[Edit], photo: Photo) -> Artefact:
        assert isinstance(artefact, ParseMap)
        return ParseMap(np.full((1, 1), 9, np.uint8))

    monkeypatch.setattr(runner_module, "apply_edits", apply)
    stages, nodes = _chain()
    store = MemoryStore()
    _runner(store).get(nodes[-1])
    corrected = edited(nodes[1], PHOTO, (ParseStroke(((0.0, 0.0),), 3),))
    look = stage_node(stages[3], NoParams(), {"parse": corrected, "pose": nodes[2]}, OneModel())  # type: ignore[arg-type]
    runner = _runner(store)
    assert [step.key.stage for step in runner.plan(look)] == ["parse", "look"]
    result = runner.get(look)
    assert isinstance(result, ParseMap)
    assert result.labels[0, 0] == 9 + 1 + 1
    assert len(stages[1].runs) == 1
    record = runner.record(corrected)
    assert record is not None
    assert record.inputs["base"] == nodes[1].key
    assert edited(nodes[1], PHOTO, ()) is nodes[1]


def test_cancel_keeps_what_is_finished() -> None:
    _, nodes = _chain()
    token = threading.Event()
    seen: list[str] = []

    def listen(fraction: float, stage: str) -> None:
        seen.append(stage)
        if stage == "parse":
            token.set()

    store = MemoryStore()
    with pytest.raises(Cancelled):
        _runner(store).get(nodes[-1], Progress(token, listen))
    assert store.has(nodes[0].key)
    assert not store.has(nodes[-1].key)


def test_record_tells_how_it_was_made() -> None:
    _, nodes = _chain()
    runner = _runner()
    runner.get(nodes[-1])
    record = runner.record(nodes[1])
    assert record is not None
    assert record.implementation == "counting"
    assert record.models == (ModelUse("tiny", "m1", "MIT", True),)
    assert record.fallbacks == (Note("noted", {"stage": "parse"}),)
    assert record.inputs == {"photo": PHOTO.key, "cutout": nodes[0].key}


def test_what_the_provider_fell_back_to_is_in_the_record_of_the_stage_that_used_it() -> None:
    class Slow(OneModel):
        def fallbacks_of(self, model_ids: Iterable[str]) -> list[Note]:
            return [Note("model.fell_back_to_cpu", {"title": model_id, "reason": "full"}) for model_id in model_ids]

    _, nodes = _chain()
    runner = Runner(MemoryStore(), Photos(), Slow())  # type: ignore[arg-type]
    runner.get(nodes[-1])
    record = runner.record(nodes[1])
    assert record is not None
    assert record.fallbacks[-1] == Note("model.fell_back_to_cpu", {"title": "tiny", "reason": "full"})


def test_a_damaged_artefact_is_made_again(tmp_path: Path) -> None:
    stages, nodes = _chain()
    store = FolderStore(tmp_path)
    _runner(store).get(nodes[-1])
    store.path(nodes[1].key).write_bytes(b"FSA1 broken")
    look = store.path(nodes[-1].key)
    look.unlink()
    result = _runner(store).get(nodes[-1])
    assert isinstance(result, ParseMap)
    assert result.labels[0, 0] == 4
    assert len(stages[1].runs) == 2


def test_a_missing_slot_is_a_clear_error() -> None:
    stage = CountingStage("parse", ("photo", "cutout"))
    with pytest.raises(PipelineError, match="stage.slot"):
        stage_node(stage, NoParams(), {"photo": PHOTO}, OneModel())  # type: ignore[arg-type]


def test_parameters_are_part_of_the_key() -> None:
    stage = CountingStage("cutout", ("photo",), params_type=Strength)
    keys = {stage_node(stage, Strength(v), {"photo": PHOTO}, OneModel()).key for v in (1.0, 1, 2.0)}  # type: ignore[arg-type]
    assert len(keys) == 2


def test_warm_cache_stays_within_its_budget() -> None:
    cache: WarmCache[Cutout] = WarmCache(budget_bytes=3_000_000)
    for number in range(5):
        alpha = np.zeros((500, 500), np.float32)
        cache.put(PhotoNode(str(number), "").key, Cutout(alpha, np.zeros((500, 500, 3), np.uint8)))
    assert cache.get(PhotoNode("0", "").key) is None
    assert cache.get(PhotoNode("4", "").key) is not None


@pytest.mark.parametrize("name", ["cutout", "edges"])
def test_a_stage_that_asks_for_the_photos_role_is_told_it(name: str) -> None:
    for role in (PhotoRole.MODEL, PhotoRole.GARMENT):
        assert chosen_stage(Recipe(), name, role.value)[1].role is role
