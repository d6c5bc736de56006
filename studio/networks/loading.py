"""From what a checkpoint file holds to a filled network: recognise by keys, check strictly, name what is off.

Works on objects already read from disk (`torch.load(..., weights_only=True)` or safetensors); the
model store does the reading. Nothing here trusts a file's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from studio.domain.errors import CheckpointError
from studio.networks.registry import NETWORKS, NetworkSpec, find_network

State = dict[str, Tensor]

PARALLEL_PREFIX = "module."
_DEPTH = 3
"""How deep files nest their state_dicts: `{'state_dict': {...}}`, `{'nets': {'generator': {...}}}`."""

_COUNTER = "num_batches_tracked"
"""Batch norm's training counter: old files lack it, and inference never reads it."""


@dataclass(frozen=True, slots=True, eq=False)
class Recognised:
    """One state_dict of a file, and the network it belongs to.

    part: its name inside the file, "" for a plain file.
    state: keys in our form.
    """

    part: str
    spec: NetworkSpec
    state: State


def find_states(loaded: object, *, part: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, State]]:
    """Yield every state_dict in what a file holds, with its name inside the file.

    A mapping with tensors directly in it is one; other mappings are searched (optimisers' states
    and counters beside the weights are passed over).
    """
    if not isinstance(loaded, Mapping):
        return
    tensors = {str(k): v for k, v in loaded.items() if isinstance(v, Tensor)}
    if any("." in key for key in tensors):
        yield part, tensors
        return
    for key, value in loaded.items():
        if depth and isinstance(value, Mapping):
            yield from find_states(value, part=str(key), depth=depth - 1)


def without_prefix(state: Mapping[str, Tensor]) -> State:
    """Remove the `module.` that data-parallel training puts before every key."""
    while state and all(key.startswith(PARALLEL_PREFIX) for key in state):
        state = {key.removeprefix(PARALLEL_PREFIX): value for key, value in state.items()}
    return dict(state)


def renamed(state: Mapping[str, Tensor], spec: NetworkSpec) -> State:
    """Apply the substring replacements that the network's own loader makes."""
    result: State = {}
    for key, value in state.items():
        for old, new in spec.renames:
            key = key.replace(old, new)
        result[key] = value
    return result


def recognise(loaded: object, *, source: str) -> list[Recognised]:
    """Return every network found in a file.

    Args:
        source: the file's name, for messages.

    Raises:
        CheckpointError: there are no weights in it, or none of a network we know.
    """
    states = [(part, without_prefix(state)) for part, state in find_states(loaded)]
    if not states:
        raise CheckpointError("checkpoint.no_weights", file=source)
    found = [r for part, state in states if (r := _recognise_state(part, state)) is not None]
    if not found:
        first = next(iter(states[0][1]))
        raise CheckpointError("checkpoint.unknown", file=source, entry=first)
    return found


def _recognise_state(part: str, state: State) -> Recognised | None:
    candidates = [(spec, form) for spec in NETWORKS for form in (state, renamed(state, spec))]
    for spec, form in candidates:
        if spec.fits(_shapes(form)):
            return Recognised(part, spec, form)
    # No signature fits as a whole: the file is damaged or of another version. The nearest network
    # can still say which key is off.
    spec, form = max(candidates, key=lambda candidate: _overlap(*candidate))
    return Recognised(part, spec, form) if _overlap(spec, form) else None


def _overlap(spec: NetworkSpec, state: State) -> int:
    return 0 if any(key in state for key in spec.absent) else sum(key in state for key in spec.signature)


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in state.items()}


def load_network(loaded: object, *, source: str, network: str | None = None) -> tuple[NetworkSpec, nn.Module]:
    """Build the network that a file belongs to and fill it, in evaluation mode.

    Args:
        source: the file's name, for messages.
        network: the id asked for; needed when the file holds several.

    Raises:
        CheckpointError: unknown, another network than asked for, or one key or size is off; the
            message names the first.
    """
    found = recognise(loaded, source=source)
    chosen = found if network is None else [r for r in found if r.spec.id == network]
    if not chosen:
        wanted = find_network(str(network))
        raise CheckpointError("checkpoint.other_network", file=source, found=found[0].spec.id, want=wanted.id)
    if len(chosen) > 1:
        raise CheckpointError("checkpoint.several", file=source, found=", ".join(r.spec.id for r in chosen))
    return chosen[0].spec, fill_network(chosen[0], source=source)


def fill_network(recognised: Recognised, *, source: str) -> nn.Module:
    """Build and fill one recognised network, in evaluation mode, weights in single precision.

    Raises:
        CheckpointError: a key or size is off; the message names the first.
    """
    state = {k: v.float() if v.is_floating_point() else v for k, v in recognised.state.items()}
    try:
        # No memory and no random numbers are spent on weights that are replaced at once.
        with torch.device("meta"):
            module = recognised.spec.load_builder()(_shapes(state))
    except (KeyError, IndexError, ValueError) as error:
        key, want = _signature_fault(recognised, error)
        raise CheckpointError(
            "checkpoint.key_missing" if want is None else "checkpoint.shape",
            **_values(recognised, source, key, want),
        ) from error
    _add_counters(module, state)
    check_state(module, recognised, state, source=source)
    module.load_state_dict(state, strict=True, assign=True)
    if any(t.is_meta for t in (*module.parameters(), *module.buffers())):
        # It keeps tensors outside its state_dict, which only an ordinary construction fills.
        module = recognised.spec.load_builder()(_shapes(state))
        module.load_state_dict(state, strict=True)
    return module.eval().requires_grad_(False)


def check_state(module: nn.Module, recognised: Recognised, state: State, *, source: str) -> None:
    """Raise CheckpointError naming the first key, in the network's order, that is missing, misshapen or too many."""
    expected = module.state_dict()
    for key, tensor in expected.items():
        if key not in state:
            raise CheckpointError("checkpoint.key_missing", **_values(recognised, source, key, None))
        if state[key].shape != tensor.shape:
            raise CheckpointError("checkpoint.shape", **_values(recognised, source, key, tuple(tensor.shape)))
    for key in state:
        if key not in expected:
            raise CheckpointError("checkpoint.key_unknown", **_values(recognised, source, key, None))


def _values(recognised: Recognised, source: str, key: str, want: tuple[int, ...] | None) -> dict[str, str]:
    values = {"file": source, "network": recognised.spec.id, "entry": key}
    if want is not None:
        got = recognised.state[key].shape if key in recognised.state else ()
        values |= {"got": "x".join(map(str, got)), "want": "x".join("?" if n < 0 else str(n) for n in want)}
    return values


def _signature_fault(recognised: Recognised, error: Exception) -> tuple[str, tuple[int, ...] | None]:
    """Say which key kept the builder from reading the variant off the shapes."""
    shapes = _shapes(recognised.state)
    for key, want in recognised.spec.signature.items():
        if key not in shapes:
            return key, None
        if len(shapes[key]) != len(want) or any(w not in (-1, g) for w, g in zip(want, shapes[key], strict=True)):
            return key, want
    return str(error.args[0]) if error.args else type(error).__name__, None


def _add_counters(module: nn.Module, state: State) -> None:
    for key, tensor in module.state_dict().items():
        if key.endswith(_COUNTER) and key not in state:
            state[key] = torch.zeros(tensor.shape, dtype=tensor.dtype)
