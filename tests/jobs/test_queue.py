"""The queue: states, sharing, cancel, pause, retry, reorder, resume, trouble."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from studio.domain.artefacts import Look, PhotoRole
from studio.domain.edits import LayerOrder, MaskOp, MaskOpKind
from studio.domain.errors import Cancelled, StorageError
from studio.domain.progress import Progress
from studio.domain.recipe import Recipe, StageChoice
from studio.jobs import queue as queue_module
from studio.jobs.dress import dress_pair
from studio.jobs.local import LocalExecutor
from studio.jobs.queue import JobQueue
from studio.jobs.run import EventKind, RunEvent
from studio.library.integrity import check_project
from studio.library.library import Library
from studio.library.records import Filter, JobState, Kind, LookState
from studio.pipeline.runner import Runner
from tests.fakes import FakeModels
from tests.jobs.conftest import RECIPE, Studio

WAIT_S = 20.0


def states(studio: Studio) -> list[JobState]:
    return [job.state for job in studio.library.jobs(studio.library.job_ids())]


def test_n_models_and_m_garments_are_prepared_n_plus_m_times(studio: Studio) -> None:
    studio.queue.add(studio.pairs(), RECIPE)
    studio.queue.run()
    assert states(studio) == [JobState.SUCCEEDED] * 9
    counts = studio.bench.counts
    assert counts["cutout"] == counts["edges"] == 6
    assert counts["pose"] == counts["parse"] == counts["densepose"] == counts["agnostic"] == 3
    assert counts["garment"] == 3
    assert counts["tryon"] == counts["look"] == 9
    assert len(studio.library.look_ids()) == 9
    assert check_project(studio.library).findings == ()


def test_jobs_are_grouped_by_model(studio: Studio) -> None:
    studio.queue.add(studio.pairs(), RECIPE)
    jobs = studio.library.jobs(studio.library.job_ids())
    assert [job.model_id for job in jobs] == [model for model in studio.models for _ in range(3)]


def test_a_look_tells_how_it_was_made(studio: Studio) -> None:
    pair = studio.pairs()[0]
    studio.queue.add([pair], RECIPE)
    studio.queue.run()
    look = studio.library.look(studio.library.pair(pair).look_id)
    record = studio.library.look_record(look.id)
    by_slot = {step.slot: step.record for step in record.steps}
    assert set(by_slot) == {
        "cutout", "edges", "pose", "framing", "parse", "densepose", "agnostic", "garment_cutout", "garment_edges",
        "garment", "tryon", "look",
    }  # fmt: skip
    assert record.key == look.key == by_slot["look"].key
    assert by_slot["parse"].inputs["pose"] == by_slot["pose"].key
    assert by_slot["edges"].params == {"strength": 1.0, "role": "model"}
    assert by_slot["garment_edges"].params == {"strength": 1.0, "role": "garment"}
    assert {use.id for use in record.models} == {"fake_cutout", "fake_tryon"}
    assert record.model_sha256 == studio.library.photo(studio.models[0]).sha256
    assert [note.key for note in record.fallbacks] == ["fake.simple"]
    assert (look.engine, look.confidence.score, look.commercial) == ("fake", 0.8, True)
    assert look.state is LookState.DRESSED


def test_non_commercial_models_mark_the_look(studio: Studio) -> None:
    runner = Runner(studio.library.store, studio.runner.photos, FakeModels(commercial=False))
    studio.queue.add(studio.pairs()[:1], RECIPE)
    job = studio.library.jobs(studio.library.job_ids())[0]
    look_id = dress_pair(studio.library, runner, job, Progress.silent()).created[0]
    assert not studio.library.look(look_id).commercial


def test_a_failed_pair_says_why_and_does_not_stop_the_others(studio: Studio) -> None:
    nobody = studio.library.import_photos([studio.shelf / "nobody.png"], PhotoRole.MODEL).imported[0]
    pairs = studio.library.add_pairs([(nobody, studio.garments[0]), (studio.models[0], studio.garments[0])]).created
    studio.queue.add(pairs, RECIPE)
    studio.queue.run()
    failed, fine = studio.library.jobs(studio.library.job_ids())
    assert (failed.state, fine.state) == (JobState.FAILED, JobState.SUCCEEDED)
    assert failed.error is not None
    assert failed.error.key == "pose.no_person"
    assert failed.error.values == {"file": "nobody.png"}
    assert failed.stage == "pose"
    cell = studio.library.cells([nobody], studio.garments[:1])[0]
    assert (cell.job_state, cell.error) == (JobState.FAILED, failed.error)


def test_an_unexpected_error_is_wrapped_and_the_batch_goes_on(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Runner.get
    calls = []

    def break_once(self: Runner, *args: object) -> object:
        calls.append(args)
        if len(calls) == 1:
            raise ZeroDivisionError("a bug of ours")
        return real(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Runner, "get", break_once)
    studio.queue.add(studio.pairs()[:2], RECIPE)
    studio.queue.run()
    first, second = studio.library.jobs(studio.library.job_ids())
    assert (first.state, second.state) == (JobState.FAILED, JobState.SUCCEEDED)
    assert first.error is not None
    assert first.error.key == "unexpected"
    assert "a bug of ours" in first.error.values["error"]


def test_a_file_that_disappears_mid_run_fails_its_pairs_only(studio: Studio) -> None:
    studio.queue.add(studio.pairs(), RECIPE)
    studio.library.photo(studio.models[1]).file.unlink()
    studio.queue.run()
    failed = [job for job in studio.library.jobs(studio.library.job_ids()) if job.state is JobState.FAILED]
    assert {job.model_id for job in failed} == {studio.models[1]}
    assert len(failed) == 3
    for job in failed:
        assert job.error is not None
        assert job.error.key == "library.original_gone"
        assert job.error.values["name"] == "m1.png"
    assert studio.library.photo(studio.models[1]).is_missing
    assert len(studio.library.look_ids()) == 6


def test_cancel_takes_effect_inside_a_step_and_keeps_finished_steps(studio: Studio) -> None:
    studio.bench.gate = threading.Event()
    ids = studio.queue.add(studio.pairs()[:3], RECIPE).created
    studio.queue.start()
    assert studio.bench.entered.wait(WAIT_S)
    studio.queue.cancel()
    assert studio.queue.wait(WAIT_S)
    assert states(studio) == [JobState.CANCELLED] * 3
    assert studio.kinds(EventKind.CANCELLED) == [ids[0]]
    studio.bench.gate.set()
    studio.queue.retry(ids)
    studio.queue.run()
    assert states(studio) == [JobState.SUCCEEDED] * 3


def test_pause_and_resume(studio: Studio) -> None:
    studio.bench.gate = threading.Event()
    ids = studio.queue.add(studio.pairs()[:3], RECIPE).created
    studio.queue.start()
    assert studio.bench.entered.wait(WAIT_S)
    studio.queue.pause(ids[:2])
    studio.bench.gate.set()
    assert studio.queue.wait(WAIT_S)
    assert states(studio) == [JobState.PAUSED, JobState.PAUSED, JobState.SUCCEEDED]
    studio.queue.resume()
    studio.queue.run()
    assert states(studio) == [JobState.SUCCEEDED] * 3


def test_reorder_decides_who_is_next(studio: Studio) -> None:
    ids = studio.queue.add(studio.pairs()[:4], RECIPE).created
    studio.queue.move([ids[3]], before_id=ids[0])
    studio.queue.move([ids[1]])
    studio.queue.run()
    assert studio.kinds(EventKind.STARTED) == [ids[3], ids[0], ids[2], ids[1]]


def test_closing_interrupts_and_the_next_session_resumes(studio: Studio) -> None:
    studio.bench.gate = threading.Event()
    studio.queue.add(studio.pairs()[:3], RECIPE)
    studio.queue.start()
    assert studio.bench.entered.wait(WAIT_S)
    studio.queue.close(WAIT_S)
    assert states(studio) == [JobState.INTERRUPTED, JobState.QUEUED, JobState.QUEUED]
    studio.bench.gate.set()
    again = JobQueue(studio.library, LocalExecutor(studio.runner))
    try:
        assert len(again.interrupted()) == 1
        again.resume()
        again.run()
    finally:
        again.close()
    assert states(studio) == [JobState.SUCCEEDED] * 3


def test_what_a_crash_left_running_is_interrupted_at_the_start(studio: Studio) -> None:
    ids = studio.queue.add(studio.pairs()[:2], RECIPE).created
    assert studio.library.start_job(ids[0])
    assert not studio.library.start_job(ids[0]), "nobody takes a job twice"
    executor = LocalExecutor(studio.runner)
    queue = JobQueue(studio.library, executor)
    assert queue.interrupted() == [ids[0]]
    queue.close()


def test_run_with_a_token_raises_and_leaves_the_rest_for_later(studio: Studio) -> None:
    studio.bench.gate = threading.Event()
    token = threading.Event()
    token.set()
    studio.queue.add(studio.pairs()[:2], RECIPE)
    with pytest.raises(Cancelled):
        studio.queue.run(token)
    assert states(studio) == [JobState.INTERRUPTED, JobState.QUEUED]


def test_a_full_disk_halts_the_queue(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, *args: object) -> None:
        raise StorageError("storage.full", path="project")

    with monkeypatch.context() as patch:
        patch.setattr(type(studio.runner.store), "put", full)
        studio.queue.add(studio.pairs()[:3], RECIPE)
        studio.queue.run()
    assert states(studio) == [JobState.FAILED, JobState.QUEUED, JobState.QUEUED]
    assert [event.kind for event in studio.events][-2:] == [EventKind.HALTED, EventKind.IDLE]
    assert check_project(studio.library).findings == ()
    studio.queue.retry(studio.library.job_ids([JobState.FAILED]))
    studio.queue.run()
    assert states(studio) == [JobState.SUCCEEDED] * 3


def test_a_library_that_cannot_be_written_halts_the_queue_and_loses_nothing(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **values: object) -> None:
        raise StorageError("storage.full", path="project.db")

    studio.queue.add(studio.pairs()[:2], RECIPE)
    with monkeypatch.context() as patch:
        patch.setattr(Library, "record_look", full)
        patch.setattr(Library, "finish_job", full)
        studio.queue.run()
    assert states(studio) == [JobState.RUNNING, JobState.QUEUED]
    assert any(event.kind is EventKind.HALTED for event in studio.events)
    studio.library.interrupt_running()
    studio.queue.resume()
    before = studio.bench.counts["tryon"]
    studio.queue.run()
    assert states(studio) == [JobState.SUCCEEDED] * 2
    assert studio.bench.counts["tryon"] == before + 1, "the first look's picture was on disk already"


def test_the_same_pair_is_not_queued_twice(studio: Studio) -> None:
    pair = studio.pairs()[:1]
    assert len(studio.queue.add(pair, RECIPE).created) == 1
    assert studio.queue.add(pair, RECIPE).created == ()
    other = Recipe("Strong", {"edges": StageChoice("fake", {"strength": 0.5})})
    assert len(studio.queue.add(pair, other).created) == 1


def test_events_count_down_with_an_estimate_from_own_history(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "LOOK_AHEAD_SHARE", 0)
    studio.queue.add(studio.pairs()[:1], RECIPE)
    studio.queue.run()
    assert [event.eta_s for event in studio.events if event.kind is EventKind.STARTED] == [None]
    # The fake implementation is not the recipe's default, so name it for the history to match.
    named = Recipe("Fake", {stage: StageChoice("fake") for stage in studio.bench.counts})
    studio.events.clear()
    # One history for all three: the fakes take microseconds, whose median jumps on a busy machine.
    monkeypatch.setattr(Library, "add_timings", lambda library, timings: None)
    studio.queue.add(studio.pairs()[1:4], named)
    studio.queue.run()
    started = [event for event in studio.events if event.kind is EventKind.STARTED]
    assert [event.left for event in started] == [3, 2, 1]
    estimates = [event.eta_s for event in started]
    assert all(seconds is not None and seconds > 0 for seconds in estimates)
    assert estimates == sorted(estimates, reverse=True)  # type: ignore[type-var]


def test_an_edit_makes_the_look_stale_and_only_what_depends_on_it_runs_again(studio: Studio) -> None:
    library = studio.library
    studio.queue.add(studio.pairs()[:2], RECIPE)
    studio.queue.run()
    pair = studio.pairs()[0]
    old = library.pair(pair).look_id
    library.rate([old], 4, kind=Kind.LOOK)
    studio.bench.counts.clear()
    changes = library.add_edit(pair, LayerOrder(over=("hair",)))
    assert changes.looks == {old}
    assert library.look(old).is_stale
    assert library.stale_look_ids() == [old]
    library.undo_edit(pair)
    assert library.stale_look_ids() == []
    library.redo_edit(pair)
    assert library.stale_look_ids() == [old]


def test_records_survive_the_round_trip_with_edits(studio: Studio) -> None:
    library = studio.library
    pair = studio.pairs()[0]
    model = library.pair(pair).model_id
    library.add_edit(model, MaskOp(MaskOpKind.GROW, 2.0))
    library.undo_edit(model)
    studio.queue.add([pair], RECIPE)
    studio.queue.run()
    look = library.look(library.pair(pair).look_id)
    assert not look.is_stale
    assert library.look_record(look.id).edits.model == ()
    made = studio.runner.store.get(look.key)
    assert isinstance(made, Look)


def test_two_workers_share_one_runner(studio: Studio) -> None:
    queue = JobQueue(studio.library, LocalExecutor(studio.runner, workers=2))
    try:
        queue.add(studio.pairs(), RECIPE)
        queue.run()
    finally:
        queue.close()
    assert states(studio) == [JobState.SUCCEEDED] * 9
    assert studio.bench.counts["look"] == 9
    assert studio.bench.counts["cutout"] == 6


def test_a_second_window_sees_what_the_first_one_makes(studio: Studio, tmp_path: Path) -> None:
    with Library.open(tmp_path / "project", read_only=True) as window:
        studio.queue.add(studio.pairs()[:1], RECIPE)
        studio.queue.run()
        assert len(window.look_ids(Filter())) == 1


def test_a_project_that_disappears_lets_nobody_wait_forever(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: object, **values: object) -> list[str]:
        raise StorageError("storage.failed", path="project.db", reason="unable to open database file")

    studio.bench.gate = threading.Event()
    studio.queue.add(studio.pairs()[:2], RECIPE)
    studio.queue.start()
    assert studio.bench.entered.wait(WAIT_S)
    with monkeypatch.context() as patch:
        for name in ("record_look", "add_timings", "finish_job", "job_ids", "job_counts", "jobs"):
            patch.setattr(Library, name, gone)
        studio.bench.gate.set()
        assert studio.queue.wait(WAIT_S)
    assert studio.kinds(EventKind.HALTED)


def test_a_listener_with_a_bug_does_not_stop_the_batch(studio: Studio) -> None:
    def break_down(event: RunEvent) -> None:
        raise ZeroDivisionError

    studio.queue.listen(break_down)
    studio.queue.add(studio.pairs()[:2], RECIPE)
    studio.queue.run()
    assert states(studio) == [JobState.SUCCEEDED] * 2


@pytest.mark.parametrize("state", [JobState.INTERRUPTED, JobState.PAUSED])
def test_who_asks_again_for_a_pair_that_was_cut_off_gets_it_dressed(studio: Studio, state: JobState) -> None:
    pair = studio.pairs()[0]
    job = studio.queue.add([pair], RECIPE).created[0]
    studio.library.move_to_state([job], state, [JobState.QUEUED])
    assert studio.queue.add([pair], RECIPE).created == (job,)
    studio.queue.run()
    assert states(studio) == [JobState.SUCCEEDED]


def test_a_correction_made_while_its_look_is_dressed_is_not_lost(studio: Studio) -> None:
    pair = studio.pairs()[0]
    job = studio.queue.add([pair], RECIPE).created[0]
    studio.library.start_job(job)
    assert studio.queue.add([pair], RECIPE).created == ()
    assert len(studio.queue.add([pair], RECIPE, behind_running=True).created) == 1
    assert studio.queue.add([pair], RECIPE, behind_running=True).created == ()
