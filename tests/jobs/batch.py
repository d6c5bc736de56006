"""A batch in a process of its own, to be killed: opens the project, queues every pair, resumes, dresses.

Usage: python -m tests.jobs.batch PROJECT threads|process
"""

from __future__ import annotations

import sys
from pathlib import Path

from studio.domain.artefacts import PhotoRole
from studio.jobs.process import ProcessExecutor
from studio.jobs.run import EventKind, Executor, RunEvent
from studio.jobs.workspace import Workspace, in_threads
from studio.library.records import Filter
from tests.fakes import BENCH, FakeModels, make_fake_models

SECONDS_A_STAGE = 0.004


def make_slow_models() -> FakeModels:
    BENCH.seconds = SECONDS_A_STAGE
    return make_fake_models()


def in_process(workspace: Workspace) -> Executor:
    return ProcessExecutor(workspace.library.store.root, make_slow_models)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def tell(event: RunEvent) -> None:
    if event.kind is EventKind.SUCCEEDED:
        say(f"look {event.look_id}")


def main(folder: Path, where: str) -> None:
    make = in_process if where == "process" else in_threads
    with Workspace.open(folder, models=make_slow_models(), make_executor=make) as workspace:
        library = workspace.library
        say("open")
        workspace.queue.resume()
        if not library.job_ids():
            models = library.photo_ids(Filter(role=PhotoRole.MODEL))
            workspace.queue_all(models, library.photo_ids(Filter(role=PhotoRole.GARMENT)))
        workspace.run_queue(tell)
        say("done")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
