"""Steps side by side and writing behind the work change how long it takes, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.domain.artefacts import Artefact, ParseMap
from studio.domain.errors import Cancelled, PipelineError, StorageError
from studio.domain.keys import ArtefactKey, ArtefactRecord, ModelUse, Note
from studio.domain.progress import Progress
from studio.pipeline.cache import FolderStore, MemoryStore
from studio.pipeline.graph import StageNode, stage_node
from studio.pipeline.parallel import both, each, limit_threads
from studio.pipeline.runner import Runner
from studio.pipeline.stage import Inputs, ModelProvider, NoParams, StageContext
from studio.pipeline.writer import BehindStore, Writer

Work = Callable[[], None]


def _nothing() -> None:
    return None


@dataclass
class Step:
    """A stage without settings; `work` is what happens while it runs."""

    name: str
    inputs: tuple[str, ...] = ()
    work: Work = _nothing
    network: bool = False
    version: int = 1
    implementation: str = "step"
    params_type: type[Any] = NoParams
    output: type[Any] = ParseMap

    def models(self, params: object, provider: ModelProvider) -> tuple[str, ...]:
        return ("tiny",) if self.network else ()

    def unavailable(self, provider: ModelProvider) -> Note | None:
        return None

    def run(self, inputs: Inputs, params: object, ctx: StageContext) -> Artefact:
        ctx.progress.report(0.5, self.name)
        self.work()
        below = sum(int(item.labels[0, 0]) for item in inputs.slots.values() if isinstance(item, ParseMap))
        return ParseMap(np.full((1, 1), below + 1, np.uint8))


class Models:
    device = "cpu"

    def use(self, model_id: str) -> ModelUse:
        return ModelUse(model_id, "m", "MIT", True)


def _pair(**work: Work) -> dict[str, StageNode]:
    """Return two chains that meet: person_1, person_2 and worn_1, worn_2 feed look."""
    steps = [
        Step("person_1"),
        Step("person_2", ("person_1",)),
        Step("worn_1"),
        Step("worn_2", ("worn_1",)),
        Step("look", ("person_2", "worn_2")),
    ]
    nodes: dict[str, Any] = {}
    for step in steps:
        step = replace(step, work=work.get(step.name, _nothing))
        nodes[step.name] = stage_node(step, NoParams(), nodes, Models())  # type: ignore[arg-type]
    return nodes


def _runner(store: Any = None) -> Runner:  # Any: stores that fail
    return Runner(store or MemoryStore(), None, Models())  # type: ignore[arg-type]


def _fail(key: str, after_s: float = 0.0) -> Work:
    def work() -> None:
        time.sleep(after_s)
        raise PipelineError(key)

    return work


def test_two_chains_run_side_by_side() -> None:
    meet = threading.Barrier(2, timeout=20)
    with limit_threads(2):
        made = _runner().get(_pair(person_1=meet.wait, worn_1=meet.wait)["look"])
    assert isinstance(made, ParseMap)
    assert made.labels[0, 0] == 5


def test_two_networks_never_run_at_once() -> None:
    busy = threading.Lock()

    def alone() -> None:
        assert busy.acquire(blocking=False)
        time.sleep(0.02)
        busy.release()

    nodes: dict[str, Any] = {}
    for step in (
        Step("one", network=True, work=alone),
        Step("two", network=True, work=alone),
        Step("look", ("one", "two")),
    ):
        nodes[step.name] = stage_node(step, NoParams(), nodes, Models())  # type: ignore[arg-type]
    with limit_threads(2):
        _runner().get(nodes["look"])


@pytest.mark.parametrize("threads", [1, 2])
def test_of_two_errors_the_first_in_the_plan_is_told_whichever_came_first(threads: int) -> None:
    nodes = _pair(person_2=_fail("tryon.person", after_s=0.05), worn_1=_fail("tryon.worn"))
    told: list[str] = []
    with limit_threads(threads), pytest.raises(PipelineError, match=r"tryon\.person"):
        _runner().get(nodes["look"], Progress(threading.Event(), lambda _, stage: told.append(stage)))
    assert told[-1] == "person_2"


def test_progress_only_grows_and_names_every_step() -> None:
    seen: list[tuple[float, str]] = []
    with limit_threads(2):
        _runner().get(_pair()["look"], Progress(threading.Event(), lambda *told: seen.append(told)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert {stage for _, stage in seen} == {"person_1", "person_2", "worn_1", "worn_2", "look"}


def test_a_cancelled_plan_starts_no_more_steps() -> None:
    token = threading.Event()
    with limit_threads(2), pytest.raises(Cancelled):
        store = MemoryStore()
        nodes = _pair(person_1=token.set, worn_1=token.wait)
        _runner(store).get(nodes["look"], Progress(token, lambda *told: None))
    assert store.has(nodes["person_1"].key)
    assert not store.has(nodes["look"].key)


@dataclass
class Slow(MemoryStore):
    """Writes once it may; fails at one stage."""

    may_write: threading.Event = field(default_factory=threading.Event)
    fails_at: str = ""

    def put(self, key: ArtefactKey, artefact: Artefact, record: ArtefactRecord) -> None:
        assert self.may_write.wait(20)
        if key.stage == self.fails_at:
            raise StorageError("storage.full", path="/full")
        MemoryStore.put(self, key, artefact, record)


def test_the_next_step_does_not_wait_for_the_disk_but_the_caller_does() -> None:
    store = Slow()
    with limit_threads(2):
        nodes = _pair(look=store.may_write.set)  # the disk works only once the last step runs
        _runner(store).get(nodes["look"])
    assert all(store.has(node.key) for node in nodes.values())


@pytest.mark.parametrize("threads", [1, 2])
def test_a_full_disk_is_told_and_stops_the_work(threads: int) -> None:
    store = Slow(fails_at="worn_1")
    store.may_write.set()
    nodes = _pair()
    runner = _runner(store)
    with limit_threads(threads), pytest.raises(StorageError, match=r"storage\.full"):
        runner.get(nodes["look"])
    assert nodes["worn_1"].key in [step.key for step in runner.plan(nodes["look"])]
    assert not any(store.has(nodes[name].key) for name in ("worn_1", "worn_2", "look")), "made from what is not there"
    store.fails_at = ""
    with limit_threads(threads):
        runner.get(nodes["look"])
    assert store.has(nodes["look"].key)


def test_who_finds_a_thing_made_waits_until_it_is_written() -> None:
    """A second caller may use what is on its way to the disk, and hears of it if it never gets there."""
    store = Slow(fails_at="person_1")
    nodes, runner = _pair(), _runner(store)
    errors: list[str] = []

    def ask(name: str) -> None:
        try:
            runner.get(nodes[name])
        except StorageError as error:
            errors.append(error.key)

    with limit_threads(2):
        callers = [threading.Thread(target=ask, args=("person_1",)) for _ in range(2)]
        callers[0].start()
        while runner.plan(nodes["person_1"]):
            time.sleep(0.001)
        callers[1].start()
        time.sleep(0.02)
        store.may_write.set()
        for caller in callers:
            caller.join(20)
    assert errors == ["storage.full"] * 2


def test_files_are_the_same_with_one_thread_and_with_two(tmp_path: Path) -> None:
    nodes = _pair()
    for threads in (1, 2):
        with limit_threads(threads):
            _runner(FolderStore(tmp_path / str(threads))).get(nodes["look"])
    stores = [FolderStore(tmp_path / str(threads)) for threads in (1, 2)]
    for node in nodes.values():
        one, two = (store.get(node.key) for store in stores)
        assert isinstance(one, ParseMap)
        assert isinstance(two, ParseMap)
        assert np.array_equal(one.labels, two.labels)
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize("threads", [1, 3])
def test_halves_return_in_order_and_raise_the_first_error(threads: int) -> None:
    with limit_threads(threads):
        assert both(lambda: "one", lambda: 2) == ("one", 2)
        with pytest.raises(PipelineError, match="first"):
            both(_fail("first", after_s=0.02), _fail("second"))
        done: list[int] = []
        each(done.append, range(5))
        assert sorted(done) == list(range(5))
        with pytest.raises(ZeroDivisionError):
            each(lambda number: 1 / number, [1, 0, 2])  # type: ignore[arg-type,return-value]


class LateNews(ThreadPoolExecutor):
    """Runs work as it comes; that it failed is told only later."""

    def __init__(self) -> None:
        super().__init__(1)
        self.ran, self.told = threading.Event(), threading.Event()

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        news: Future[Any] = Future()

        def run() -> None:
            try:
                work(*args, **named)
            except StorageError as error:
                self.ran.set()
                assert self.told.wait(20)
                news.set_exception(error)
            else:
                news.set_result(None)

        super().submit(run)
        return news


def test_nothing_is_written_after_a_failure_of_which_the_news_is_on_its_way() -> None:
    store = Slow(fails_at="worn_1")
    store.may_write.set()
    nodes, made = _pair(), ParseMap(np.zeros((1, 1), np.uint8))
    record = partial(ArtefactRecord, implementation="step", version=1, params={}, inputs={})
    behind, pool = BehindStore(store), LateNews()
    behind._pool = pool
    with limit_threads(2), pytest.raises(StorageError, match=r"storage\.full"), Writer(behind) as writer:
        writer.put(nodes["worn_1"].key, made, record(nodes["worn_1"].key))
        assert pool.ran.wait(20)
        try:
            with pytest.raises(StorageError):
                writer.put(nodes["worn_2"].key, made, record(nodes["worn_2"].key))
        finally:
            pool.told.set()
    assert not store.has(nodes["worn_2"].key)
