"""Running the try-on networks on the device at hand; imports torch, so import it only when there is work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from studio.domain.arrays import U8
from studio.domain.geometry import CANVAS_SIZE
from studio.networks import glue_hr_viton, glue_viton_hd
from studio.networks.blocks import draw_noise, resize_bilinear, resize_nearest
from studio.networks.hr_viton_discriminators import discriminator_logit, rejection_score
from studio.networks.preprocess import join_batch, move_batch, picture_u8
from studio.networks.runtime import (
    Form,
    Plan,
    default_plan,
    estimate_bytes,
    largest_batch,
    prepare,
    run_shrinking,
)
from studio.networks.spade import SpadeGenerator
from studio.pipeline.stage import StageContext
from studio.pipeline.tryon.generative.result import CanvasResult
from studio.pipeline.watched import watched

Inputs = TypeVar("Inputs", glue_hr_viton.HrVitonInputs, glue_viton_hd.VitonHdInputs)
Run = Callable[[Sequence[Inputs], Plan], list[CanvasResult]]

BEST_SCORE = 10.0
"""Where the discriminator takes a prediction for real outright its odds are infinite; this stands for that."""

MOST_AT_ONCE = 16
"""Pairs of one batch: beyond it a card gains nothing more, and its operator waits longer for the first look."""

_FORMS = "_forms_by_plan"
_SMALLER = 2
"""The canvas is halved where memory does not suffice; its sides stay multiples of 128."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Model ids of one engine. judge: the discriminator, used when it is installed."""

    leading: tuple[str, ...]
    generator: str
    judge: str = ""


def ready(module: nn.Module, plan: Plan) -> nn.Module:
    """Return a network made for a device; made once and kept as long as the network itself is warm."""
    forms: dict[Plan, nn.Module] | None = module.__dict__.get(_FORMS)
    if forms is None:
        forms = {}
        module.__dict__[_FORMS] = forms  # past nn.Module: the prepared form is no part of the network
    if plan not in forms:
        forms[plan] = prepare(module, plan)
    return forms[plan]


def dress_hr_viton(
    items: Sequence[glue_hr_viton.HrVitonInputs], weights: Weights, seed: int, ctx: StageContext, file: str
) -> list[CanvasResult]:
    """Run HR-VITON on pairs of one person."""

    def run(batch: Sequence[glue_hr_viton.HrVitonInputs], plan: Plan) -> list[CanvasResult]:
        inputs = move_batch(join_batch(batch), plan.device)
        condition, painter = (ready(_module(ctx, name), plan) for name in (*weights.leading, weights.generator))
        noise = _noise(_module(ctx, weights.generator), inputs.size, seed, len(batch))
        with torch.inference_mode(), _told((condition, painter), ctx):
            made = glue_hr_viton.dress(
                inputs,
                cast(glue_hr_viton.ConditionNetwork, condition),
                cast(glue_hr_viton.Painter, painter),
                noise,
            )
            scores = _judge(inputs, made, weights, plan, ctx)
        parts = made.parse.labels13, made.garment.grid, made.garment.mask, made.garment.cloth
        return _unpack(made.picture, *parts, scores)

    return _run_all(items, run, weights, ctx, file)


def dress_viton_hd(
    items: Sequence[glue_viton_hd.VitonHdInputs], weights: Weights, seed: int, ctx: StageContext, file: str
) -> list[CanvasResult]:
    """Run VITON-HD on pairs of one person."""

    def run(batch: Sequence[glue_viton_hd.VitonHdInputs], plan: Plan) -> list[CanvasResult]:
        inputs = move_batch(join_batch(batch), plan.device)
        names = (*weights.leading, weights.generator)
        networks = [ready(_module(ctx, name), _plan_for(index, plan)) for index, name in enumerate(names)]
        noise = _noise(_module(ctx, weights.generator), inputs.size, seed, len(batch))
        with torch.inference_mode(), _told(networks, ctx):
            made = glue_viton_hd.dress(
                inputs,
                cast(glue_viton_hd.SegmentationNetwork, networks[0]),
                cast(glue_viton_hd.MatchingNetwork, networks[1]),
                cast(glue_viton_hd.Painter, networks[2]),
                segmentation_noise=glue_viton_hd.segmentation_noise([seed] * len(batch)).to(plan.device),
                noise=noise,
            )
        garment = made.garment
        parts = made.prediction.labels13, garment.grid, garment.mask, _on_white(garment.cloth, garment.mask)
        return _unpack(made.picture, *parts, [None] * len(batch))

    return _run_all(items, run, weights, ctx, file)


def _plan_for(index: int, plan: Plan) -> Plan:
    """Segmentation and matching keep float32: they are small, and what they give are borders and positions."""
    return plan if index == 2 else Plan(plan.device, torch.float32, plan.form)


def _module(ctx: StageContext, model_id: str) -> nn.Module:
    return cast(nn.Module, ctx.models.module(model_id))


def _told(networks: Sequence[nn.Module], ctx: StageContext) -> ExitStack:
    """Report from inside the networks, the painter having most of the time; a cancelled run stops at its layer."""
    stack = ExitStack()
    share = 0.15 / max(1, len(networks) - 1)
    for index, network in enumerate(networks):
        last = index == len(networks) - 1
        part = ctx.progress.part(0.05 + share * index, 0.5 if last else share)
        stack.enter_context(watched(network, part, "tryon"))
    return stack


def _noise(generator: nn.Module, size: tuple[int, int], seed: int, batch: int) -> list[Tensor] | None:
    """Draw the generator's noise, the same for every pair, as published but seeded; None where it changes nothing."""
    if not isinstance(generator, SpadeGenerator) or not generator.uses_noise():
        return None
    return draw_noise(generator.noise_shapes(*size), [seed] * batch)


def _judge(
    inputs: glue_hr_viton.HrVitonInputs,
    made: glue_hr_viton.HrVitonResult,
    weights: Weights,
    plan: Plan,
    ctx: StageContext,
) -> list[float | None]:
    """Return the discriminator's odds for each predicted segmentation; None where it is not installed."""
    if not weights.judge or not ctx.models.is_installed(weights.judge):
        return [None] * len(inputs.cloth)
    network = ready(_module(ctx, weights.judge), Plan(plan.device, torch.float32, Form.PLAIN))
    seen = glue_hr_viton.discriminator_input(*glue_hr_viton.condition_inputs(inputs), made.parse.composed)
    return [float(value) for value in cap_odds(discriminator_logit(network(seen)))]


def cap_odds(logit: Tensor) -> Tensor:
    """Return the rejection score made finite: 0 for the least plausible, 1 undecided, `BEST_SCORE` at most."""
    return torch.where(logit >= 1, BEST_SCORE, rejection_score(logit)).clamp(0, BEST_SCORE)


def _on_white(cloth: Tensor, mask: Tensor) -> Tensor:
    return cloth * mask + (1 - mask)


def _unpack(
    picture: Tensor, labels: Tensor, grid: Tensor, mask: Tensor, cloth: Tensor, scores: Sequence[float | None]
) -> list[CanvasResult]:
    pictures, cloths = picture_u8(picture), picture_u8(cloth)
    return [
        CanvasResult(
            pictures[n],
            np.asarray(labels[n].byte().cpu().numpy()),
            np.asarray(grid[n].float().cpu().numpy()),
            np.asarray(mask[n, 0].float().cpu().numpy()),
            cloths[n],
            scores[n],
        )
        for n in range(len(pictures))
    ]


def _run_all(
    items: Sequence[Inputs], run: Run[Inputs], weights: Weights, ctx: StageContext, file: str
) -> list[CanvasResult]:
    """Run pairs in as large batches as memory takes; full memory halves them, then goes to the CPU, and is told."""
    plan = default_plan(ctx.models.device)
    generator = _module(ctx, weights.generator)

    def announce(key: str, count: int) -> None:
        ctx.note_fallback(key, count=str(count), file=file)

    def run_fitting(batch: Sequence[Inputs], where: Plan) -> list[CanvasResult]:
        full = _canvas_of(batch[0])
        if not _lacks_memory(generator, where, full):
            return run(batch, where)
        announce("engines.smaller_canvas", 1)
        smaller = full[0] // _SMALLER, full[1] // _SMALLER
        return [_enlarge(made, full) for made in run([_shrink(item, smaller) for item in batch], where)]

    on_cpu = None if plan.device == "cpu" else lambda batch: run_fitting(batch, default_plan("cpu"))
    at_once = _batch_size(generator, plan, items)
    made: list[CanvasResult] = []
    for start in range(0, len(items), at_once):
        parts = run_shrinking(
            lambda batch: run_fitting(batch, plan), list(items[start : start + at_once]), on_cpu=on_cpu,
            announce=announce,
        )  # fmt: skip
        made += [one for part in parts for one in part]
    return made


def _canvas_of(item: glue_hr_viton.HrVitonInputs | glue_viton_hd.VitonHdInputs) -> tuple[int, int]:
    return item.size


def _batch_size(generator: nn.Module, plan: Plan, items: Sequence[Inputs]) -> int:
    """Return how many pairs run at once: what fits on a graphics card, one after the other on the CPU.

    On the CPU a batch saves nothing: one picture already fills every core.
    """
    if torch.device(plan.device).type != "cuda" or not isinstance(generator, SpadeGenerator):
        return 1 if plan.device == "cpu" else max(1, len(items))
    free, _ = torch.cuda.mem_get_info(plan.device)
    return min(len(items), largest_batch(generator, plan, free, _canvas_of(items[0])))


def batch_limit(generator: nn.Module, device: str) -> int:
    """Return how many pairs at full working size a card's free memory takes at once, by estimate."""
    if not isinstance(generator, SpadeGenerator):
        return 1
    free, _ = torch.cuda.mem_get_info(device)
    return min(MOST_AT_ONCE, largest_batch(generator, default_plan(device), free, (CANVAS_SIZE[1], CANVAS_SIZE[0])))


def _lacks_memory(generator: nn.Module, plan: Plan, size: tuple[int, int]) -> bool:
    if plan.device != "cpu" or not isinstance(generator, SpadeGenerator):
        return False
    free = available_bytes()
    return free is not None and estimate_bytes(generator, plan, 1, size) > free


def available_bytes() -> int | None:
    """Return the memory that a process may still take without swapping; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith("MemAvailable:")]
    return int(found[0][1]) * 1024 if found else None


def _shrink(item: Inputs, size: tuple[int, int]) -> Inputs:
    """Return the inputs of a pair on a smaller canvas: pictures averaged, masks and labels nearest."""
    smaller = {}
    for name in item.__dataclass_fields__:
        tensor: Tensor = getattr(item, name)
        pictures = tensor.shape[1] == 3
        smaller[name] = resize_bilinear(tensor, size) if pictures else resize_nearest(tensor, size)
    return type(item)(**smaller)


def _enlarge(made: CanvasResult, size: tuple[int, int]) -> CanvasResult:
    """Return a result on the full canvas."""
    target = size[1], size[0]

    def picture(small: U8) -> U8:
        return cast(U8, cv2.resize(small, target, interpolation=cv2.INTER_CUBIC))

    rows, columns = (np.linspace(0, side - 1, full) for side, full in zip(made.mask.shape, size, strict=True))
    x, y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    return CanvasResult(
        picture(made.picture),
        cast(U8, cv2.resize(made.labels, target, interpolation=cv2.INTER_NEAREST)),
        cv2.remap(made.grid, x, y, interpolation=cv2.INTER_LINEAR),
        cv2.resize(made.mask, target, interpolation=cv2.INTER_LINEAR),
        picture(made.cloth),
        made.score,
    )
