"""The cutout stage: a photo to a coarse mask of its main subject, by a salient-object network.

Pre- and post-processing of U2-Net are exactly rembg's, so that its masks and ours are the same; importing rembg itself
would compile numba code for a minute on first use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from PIL import Image

from studio.domain.arrays import F32, U8
from studio.domain.artefacts import Cutout, Photo, PhotoRole
from studio.domain.errors import PipelineError
from studio.domain.keys import Note
from studio.pipeline.matting.backdrop import fit_backdrop
from studio.pipeline.matting.pale_cloth import add_pale_cloth
from studio.pipeline.matting.paper import trace_on_paper
from studio.pipeline.matting.person_vote import MODEL as VOTER
from studio.pipeline.matting.person_vote import add_voted_clothes
from studio.pipeline.matting.subject import add_doubted_pieces, complete_on_backdrop, keep_subject
from studio.pipeline.stage import Inputs, ModelProvider, OnnxSession, StageContext

_U2NET_SIDE = 320
_U2NET_MEAN = np.array((0.485, 0.456, 0.406))
_U2NET_STD = np.array((0.229, 0.224, 0.225))
_MODNET_SIDE = 512
_CHECK_SIDE = 1024
"""Longest side at which the subject is chosen and completed."""
_LEAST_CONTRAST = 0.15
"""Spread of the network's raw answer below which it found nothing (it is stretched to 0..1 afterwards)."""


@dataclass(frozen=True, slots=True)
class CutoutParams:
    """role: a garment may consist of several pieces, a model is one person. main_subject: drop other people and
    things. use_backdrop: on a plain background, mend the mask by colour.
    """

    role: PhotoRole = PhotoRole.MODEL
    main_subject: bool = True
    use_backdrop: bool = True


@dataclass(frozen=True, slots=True)
class NetworkCutout:
    """One network as a cutout implementation; the id of the model is the implementation's name."""

    implementation: str
    name: ClassVar[str] = "cutout"
    version: ClassVar[int] = 7
    params_type: ClassVar[type[CutoutParams]] = CutoutParams
    inputs: ClassVar[tuple[str, ...]] = ("photo",)
    output: ClassVar[type[Cutout]] = Cutout

    def models(self, params: CutoutParams, provider: ModelProvider) -> tuple[str, ...]:
        """Return the network's id and, for people on plain backdrops, the second opinion's."""
        if params.use_backdrop and params.role is PhotoRole.MODEL and provider.is_installed(VOTER):
            return (self.implementation, VOTER)
        return (self.implementation,)

    def unavailable(self, provider: ModelProvider) -> Note | None:
        """Return how to get the network where it is not installed."""
        if provider.is_installed(self.implementation):
            return None
        return Note("cutout.missing_model", {"model": self.implementation})

    def run(self, inputs: Inputs, params: CutoutParams, ctx: StageContext) -> Cutout:
        """Return the coarse cutout; its colours are the photo's own.

        Raises:
            PipelineError: nothing stands out from the background.
        """
        photo = inputs.take("photo", Photo)
        rgb = photo.rgb8
        ctx.progress.report(0.0, "cutout")
        mask = predict_mask(rgb, self.implementation, ctx.models.session(self.implementation))
        ctx.progress.report(0.7, "cutout")
        if mask is None:
            raise PipelineError("cutout.empty", file=photo.name)
        alpha = mend_mask(rgb, mask, params, ctx)
        if not (alpha > 0.5).any():
            raise PipelineError("cutout.empty", file=photo.name)
        return Cutout(alpha, rgb)


U2NETP = NetworkCutout("u2netp")
U2NET = NetworkCutout("u2net")
MODNET = NetworkCutout("modnet")


def predict_mask(rgb: U8, model_id: str, session: OnnxSession) -> U8 | None:
    """Return the network's mask, uint8 at the photo's size; None where it found nothing."""
    predict = _predict_modnet if model_id == "modnet" else _predict_u2net
    small = predict(rgb, session)
    if small is None:
        return None
    resized = Image.fromarray(small).resize((rgb.shape[1], rgb.shape[0]), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def _predict_u2net(rgb: U8, session: OnnxSession) -> U8 | None:
    side = (_U2NET_SIDE, _U2NET_SIDE)
    small = np.asarray(Image.fromarray(rgb).resize(side, Image.Resampling.LANCZOS), dtype=np.float64)
    scaled = small / max(float(small.max()), 1e-6)
    planes = ((scaled - _U2NET_MEAN) / _U2NET_STD).transpose(2, 0, 1)[None].astype(np.float32)
    answer = session.run({session.input_names[0]: planes})[0][0, 0]
    low, high = float(answer.min()), float(answer.max())
    if high - low < _LEAST_CONTRAST:
        return None
    stretched: U8 = ((answer - answer.min()) / (answer.max() - answer.min()) * 255).astype(np.uint8)
    return stretched


def _predict_modnet(rgb: U8, session: OnnxSession) -> U8 | None:
    """MODNet: shorter side 512, both sides multiples of 32, values in -1..1."""
    height, width = rgb.shape[:2]
    scale = _MODNET_SIDE / min(height, width)
    size = tuple(max(32, round(side * scale / 32) * 32) for side in (width, height))
    small = np.asarray(Image.fromarray(rgb).resize((size[0], size[1]), Image.Resampling.BILINEAR), dtype=np.float32)
    planes = (small / np.float32(127.5) - np.float32(1.0)).transpose(2, 0, 1)[None]
    answer = session.run({session.input_names[0]: np.ascontiguousarray(planes)})[0][0, 0]
    if float(answer.max()) < _LEAST_CONTRAST:
        return None
    mask: U8 = np.rint(np.clip(answer, 0.0, 1.0) * 255).astype(np.uint8)
    return mask


def mend_mask(rgb: U8, mask: U8, params: CutoutParams, ctx: StageContext) -> F32:
    """Keep the main subject and, on a plain backdrop, complete it; changes are carried to native size as factors."""
    size = (rgb.shape[1], rgb.shape[0])
    scale = min(1.0, _CHECK_SIDE / max(size))
    small_size = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    small_mask: F32 = cv2.resize(mask, small_size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    mended = small_mask
    if params.use_backdrop:
        small = cv2.resize(rgb, small_size, interpolation=cv2.INTER_AREA)
        backdrop = fit_backdrop(small, small_mask)
        if backdrop is not None:
            mended = complete_on_backdrop(small, mended, backdrop)
            mended = trace_on_paper(small, mended, small_mask)
        elif params.role is PhotoRole.MODEL:
            mended = add_doubted_pieces(mended)
        if params.role is PhotoRole.MODEL and ctx.models.is_installed(VOTER):
            mended = add_voted_clothes(small, mended, ctx.models.session(VOTER), backdrop)
        if params.role is PhotoRole.MODEL and backdrop is not None:
            mended = add_pale_cloth(small, mended, backdrop)
    if params.main_subject:
        mended, dropped = keep_subject(mended, several=params.role is PhotoRole.GARMENT)
        if dropped:
            ctx.note_fallback("cutout.several_subjects", count=str(dropped + 1))
    native: F32 = mask.astype(np.float32)
    native *= np.float32(1.0 / 255.0)
    if mended is small_mask:
        return native
    native += cv2.resize(mended - small_mask, size, interpolation=cv2.INTER_LINEAR)
    return np.clip(native, np.float32(0.0), np.float32(1.0), out=native)
