"""The hot folder: half-written files wait, whole ones are told once, a vanished folder is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.domain.errors import StorageError
from studio.library.hot_folder import HotFolder


def test_a_file_is_ready_when_two_looks_find_it_the_same(tmp_path: Path) -> None:
    hot, file = HotFolder(tmp_path), tmp_path / "IMG_2.jpg"
    file.write_bytes(b"half")
    assert hot.look().ready == () and hot.look().ready == (file,)
    file.write_bytes(b"half and the rest")
    assert hot.look().ready == (), "it grew meanwhile"
    assert hot.look().ready == (file,)
    hot.take((file,))
    assert hot.look().ready == () and hot.look().growing == 0


def test_an_empty_file_is_still_being_written(tmp_path: Path) -> None:
    hot = HotFolder(tmp_path)
    (tmp_path / "IMG_1.jpg").touch()
    hot.look()
    found = hot.look()
    assert found.ready == () and found.growing == 1


def test_a_refused_file_that_is_finished_later_is_told_again(tmp_path: Path) -> None:
    hot, file = HotFolder(tmp_path), tmp_path / "IMG_1.jpg"
    file.write_bytes(b"cut off")
    hot.look()
    hot.take(hot.look().ready)
    file.write_bytes(b"cut off no more")
    hot.look()
    assert hot.look().ready == (file,)


def test_subfolders_count_and_other_files_do_not(tmp_path: Path) -> None:
    hot = HotFolder(tmp_path)
    (tmp_path / "card").mkdir()
    for name in ("card/IMG_10.JPG", "IMG_9.png", "notes.txt", ".hidden.jpg"):
        (tmp_path / name).write_bytes(b"x")
    hot.look()
    assert [file.name for file in hot.look().ready] == ["IMG_9.png", "IMG_10.JPG"]


def test_a_vanished_folder_is_named(tmp_path: Path) -> None:
    hot = HotFolder(tmp_path / "card")
    with pytest.raises(StorageError) as caught:
        hot.look()
    assert caught.value.key == "hot_folder.gone" and caught.value.values["folder"].endswith("card")
