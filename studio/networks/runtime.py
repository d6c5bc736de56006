"""Making a filled network ready for a device: precision, layout, fusion, graphs, memory, and full memory.

Measured choices (benchmarks/bench_networks.py):

* CPU: float32 always. The SPADE generators run in their fast form (`fast_spade`), others with
  batch norm folded in; channels-last made those slower. bfloat16 convolutions, even in the last
  block alone, moved the HR-VITON picture by several 1/255 and saved little: not offered.
* CUDA: half precision, channels-last; the fast form or a CUDA graph of the plain one, whichever
  is asked for.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from studio.networks.fast_spade import FastAliasGenerator, FastImageGenerator, FastSpadeGenerator
from studio.networks.hr_viton import ConditionGenerator, ImageGenerator, ResidualBlock
from studio.networks.spade import HIDDEN, SpadeGenerator
from studio.networks.viton_hd import AliasGenerator

Out = TypeVar("Out")
Batch = TypeVar("Batch", bound="Splittable")


class Form(StrEnum):
    """How a generator is executed."""

    PLAIN = "plain"
    FAST = "fast"
    COMPILED = "compiled"
    GRAPH = "graph"


@dataclass(frozen=True, slots=True)
class Plan:
    """Device, precision and form of execution.

    device: "cpu", "cuda", "cuda:1", ...
    dtype: of features and weights; statistics and sampling grids stay float32.
    """

    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    form: Form = Form.FAST


def default_plan(device: str) -> Plan:
    """Return what pays on a device: fast float32 on the CPU, bfloat16 or else float16 on CUDA."""
    if torch.device(device).type != "cuda":
        return Plan(device)
    half = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return Plan(device, half, Form.FAST)


def prepare(module: nn.Module, plan: Plan) -> nn.Module:
    """Return a network that is called as the given one and answers in float32, made for a device.

    The given module is not altered. The condition generator keeps float32 on every device: its
    flow is a position, and half precision would shift it by pixels.
    """
    dtype = torch.float32 if isinstance(module, ConditionGenerator) else plan.dtype
    ready: nn.Module | None = _fast_form(module, dtype) if plan.form is Form.FAST else None
    if ready is None:
        ready = fold_batch_norms(module).to(dtype)
    on_cuda = torch.device(plan.device).type == "cuda"
    if on_cuda:
        ready = ready.to(memory_format=torch.channels_last)
    ready = ready.eval().requires_grad_(False).to(plan.device)
    if plan.form is Form.COMPILED:
        ready = cast(nn.Module, torch.compile(ready))
    return Prepared(ready, plan.device, dtype, graphs=on_cuda and plan.form is Form.GRAPH)


def _fast_form(module: nn.Module, dtype: torch.dtype) -> FastSpadeGenerator | None:
    if isinstance(module, ImageGenerator):
        return FastImageGenerator(module, dtype)
    if isinstance(module, AliasGenerator):
        return FastAliasGenerator(module, dtype)
    return None


def fold_batch_norms(module: nn.Module) -> nn.Module:
    """Return a copy for inference whose batch norms are folded into the convolutions just before them."""
    folded = copy.deepcopy(module).eval()
    for part in folded.modules():
        if isinstance(part, nn.Sequential):
            _fold_sequence(part)
    if isinstance(folded, ConditionGenerator):
        folded.conv2 = nn.Sequential()  # in the checkpoint, never used
        for block in folded.SegDecoder:
            assert isinstance(block, ResidualBlock) and isinstance(block.scale, nn.Sequential)
            # A 1x1 convolution and a bilinear enlargement commute: a quarter of the work, fewer channels to enlarge.
            block.scale = nn.Sequential(block.scale[1], block.scale[0])
    return folded


def _fold_sequence(sequence: nn.Sequential) -> None:
    for index in range(len(sequence) - 1):
        conv, norm = sequence[index], sequence[index + 1]
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            sequence[index] = fuse_conv_bn_eval(conv, norm)
            sequence[index + 1] = nn.Identity()


class Prepared(nn.Module):
    """Moves what goes in to the network's device and precision, and what comes out to float32."""

    def __init__(self, network: nn.Module, device: str, dtype: torch.dtype, *, graphs: bool) -> None:
        super().__init__()
        self.network = network
        self.device, self.dtype = torch.device(device), dtype
        self._graphs = GraphCache(network) if graphs else None

    @torch.inference_mode()
    def forward(self, *inputs: object) -> object:
        """Run the network; arguments and result are those of the network it was made from."""
        moved = tuple(_map_tensors(value, self._into) for value in inputs)
        out = self.network(*moved) if self._graphs is None else self._graphs(moved)
        return _map_tensors(out, _widen)

    def _into(self, tensor: Tensor) -> Tensor:
        tensor = tensor.to(self.device, self.dtype if tensor.is_floating_point() else None)
        pictures = self.device.type == "cuda" and tensor.ndim == 4
        return tensor.contiguous(memory_format=torch.channels_last) if pictures else tensor


def _widen(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _map_tensors(value: object, change: Callable[[Tensor], Tensor]) -> object:
    """Apply a change to every tensor in nested tuples, named tuples and lists."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        kind = cast("Callable[..., object]", type(value))  # a named tuple's constructor takes its fields
        return kind(*(_map_tensors(part, change) for part in value))
    if isinstance(value, tuple | list):
        parts = [_map_tensors(part, change) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    return value


def _tensors(value: object) -> list[Tensor]:
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    _map_tensors(value, note)
    return found


class GraphCache:
    """Replays a CUDA graph per input shape, so that a step costs one launch instead of hundreds."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._captured: dict[tuple[tuple[int, ...], ...], tuple[torch.cuda.CUDAGraph, list[Tensor], object]] = {}

    def __call__(self, inputs: tuple[object, ...]) -> object:
        tensors = _tensors(inputs)
        key = tuple(tuple(t.shape) for t in tensors)
        if key not in self._captured:
            self._captured[key] = self._capture(inputs)
        graph, static, out = self._captured[key]
        for target, source in zip(static, tensors, strict=True):
            target.copy_(source)
        graph.replay()
        return _map_tensors(out, Tensor.clone)

    def _capture(self, inputs: tuple[object, ...]) -> tuple[torch.cuda.CUDAGraph, list[Tensor], object]:
        own = cast("tuple[object, ...]", _map_tensors(inputs, Tensor.clone))
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):  # cuDNN chooses its algorithms before anything is recorded
                self._network(*own)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            out = self._network(*own)
        return graph, _tensors(own), out


def estimate_bytes(generator: SpadeGenerator, plan: Plan, batch: int, size: tuple[int, int]) -> int:
    """Estimate the memory one call of a generator takes, weights included, before it is made.

    The widest moment is the last level: in the plain form hidden, scale, shift, normalised and
    original features are alive together; the fast form holds the features, their normalised copy,
    the shortcut and the inputs.
    """
    element = torch.empty((), dtype=plan.dtype).element_size()
    last = generator.block(len(generator.BLOCKS) - 1)
    channels, outputs = last.norm_0.noise_scale.numel(), last.norm_1.noise_scale.numel()
    entry = generator.get_submodule("conv_0")
    assert isinstance(entry, nn.Conv2d)
    inputs = 2 * (entry.in_channels + 8)
    plain = HIDDEN + 5 * channels + 2 * outputs
    alive = inputs + (2 * channels + 3 * outputs if plan.form is Form.FAST else plain)
    weights = sum(p.numel() for p in generator.parameters())
    return element * (math.prod(size) * batch * alive + weights)


def largest_batch(generator: SpadeGenerator, plan: Plan, free_bytes: int, size: tuple[int, int]) -> int:
    """Return how many pairs fit into the free memory at once; at least one, which may then not fit."""
    one, two = (estimate_bytes(generator, plan, n, size) for n in (1, 2))
    return max(1, 1 + (free_bytes - one) // (two - one))


class Splittable(Protocol):
    """A batch that can be cut in two."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> Splittable: ...


def run_shrinking(
    run: Callable[[Batch], Out],
    batch: Batch,
    *,
    on_cpu: Callable[[Batch], Out] | None,
    announce: Callable[[str, int], None],
) -> list[Out]:
    """Run a batch; when the device's memory is full, in halves, and at last one by one on the CPU.

    There is no step by tiles between: instance normalisation takes its statistics over the whole
    picture, so a tile would be another picture.

    Args:
        on_cpu: what runs a single item when even that does not fit; None lets the error through.
        announce: called with the message key and the batch size tried next (0: the CPU).

    Returns:
        The results of the parts, in order.
    """
    try:
        return [run(batch)]
    except torch.OutOfMemoryError:
        if len(batch) == 1 and on_cpu is None:
            raise
    _free_cached()
    if len(batch) == 1:
        assert on_cpu is not None
        announce("runtime.to_cpu", 0)
        return [on_cpu(batch)]
    half = len(batch) // 2
    announce("runtime.smaller_batch", half)
    parts = cast("Sequence[Batch]", (batch[slice(0, half)], batch[slice(half, len(batch))]))
    return [out for part in parts for out in run_shrinking(run, part, on_cpu=on_cpu, announce=announce)]


def _free_cached() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
