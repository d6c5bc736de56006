"""How fast the HR-VITON networks run on the device at hand, the straightforward forward beside ours in one run.

    python benchmarks/bench_networks.py                     # CPU, 1024x768
    python benchmarks/bench_networks.py --device cuda       # every form and precision, and the terms that are left

`studio bench tryon` measures the whole of a pair in the form that the program uses.

Weights are random: the time does not depend on them. The straightforward form is the published
forward, float32, eager, contiguous.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from studio.networks.bench import (
    GIB,
    CardLimits,
    card_limits,
    flops_of,
    generator_inputs,
    limit_shares,
    measure,
    random_weights,
)
from studio.networks.hr_viton import CONDITION_SIZE, ConditionGenerator, ImageGenerator
from studio.networks.runtime import Form, Plan, default_plan, estimate_bytes, prepare
from studio.networks.spade import SpadeGenerator


def main() -> None:
    """Read the options and run the benchmark of the device."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", default="1024x768", help="height x width, multiples of 128")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="CPU only")
    parser.add_argument("--batches", default="1,2,4,8,16,32", help="CUDA only")
    options = parser.parse_args()
    height, width = (int(side) for side in options.size.split("x"))
    torch.manual_seed(0)
    generator = random_weights(ImageGenerator())
    condition = random_weights(ConditionGenerator())
    with torch.inference_mode():
        if torch.device(options.device).type == "cuda":
            batches = [int(n) for n in options.batches.split(",")]
            bench_cuda(generator, condition, options.device, (height, width), batches, options.runs)
        else:
            torch.set_num_threads(options.threads)
            bench_cpu(generator, condition, (height, width), options.runs)


def describe(difference: Tensor) -> str:
    """Put a difference of values in [-1, 1] into steps of an 8-bit picture."""
    return (
        f"difference {float(difference.max()) * 127.5:.3f}/255 at most, {float(difference.mean()) * 127.5:.5f}/255 mean"
    )


# ---------------------------------------------------------------- CPU


def bench_cpu(generator: nn.Module, condition: nn.Module, size: tuple[int, int], runs: int) -> None:
    """Compare the straightforward forward with the prepared network, alternating in one process."""
    assert isinstance(generator, ImageGenerator)
    print(f"CPU, {torch.get_num_threads()} threads, {size[0]}x{size[1]}, float32")
    plan = default_plan("cpu")
    x, parse = generator_inputs(1, size)
    fast = prepare(generator, plan)
    compare("image generator", lambda: generator(x, parse), lambda: fast(x, parse, None), runs)
    cloth, person = torch.rand(1, 4, *CONDITION_SIZE), torch.rand(1, 16, *CONDITION_SIZE)
    ready = prepare(condition, plan)
    compare("condition generator", lambda: condition(cloth, person)[1], lambda: ready(cloth, person)[1], runs)
    estimate = estimate_bytes(generator, plan, 1, size) / GIB
    print(f"estimated memory of one fast generator call: {estimate:.2f} GiB")


def compare(name: str, plain: Callable[[], Tensor], fast: Callable[[], Tensor], runs: int) -> None:
    """Print both forms' times, their ratio, and the largest difference of their outputs."""
    difference = (plain().float() - fast().float()).abs()
    before, after = measure(plain, runs), measure(fast, runs)
    print(f"{name}")
    for label, timing, call in (("straightforward", before, plain), ("prepared", after, fast)):
        print(
            f"  {label:16s} best {timing.best:7.3f} s  median {timing.median:7.3f} s  "
            f"processor {timing.processor:7.3f} s  {flops_of(call) / 1e9:8.1f} GFLOP"
        )
    wall, processor = before.best / after.best, before.processor / after.processor
    print(f"  ratio            wall {wall:.2f}x  processor {processor:.2f}x  {describe(difference)}")


# ---------------------------------------------------------------- CUDA


def bench_cuda(
    generator: nn.Module, condition: nn.Module, device: str, size: tuple[int, int], batches: list[int], runs: int
) -> None:
    """Print the card's measured limits, then latency, throughput and memory of every form and precision."""
    assert isinstance(generator, ImageGenerator)
    print(f"{torch.cuda.get_device_name(device)}, {size[0]}x{size[1]}, torch {torch.__version__}")
    limits = show_limits(device)
    plain = copy.deepcopy(generator).to(device)
    x, parse = (tensor.to(device) for tensor in generator_inputs(1, size))
    reference = plain(x, parse).cpu()
    timing = measure(partial(plain, x, parse), runs, torch.cuda.synchronize)
    print(f"straightforward float32 eager, batch 1: {timing.best * 1e3:.1f} ms")
    del plain
    for form in (Form.PLAIN, Form.GRAPH, Form.COMPILED, Form.FAST):
        for dtype in (torch.bfloat16, torch.float16):
            bench_form(generator, Plan(device, dtype, form), size, batches, runs, reference, limits)
    ready = prepare(condition, default_plan(device))
    pair = torch.rand(1, 4, *CONDITION_SIZE, device=device), torch.rand(1, 16, *CONDITION_SIZE, device=device)
    timing = measure(partial(ready, *pair), runs, torch.cuda.synchronize)
    print(f"condition generator, float32, batch 1: {timing.best * 1e3:.2f} ms")


def bench_form(
    generator: ImageGenerator,
    plan: Plan,
    size: tuple[int, int],
    batches: list[int],
    runs: int,
    reference: Tensor,
    limits: CardLimits,
) -> None:
    """Print one line per batch size for one way to run the generator, until memory is full."""
    print(f"{plan.form} {str(plan.dtype).removeprefix('torch.')}")
    ready = prepare(generator, plan)
    for batch in batches:
        x, parse = (tensor.to(plan.device) for tensor in generator_inputs(batch, size))
        torch.cuda.reset_peak_memory_stats(plan.device)
        try:
            out = ready(x, parse, None)
            timing = measure(partial(ready, x, parse, None), runs, torch.cuda.synchronize)
        except torch.OutOfMemoryError:
            print(f"  batch {batch:3d}  does not fit")
            break
        peak = torch.cuda.max_memory_allocated(plan.device) / GIB
        print(
            f"  batch {batch:3d}  {timing.best * 1e3:8.2f} ms  {batch / timing.best:7.1f} pictures/s  "
            f"peak {peak:6.2f} GiB  {share_of_limits(generator, plan, batch, size, timing.best, limits)}"
        )
        if batch == 1:
            print(f"    against float32: {describe((out[:1].float().cpu() - reference).abs())}")
    if plan.dtype == torch.bfloat16:
        show_terms(ready, plan, size)


def show_limits(device: str) -> CardLimits:
    """Measure and print what the card really does."""
    limits = card_limits(device)
    tera = limits.products_flops / 1e12, limits.copy_bytes / 1e12
    print(f"limits: {tera[0]:.0f} TFLOP/s in bfloat16 products, {tera[1]:.2f} TB/s in copies")
    return limits


def share_of_limits(
    generator: SpadeGenerator, plan: Plan, batch: int, size: tuple[int, int], seconds: float, limits: CardLimits
) -> str:
    """Say what share of the time the arithmetic and the least traffic would take at the card's limits."""
    compute, move = limit_shares(generator, plan, batch, size, seconds, limits)
    return f"arithmetic {compute:5.1%} + traffic {move:5.1%} of the time at the limits"


def show_terms(ready: nn.Module, plan: Plan, size: tuple[int, int]) -> None:
    """Print the kernels that take the most time at batch 1: the terms that are left."""
    x, parse = (tensor.to(plan.device) for tensor in generator_inputs(1, size))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        ready(x, parse, None)
        torch.cuda.synchronize()
    events = sorted(profile.key_averages(), key=lambda event: -event.self_device_time_total)
    total = sum(event.self_device_time_total for event in events) or 1
    for event in events[:6]:
        print(f"    {event.self_device_time_total / total:5.1%}  {event.count:4d} x {event.key[:90]}")


if __name__ == "__main__":
    main()
