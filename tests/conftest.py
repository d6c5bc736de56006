"""Fixtures of every room's tests. Offscreen by default; nothing is ever downloaded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

PROJECT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-screenshots", action="store_true", help="write the window's reference pictures anew")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos, golden data and models beside the project; skips where it is absent."""
    folder = PROJECT.parent / "shared"
    if not (folder / "README.md").is_file():
        pytest.skip(f"the shared test data are not at {folder}")
    return folder
