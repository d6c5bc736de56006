"""Where the golden reference data lies; tests that need it skip when it is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

GOLDEN = Path(__file__).resolve().parents[2].parent / "shared" / "golden"


@pytest.fixture(scope="session")
def golden_root() -> Path:
    """Return `../shared/golden`, or skip: the reference data is not part of the project."""
    if not (GOLDEN / "README.md").is_file():
        pytest.skip(f"golden reference data absent: {GOLDEN}")
    return GOLDEN
