"""Where the shipped files lie: in the wheel, in a source checkout, or in a frozen program."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from studio.domain.errors import StorageError

_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def resources_root() -> Path:
    """Return the folder of shipped resources.

    Raises:
        StorageError: the installation is incomplete.
    """
    candidates = [_PACKAGE / "_resources", _PACKAGE.parent / "resources"]
    bundle = getattr(sys, "_MEIPASS", None)  # set by PyInstaller: where the program unpacked itself
    if bundle is not None:
        candidates[:0] = [Path(bundle) / "studio" / "_resources", Path(bundle) / "resources"]
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise StorageError("resources.missing", folder=str(candidates[0]))


def resource_path(*parts: str) -> Path:
    """Return the path of a shipped file or folder, `resource_path("models", "manifest.toml")`."""
    return resources_root().joinpath(*parts)
