"""The rules of the golden reference data: weights from key names, inputs from names, stored outputs.

Section numbers are those of `../shared/golden/README.md`.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]
Entry = tuple[str, tuple[int, ...], str]
Override = Callable[[str, tuple[int, ...], F64], F64 | None]

_CONSTANTS: Mapping[str, Callable[[F64], F64]] = {
    "running_var": lambda z: 1 + 0.1 * np.abs(z),
    "running_mean": lambda z: 0.1 * z,
    "weight_v": lambda z: z / np.sqrt((z * z).sum()),
}


# ---------------------------------------------------------------- section 1 and 2: weights


def rng(name: str) -> np.random.Generator:
    """Return the generator that belongs to a name."""
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode("utf-8"))))


def entries(path: Path) -> list[Entry]:
    """Read a `NAME.keys.json`: ordered key, shape and dtype."""
    return [(key, tuple(shape), dtype) for key, shape, dtype in json.loads(path.read_text())]


def layout(module: torch.nn.Module) -> list[Entry]:
    """Return a module's own ordered keys, shapes and dtypes, to compare with `entries`."""
    return [(k, tuple(v.shape), str(v.dtype).removeprefix("torch.")) for k, v in module.state_dict().items()]


def fill(key: str, shape: Sequence[int], *, gain: float = 1.0, noise: float = 0.0, seed: str | None = None) -> F64:
    """Return the deterministic value of one weight, still in float64 (`weight_u` excepted).

    `seed` names the generator when it is not the key itself (OpenPose: the checkpoint's key).
    """
    last = key.rsplit(".", 1)[-1]
    z = np.asarray(rng(seed or key).standard_normal(tuple(shape)))
    if last in _CONSTANTS:
        return _CONSTANTS[last](z)
    if last == "noise_scale":
        return noise * z
    if len(shape) >= 2:
        return z * (gain / math.sqrt(math.prod(shape[1:])))
    if last == "weight":
        return 1 + 0.1 * z
    return 0.1 * z


def filled_state(
    keys: Iterable[Entry],
    *,
    gain: float = 1.0,
    noise: float = 0.0,
    override: Override | None = None,
    seeds: Mapping[str, str] | None = None,
) -> dict[str, torch.Tensor]:
    """Fill a whole state_dict by section 2.

    Args:
        override: called with key, shape and the ordinary value; a result that is not None replaces it.
        seeds: key -> name that seeds its generator, where that is not the key itself.
    """
    state: dict[str, torch.Tensor] = {}
    for key, shape, dtype in keys:
        last = key.rsplit(".", 1)[-1]
        if last == "num_batches_tracked" or dtype == "int64":
            state[key] = torch.zeros(shape, dtype=torch.int64)
        elif last == "weight_u":
            state[key] = torch.empty(shape)
        else:
            value = fill(key, shape, gain=gain, noise=noise, seed=(seeds or {}).get(key))
            replaced = override(key, tuple(shape), value) if override else None
            value = value if replaced is None else replaced
            state[key] = torch.from_numpy(np.ascontiguousarray(value, dtype=np.float32))
    for key in [k for k in state if k.endswith("weight_u")]:
        state[key] = _left_vector(state[key[:-1] + "orig"], state[key[:-1] + "v"])
    return state


def _left_vector(weight: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    u = weight.numpy().reshape(weight.shape[0], -1).astype(np.float64) @ right.numpy().astype(np.float64)
    return torch.from_numpy((u / np.sqrt((u * u).sum())).astype(np.float32))


def sha16(tensor: torch.Tensor) -> str:
    """Return the first 16 hex digits of a tensor's sha256, as `NAME.fill_sha256_16.json` states it."""
    return hashlib.sha256(np.ascontiguousarray(tensor.numpy()).data).hexdigest()[:16]


def wrong_hashes(state: Mapping[str, torch.Tensor], path: Path) -> list[str]:
    """Return the keys whose fill differs from the recorded one, `weight_u` aside (BLAS-dependent)."""
    recorded: dict[str, str] = json.loads(path.read_text())
    missing = sorted(set(recorded) ^ set(state))
    return missing + [k for k, want in recorded.items() if not k.endswith("weight_u") and sha16(state[k]) != want]


# ---------------------------------------------------------------- section 3: inputs


def smooth(name: str, channels: int, height: int, width: int) -> F64:
    """Return sums of six plane waves per channel, `(C, H, W)`.

    The cosine of a sum is expanded, so a channel is one thin matrix product.
    """
    out = np.empty((channels, height, width))
    y, x = np.arange(height) / height, np.arange(width) / width
    for c in range(channels):
        g = rng(f"smooth:{name}:{c}")
        a, fx, fy, ph = g.standard_normal(6), g.integers(-4, 5, 6), g.integers(-4, 5, 6), g.random(6) * 2 * np.pi
        across = 2 * np.pi * np.outer(fx, x) + ph[:, None]
        down = 2 * np.pi * np.outer(fy, y)
        wave = (a[:, None] * np.cos(down)).T @ np.cos(across) - (a[:, None] * np.sin(down)).T @ np.sin(across)
        out[c] = wave / np.sqrt(6)
    return out


def image_u8(name: str, channels: int, height: int, width: int) -> U8:
    """Return a deterministic picture, uint8 `(C, H, W)`."""
    noise = rng("noise:" + name).standard_normal((channels, height, width))
    return np.clip(np.rint(127.5 + 60 * smooth(name, channels, height, width) + 8 * noise), 0, 255).astype(np.uint8)


def img(name: str, channels: int, height: int, width: int) -> torch.Tensor:
    """Return `image_u8` scaled to [-1, 1], float32 `(1, C, H, W)`."""
    scaled = (image_u8(name, channels, height, width).astype(np.float32) / np.float32(255) - np.float32(0.5)) / 0.5
    return torch.from_numpy(scaled.astype(np.float32))[None]


def mask_u8(name: str, height: int, width: int) -> U8:
    """Return a deterministic mask, values 0 and 1, `(1, H, W)`."""
    return (smooth(name, 1, height, width) > 0).astype(np.uint8)


def mask(name: str, height: int, width: int) -> torch.Tensor:
    """Return `mask_u8` as float32 `(1, 1, H, W)`."""
    return torch.from_numpy(mask_u8(name, height, width).astype(np.float32))[None]


def labels_u8(name: str, classes: int, height: int, width: int) -> U8:
    """Return a deterministic label map `(H, W)`."""
    return smooth(name, classes, height, width).argmax(0).astype(np.uint8)


def onehot(labels: U8, classes: int) -> torch.Tensor:
    """Return labels as float32 `(1, K, H, W)`."""
    index = torch.from_numpy(labels.astype(np.int64))[None]
    return torch.nn.functional.one_hot(index, classes).permute(0, 3, 1, 2).float().contiguous()


def normal(name: str, shape: Sequence[int]) -> torch.Tensor:
    """Return standard normal numbers, float32."""
    return torch.from_numpy(np.asarray(rng("normal:" + name).standard_normal(tuple(shape)), dtype=np.float32))


def blocks(name: str, height: int = 1024, width: int = 768, side: int = 32) -> U8:
    """Return a picture of random square blocks, uint8 `(H, W, 3)`."""
    small = rng("blocks:" + name).integers(0, 256, (height // side, width // side, 3)).astype(np.uint8)
    return small.repeat(side, axis=0).repeat(side, axis=1)


# ---------------------------------------------------------------- section 4: stored outputs


@dataclass(frozen=True, slots=True)
class Recorded:
    """One `NAME.npz` with its part of meta.json."""

    arrays: Mapping[str, npt.NDArray[Any]]  # Any: each array has the dtype that meta.json states
    meta: Mapping[str, Any]  # Any: parsed JSON

    def names(self) -> list[str]:
        """Return the names of everything recorded, to prove that a test covers it all."""
        return sorted(self.arrays)

    def stored(self, name: str) -> F64:
        """Return the recorded values as float64."""
        return np.asarray(self.arrays[name], dtype=np.float64)

    def subsample(self, name: str, full: torch.Tensor | npt.NDArray[Any]) -> F64:
        """Take from a full output the elements that were recorded, and check its full shape."""
        values = full.detach().to(torch.float64).numpy() if isinstance(full, torch.Tensor) else np.asarray(full)
        entry = self.meta[name]
        assert list(values.shape) == entry["shape"], (name, values.shape, entry["shape"])
        stride = entry.get("stored_stride", [1] * values.ndim)
        return np.asarray(values[tuple(slice(None, None, s) for s in stride)], dtype=np.float64)

    def assert_close(
        self,
        name: str,
        full: torch.Tensor | npt.NDArray[Any],
        *,
        largest: float,
        mean: float | None = None,
        outliers: float = 0.0,
    ) -> None:
        """Fail unless the output equals the recorded one, and its overall statistics do too.

        Args:
            outliers: share of the elements that may be further off: those below a label that rounding
                decides, where two classes tie.
        """
        difference = np.abs(self.subsample(name, full) - self.stored(name))
        worst, beyond = float(difference.max()), float((difference > largest).mean())
        assert beyond <= outliers, f"{name}: max abs difference {worst:.3g} > {largest:.3g} ({beyond:.3g} of it)"
        average = float(difference.mean())
        assert mean is None or average <= mean, f"{name}: mean abs difference {average:.3g} > {mean:.3g}"
        values = np.asarray(full.detach() if isinstance(full, torch.Tensor) else full, dtype=np.float64)
        for statistic, got in (("mean", values.mean()), ("std", values.std())):
            want = self.meta[name][statistic]
            assert abs(got - want) <= largest, f"{name}: {statistic} of the full tensor is {got}, recorded {want}"

    def assert_labels(self, name: str, full: torch.Tensor | npt.NDArray[Any], *, fraction: float) -> None:
        """Fail unless at most this fraction of the recorded labels differs."""
        wrong = float((self.subsample(name, full) != self.stored(name)).mean())
        assert wrong <= fraction, f"{name}: {wrong:.3g} of the labels differ, allowed {fraction:.3g}"


def recorded(npz: Path, outputs: Mapping[str, Any]) -> Recorded:
    """Open `NAME.npz` with the `outputs` of its meta.json."""
    with np.load(npz) as archive:
        return Recorded({name: archive[name] for name in archive.files}, outputs)


def meta(folder: Path) -> dict[str, Any]:
    """Read a network's meta.json."""
    parsed: dict[str, Any] = json.loads((folder / "meta.json").read_text())
    return parsed
