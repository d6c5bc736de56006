"""Torch checkpoints that people bring: read without running anything, recognised by their keys, kept as safetensors."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.domain.errors import CheckpointError, ModelError
from studio.models.convert import read_arrays, write_safetensors
from studio.models.manifest import Manifest, ModelEntry

CHECKPOINT_SUFFIXES = frozenset({".pth", ".pt", ".ckpt", ".tar", ".bin", ".pkl", ".safetensors"})
_ARRAY_PICKLES = frozenset({".pkl"})


# What torch's reader raises on files that are cut off or something else altogether.
_BROKEN = (
    RuntimeError, EOFError, OSError, zipfile.BadZipFile, LookupError, ValueError, TypeError, AttributeError,
    AssertionError, struct.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """One network's weights found in a file, strictly checked against it, and the model they are in the manifest."""

    entry: ModelEntry
    state: Mapping[str, Any]  # Any: torch tensors; torch is imported lazily

    def write(self, path: Path) -> None:
        """Write them as safetensors."""
        write_safetensors(self.state, path)


def read_checkpoint(path: Path) -> Any:  # Any: what people saved; `recognise_weights` looks for state_dicts in it
    """Return what a checkpoint file holds, without running code from it.

    Raises:
        ModelError: it is cut off, no checkpoint, or wants to run code.
    """
    if path.suffix.lower() == ".safetensors":
        return _read_safetensors(path)
    if path.suffix.lower() in _ARRAY_PICKLES:
        return _as_tensors(read_arrays(path))
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        key = "model.unsafe" if "weights_only" in str(error).lower() or "unsupported" in str(error).lower() else ""
        raise ModelError(key or "model.cut_off", file=str(path), reason=_first_line(error)) from error
    except _BROKEN as error:
        raise ModelError("model.cut_off", file=str(path), reason=_first_line(error)) from error


def _read_safetensors(path: Path) -> Any:  # Any: as above
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError("model.cut_off", file=str(path), reason=_first_line(error)) from error


def _as_tensors(value: Any) -> Any:  # Any: nested containers of arrays to the same of tensors
    import numpy as np
    import torch

    if isinstance(value, Mapping):
        return {key: _as_tensors(item) for key, item in value.items()}
    return torch.from_numpy(value.copy()) if isinstance(value, np.ndarray) else value


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def recognise_weights(path: Path, manifest: Manifest) -> list[Weights]:
    """Return every network of the manifest whose weights a file holds, whatever the file is called.

    Raises:
        ModelError: it cannot be read.
        CheckpointError: it holds no weights we know, or a key or size is off.
    """
    from studio.networks.loading import fill_network, recognise

    entries = {entry.network: entry for entry in manifest if entry.network}
    weights = []
    for found in recognise(read_checkpoint(path), source=path.name):
        entry = entries.get(found.spec.id)
        if entry is not None:
            weights.append(Weights(entry, fill_network(found, source=path.name).state_dict()))
    if not weights:
        raise CheckpointError("model.not_recognised", file=str(path))
    return weights
