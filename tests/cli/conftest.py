"""A command line to call in-process, with what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio import cli


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Studio = Callable[..., Said]


@pytest.fixture
def studio(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Studio:
    """Run `studio ARGUMENTS…` in English and return what it said."""
    monkeypatch.setenv("FITTING_STUDIO_LANGUAGE", "en")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def project(tmp_path: Path, studio: Studio) -> Path:
    """An empty project."""
    folder = tmp_path / "autumn"
    assert studio("project", "new", folder).code == 0
    return folder


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[str], Path]:
    """Make a small photo that decodes but shows nothing in particular."""

    def make(name: str) -> Path:
        path = tmp_path / name
        seed = sum(name.encode())
        pixels = np.random.default_rng(seed).integers(0, 255, (96, 72, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return make
