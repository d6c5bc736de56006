"""Published files that are not ONNX or safetensors, turned into those once, when they enter the store.

Pickles from others never run: only arrays and plain containers come out of them.
"""

from __future__ import annotations

import importlib.util
import io
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.domain.errors import ModelError
from studio.models.manifest import ModelEntry

# All that a pickle of numpy arrays needs to name, in numpy 1 and 2.
_ARRAY_PARTS = frozenset(
    {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "scalar"),
        ("collections", "OrderedDict"),
        ("_codecs", "encode"),  # bytes in the oldest protocols are written as encoded text
    }
)


class _ArraysOnly(pickle.Unpickler):
    """Refuses everything but numpy arrays and plain containers."""

    def find_class(self, module: str, name: str) -> Any:  # Any: as in the base class
        if (module, name) not in _ARRAY_PARTS:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read_arrays(path: Path) -> Any:  # Any: nested containers of numpy arrays, checked by who asked
    """Return what a pickle of numpy arrays holds.

    Raises:
        ModelError: it holds anything else, or is cut off.
    """
    try:
        return _ArraysOnly(io.BytesIO(path.read_bytes())).load()
    except pickle.UnpicklingError as error:
        raise ModelError("model.unsafe", file=str(path), reason=str(error)) from error
    except (EOFError, ValueError, KeyError, IndexError, AttributeError, TypeError, ImportError) as error:
        raise ModelError("model.unreadable", model="", file=str(path), reason=str(error)) from error


def write_safetensors(state: Mapping[str, Any], path: Path) -> None:  # Any: torch tensors
    """Write weights as safetensors; equal weights give equal bytes."""
    from safetensors.torch import save_file

    save_file({key: value.detach().contiguous().clone() for key, value in state.items()}, path)


def _lpips(entry: ModelEntry, source: Path, target: Path) -> None:
    del entry
    from studio.networks.lpips import from_channels_last

    write_safetensors(from_channels_last(read_arrays(source)), target)


def _tflite(entry: ModelEntry, source: Path, target: Path) -> None:
    del entry
    from studio.models.tflite import convert_tflite

    convert_tflite(source, target)


@dataclass(frozen=True, slots=True)
class Converter:
    """How a published file becomes the store's. needs: packages that must be there."""

    run: Callable[[ModelEntry, Path, Path], None]
    needs: tuple[str, ...]


CONVERTERS: Mapping[str, Converter] = {
    "lpips": Converter(_lpips, ("torch", "safetensors")),
    "tflite": Converter(_tflite, ("tflite", "onnx")),
}
"""By the name that a manifest source gives."""


def find_converter(entry: ModelEntry, name: str) -> Converter:
    """Return a converter whose packages are there; ask before fetching anything.

    Raises:
        ModelError: a package is missing; the message names it.
    """
    converter = CONVERTERS[name]
    absent = [package for package in converter.needs if importlib.util.find_spec(package) is None]
    if absent:
        raise ModelError("model.converter_missing", model=entry.id, title=entry.title, packages=" ".join(absent))
    return converter
