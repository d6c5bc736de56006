"""Measuring the try-on networks: random weights, inputs like real ones, timings, and the device's own limits."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from studio.networks.blocks import SpectralConv2d
from studio.networks.preprocess import CLASSES_7, one_hot
from studio.networks.runtime import Form, Plan
from studio.networks.spade import HIDDEN, SpadeGenerator

GIB = 1 << 30
_PRODUCT_SIDE = 8192
_COPIED_BYTES = GIB


@dataclass(frozen=True, slots=True)
class Timing:
    """Best and median wall seconds, and processor seconds of the best run (robust on a busy machine)."""

    best: float
    median: float
    processor: float


@dataclass(frozen=True, slots=True)
class CardLimits:
    """What a card really does: products_flops in bfloat16 per second, copied bytes per second (read and written)."""

    products_flops: float
    copy_bytes: float


def random_weights(module: nn.Module) -> nn.Module:
    """Fill a network so that its activations stay in an ordinary range; time does not depend on the weights."""
    for parameter in module.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    for part in module.modules():
        if isinstance(part, SpectralConv2d):
            part.train()
            for _ in range(3):  # finds the largest singular value, as training would have
                part.normalised_weight()
    return module.eval().requires_grad_(False)


def person_parse(height: int, width: int) -> Tensor:
    """Draw a person's 7-class parse, one-hot `(1, 7, H, W)`: as many borders as a real one has."""
    y = torch.linspace(0, 1, height)[:, None]
    x = torch.linspace(-0.5, 0.5, width)[None]
    labels = torch.zeros(height, width, dtype=torch.long)
    shapes = (
        (1, ((x / 0.20) ** 2 + ((y - 0.95) / 0.40) ** 2) < 1),  # trousers
        (2, ((x / 0.22) ** 2 + ((y - 0.50) / 0.28) ** 2) < 1),  # garment
        (4, (((x - 0.27 - 0.1 * (y - 0.5)) / 0.06) ** 2 + ((y - 0.5) / 0.3) ** 2) < 1),
        (5, (((x + 0.27 + 0.1 * (y - 0.5)) / 0.06) ** 2 + ((y - 0.5) / 0.3) ** 2) < 1),
        (3, ((x / 0.12) ** 2 + ((y - 0.13) / 0.12) ** 2) < 1),  # hair
        (1, ((x / 0.08) ** 2 + ((y - 0.15) / 0.09) ** 2) < 1),  # face
    )
    for label, where in shapes:
        labels[where] = label
    return one_hot(labels, CLASSES_7)


def generator_inputs(batch: int, size: tuple[int, int], channels: int = 9) -> tuple[Tensor, Tensor]:
    """Return the image generator's inputs for a batch; size is (height, width)."""
    x = torch.rand(1, channels, *size) * 2 - 1
    return x.expand(batch, -1, -1, -1).clone(), person_parse(*size).expand(batch, -1, -1, -1).clone()


def measure(run: Callable[[], object], runs: int, wait: Callable[[], None] = lambda: None) -> Timing:
    """Time a call after one warm-up."""
    run()
    wait()
    walls, processors = [], []
    for _ in range(runs):
        wall, processor = time.perf_counter(), time.process_time()
        run()
        wait()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return Timing(min(walls), statistics.median(walls), min(processors))


def flops_of(run: Callable[[], object]) -> int:
    """Count the multiplications and additions of one call."""
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def card_limits(device: str) -> CardLimits:
    """Measure a CUDA card's matrix products and copies."""
    a = torch.randn(_PRODUCT_SIDE, _PRODUCT_SIDE, device=device, dtype=torch.bfloat16)
    product = measure(lambda: a @ a, 10, torch.cuda.synchronize)
    block = torch.empty(_COPIED_BYTES, device=device, dtype=torch.uint8)
    target = torch.empty_like(block)
    moved = measure(lambda: target.copy_(block), 10, torch.cuda.synchronize)
    return CardLimits(2 * _PRODUCT_SIDE**3 / product.best, 2 * _COPIED_BYTES / moved.best)


def limit_shares(
    generator: SpadeGenerator, plan: Plan, batch: int, size: tuple[int, int], seconds: float, limits: CardLimits
) -> tuple[float, float]:
    """Return the shares of a run's time that its arithmetic and its least traffic would take at the card's limits."""
    arithmetic, traffic = 0, 0
    element = torch.empty((), dtype=plan.dtype).element_size()
    is_plain = plan.form is not Form.FAST
    for level, (h, w) in enumerate(generator.level_sizes(*size)):
        block = generator.block(level)
        inner, outer = block.norm_0.noise_scale.numel(), block.norm_1.noise_scale.numel()
        pixels = h * w * batch
        norms = [inner] * (block.norms - 1) + [outer]
        arithmetic += pixels * 18 * (inner * outer + outer * outer) + pixels * 2 * inner * outer * (block.norms - 2)
        # each normalisation reads its features twice and writes once, each convolution reads and writes once
        traffic += pixels * element * (3 * sum(norms) + (inner + outer) * 2 + 3 * outer)
        if is_plain:
            arithmetic += pixels * sum(18 * HIDDEN * (CLASSES_7 + 2 * n) for n in norms)
            traffic += pixels * element * sum(2 * HIDDEN + 4 * n for n in norms)
    return arithmetic / limits.products_flops / seconds, traffic / limits.copy_bytes / seconds
