"""A project, fake stages, and a queue over both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from studio.domain.artefacts import PhotoRole
from studio.domain.recipe import Recipe
from studio.jobs.local import LocalExecutor
from studio.jobs.queue import JobQueue
from studio.jobs.run import EventKind, RunEvent
from studio.library.library import Library
from studio.library.records import Filter
from studio.library.source import LibraryPhotos
from studio.pipeline.runner import Runner
from tests.fakes import REFUSED_COLOUR, Bench, FakeModels, draw_photo, installed

RECIPE = Recipe()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with installed() as counts:
        yield counts


@dataclass(slots=True)
class Studio:
    """A library, a runner over its store, and a queue; `events` in the order they came."""

    library: Library
    runner: Runner
    queue: JobQueue
    models: list[str]
    garments: list[str]
    bench: Bench
    shelf: Path
    events: list[RunEvent] = field(default_factory=list)

    def pairs(self) -> list[str]:
        """All models in all garments, garment by garment: the worst order for sharing."""
        wanted = [(model, garment) for garment in self.garments for model in self.models]
        return list(self.library.add_pairs(wanted).created)

    def kinds(self, kind: EventKind) -> list[str]:
        return [event.job_id for event in self.events if event.kind is kind]


@pytest.fixture
def studio(tmp_path: Path, bench: Bench) -> Iterator[Studio]:
    shelf = tmp_path / "shelf"
    for number in range(3):
        draw_photo(shelf / "models" / f"m{number}.png", 10 + number)
        draw_photo(shelf / "garments" / f"g{number}.png", 20 + number)
    draw_photo(shelf / "nobody.png", 30, corner=REFUSED_COLOUR)
    library = Library.create(tmp_path / "project")
    library.import_photos([shelf / "models"], PhotoRole.MODEL)
    library.import_photos([shelf / "garments"], PhotoRole.GARMENT)
    runner = Runner(library.store, LibraryPhotos(library), FakeModels())
    queue = JobQueue(library, LocalExecutor(runner))
    made = Studio(
        library,
        runner,
        queue,
        library.photo_ids(Filter(role=PhotoRole.MODEL)),
        library.photo_ids(Filter(role=PhotoRole.GARMENT)),
        bench,
        shelf,
    )
    queue.listen(made.events.append)
    yield made
    queue.close()
    library.close()
