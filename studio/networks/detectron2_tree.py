"""Finds detectron2's Python source on the operator's machine, without importing it or torch."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

TREE_VARIABLE = "FITTING_STUDIO_DETECTRON2"
"""Names detectron2's source tree where it is not installed as a package."""

_COMPILED = "detectron2._C"


def add_tree() -> None:
    """Put the source tree that the environment names on the path, with the DensePose project inside it."""
    tree = os.environ.get(TREE_VARIABLE)
    if tree:
        for folder in (Path(tree), Path(tree) / "projects" / "DensePose"):
            if folder.is_dir() and str(folder) not in sys.path:
                sys.path.append(str(folder))


def is_detectron2_there() -> bool:
    """Say whether detectron2 and its DensePose project can be found."""
    add_tree()
    return all(importlib.util.find_spec(name) is not None for name in ("detectron2", "densepose"))


def do_without_compiled_operators() -> None:
    """Let `from detectron2 import _C` succeed where the operators were not compiled; DensePose calls none of them."""
    if _COMPILED not in sys.modules and importlib.util.find_spec(_COMPILED) is None:
        sys.modules[_COMPILED] = ModuleType(_COMPILED)
