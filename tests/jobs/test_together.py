"""Pairs of one model in one batch: fewer calls of the engine, everything else as if each had been alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from studio.domain.artefacts import Photo, PhotoRole, TryOn
from studio.domain.errors import PipelineError
from studio.domain.progress import Progress
from studio.jobs.process import ProcessExecutor
from studio.jobs.queue import JobQueue
from studio.jobs.run import EventKind, RunEvent
from studio.library.records import JobState
from studio.pipeline.stage import Inputs, StageContext
from tests.fakes import (
    REFUSED_COLOUR,
    STAGES,
    FakeBatchEngine,
    _tryon,
    batching_engine,
    draw_photo,
    make_batching_models,
)
from tests.jobs.conftest import RECIPE, Studio
from tests.jobs.test_queue import states

WAIT_S = 30.0


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STAGES, "tryon", batching_engine())


@pytest.fixture
def wide(studio: Studio) -> Studio:
    """One model in eight garments."""
    for number in range(3, 8):
        draw_photo(studio.shelf / "more" / f"g{number}.png", 20 + number)
    studio.garments += studio.library.import_photos([studio.shelf / "more"], PhotoRole.GARMENT).imported
    return studio


def queue_all(studio: Studio) -> list[str]:
    pairs = studio.library.add_pairs([(studio.models[0], garment) for garment in studio.garments]).created
    studio.queue.add(pairs, RECIPE)
    return list(pairs)


def looks_of(studio: Studio, pairs: list[str]) -> list[np.ndarray]:
    library = studio.library
    found = []
    for pair in pairs:
        artefact = library.store.get(library.look(library.pair(pair).look_id).key)
        found.append(artefact.pixels)  # type: ignore[union-attr]
    return found


def test_a_model_is_dressed_in_as_many_garments_as_fit(wide: Studio) -> None:
    pairs = queue_all(wide)
    wide.queue.run()
    assert states(wide) == [JobState.SUCCEEDED] * 8
    # The first goes alone: only where its engine is loaded is it known how many fit.
    assert (wide.bench.counts["tryon"], wide.bench.counts["batch"], wide.bench.counts["batched"]) == (1, 2, 7)
    assert wide.bench.counts["pose"] == 1 and wide.bench.counts["garment"] == 8
    colours = {tuple(look[2, 2]) for look in looks_of(wide, pairs)}
    assert len(colours) == 8  # each its own garment
    record = wide.library.look_record(wide.library.pair(pairs[-1]).look_id)
    assert [note.key for note in record.fallbacks] == ["fake.simple"]
    assert {step.record.key.stage for step in record.steps} >= {"tryon", "look"}


def test_batched_looks_are_those_of_pairs_alone(wide: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = queue_all(wide)
    wide.queue.run()
    together = [wide.library.look(wide.library.pair(pair).look_id).key for pair in pairs]
    monkeypatch.setitem(STAGES, "tryon", batching_engine(at_once=1))
    wide.queue.add(pairs, RECIPE)
    wide.queue.run()
    assert [wide.library.look(wide.library.pair(pair).look_id).key for pair in pairs] == together


def test_each_pair_tells_its_own_progress_and_its_time_is_known(wide: Studio) -> None:
    queue_all(wide)
    wide.queue.run()
    for job in wide.library.jobs(wide.library.job_ids()):
        ends = [event for event in wide.events if event.job_id == job.id and event.kind.is_end]
        assert [event.kind for event in ends] == [EventKind.SUCCEEDED]
    assert ("tryon", "fake") in {key[:2] for key in wide.library.typical_seconds()}


def test_a_pair_that_fails_stops_no_other(wide: Studio) -> None:
    nobody = draw_photo(wide.shelf / "nobody2.png", 50, corner=REFUSED_COLOUR)
    bad = wide.library.import_photos([nobody], PhotoRole.MODEL).imported[0]
    queue_all(wide)
    wide.queue.add(wide.library.add_pairs([(bad, garment) for garment in wide.garments[:3]]).created, RECIPE)
    wide.queue.run()
    assert states(wide) == [JobState.SUCCEEDED] * 8 + [JobState.FAILED] * 3


def test_a_batch_that_fails_is_done_pair_by_pair(wide: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def fussy(inputs: Inputs, params: Any, ctx: StageContext) -> TryOn:
        made = _tryon(inputs, params, ctx)
        if inputs.take("garment_photo", Photo).name == "g5.png":
            raise PipelineError("garment.empty", file="g5.png")
        return made

    monkeypatch.setitem(STAGES, "tryon", batching_engine(fussy))
    queue_all(wide)
    wide.queue.run()
    ended = wide.library.jobs(wide.library.job_ids())
    assert sorted(job.state for job in ended) == [JobState.FAILED] + [JobState.SUCCEEDED] * 7
    (failed,) = [job for job in ended if job.state is JobState.FAILED]
    assert failed.error is not None and failed.error.values == {"file": "g5.png"}


def test_one_of_a_batch_can_be_cancelled(wide: Studio) -> None:
    queue_all(wide)
    doomed: list[str] = []

    def cancel_one(event: RunEvent) -> None:
        wide.events.append(event)
        started = [each.job_id for each in wide.events if each.kind is EventKind.STARTED]
        if len(started) == 4 and not doomed:  # the third of the second feeding
            doomed.append(started[3])
            wide.queue.cancel(doomed)

    wide.queue.listen(cancel_one)
    wide.queue.run()
    by_id = {job.id: job.state for job in wide.library.jobs(wide.library.job_ids())}
    assert by_id.pop(doomed[0]) is JobState.CANCELLED
    assert set(by_id.values()) == {JobState.SUCCEEDED}


def test_all_of_a_batch_can_be_cancelled_inside_the_engine(wide: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_many(
        self: FakeBatchEngine, inputs: Sequence[Inputs], params: Any, contexts: Sequence[StageContext]
    ) -> None:
        wide.queue.cancel()
        Progress.together([ctx.progress for ctx in contexts]).report(0.5, "tryon")
        raise AssertionError("it went on")

    monkeypatch.setattr(FakeBatchEngine, "run_many", run_many)
    queue_all(wide)
    wide.queue.start()
    assert wide.queue.wait(WAIT_S)
    assert sorted(states(wide)) == [JobState.CANCELLED] * 7 + [JobState.SUCCEEDED]


@pytest.fixture
def elsewhere(wide: Studio) -> Iterator[JobQueue]:
    queue = JobQueue(wide.library, ProcessExecutor(wide.library.store.root, make_batching_models), wide.events.append)
    yield queue
    queue.close()


def test_a_worker_process_tells_its_room_and_is_fed_so(wide: Studio, elsewhere: JobQueue) -> None:
    pairs = queue_all(wide)
    elsewhere.run()
    assert states(wide) == [JobState.SUCCEEDED] * 8
    assert len({tuple(look[2, 2]) for look in looks_of(wide, pairs)}) == 8
    started = [event.job_id for event in wide.events if event.kind is EventKind.STARTED]
    first_end = next(number for number, event in enumerate(wide.events) if event.kind is EventKind.SUCCEEDED)
    later = [event.kind for event in wide.events[first_end + 1 :] if event.kind is not EventKind.PROGRESS]
    assert len(started) == 8 and later[:4] == [EventKind.STARTED] * 4
