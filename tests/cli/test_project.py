"""Projects and imports through the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio import __version__
from tests.cli.conftest import Studio


def test_version(studio: Studio) -> None:
    assert __version__ in studio("--version").out


def test_a_project_is_made_once(studio: Studio, project: Path) -> None:
    again = studio("project", "new", project)
    assert again.code == 3
    assert str(project) in again.err


def test_info_counts_what_was_imported(studio: Studio, project: Path, picture: Callable[[str], Path]) -> None:
    one = picture("one.png")
    said = studio("import", "models", one, one, "-p", project, "--json")
    assert said.code == 0
    assert len(said.json()["imported"]) == 1
    info = studio("project", "info", "-p", project, "--json").json()
    assert (info["models"], info["garments"]) == (1, 0)


def test_the_environment_names_the_project(studio: Studio, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITTING_STUDIO_PROJECT", str(project))
    assert studio("project", "info", "--json").json()["name"] == "autumn"


def test_one_bad_file_does_not_stop_the_others(
    studio: Studio, project: Path, picture: Callable[[str], Path], tmp_path: Path
) -> None:
    good = picture("good.png")
    empty = tmp_path / "empty.jpg"
    empty.touch()
    text = tmp_path / "notes.jpg"
    text.write_text("these are not the pixels you are looking for")
    said = studio("import", "garments", empty, good, text, tmp_path / "gone.jpg", "-p", project)
    assert said.code == 1
    assert "1 imported" in said.out
    for name in ("empty.jpg", "notes.jpg", "gone.jpg"):
        assert name in said.err
    assert studio("project", "info", "-p", project, "--json").json()["garments"] == 1


def test_check_finds_damage_and_repair_says_so(studio: Studio, project: Path, picture: Callable[[str], Path]) -> None:
    studio("import", "models", picture("one.png"), "-p", project)
    assert studio("project", "check", "-p", project).code == 0
    original = next((project / "originals").rglob("*.png"))
    original.chmod(0o644)
    original.write_bytes(original.read_bytes()[:50])
    damaged = studio("project", "check", "-p", project, "--json")
    assert damaged.code == 1
    assert not damaged.json()["ok"]
    assert studio("project", "check", "-p", project, "--quick").code == 0


def test_backup_and_restore(studio: Studio, project: Path, picture: Callable[[str], Path]) -> None:
    studio("import", "models", picture("one.png"), "-p", project)
    backup = Path(studio("project", "backup", "-p", project).out.strip())
    studio("import", "models", picture("two.png"), "-p", project)
    assert studio("project", "restore", backup, "-p", project).code == 0
    assert studio("project", "info", "-p", project, "--json").json()["models"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["project", "info", "-p", "nowhere"], 3), (["frobnicate"], 2), (["import", "models"], 2)],
)
def test_exit_codes_mean_something(studio: Studio, arguments: list[str], code: int) -> None:
    said = studio(*arguments)
    assert said.code == code
    assert said.err.strip()


def test_korean_speaks(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITTING_STUDIO_LANGUAGE", "ko_KR.UTF-8")
    assert "십시오" in studio("project", "info", "-p", "nowhere").err
