"""What HR-VITON and VITON-HD do alike around their networks: slots in, `TryOn` out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from studio.domain.artefacts import (
    Confidence,
    GarmentArtefacts,
    PersonArtefacts,
    TryOn,
)
from studio.domain.edits import LayerOrder
from studio.domain.keys import ModelUse, Note
from studio.domain.progress import Progress
from studio.pipeline.stage import Inputs, ModelProvider, StageContext
from studio.pipeline.tryon.draping.judge import judge_pose
from studio.pipeline.tryon.draping.leakfree import agnostic_person, patch_to_photo
from studio.pipeline.tryon.generative.framed import FramedGarment, canvas_labels, frame_garment, hidden_area
from studio.pipeline.tryon.generative.native import render_native
from studio.pipeline.tryon.generative.regions import Regions, read_regions
from studio.pipeline.tryon.generative.result import CanvasResult
from studio.pipeline.tryon.slots import GARMENT, PERSON, read_garment, read_person

LICENCE = "CC BY-NC 4.0"
DOUBTFUL = 0.6
"""Odds of the discriminator below which a predicted segmentation is named as a reason; 1 is undecided."""

_LEAST_TRUST = 0.25


@dataclass(frozen=True, slots=True)
class GenerativeParams:
    """Settings of the generative engines.

    seed: of the noise the generators take. layers: kept for all engines alike; these decide for themselves.
    leak_free: for paired evaluation, see the engine protocol.
    """

    seed: int = 0
    layers: LayerOrder = field(default_factory=LayerOrder)
    leak_free: bool = False


Generate = Callable[[PersonArtefacts, Sequence[FramedGarment], int, StageContext], list[CanvasResult]]
"""Runs an engine's networks on one person with several garments."""


@dataclass(frozen=True, slots=True)
class GenerativeEngine:
    """A try-on stage and engine made of published networks.

    title: for messages. needed: model ids it cannot run without. judged_by: used when installed.
    """

    implementation: str
    title: str
    needed: tuple[str, ...]
    generate: Generate
    judged_by: tuple[str, ...] = ()
    name: str = "tryon"
    version: int = 2
    params_type: type[GenerativeParams] = GenerativeParams
    inputs: tuple[str, ...] = (*PERSON, *GARMENT)
    output: type[TryOn] = TryOn

    @property
    def id(self) -> str:
        """The engine's name in a `TryOn`."""
        return self.implementation

    @property
    def licences(self) -> tuple[ModelUse, ...]:
        """The networks it may use; which files they are is known only to the store."""
        return tuple(ModelUse(model, "", LICENCE, False) for model in (*self.needed, *self.judged_by))

    def models(self, params: GenerativeParams, provider: ModelProvider) -> tuple[str, ...]:
        """Return the networks, and the discriminator where it is installed."""
        del params
        return (*self.needed, *(model for model in self.judged_by if provider.is_installed(model)))

    def unavailable(self, provider: ModelProvider) -> Note | None:
        """Return how to get the checkpoints, or None when all are there."""
        missing = [model for model in self.needed if not provider.is_installed(model)]
        if not missing:
            return None
        return Note("engines.weights_missing", {"title": self.title, "models": ", ".join(missing)})

    def run(self, inputs: Inputs, params: GenerativeParams, ctx: StageContext) -> TryOn:
        """Dress a person in a garment."""
        person, garment = read_person(inputs), read_garment(inputs)
        if params.layers != LayerOrder():
            ctx.note_fallback("engines.layers_ignored", title=self.title)
        return self.dress_all(person, [garment], ctx, seed=params.seed, leak_free=params.leak_free)[0]

    @property
    def shared(self) -> tuple[str, ...]:
        """A batch is one person in several garments."""
        return tuple(slot for slot in self.inputs if not slot.startswith("garment"))

    def most_at_once(self, params: GenerativeParams, provider: ModelProvider) -> int:
        """Return how many garments a graphics card takes at once; on the processor a batch saves nothing."""
        del params
        if provider.device == "cpu" or self.unavailable(provider) is not None:
            return 1
        from studio.pipeline.tryon.generative.networks import batch_limit

        return batch_limit(provider.module(self.needed[-1]), provider.device)

    def run_many(
        self, inputs: Sequence[Inputs], params: GenerativeParams, contexts: Sequence[StageContext]
    ) -> list[TryOn]:
        """Dress one person in several garments."""
        notes: list[Note] = []
        together = StageContext(contexts[0].models, Progress.together([ctx.progress for ctx in contexts]), notes)
        if params.layers != LayerOrder():
            together.note_fallback("engines.layers_ignored", title=self.title)
        person, garments = read_person(inputs[0]), [read_garment(each) for each in inputs]
        made = self.dress_all(person, garments, together, seed=params.seed, leak_free=params.leak_free, each=contexts)
        for ctx in contexts:
            ctx.notes.extend(notes)
        return made

    def assess(self, person: PersonArtefacts, garment: GarmentArtefacts) -> Confidence:
        """Say how far a result could be trusted, from pose and garment alone."""
        return _judge(person, garment, None, self.title)

    def dress(
        self,
        person: PersonArtefacts,
        garment: GarmentArtefacts,
        ctx: StageContext,
        *,
        layers: LayerOrder,
        leak_free: bool = False,
    ) -> TryOn:
        """Dress the person; the networks decide themselves what lies over what.

        Raises:
            ModelError: a checkpoint is not installed.
            PipelineError: the garment's cutout is empty, or the networks painted no garment.
        """
        params = GenerativeParams(layers=layers, leak_free=leak_free)
        if layers != LayerOrder():
            ctx.note_fallback("engines.layers_ignored", title=self.title)
        return self.dress_all(person, [garment], ctx, seed=params.seed, leak_free=leak_free)[0]

    def dress_all(
        self,
        person: PersonArtefacts,
        garments: Sequence[GarmentArtefacts],
        ctx: StageContext,
        *,
        seed: int = 0,
        leak_free: bool = False,
        each: Sequence[StageContext] = (),
    ) -> list[TryOn]:
        """Dress one person in several garments, which share batches where the device has the memory.

        each: where what concerns one garment alone is noted; all in `ctx` without it.
        """
        ctx.progress.report(0.0, self.name)
        framed = [frame_garment(garment) for garment in garments]
        made = self.generate(person, framed, seed, ctx)
        seen = agnostic_person(person) if leak_free else person
        before, hidden = canvas_labels(seen), hidden_area(seen)
        tryons = []
        for number, (garment, frame, result) in enumerate(zip(garments, framed, made, strict=True)):
            part = ctx.progress.part(0.7 + 0.3 * number / len(garments), 0.3 / len(garments))
            regions = read_regions(before, result.labels, hidden, person.densepose.index)
            patch = render_native(seen, garment, frame, result, regions, partial(_report, part))
            if leak_free:
                patch = patch_to_photo(patch, person)
            confidence = _judge(person, garment, _Made(result, regions), self.title)
            if result.score is not None:
                told = each[number] if each else ctx
                told.note_fallback("engines.segmentation_score", score=f"{min(result.score, 1.0):.2f}")
            tryons.append(TryOn(self.id, result.cloth, result.mask, regions.labels, result.picture, patch, confidence))
        return tryons


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    result: CanvasResult
    regions: Regions


def _report(progress: Progress, fraction: float) -> None:
    progress.report(fraction, "tryon")


def _judge(person: PersonArtefacts, garment: GarmentArtefacts, made: _Made | None, title: str) -> Confidence:
    """Return confidence and reasons, worst first: pose and garment, the discriminator, the canvas's end."""
    file = person.photo.name
    found = [(garment.garment.confidence, note) for note in garment.garment.reasons]
    found += judge_pose(person.pose, file)
    if made is not None:
        score = made.result.score
        if score is not None and score < DOUBTFUL:
            trust = _LEAST_TRUST + (1 - _LEAST_TRUST) * score
            found.append((trust, Note("engines.segmentation_doubtful", {"file": file, "score": f"{score:.2f}"})))
        if _is_cut_off(person, made.regions):
            found.append((0.5, Note("engines.cut_off", {"file": file, "title": title})))
    found.sort(key=lambda entry: entry[0])
    least = min([garment.garment.confidence, *(value for value, _ in found)])
    return Confidence(float(np.clip(least, 0.0, 1.0)), tuple(note for _, note in found))


def _is_cut_off(person: PersonArtefacts, regions: Regions) -> bool:
    """Tell whether the edit reaches the canvas's lower end while the photo goes on below it."""
    end = person.framing.canvas_size[1] - 1.0
    below = person.framing.to_photo(np.array([0.0, end]))[1]
    goes_on = below < person.photo.size[1] - 2
    return bool(goes_on and regions.edit[-1].max() > 0.5)
