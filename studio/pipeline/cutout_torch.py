"""Cutout: U-2-Net from its authors' torch checkpoint, for who has that file and not the ONNX export of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.domain.arrays import AnyArray
from studio.domain.artefacts import Cutout, Photo, PhotoRole
from studio.domain.errors import PipelineError
from studio.domain.keys import Note
from studio.pipeline.cutout import CutoutParams, mend_mask, predict_mask
from studio.pipeline.matting.person_vote import MODEL as VOTER
from studio.pipeline.on_device import run_network
from studio.pipeline.stage import Inputs, ModelProvider, StageContext

_NETWORK_SHARE = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class _TorchSession:
    """The torch network in the shape of an ONNX session."""

    ctx: StageContext
    model_id: str
    file: str
    input_names: tuple[str, ...] = ("input",)

    def run(self, feeds: Mapping[str, AnyArray]) -> list[AnyArray]:
        """Return the fused saliency."""
        planes = np.ascontiguousarray(feeds[self.input_names[0]])

        def call(network: Any, device: str) -> AnyArray:  # Any: a torch network
            import torch

            fused: AnyArray = network(torch.from_numpy(planes).to(device))[0].float().cpu().numpy()
            return fused

        part = self.ctx.progress.part(0.0, _NETWORK_SHARE)
        return [run_network(self.ctx, self.model_id, self.file, "cutout", part, call)]


@dataclass(frozen=True, slots=True)
class TorchCutout:
    """U-2-Net on torch as a cutout implementation; masks are those of the ONNX one."""

    implementation: str
    model_id: str
    title: str
    name: str = "cutout"
    version: int = 3
    params_type: type[CutoutParams] = CutoutParams
    inputs: tuple[str, ...] = ("photo",)
    output: type[Cutout] = Cutout

    def models(self, params: CutoutParams, provider: ModelProvider) -> tuple[str, ...]:
        """Return the checkpoint and, for people on plain backdrops, the second opinion's network."""
        if params.use_backdrop and params.role is PhotoRole.MODEL and provider.is_installed(VOTER):
            return (self.model_id, VOTER)
        return (self.model_id,)

    def unavailable(self, provider: ModelProvider) -> Note | None:
        """Return how to get the checkpoint where it is not installed."""
        if provider.is_installed(self.model_id):
            return None
        return Note("alternative.checkpoint_missing", {"model": self.model_id, "title": self.title})

    def run(self, inputs: Inputs, params: CutoutParams, ctx: StageContext) -> Cutout:
        """Return the coarse cutout; its colours are the photo's own.

        Raises:
            PipelineError: nothing stands out from the background.
        """
        photo = inputs.take("photo", Photo)
        ctx.progress.report(0.0, self.name)
        mask = predict_mask(photo.rgb8, "u2net", _TorchSession(ctx, self.model_id, photo.name))
        ctx.progress.report(_NETWORK_SHARE, self.name)
        if mask is None:
            raise PipelineError("cutout.empty", file=photo.name)
        alpha = mend_mask(photo.rgb8, mask, params, ctx)
        if not (alpha > 0.5).any():
            raise PipelineError("cutout.empty", file=photo.name)
        return Cutout(alpha, photo.rgb8)


U2NET_TORCH = TorchCutout("u2net_torch", "u2net_checkpoint", "U²-Net")
U2NETP_TORCH = TorchCutout("u2netp_torch", "u2netp_checkpoint", "U²-Net portable")
