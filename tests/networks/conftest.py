"""Golden reference data and the filled networks; tests that need them skip when the data are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.networks.hr_viton import ConditionGenerator, ImageGenerator
from studio.networks.viton_hd import AliasGenerator

from .tryon_fakes import filled


@pytest.fixture(scope="session")
def golden_root(shared: Path) -> Path:
    """Return `../shared/golden`: the reference data is not part of the project."""
    return shared / "golden"


@pytest.fixture(scope="session")
def condition_generator(golden_root: Path) -> ConditionGenerator:
    return filled(ConditionGenerator, golden_root / "hrviton", "tocg", gain=1.2)


@pytest.fixture(scope="session")
def image_generator(golden_root: Path) -> ImageGenerator:
    return filled(ImageGenerator, golden_root / "hrviton", "gen")


@pytest.fixture(scope="session")
def alias_generator(golden_root: Path) -> AliasGenerator:
    return filled(AliasGenerator, golden_root / "vitonhd", "alias")
