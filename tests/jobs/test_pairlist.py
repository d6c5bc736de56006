"""Pair lists as tools and people write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.domain.artefacts import PhotoRole
from studio.domain.errors import JobError
from studio.jobs.pairlist import PairList, read_pair_list
from studio.library.library import Library
from tests.fakes import draw_photo


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    for number, name in enumerate(("00001_00.png", "00002_00.png", "모델 3.png")):
        draw_photo(tmp_path / "models" / name, number)
        draw_photo(tmp_path / "garments" / name, 50 + number)
    with Library.create(tmp_path / "project") as opened:
        opened.import_photos([tmp_path / "models"], PhotoRole.MODEL)
        opened.import_photos([tmp_path / "garments"], PhotoRole.GARMENT)
        yield opened


def named(library: Library, found: PairList) -> list[tuple[str, str]]:
    return [(library.photo(model).name, library.photo(garment).name) for model, garment in found.pairs]


def test_the_style_of_test_pairs(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "test_pairs.txt"
    file.write_text("00001_00.jpg 00002_00.jpg\n\n# note\nimage/00002_00.png 00001_00\n00001_00.jpg 00002_00.jpg\n")
    found = read_pair_list(file, library)
    assert named(library, found) == [("00001_00.png", "00002_00.png"), ("00002_00.png", "00001_00.png")]
    assert found.problems == ()


def test_every_line_that_is_not_understood_is_told(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "test_pairs.txt"
    file.write_text("nobody.jpg 00002_00.jpg\n00001_00.jpg nothing.jpg\nonly-one\na b c\n00001_00.jpg 00001_00.jpg\n")
    found = read_pair_list(file, library)
    assert [(error.key, error.values["line"]) for error in found.problems] == [
        ("pairs.unknown_model", "1"),
        ("pairs.unknown_garment", "2"),
        ("pairs.line", "3"),
        ("pairs.line", "4"),
    ]
    assert found.problems[0].values["name"] == "nobody.jpg"
    assert len(found.pairs) == 1


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("model,garment\n모델 3.png,00001_00.png\n", "utf-8"),
        ("no;Garment;Model\n1;00001_00.png;모델 3.png\n", "utf-8-sig"),
        ("모델\t의류\r\n모델 3\t00001_00\r\n", "cp949"),
        ('person,cloth\n"모델 3.png","00001_00.png"\n,\n', "utf-8"),
    ],
)
def test_csv_with_a_header(library: Library, tmp_path: Path, text: str, encoding: str) -> None:
    file = tmp_path / "pairs.csv"
    file.write_bytes(text.encode(encoding))
    found = read_pair_list(file, library)
    assert named(library, found) == [("모델 3.png", "00001_00.png")]
    assert found.problems == ()


def test_a_csv_row_without_a_garment_is_told(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("model,garment\n00001_00.png\n00002_00.png,00001_00.png\n")
    found = read_pair_list(file, library)
    assert [(error.key, error.values["line"]) for error in found.problems] == [("pairs.line", "2")]
    assert len(found.pairs) == 1


def test_two_photos_of_one_name_are_ambiguous(library: Library, tmp_path: Path) -> None:
    library.import_photos([draw_photo(tmp_path / "again" / "00001_00.png", 77)], PhotoRole.MODEL)
    file = tmp_path / "test_pairs.txt"
    file.write_text("00001_00.png 00001_00.png\n")
    assert [error.key for error in read_pair_list(file, library).problems] == ["pairs.ambiguous"]


@pytest.mark.parametrize(
    ("name", "data", "key"),
    [
        ("pairs.csv", b"a,b\n1,2\n", "pairs.header"),
        ("pairs.csv", b"", "pairs.header"),
        ("pairs.txt", b"\x89PNG\x00\x01", "pairs.not_text"),
    ],
)
def test_what_is_no_pair_list_is_refused(library: Library, tmp_path: Path, name: str, data: bytes, key: str) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(JobError) as caught:
        read_pair_list(file, library)
    assert caught.value.key == key


def test_a_list_that_is_not_there(library: Library, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"pairs\.unreadable"):
        read_pair_list(tmp_path / "none.txt", library)
