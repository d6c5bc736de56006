"""The worker process, and Ray by a stand-in: the same runs, somewhere else."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from studio.domain.errors import JobError
from studio.jobs.process import ProcessExecutor
from studio.jobs.queue import JobQueue
from studio.jobs.ray_executor import RayExecutor
from studio.jobs.run import EventKind, Executor, RunEvent
from studio.library.records import JobState
from tests.fakes import make_deadly_models, make_fake_models, make_waiting_models
from tests.jobs.conftest import RECIPE, Studio

WAIT_S = 60.0
Start = Callable[[Executor], JobQueue]


@pytest.fixture
def start(studio: Studio) -> Iterator[Start]:
    queues: list[JobQueue] = []

    def make(executor: Executor) -> JobQueue:
        queues.append(JobQueue(studio.library, executor, studio.events.append))
        return queues[-1]

    yield make
    for queue in queues:
        queue.close()


def states(studio: Studio) -> list[JobState]:
    return [job.state for job in studio.library.jobs(studio.library.job_ids())]


def test_a_worker_process_dresses_and_the_library_records(studio: Studio, start: Start) -> None:
    queue = start(ProcessExecutor(studio.library.store.root, make_fake_models))
    queue.add(studio.pairs()[:4], RECIPE)
    queue.run()
    assert states(studio) == [JobState.SUCCEEDED] * 4
    assert studio.bench.counts["look"] == 0, "nothing ran in this process"
    look = studio.library.looks(studio.library.look_ids())[0]
    assert studio.library.store.has(look.key)
    progress = [event for event in studio.events if event.kind is EventKind.PROGRESS]
    assert progress


def test_a_worker_that_dies_is_reported_and_started_again(studio: Studio, start: Start) -> None:
    executor = ProcessExecutor(studio.library.store.root, make_deadly_models)
    queue = start(executor)
    queue.add(studio.pairs()[:2], RECIPE)
    queue.run()
    assert states(studio) == [JobState.FAILED] * 2
    errors = [job.error for job in studio.library.jobs(studio.library.job_ids())]
    assert [error.key for error in errors if error] == ["job.worker_died"] * 2
    assert errors[0] is not None
    assert errors[0].values["reason"] == "SIGKILL"
    executor._make_models = make_fake_models
    queue.retry(studio.library.job_ids())
    queue.run()
    assert states(studio) == [JobState.SUCCEEDED] * 2


def test_a_worker_killed_between_runs_is_replaced(studio: Studio, start: Start) -> None:
    executor = ProcessExecutor(studio.library.store.root, make_fake_models)
    queue = start(executor)
    pairs = studio.pairs()
    queue.add(pairs[:1], RECIPE)
    queue.run()
    first = executor.pid
    assert first is not None
    assert executor._link is not None
    os.kill(first, signal.SIGKILL)
    executor._link._ear.join(WAIT_S)
    queue.add(pairs[1:2], RECIPE)
    queue.run()
    assert executor.pid != first
    assert states(studio) == [JobState.SUCCEEDED] * 2


def test_cancel_reaches_into_the_worker_process(studio: Studio, start: Start) -> None:
    queue = start(ProcessExecutor(studio.library.store.root, make_waiting_models))
    working = threading.Event()

    def listen(event: RunEvent) -> None:
        if event.kind is EventKind.PROGRESS:
            working.set()

    queue.listen(listen)
    queue.add(studio.pairs()[:2], RECIPE)
    queue.start()
    assert working.wait(WAIT_S)
    queue.cancel()
    assert queue.wait(WAIT_S)
    assert states(studio) == [JobState.CANCELLED] * 2


class _FakeRay(ModuleType):
    """Just enough of Ray: actors and tasks run at once, in threads of this process."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.started = False

    def is_initialized(self) -> bool:
        return self.started

    def init(self, **options: Any) -> None:
        self.started = True

    def shutdown(self) -> None:
        self.started = False

    def remote(self, target: Any) -> Any:
        return _FakeActorClass(target) if isinstance(target, type) else _FakeTask(target)

    def get(self, reference: Any) -> Any:
        return reference

    def wait(self, references: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        over = [task for task in references if not task.is_alive()]
        return over, [task for task in references if task not in over]


class _FakeMethod:
    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def remote(self, *values: Any) -> Any:
        return self._call(*values)


class _FakeActor:
    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> _FakeMethod:
        def call(*values: Any) -> Any:
            with self._lock:
                return getattr(self._actor, name)(*values)

        return _FakeMethod(call)


class _FakeActorClass:
    def __init__(self, kind: type) -> None:
        self._kind = kind

    def remote(self) -> _FakeActor:
        return _FakeActor(self._kind())


class _FakeTask:
    def __init__(self, target: Callable[..., None]) -> None:
        self._target = target

    def remote(self, *values: Any) -> threading.Thread:
        thread = threading.Thread(target=self._target, args=values)
        thread.start()
        return thread


@pytest.fixture
def fake_ray(monkeypatch: pytest.MonkeyPatch) -> _FakeRay:
    ray = _FakeRay()
    ray.__spec__ = importlib.util.spec_from_loader("ray", loader=None)
    monkeypatch.setitem(sys.modules, "ray", ray)
    return ray


def test_ray_performs_and_only_the_library_writes(studio: Studio, start: Start, fake_ray: _FakeRay) -> None:
    executor = RayExecutor(studio.library.store.root, make_fake_models, slots=2)
    assert executor.unavailable() is None
    queue = start(executor)
    queue.add(studio.pairs()[:4], RECIPE)
    queue.run()
    assert states(studio) == [JobState.SUCCEEDED] * 4


def test_cancel_reaches_ray(studio: Studio, start: Start, fake_ray: _FakeRay) -> None:
    queue = start(RayExecutor(studio.library.store.root, make_fake_models))
    studio.bench.gate = threading.Event()
    queue.add(studio.pairs()[:1], RECIPE)
    queue.start()
    assert studio.bench.entered.wait(WAIT_S)
    queue.cancel()
    assert queue.wait(WAIT_S)
    assert states(studio) == [JobState.CANCELLED]


def test_a_ray_task_that_dies_is_reported(
    studio: Studio, start: Start, fake_ray: _FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    import studio.jobs.ray_executor as module

    monkeypatch.setattr(module, "perform_far", lambda *values: None)
    queue = start(RayExecutor(studio.library.store.root, make_fake_models))
    queue.add(studio.pairs()[:1], RECIPE)
    queue.run()
    error = studio.library.jobs(studio.library.job_ids())[0].error
    assert error is not None
    assert error.key == "job.worker_died"


def test_without_ray_it_says_how_to_get_it(studio: Studio, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    executor = RayExecutor(studio.library.store.root, make_fake_models)
    missing = executor.unavailable()
    assert missing is not None
    assert missing.key == "executor.ray_missing"
    queue = start(executor)
    queue.add(studio.pairs()[:2], RECIPE)
    queue.run()
    assert states(studio) == [JobState.FAILED, JobState.QUEUED], "the queue halts instead of failing every job"
    halted = [event for event in studio.events if event.kind is EventKind.HALTED]
    assert isinstance(halted[0].error, JobError)
