"""Photos that decode but do not show what they should: one clear sentence each, and the batch goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Studio

MODEL, OTHER = "persons/vitonhd_00641_00.jpg", "persons/vitonhd_01036_00.jpg"
GARMENT, ROOM = "garments/vitonhdtrain_00212.jpg", "backgrounds/meet_4.jpg"


def _save(image: Image.Image, path: Path) -> Path:
    image.convert("RGB").save(path, quality=95)
    return path


@pytest.fixture
def photos(shared: Path, tmp_path: Path) -> dict[str, Path]:
    """Two persons in one photo, half a person, and a room where a garment should be; half size, for speed."""
    folder = shared / "photos"
    one, two = (Image.open(folder / name).resize((384, 512)) for name in (MODEL, OTHER))
    both = Image.new("RGB", (768, 512))
    both.paste(one, (0, 0))
    both.paste(two, (384, 0))
    return {
        "two": _save(both, tmp_path / "two_people.jpg"),
        "legs": _save(one.crop((0, 250, 384, 512)), tmp_path / "legs.jpg"),
        "room": _save(Image.open(folder / ROOM), tmp_path / "room.jpg"),
        "worn": _save(two, tmp_path / "on_a_mannequin.jpg"),
        "good": _save(one, tmp_path / "good.jpg"),
        "garment": _save(Image.open(folder / GARMENT).resize((384, 512)), tmp_path / "garment.jpg"),
    }


def test_each_bad_photo_gets_its_own_sentence(studio: Studio, project: Path, photos: dict[str, Path]) -> None:
    studio("import", "models", photos["two"], photos["legs"], "-p", project)
    studio("import", "garments", photos["garment"], photos["room"], photos["worn"], "-p", project)
    said = studio("dress", "--all", "-p", project, "--json")
    assert said.code == 1
    result = said.json()
    failed = {item["pair"]: item["why"] for item in result["failed"]}
    assert "legs.jpg" in failed["legs.jpg + garment.jpg"]
    assert "room.jpg" in failed["two_people.jpg + room.jpg"]
    doubts = {look["name"]: look for look in result["looks"]}
    two = doubts["two_people – garment"]
    assert two["confidence"] < 0.8
    assert any("two_people.jpg" in reason for reason in two["reasons"])
    worn = doubts["two_people – on_a_mannequin"]
    assert worn["confidence"] < 0.7
    assert any("on_a_mannequin.jpg" in reason for reason in worn["reasons"])
    assert studio("project", "check", "-p", project).code == 0


def test_a_file_that_disappears_stops_nothing_else(studio: Studio, project: Path, photos: dict[str, Path]) -> None:
    studio("import", "models", photos["good"], "-p", project)
    studio("import", "models", photos["two"], "--reference", "-p", project)
    studio("import", "garments", photos["garment"], "-p", project)
    photos["two"].unlink()
    said = studio("dress", "--all", "-p", project, "--json")
    assert said.code == 1
    assert len(said.json()["looks"]) == 1
    assert "two_people.jpg" in said.json()["failed"][0]["why"]
