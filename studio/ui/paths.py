"""Where the window keeps what belongs to the operator and not to a project."""

from __future__ import annotations

from pathlib import Path

from platformdirs import PlatformDirs

_DIRS = PlatformDirs("FittingStudio", "FittingStudio")


def config_folder() -> Path:
    """Preferences and window state."""
    return Path(_DIRS.user_config_dir)


def samples_folder() -> Path:
    """The project that "try it with the sample photos" makes."""
    return Path(_DIRS.user_documents_dir) / "Fitting Studio samples"


def log_file() -> Path:
    """The rotating log."""
    return Path(_DIRS.user_log_dir) / "studio.log"
