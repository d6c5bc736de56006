"""A small real project over fake stages, with a window's context around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication

from studio.domain.artefacts import PhotoRole
from studio.jobs.workspace import Workspace
from studio.library.records import Filter
from studio.ui.context import StudioContext
from studio.ui.settings import Preferences
from studio.ui.start import make_application
from studio.ui.theme import Scheme, apply_theme
from tests.fakes import Bench, FakeModels, installed

PHOTO_SIZE = (120, 160)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The offscreen platform says for every window that it cannot pass size hints on; nothing of ours."""
    for item in items:
        item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support", extend=True))


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    app = make_application([])
    apply_theme(app, Scheme.LIGHT)
    return app


@pytest.fixture
def bench() -> Iterator[Bench]:
    with installed() as counts:
        yield counts


def draw_figure(file: Path, seed: int) -> Path:
    """Write a white photo with a coloured figure in its middle; the fake cut-out takes what is not white."""
    width, height = PHOTO_SIZE
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[30:140, 40:80] = (40 + 20 * seed, 90, 160 - 20 * seed)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)
    return file


@pytest.fixture
def project(tmp_path: Path, bench: Bench) -> Iterator[Workspace]:
    """Two models, two garments, a background; nothing is dressed yet."""
    for number in range(2):
        draw_figure(tmp_path / "models" / f"model {number}.png", number)
        draw_figure(tmp_path / "garments" / f"garment {number}.png", 3 + number)
    draw_figure(tmp_path / "backgrounds" / "wall.png", 6)
    made = Workspace.create(tmp_path / "project", models=FakeModels())
    for role in PhotoRole:
        made.import_photos([tmp_path / f"{role.value}s"], role)
    yield made
    made.close()


@pytest.fixture
def context(qapp: QApplication, project: Workspace, tmp_path: Path) -> Iterator[StudioContext]:
    """The window's context with the project open in it."""
    made = StudioContext(Preferences(tmp_path / "preferences.json"))
    made.use_project(project)  # as the window does when a project has been opened
    yield made
    made.close_project()


@pytest.fixture
def models(project: Workspace) -> list[str]:
    return project.library.photo_ids(Filter(role=PhotoRole.MODEL))


@pytest.fixture
def garments(project: Workspace) -> list[str]:
    return project.library.photo_ids(Filter(role=PhotoRole.GARMENT))
