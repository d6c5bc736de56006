"""Inputs and filled networks that the golden tests of both try-on families share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import torch
from torch import nn

from studio.networks.spade import SpadeGenerator

from . import golden

Module = TypeVar("Module", bound=nn.Module)


def filled(make: Callable[[], Module], folder: Path, name: str, *, gain: float = 1.0) -> Module:
    """Check a network's layout against `NAME.keys.json`, fill it, check the fill, load it strictly.

    Made once a run: nobody alters a network, and what does (`noise_scales`) puts it back.
    """
    key = make, folder, name, gain
    if key not in _FILLED:
        keys = golden.entries(folder / f"{name}.keys.json")
        with torch.device("meta"):  # no random numbers for weights that are replaced at once
            module: nn.Module = make()
        if _has_own_tensors(module):
            module = make()
        assert golden.layout(module) == keys
        state = golden.filled_state(keys, gain=gain)
        assert golden.wrong_hashes(state, folder / f"{name}.fill_sha256_16.json") == []
        module.load_state_dict(state, strict=True, assign=True)
        _FILLED[key] = module.eval()
    return cast(Module, _FILLED[key])


_FILLED: dict[tuple[object, Path, str, float], nn.Module] = {}


def _has_own_tensors(module: nn.Module) -> bool:
    """Tell whether a network holds tensors outside its state_dict, which only an ordinary construction fills."""
    kept = set(module.state_dict())
    return any(name not in kept for name, _ in module.named_buffers())


@contextlib.contextmanager
def noise_scales(generator: SpadeGenerator, noise: float) -> Iterator[None]:
    """Give a generator the noise scales of the noise variant for as long as the block lasts."""
    scales = [(key, p) for key, p in generator.named_parameters() if key.endswith("noise_scale")]
    try:
        for key, parameter in scales:
            value = golden.fill(key, parameter.shape, noise=noise).astype(np.float32)
            parameter.data.copy_(torch.from_numpy(value))
        yield
    finally:
        for _, parameter in scales:
            parameter.data.zero_()


def recorded_noise(generator: SpadeGenerator, height: int, width: int) -> list[torch.Tensor]:
    """Return the noise maps of the noise variant: recorded as (b, w, h, 1), used with axes 1 and 3 swapped."""
    maps = []
    for index, (h, w) in enumerate(generator.noise_shapes(height, width)):
        drawn = golden.rng(f"randn:{index}").standard_normal((1, w, h, 1)).astype(np.float32)
        maps.append(torch.from_numpy(drawn).transpose(1, 3))
    return maps


def pictures(prefix: str, names: tuple[str, ...], height: int, width: int) -> torch.Tensor:
    """Return several deterministic pictures side by side in the channel axis."""
    return torch.cat([golden.img(f"{prefix}.{name}", 3, height, width) for name in names], 1)
