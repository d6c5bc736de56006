"""Shipped files are found wherever the program runs from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.domain.errors import StorageError
from studio.media import resources


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    resources.resources_root.cache_clear()
    yield
    resources.resources_root.cache_clear()


def test_a_checkout_or_an_installation_has_its_files() -> None:
    assert resources.resource_path("models", "manifest.toml").is_file()
    assert resources.resource_path("messages").is_dir()


def test_a_wheel_carries_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "studio" / "_resources").mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "studio")
    assert resources.resources_root() == tmp_path / "studio" / "_resources"


def test_a_frozen_program_unpacks_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resources").mkdir()
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert resources.resources_root() == tmp_path / "resources"


def test_an_incomplete_installation_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "studio")
    with pytest.raises(StorageError) as caught:
        resources.resources_root()
    assert caught.value.key == "resources.missing"
