"""Native blend: the try-on's patch laid into the photo; every pixel outside the edit mask stays as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from studio.domain.artefacts import Confidence, Cutout, Garment, Look, ParseMap, Photo, TryOn
from studio.domain.keys import Note
from studio.pipeline.planes import paint
from studio.pipeline.residue import Dressed, Residue, find_residue
from studio.pipeline.stage import Inputs, ModelProvider, NoParams, StageContext

FULL = 255
RESIDUE_TRUST = 0.55
"""Confidence of a look that shows the old garment: it needs a look and a brush, not another photo."""


@dataclass(frozen=True, slots=True)
class NativeBlend:
    """The embedded last step: `TryOn` and photo to `Look`."""

    name: str = "look"
    implementation: str = "native_blend"
    version: int = 3
    params_type: type[NoParams] = NoParams
    inputs: tuple[str, ...] = ("photo", "edges", "parse", "garment_edges", "garment", "tryon")
    output: type[Look] = Look

    def models(self, params: NoParams, provider: ModelProvider) -> tuple[str, ...]:
        """Return no models."""
        return ()

    def unavailable(self, provider: ModelProvider) -> Note | None:
        """Return None: always available."""
        return None

    def run(self, inputs: Inputs, params: NoParams, ctx: StageContext) -> Look:
        """Blend the dressed patch into the photo and look for traces of the old garment."""
        ctx.progress.report(0.0, "look")
        photo = inputs.take("photo", Photo)
        look = blend_look(photo, inputs.take("edges", Cutout), inputs.take("tryon", TryOn))
        ctx.progress.report(0.5, "look")
        worn, garment = inputs.take("garment_edges", Cutout), inputs.take("garment", Garment)
        parse = inputs.take("parse", ParseMap)
        found = find_residue(photo.rgb8, Dressed.of(look), parse, worn, garment.category)
        ctx.progress.report(1.0, "look")
        if not found.is_notable:
            return look
        return replace(look, confidence=doubt_residue(look.confidence, found, photo.name))


NATIVE_BLEND = NativeBlend()


def doubt_residue(confidence: Confidence, found: Residue, file: str) -> Confidence:
    """Return the confidence with what is left of the old garment as a reason, before milder ones."""
    least = min(confidence.score, RESIDUE_TRUST)
    note = Note("look.residue", {"file": file, "share": f"{100 * found.share:.1f}"})
    reasons = (*confidence.reasons, note) if confidence.score < least + 1e-6 else (note, *confidence.reasons)
    return Confidence(least, reasons)


def blend_look(photo: Photo, cutout: Cutout, tryon: TryOn) -> Look:
    """Return the look: photo outside the patch's alpha, patch inside, mixed where alpha is partial."""
    patch = tryon.patch
    where = patch.box.slices
    pixels = photo.pixels.copy()
    view = pixels[where]
    changed = patch.alpha > 0
    partial = changed & (patch.alpha < 1.0)  # a thin rim: the rest is copied as it is
    share = patch.alpha[partial][:, None]
    mixed = view[partial] + (patch.pixels[partial].astype(np.float32) - view[partial]) * share
    paint(view, patch.pixels, changed)
    view[partial] = np.round(mixed).astype(pixels.dtype)
    edit_mask = np.zeros(pixels.shape[:2], np.uint8)
    edit_mask[where] = changed.view(np.uint8) * np.uint8(FULL)
    garment_mask = np.zeros(pixels.shape[:2], np.uint8)
    paint(garment_mask[where], patch.garment, changed)
    return Look(
        pixels=pixels,
        edit_mask=edit_mask,
        garment_mask=garment_mask,
        cutout=_dressed_cutout(cutout, tryon, pixels),
        confidence=tryon.confidence,
        engine=tryon.engine,
        exif=photo.exif,
        icc=photo.icc,
    )


def _dressed_cutout(cutout: Cutout, tryon: TryOn, pixels: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Cutout:
    """Return the dressed person's cutout: the new silhouette where something changed, the old one elsewhere."""
    patch = tryon.patch
    where = patch.box.slices
    changed = patch.alpha > 0
    alpha = cutout.alpha.copy()
    paint(alpha[where], patch.body_alpha, changed)
    foreground = cutout.foreground.copy()
    shown = pixels[where]
    eight_bit = shown if shown.dtype == np.uint8 else (shown.astype(np.uint32) + 128) // 257
    solid = changed & (patch.body_alpha > 0)
    paint(foreground[where], eight_bit.astype(np.uint8, copy=False), solid)
    return Cutout(alpha, foreground)
