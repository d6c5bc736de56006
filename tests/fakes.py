"""Tiny deterministic stages, models and photos: a whole pipeline that runs in milliseconds.

`install()` puts the fake stages where the registry would find the real ones; `counts` tells how often each ran.
"""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from studio.domain.artefacts import (
    Agnostic,
    Artefact,
    Category,
    Confidence,
    Cutout,
    DensePoseMap,
    Garment,
    GarmentArtefacts,
    GarmentMesh,
    Look,
    NativePatch,
    Neckline,
    ParseMap,
    PersonArtefacts,
    Photo,
    Pose,
    SleeveLength,
    TryOn,
)
from studio.domain.edits import GarmentOverride, LayerOrder
from studio.domain.errors import ModelError, PipelineError
from studio.domain.geometry import Framing
from studio.domain.keys import ModelUse, Note
from studio.domain.progress import Progress
from studio.domain.recipe import DEFAULT_CHOICES
from studio.pipeline.stage import Inputs, ModelProvider, NoParams, OnnxSession, Stage, StageContext

REFUSED_COLOUR = (255, 0, 255)
"""A photo whose first pixel is this has no person in it, as far as the fake pose is concerned."""


@dataclass(frozen=True, slots=True)
class TunedParams:
    """A setting to change in tests."""

    strength: float = 1.0
    role: str = "model"


@dataclass(frozen=True, slots=True)
class GarmentParams:
    """What the operator says the garment is."""

    override: GarmentOverride = field(default_factory=GarmentOverride)


@dataclass(frozen=True, slots=True)
class WornParams:
    """How the garment is worn."""

    layers: LayerOrder = field(default_factory=LayerOrder)


class FakeModels:
    """Knows one model of each kind; one of them is not for commercial use."""

    device = "cpu"

    def __init__(self, commercial: bool = True) -> None:
        self._commercial = commercial

    def is_installed(self, model_id: str) -> bool:
        return model_id.startswith("fake")

    def use(self, model_id: str) -> ModelUse:
        if not self.is_installed(model_id):
            raise ModelError("model.missing", id=model_id)
        return ModelUse(model_id, hashlib.sha256(model_id.encode()).hexdigest(), "Apache-2.0", self._commercial)

    def session(self, model_id: str) -> OnnxSession:
        raise ModelError("model.missing", id=model_id)

    def state_dict(self, model_id: str) -> Mapping[str, Any]:  # Any: as the protocol says
        raise ModelError("model.missing", id=model_id)

    def module(self, model_id: str) -> Any:  # Any: as the protocol says
        raise ModelError("model.missing", id=model_id)


Make = Callable[[Inputs, Any, StageContext], Artefact]


@dataclass(slots=True)
class Bench:
    """What the fake stages share: how often each ran, how long they take, who waits inside them."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    gate: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)


BENCH = Bench()


@dataclass(frozen=True, slots=True)
class FakeStage:
    """A stage that makes something small and right in type."""

    name: str
    make: Make
    inputs: tuple[str, ...]
    output: type[Any]  # Any: one of the artefact types
    implementation: str = "fake"
    version: int = 1
    params_type: type[Any] = NoParams  # Any: a params dataclass
    model_ids: tuple[str, ...] = ()

    def models(self, params: Any, provider: ModelProvider) -> tuple[str, ...]:
        return self.model_ids

    def unavailable(self, provider: ModelProvider) -> Note | None:
        return None

    def run(self, inputs: Inputs, params: Any, ctx: StageContext) -> Artefact:
        BENCH.counts[self.name] += 1
        BENCH.entered.set()
        if BENCH.gate is not None:
            while not BENCH.gate.wait(0.005):
                ctx.progress.report(0.5, self.name)
        if BENCH.seconds:
            time.sleep(BENCH.seconds)
        ctx.progress.report(0.9, self.name)
        return self.make(inputs, params, ctx)


def _photo(inputs: Inputs) -> Photo:
    return inputs.take("photo", Photo)


def _cutout(inputs: Inputs, params: Any, ctx: StageContext) -> Cutout:
    pixels = _photo(inputs).rgb8
    return Cutout((pixels.max(axis=2) < 250).astype(np.float32), pixels.copy())


def _edges(inputs: Inputs, params: Any, ctx: StageContext) -> Cutout:
    cutout = inputs.take("cutout", Cutout)
    return Cutout(np.clip(cutout.alpha * params.strength, 0, 1).astype(np.float32), cutout.foreground.copy())


def _pose(inputs: Inputs, params: Any, ctx: StageContext) -> Pose:
    photo = _photo(inputs)
    if tuple(photo.rgb8[0, 0]) == REFUSED_COLOUR:
        raise PipelineError("pose.no_person", file=photo.name)
    points = np.ones((18, 3), np.float32)
    return Pose(points, np.zeros((10, 3), np.float32), photo.size)


def _framing(inputs: Inputs, params: Any, ctx: StageContext) -> Framing:
    return Framing(np.array([[2.0, 0, 0], [0, 2.0, 0]]), _photo(inputs).size, canvas_size=(12, 16))


def _parse(inputs: Inputs, params: Any, ctx: StageContext) -> ParseMap:
    width, height = _photo(inputs).size
    return ParseMap(np.full((height, width), 5, np.uint8))


def _densepose(inputs: Inputs, params: Any, ctx: StageContext) -> DensePoseMap:
    plane = np.zeros((16, 12), np.float32)
    return DensePoseMap(np.zeros((16, 12), np.uint8), plane, plane.copy())


def _agnostic(inputs: Inputs, params: Any, ctx: StageContext) -> Agnostic:
    return Agnostic(np.zeros((16, 12, 3), np.uint8), np.zeros((16, 12), np.uint8))


def _garment(inputs: Inputs, params: Any, ctx: StageContext) -> Garment:
    mesh = GarmentMesh(
        np.zeros((3, 2), np.float32),
        np.array([[0, 1, 2]], np.uint16),
        np.zeros(3, np.uint8),
        *(np.zeros(3, np.float32) for _ in range(3)),
        ("torso",),
    )
    marks = {"hem_left": (1.0, 2.0)}
    category = Category(params.override.category or Category.TOP)
    return Garment(category, SleeveLength.SHORT, Neckline.CREW, marks, mesh, _photo(inputs).size)


def _tryon(inputs: Inputs, params: Any, ctx: StageContext) -> TryOn:
    colour = inputs.take("garment_photo", Photo).rgb8.mean(axis=(0, 1)).astype(np.uint8)
    ctx.note_fallback("fake.simple", reason="test")
    patch = NativePatch(
        1,
        1,
        np.full((4, 4, 3), colour, np.uint8),
        np.ones((4, 4), np.float32),
        np.ones((4, 4), np.float32),
        np.full((4, 4), 255, np.uint8),
    )
    small = np.zeros((16, 12, 3), np.uint8)
    return TryOn(
        "fake",
        small,
        np.zeros((16, 12), np.float32),
        small[:, :, 0].copy(),
        small.copy(),
        patch,
        Confidence(0.8, (Note("fake.sure", {}),)),
    )


def _look(inputs: Inputs, params: Any, ctx: StageContext) -> Look:
    photo, tryon, edges = _photo(inputs), inputs.take("tryon", TryOn), inputs.take("edges", Cutout)
    pixels, mask = photo.rgb8.copy(), np.zeros(photo.pixels.shape[:2], np.uint8)
    pixels[tryon.patch.box.slices] = tryon.patch.pixels
    mask[tryon.patch.box.slices] = 255
    return Look(pixels, mask, mask.copy(), edges, tryon.confidence, tryon.engine)


_PERSON = ("photo", "edges", "pose", "framing", "parse")
STAGES: dict[str, FakeStage] = {
    stage.name: stage
    for stage in (
        FakeStage("cutout", _cutout, ("photo",), Cutout, model_ids=("fake_cutout",)),
        FakeStage("edges", _edges, ("photo", "cutout"), Cutout, params_type=TunedParams),
        FakeStage("pose", _pose, ("photo", "edges"), Pose),
        FakeStage("framing", _framing, ("photo", "edges", "pose"), Framing),
        FakeStage("parse", _parse, ("photo", "edges", "pose", "framing"), ParseMap),
        FakeStage("densepose", _densepose, ("edges", "pose", "framing", "parse"), DensePoseMap),
        FakeStage("agnostic", _agnostic, ("photo", "framing", "pose", "parse"), Agnostic),
        FakeStage("garment", _garment, ("photo", "edges"), Garment, params_type=GarmentParams),
        FakeStage(
            "tryon",
            _tryon,
            (*_PERSON, "densepose", "agnostic", "garment_photo", "garment_edges", "garment"),
            TryOn,
            params_type=WornParams,
            model_ids=("fake_tryon",),
        ),
        FakeStage("look", _look, ("photo", "edges", "tryon"), Look),
    )
}
assert set(STAGES) == set(DEFAULT_CHOICES)


def load_fake(stage: str, implementation: str) -> Stage:
    """Stand in for `registry.load_stage`; "fake2" is the same stage one version later."""
    if implementation == "none":
        raise PipelineError("stage.unknown", stage=stage, name=implementation, known="fake")
    return STAGES[stage]


@contextmanager
def installed() -> Iterator[Bench]:
    """Run with the fake stages in place of the real ones; counts start at nothing."""
    import studio.pipeline.graph as graph

    real = graph.load_stage
    graph.load_stage = load_fake  # type: ignore[assignment]  # the cache around the real one is not needed
    BENCH.counts.clear()
    BENCH.seconds, BENCH.gate = 0.0, None
    BENCH.entered.clear()
    try:
        yield BENCH
    finally:
        if BENCH.gate is not None:
            BENCH.gate.set()
        graph.load_stage = real


@dataclass(frozen=True, slots=True)
class FakeBatchEngine(FakeStage):
    """The fake try-on as an engine that dresses one model in up to four garments at once; counts "batch"."""

    shared: tuple[str, ...] = (*_PERSON, "densepose", "agnostic")
    at_once: int = 4

    def most_at_once(self, params: Any, provider: ModelProvider) -> int:
        return self.at_once

    def run_many(self, inputs: Sequence[Inputs], params: Any, contexts: Sequence[StageContext]) -> list[Artefact]:
        BENCH.counts["batch"] += 1
        BENCH.counts["batched"] += len(inputs)
        told = Progress.together([ctx.progress for ctx in contexts])
        BENCH.entered.set()
        if BENCH.gate is not None:
            while not BENCH.gate.wait(0.005):
                told.report(0.5, self.name)
        told.report(0.9, self.name)
        return [self.make(each, params, ctx) for each, ctx in zip(inputs, contexts, strict=True)]


def batching_engine(make: Make = _tryon, at_once: int = 4) -> FakeBatchEngine:
    """Return the fake try-on as an engine that works in batches."""
    plain = STAGES["tryon"]
    return FakeBatchEngine("tryon", make, plain.inputs, TryOn, model_ids=plain.model_ids, at_once=at_once)


@dataclass(frozen=True, slots=True)
class FakeAssessor(FakeStage):
    """The fake try-on as an engine that foresees trouble with every garment of one name; counts "assess"."""

    doubted: str = ""

    def assess(self, person: PersonArtefacts, garment: GarmentArtefacts) -> Confidence:
        BENCH.counts["assess"] += 1
        if garment.photo.name != self.doubted:
            return Confidence(0.9, ())
        return Confidence(0.4, (Note("tryon.arms_crossed", {"file": person.photo.name}),))


def assessing_engine(doubted: str) -> FakeAssessor:
    """Return the fake try-on as an engine that doubts the garment of this file name."""
    plain = STAGES["tryon"]
    return FakeAssessor("tryon", _tryon, plain.inputs, TryOn, model_ids=plain.model_ids, doubted=doubted)


def draw_photo(
    file: Path, seed: int, size: tuple[int, int] = (24, 32), corner: tuple[int, int, int] | None = None
) -> Path:
    """Write a small lossless photo whose content depends on the seed."""
    pixels = np.random.default_rng(seed).integers(0, 240, (size[1], size[0], 3), dtype=np.uint8)
    if corner is not None:
        pixels[0, 0] = corner
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)
    return file


def make_fake_models() -> FakeModels:
    """Install the fake stages for good: the models of a worker process."""
    import studio.pipeline.graph as graph

    graph.load_stage = load_fake  # type: ignore[assignment]  # as in `installed`
    return FakeModels()


def make_waiting_models() -> FakeModels:
    """As `make_fake_models`; every stage waits until it is cancelled."""
    BENCH.gate = threading.Event()
    return make_fake_models()


def make_batching_models() -> FakeModels:
    """As `make_fake_models`; the try-on works in batches."""
    STAGES["tryon"] = batching_engine()
    return make_fake_models()


def make_deadly_models() -> FakeModels:
    """As `make_fake_models`; the first try-on of the process kills it."""

    def die(inputs: Inputs, params: Any, ctx: StageContext) -> TryOn:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    STAGES["tryon"] = replace(STAGES["tryon"], make=die)
    return make_fake_models()
