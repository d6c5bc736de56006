"""Thumbnails: made once, remade when the photo changes, never a reason to fail."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.domain.errors import PhotoError
from studio.media import thumbnails
from studio.media.thumbnails import ThumbnailCache
from tests.media import pictures


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return pictures.save(tmp_path / "a.jpg", Image.fromarray(pictures.gradient(900, 600)), exif=pictures.exif(6))


def test_made_once_then_read_from_disk(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    first = cache.get(photo, 120)
    assert first.shape == (120, 80, 3)
    read: list[Path] = []
    real = thumbnails.open_reduced
    monkeypatch.setattr(thumbnails, "open_reduced", lambda path, *rest: (read.append(path), real(path, *rest))[1])
    second = cache.get(photo, 120)
    assert read == [cache.path(photo, 120)]
    assert np.abs(first.astype(int) - second).mean() < 4


def test_a_changed_photo_has_another_thumbnail(tmp_path: Path, photo: Path) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    before = cache.path(photo)
    os.utime(photo, ns=(1, 1))
    assert cache.path(photo) != before


def test_a_damaged_cache_file_is_made_again(tmp_path: Path, photo: Path) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    cache.get(photo)
    cache.path(photo).write_bytes(b"junk")
    assert max(cache.get(photo).shape) == thumbnails.SIDE


def test_a_folder_that_refuses_costs_nothing(tmp_path: Path, photo: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert max(ThumbnailCache(tmp_path / "cache").get(photo).shape) == thumbnails.SIDE


def test_prune_keeps_the_newest(tmp_path: Path, photo: Path) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    for age, side in enumerate((100, 110, 120)):
        cache.get(photo, side)
        os.utime(cache.path(photo, side), ns=(age, age))
    newest = cache.path(photo, 120)
    assert cache.prune(newest.stat().st_size) == 2
    assert newest.is_file()


def test_a_photo_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"photo\.gone"):
        ThumbnailCache(tmp_path).get(tmp_path / "gone.jpg")
