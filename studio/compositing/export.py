"""Delivery: presets that frame a look or render a scene, file names from tokens, and writing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from studio.compositing.layered import LayerFile, write_layers
from studio.compositing.placement import measure_stand
from studio.compositing.scene import PlacedLook, Scene, View, render_scene, scene_layers
from studio.domain.arrays import F32, AnyArray
from studio.domain.artefacts import Look
from studio.domain.errors import CompositingError
from studio.domain.geometry import Placement, Shadow
from studio.domain.progress import Progress
from studio.media.colour import srgb_profile
from studio.media.encode import SUFFIXES, EncodeOptions, ImageFormat, Subsampling, write_image
from studio.media.safe_io import ensure_folder

_NO_SHADOW = Shadow(contact=0.0, cast=0.0)
_TOKEN = re.compile(r"\{(\w+)(?::(\d+))?\}")
TOKENS = ("project", "model", "garment", "background", "look", "scene", "preset", "date", "n")
"""What a file name may be made of; `{n:4}` pads the number with zeros."""


class Anchor(StrEnum):
    """Which side of the frame a look keeps to inside its padding."""

    CENTRE = "centre"
    BOTTOM = "bottom"
    TOP = "top"


class DeliveryFormat(StrEnum):
    """Kinds of delivered files."""

    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"
    WEBP = "webp"
    PSD = "psd"
    ORA = "ora"


_SUFFIX = {
    DeliveryFormat.JPEG: ".jpg",
    DeliveryFormat.PNG: ".png",
    DeliveryFormat.TIFF: ".tif",
    DeliveryFormat.WEBP: ".webp",
    DeliveryFormat.PSD: ".psd",
    DeliveryFormat.ORA: ".ora",
}
_HOLDS_ALPHA = frozenset(DeliveryFormat) - {DeliveryFormat.JPEG}


@dataclass(frozen=True, slots=True)
class ExportPreset:
    """How looks and scenes are delivered.

    size: (width, height); (0, 0) = as rendered at native size. padding: least free margin around the person in shares
    of the shorter side, for looks without a background photo. colour: sRGB of the background where there is no photo;
    None = transparent. max_bytes: 0 = no limit. file_name: tokens in braces, without suffix.
    """

    name: str
    format: DeliveryFormat = DeliveryFormat.JPEG
    size: tuple[int, int] = (0, 0)
    padding: float = 0.06
    anchor: Anchor = Anchor.CENTRE
    colour: tuple[int, int, int] | None = (255, 255, 255)
    quality: int = 92
    max_bytes: int = 0
    bit_depth: int = 8
    shadow: bool = False
    keep_metadata: bool = False
    file_name: str = "{model}_{garment}_{n:3}"

    def __post_init__(self) -> None:
        if self.colour is None and self.format not in _HOLDS_ALPHA:
            raise CompositingError("export.no_transparency", preset=self.name, format=self.format.value)
        if not 0 <= self.padding < 0.5 or min(self.size) < 0:
            raise CompositingError("export.preset", preset=self.name)

    @property
    def suffix(self) -> str:
        """The file name's ending."""
        return _SUFFIX[self.format]


PRESETS = (
    ExportPreset("Catalogue 2000", size=(2000, 2000)),
    ExportPreset("Portrait 1500 x 2000", size=(1500, 2000), anchor=Anchor.BOTTOM, padding=0.04),
    ExportPreset("Marketplace 1600, 500 kB", size=(1600, 1600), padding=0.075, max_bytes=500_000),
    ExportPreset("Web shop 800 WebP", DeliveryFormat.WEBP, size=(800, 1000), quality=85),
    ExportPreset("Cut out PNG", DeliveryFormat.PNG, colour=None, padding=0.0),
    ExportPreset("Print TIFF 16 bit", DeliveryFormat.TIFF, bit_depth=16, keep_metadata=True),
    ExportPreset("Photoshop layers", DeliveryFormat.PSD, keep_metadata=True),
    ExportPreset("OpenRaster layers", DeliveryFormat.ORA, keep_metadata=True),
)
"""What a new project offers."""


def frame_look(look: Look, preset: ExportPreset, name: str = "", placement: Placement | None = None) -> Scene:
    """Return a scene with the look alone, fitted into the preset's frame.

    A person cut by the photo's border keeps to that edge of the frame whatever the padding: an edge that floats
    inside a margin would show the cut.

    Args:
        placement: its flip, grade and shadow are kept.
    """
    stand = measure_stand(look.cutout.alpha)
    shadow = (placement or Placement()).shadow if preset.shadow else _NO_SHADOW
    width, height = preset.size if all(preset.size) else stand.size
    margin = preset.padding * min(width, height)
    if preset.size == (0, 0) and preset.padding == 0:
        native = Placement(
            x=(stand.anchor[0] + 0.5) / width, y=stand.box.y1 / height, scale=stand.box.height / height, shadow=shadow
        )
        placed = dataclasses.replace(native, grade=(placement or native).grade)
        return Scene(None, (PlacedLook(look, placed, name),), (width, height), preset.colour)
    seen = stand.soft
    below = 0.0 if stand.cut_below else margin
    room = (width - 2 * margin, height - margin - below)
    scale = min(room[0] / seen.width, room[1] / seen.height)
    tall = seen.height * scale
    free = {Anchor.CENTRE: (height - tall) / 2, Anchor.TOP: height - margin - tall, Anchor.BOTTOM: margin}
    drop = (seen.y1 - stand.box.y1) * scale
    bottom = height if stand.cut_below else height - free[preset.anchor] - drop
    flip = placement.flip if placement else False
    off = (stand.anchor[0] - (seen.x0 + seen.x1 - 1) / 2) * scale * (-1 if flip else 1)
    placed = Placement(
        x=(width / 2 + off) / width,
        y=bottom / height,
        scale=stand.box.height * scale / height,
        flip=flip,
        shadow=shadow,
    )
    if placement is not None:
        placed = dataclasses.replace(placed, grade=placement.grade)
    return Scene(None, (PlacedLook(look, placed, name),), (width, height), preset.colour)


def export_scene(
    scene: Scene,
    preset: ExportPreset,
    path: Path,
    *,
    exif: bytes = b"",
    progress: Progress | None = None,
) -> Path:
    """Render and write a scene as the preset says; return the file, whole or not there.

    Args:
        path: its suffix is replaced by the preset's.
        exif: kept where the preset keeps metadata.

    Raises:
        CompositingError, PhotoError: it cannot be rendered, or not within the preset's limits.
        StorageError: the folder refuses.
    """
    target = (
        path.with_name(path.name + preset.suffix)
        if path.suffix.lower() not in _KNOWN
        else path.with_suffix(preset.suffix)
    )
    ensure_folder(target.parent)
    view = View.fit(scene, preset.size) if all(preset.size) else View.whole(scene)
    kept = exif if preset.keep_metadata else b""
    if preset.format in (DeliveryFormat.PSD, DeliveryFormat.ORA):
        layers, merged = scene_layers(scene, view, progress=progress)
        kind = LayerFile.PSD if preset.format is DeliveryFormat.PSD else LayerFile.ORA
        write_layers(target, kind, view.size, layers, merged)
        return target
    pixels = render_scene(
        scene, view, transparent=preset.colour is None and scene.background is None, progress=progress
    )
    write_image(target, _to_depth(pixels, preset.bit_depth), _options(preset), exif=kept, icc=srgb_profile())
    return target


_KNOWN = frozenset(SUFFIXES) | frozenset(_SUFFIX.values())


def _options(preset: ExportPreset) -> EncodeOptions:
    return EncodeOptions(
        format=ImageFormat(preset.format.value),
        quality=preset.quality,
        subsampling=Subsampling.FULL,
        max_bytes=preset.max_bytes,
        bit_depth=preset.bit_depth if preset.format in (DeliveryFormat.PNG, DeliveryFormat.TIFF) else 0,
    )


def _to_depth(pixels: AnyArray, bit_depth: int) -> AnyArray:
    if bit_depth == 16 and pixels.dtype == np.uint8:
        return pixels.astype(np.uint16) * np.uint16(257)
    if bit_depth == 8 and pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return pixels


def expand_name(template: str, values: Mapping[str, str], number: int = 1) -> str:
    """Return a file name (without suffix) from a template.

    Raises:
        CompositingError: a token that nobody knows, or a name that comes out empty.
    """

    def fill(match: re.Match[str]) -> str:
        token, pad = match.group(1), match.group(2)
        if token == "n":
            return str(number).zfill(int(pad or 1))
        if token not in TOKENS:
            raise CompositingError("export.token", token=token, known=", ".join(TOKENS))
        return values.get(token, "")

    safe = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "-", _TOKEN.sub(fill, template))
    name = re.sub(r"_{2,}", "_", safe).strip(" ._-")
    if not name:
        raise CompositingError("export.empty_name", template=template)
    return name if name.split(".")[0].upper() not in _RESERVED else f"{name}_"


_RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"COM{i}" for i in range(1, 10)), *(f"LPT{i}" for i in range(1, 10))}
)
"""Names that Windows keeps for devices."""


def unique_path(folder: Path, name: str, preset: ExportPreset, taken: frozenset[Path] = frozenset()) -> Path:
    """Return a path in the folder that neither exists nor is taken, with the preset's suffix."""
    candidate = folder / f"{name}{preset.suffix}"
    count = 2
    while candidate.exists() or candidate in taken:
        candidate = folder / f"{name}_{count}{preset.suffix}"
        count += 1
    return candidate


def person_margins(alpha: F32) -> tuple[int, int, int, int]:
    """Return free pixels left, top, right, below a person in a rendered alpha."""
    box = measure_stand(alpha).box
    return box.x0, box.y0, alpha.shape[1] - box.x1, alpha.shape[0] - box.y1
