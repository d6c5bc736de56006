"""The forerunner's lists: lenient reading, writing that reads back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.compositing.backgrounds_txt import entry_beside, read_backgrounds, read_position, write_backgrounds
from studio.domain.errors import CompositingError
from studio.domain.geometry import Placement

SIZE = (2000, 1000)


def size_of(path: Path) -> tuple[int, int]:
    return SIZE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms" / "living room.jpg").write_bytes(b"x")
    (tmp_path / "street.jpg").write_bytes(b"x")
    (tmp_path / "street.txt").write_text("1000 950 800")
    (tmp_path / "rooms" / "living room.txt").write_text("0.25 0.9 0.5")
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        "street.jpg street.txt",
        "street.jpg,street.txt",
        "street.jpg ; street.txt",
        "street.jpg\tstreet.txt",
        '"street.jpg" "street.txt"',
        ".\\street.jpg .\\street.txt",
        "  street.jpg   street.txt   # the old one",
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_lines_are_read_in_every_shape(folder: Path, line: str, ending: str, bom: bytes) -> None:
    (folder / "backgrounds.txt").write_bytes(bom + (line + ending).encode())
    found = read_backgrounds(folder / "backgrounds.txt", size_of)
    assert found.problems == ()
    assert [entry.picture.name for entry in found.entries] == ["street.jpg"]
    assert found.entries[0].placement == Placement(x=0.5, y=0.95, scale=0.8)


def test_names_with_spaces_are_found(folder: Path) -> None:
    (folder / "backgrounds.txt").write_text("rooms/living room.jpg rooms/living room.txt\n")
    found = read_backgrounds(folder / "backgrounds.txt", size_of)
    assert found.entries[0].placement == Placement(x=0.25, y=0.9, scale=0.5)


def test_a_bad_line_does_not_stop_the_others(folder: Path) -> None:
    (folder / "nothing.txt").write_text("left of the sofa")
    (folder / "backgrounds.txt").write_text(
        "gone.jpg street.txt\nstreet.jpg\nstreet.jpg nothing.txt\n\nstreet.jpg street.txt\n"
    )
    found = read_backgrounds(folder / "backgrounds.txt", size_of)
    assert len(found.entries) == 1
    keys = [(note.key, note.values["line"]) for note in found.problems]
    assert keys == [("backgrounds.missing", "1"), ("backgrounds.line", "2"), ("backgrounds.position", "3")]


@pytest.mark.parametrize(
    "text",
    [
        "1000 950 800",
        "1000,950,800",
        "x=1000\ny=950\nsize=800\n",
        "1000;950;800",
        "1000.0\r\n950.0\r\n800.0",
        "0,5 0,95 0,8",
    ],
)
def test_positions_are_read_in_every_shape(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.txt"
    path.write_bytes(text.encode())
    assert read_position(path, SIZE) == Placement(x=0.5, y=0.95, scale=0.8)


def test_a_list_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CompositingError, match=r"backgrounds\.missing"):
        read_backgrounds(tmp_path / "backgrounds.txt")


@given(st.floats(-0.4, 1.4), st.floats(-0.4, 1.4), st.floats(0.01, 3.0))
def test_what_is_written_reads_back(tmp_path_factory: pytest.TempPathFactory, x: float, y: float, scale: float) -> None:
    folder = tmp_path_factory.mktemp("list")
    picture = folder / "a room, with #.jpg"
    picture.write_bytes(b"x")
    path = folder / "backgrounds.txt"
    write_backgrounds(path, [entry_beside(path, picture, Placement(x=x, y=y, scale=scale))], size_of)
    found = read_backgrounds(path, size_of)
    assert found.problems == ()
    read = found.entries[0].placement
    assert read.x == pytest.approx(x, abs=1 / SIZE[0])
    assert read.y == pytest.approx(y, abs=1 / SIZE[1])
    assert read.scale == pytest.approx(scale, abs=1 / SIZE[1])
