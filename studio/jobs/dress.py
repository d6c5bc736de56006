"""Dressing one pair: read the library, run the graph, write the look down. Three steps, so that the middle one can
happen in another process or on another machine."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from studio.domain.artefacts import Look
from studio.domain.errors import JobError, PhotoError, PipelineError
from studio.domain.keys import ArtefactKey
from studio.domain.progress import Progress
from studio.domain.recipe import Recipe
from studio.jobs.run import Performed, Run
from studio.library.library import Library
from studio.library.records import Changes, JobRow, LookEdits, LookRecord, LookStep, PhotoRow, StageTiming
from studio.pipeline.graph import EditNode, GraphBuilder, Node, PhotoNode, PhotoSpec, StageNode, inputs_of

if TYPE_CHECKING:
    from studio.pipeline.runner import Runner

MEGA = 1e6


def plan_run(library: Library, pair_id: str, recipe: Recipe, job_id: str = "") -> Run:
    """Gather what dressing a pair takes, as the library knows it now.

    Raises:
        LibraryError: there is no such pair.
        PhotoError: the file of one of its photos is not where it should be.
    """
    pair = library.pair(pair_id)
    model, garment = library.photo(pair.model_id), library.photo(pair.garment_id)
    for photo in (model, garment):
        if not photo.file.is_file():
            library.find_missing([photo.id])
            raise PhotoError("library.original_gone", name=photo.name, file=str(photo.file))
    edits = LookEdits(
        model=library.edits(model.id),
        garment=library.edits(garment.id),
        pair=library.edits(pair.id),
        digest=library.edits_digest(model.id, garment.id, pair.id),
    )
    return Run(
        job_id=job_id,
        pair_id=pair.id,
        model=_spec(model, edits.model),
        garment=_spec(garment, edits.garment),
        model_file=model.file,
        garment_file=garment.file,
        recipe=recipe,
        edits=edits,
    )


def _spec(photo: PhotoRow, edits: tuple[object, ...]) -> PhotoSpec:
    return PhotoSpec(photo.sha256, photo.name, edits)  # type: ignore[arg-type]  # edits come from the library


def perform(run: Run, runner: Runner, progress: Progress, made_ahead: Collection[ArtefactKey] = ()) -> Performed:
    """Make the look of a run; what the artefact folder has already is not made again.

    Args:
        made_ahead: artefacts that were made for this run just before, in a batch: their times count as its own.

    Raises:
        StudioError: a stage refuses its input.
        Cancelled: the operator asked to stop; finished steps are kept.
    """
    started = time.perf_counter()
    nodes = GraphBuilder(run.recipe, runner.models).look(run.model, run.garment, run.edits.pair)
    missing = [step.key for step in runner.plan(nodes["look"])]
    look = runner.get(nodes["look"], progress)
    if not isinstance(look, Look):
        raise PipelineError("stage.slot", slot="look", want="Look", got=type(look).__name__)
    steps = tuple(_steps(nodes, runner))
    if nodes["look"].key not in {step.record.key for step in steps}:
        raise JobError("job.look_lost", model=run.model.name, garment=run.garment.name)
    record = LookRecord(
        key=nodes["look"].key,
        model_sha256=run.model.sha256,
        garment_sha256=run.garment.sha256,
        recipe=run.recipe,
        steps=steps,
        engine=look.engine,
        confidence=look.confidence,
        edits=run.edits,
        duration_s=time.perf_counter() - started,
    )
    megapixels = look.pixels.shape[0] * look.pixels.shape[1] / MEGA
    return Performed(record, tuple(_timings(record, [*missing, *made_ahead], megapixels)))


def _steps(nodes: Mapping[str, Node], runner: Runner) -> Iterator[LookStep]:
    """Yield how every artefact below the look was made; what an edit corrected comes as "<slot>.base"."""
    for slot, node in nodes.items():
        for name, step in _with_base(slot, node):
            record = runner.record(step)
            if record is not None:
                yield LookStep(name, record)


def _with_base(slot: str, node: Node) -> Iterator[tuple[str, StageNode | EditNode]]:
    if isinstance(node, PhotoNode):
        return
    yield slot, node
    if isinstance(node, EditNode):
        yield f"{slot}.base", node.base


def _timings(look: LookRecord, made: list[ArtefactKey], megapixels: float) -> Iterator[StageTiming]:
    for step in look.steps:
        record = step.record
        if record.key in made:
            yield StageTiming(record.key.stage, record.implementation, record.duration_s, megapixels)


def record_run(library: Library, run: Run, performed: Performed) -> Changes:
    """Write a finished run into the library: the look, and how long its steps took."""
    library.add_timings(performed.timings)
    return library.record_look(run.pair_id, performed.look)


def dress_pair(library: Library, runner: Runner, job: JobRow, progress: Progress) -> Changes:
    """Dress one pair here and now; `created` holds the look's id.

    Raises:
        StudioError: a photo is gone, or a stage refuses its input.
        Cancelled: the operator asked to stop.
    """
    run = plan_run(library, job.pair_id, job.recipe, job.id)
    return record_run(library, run, perform(run, runner, progress))


def all_nodes(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it, each once."""
    seen: set[ArtefactKey] = set()
    waiting = [node]
    while waiting:
        step = waiting.pop()
        if step.key not in seen:
            seen.add(step.key)
            yield step
            waiting.extend(inputs_of(step))
