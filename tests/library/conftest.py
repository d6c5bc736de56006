"""Small projects for the library's tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from studio.domain.artefacts import PhotoRole
from studio.library.library import Library
from studio.library.records import Filter
from tests.fakes import draw_photo


@dataclass(frozen=True, slots=True)
class Project:
    """A library with two models, two garments and a background, and where their files came from."""

    library: Library
    models: list[str]
    garments: list[str]
    background: str
    camera: Path


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    """A folder of photos as a camera leaves them."""
    folder = tmp_path / "camera"
    for number in (1, 2, 10):
        draw_photo(folder / f"IMG_{number}.png", number)
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "project", "Autumn") as opened:
        yield opened


@pytest.fixture
def project(library: Library, tmp_path: Path) -> Project:
    camera = tmp_path / "shelf"
    for name, seed in (("model_1", 101), ("model_2", 102), ("shirt", 103), ("polo", 104), ("room", 105)):
        draw_photo(camera / f"{name}.png", seed)
    library.import_photos([camera / "model_1.png", camera / "model_2.png"], PhotoRole.MODEL)
    library.import_photos([camera / "polo.png", camera / "shirt.png"], PhotoRole.GARMENT)
    library.import_photos([camera / "room.png"], PhotoRole.BACKGROUND)
    return Project(
        library,
        library.photo_ids(Filter(role=PhotoRole.MODEL)),
        library.photo_ids(Filter(role=PhotoRole.GARMENT)),
        library.photo_ids(Filter(role=PhotoRole.BACKGROUND))[0],
        camera,
    )
