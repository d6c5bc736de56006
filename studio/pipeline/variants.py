"""Variants of a garment by StarGAN v2: its picture in another category (domain) of a checkpoint that somebody trained.

What the domains are, sleeve lengths or necklines or colours, is for the checkpoint's makers to say; the network knows
numbers. It works at its own size, mostly 256 x 256: a sketch for buyers and designers, no product photo.

Source: Choi, Uh, Yoo, Ha, "StarGAN v2: Diverse Image Synthesis for Multiple Domains", CVPR 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from studio.domain.arrays import U8
from studio.domain.artefacts import Cutout
from studio.domain.errors import PipelineError
from studio.domain.keys import Note
from studio.pipeline.on_device import run_network
from studio.pipeline.stage import ModelProvider, StageContext

if TYPE_CHECKING:
    from torch import Tensor

GENERATOR, MAPPING, STYLE = "stargan2_generator", "stargan2_mapping", "stargan2_style"
MARGIN = 0.06
"""White around the product, in shares of the picture."""


def unavailable(provider: ModelProvider, *, by_reference: bool) -> Note | None:
    """Return how to get what is missing for styles drawn by chance, or taken from a reference."""
    missing = [model for model in (GENERATOR, STYLE if by_reference else MAPPING) if not provider.is_installed(model)]
    if not missing:
        return None
    return Note("engines.weights_missing", {"title": "StarGAN v2", "models": ", ".join(missing)})


def frame_square(cutout: Cutout, side: int) -> U8:
    """Return a product in the middle of a white square.

    Raises:
        PipelineError: the cutout is empty.
    """
    if not (cutout.alpha >= 0.5).any():
        raise PipelineError("garment.empty", file="")
    box, alpha = cutout.box, cutout.alpha[..., None]
    flat = np.rint(cutout.foreground * alpha + 255.0 * (1.0 - alpha)).astype(np.uint8)[box.slices]
    scale = side * (1.0 - 2 * MARGIN) / max(box.width, box.height)
    size = max(1, round(box.width * scale)), max(1, round(box.height * scale))
    small = cv2.resize(flat, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    picture = np.full((side, side, 3), 255, np.uint8)
    x, y = (side - size[0]) // 2, (side - size[1]) // 2
    picture[y : y + size[1], x : x + size[0]] = small
    return picture


def draw_variants(
    garment: Cutout, domain: int, seeds: Sequence[int], ctx: StageContext, file: str, *, reference: Cutout | None = None
) -> list[U8]:
    """Return variants, uint8 `(S, S, 3)` at the network's own size: one a seed, or one in the style of a reference.

    Args:
        domain: the category's number in the checkpoint, from 0.
        file: the garment's name, for messages.

    Raises:
        PipelineError: `variants.domain`, the checkpoint has fewer; `garment.empty`.
        ModelError: a checkpoint is not installed.
    """
    side = int(ctx.models.module(GENERATOR).image_size)
    chooser = MAPPING if reference is None else STYLE
    domains = len(ctx.models.module(chooser).unshared)
    if not 0 <= domain < domains:
        raise PipelineError("variants.domain", domain=str(domain), last=str(domains - 1))
    styles = _styles(chooser, domain, seeds, ctx, file, None if reference is None else frame_square(reference, side))
    picture = frame_square(garment, side)
    made = []
    for number, style in enumerate(styles):
        part = ctx.progress.part(0.1 + 0.9 * number / len(styles), 0.9 / len(styles))
        made.append(run_network(ctx, GENERATOR, file, "variants", part, _painter(picture, style)))
    return made


def _styles(
    chooser: str, domain: int, seeds: Sequence[int], ctx: StageContext, file: str, reference: U8 | None
) -> list[Tensor]:
    """Return style vectors `(1, D)`."""
    import torch

    def choose(network: Any, device: str) -> list[Tensor]:  # Any: a torch network
        number = torch.tensor([domain], device=device)
        if reference is not None:
            return [network(_tensor(reference).to(device), number).cpu()]
        width = network.shared[0].in_features
        drawn = [torch.randn(1, width, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return [network(latent.to(device), number).cpu() for latent in drawn]

    return run_network(ctx, chooser, file, "variants", ctx.progress.part(0.0, 0.1), choose)


def _painter(picture: U8, style: Tensor) -> Callable[[Any, str], U8]:  # Any: a torch network
    def paint(network: Any, device: str) -> U8:  # Any: as above
        out = network(_tensor(picture).to(device), style.to(device))[0].float().cpu()
        pixels = (out.clamp(-1, 1).permute(1, 2, 0).numpy() + 1) * 127.5
        return cast(U8, np.rint(pixels).astype(np.uint8))

    return paint


def _tensor(picture: U8) -> Tensor:
    import torch

    return torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
