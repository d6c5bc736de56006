"""Preflight: read the written file back and prove that it is what the preset promised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from studio.compositing.export import DeliveryFormat, ExportPreset
from studio.domain.arrays import AnyArray, Bool
from studio.domain.errors import StudioError
from studio.media.colour import is_srgb
from studio.media.decode import open_photo, probe

_SEEN_PNG = 6
"""Difference from the background colour (8 bit) at which a pixel counts as the person's; lossless files."""
_SEEN_LOSSY = 24
"""... and in JPEG and WebP, whose blocks ring a little around the person."""
_LOSSY = (DeliveryFormat.JPEG, DeliveryFormat.WEBP)
_LAYERED = (DeliveryFormat.PSD, DeliveryFormat.ORA)
_ROUNDING_PX = 2
_FRINGE = 0.004
"""Share of the shorter side by which the edge may reach into the padding: an enlarged photo's edge is several pixels
soft (3 to 6 of 2000 on real looks)."""
_CORNER = 8


@dataclass(frozen=True, slots=True)
class Check:
    """One property of a delivered file: message key `preflight.<name>`, whether it holds, wanted and found."""

    name: str
    passed: bool
    wanted: str
    found: str


@dataclass(frozen=True, slots=True)
class PreflightReport:
    """All checks of one file. fill: share of the frame's height that the person takes, where it could be measured."""

    path: Path
    checks: tuple[Check, ...]
    fill: float | None = None

    @property
    def passed(self) -> bool:
        """Every check holds."""
        return all(check.passed for check in self.checks)


def preflight(
    path: Path, preset: ExportPreset, size: tuple[int, int], *, framed: bool = False, cut_below: bool = False
) -> PreflightReport:
    """Read a delivered file back and check it against its preset.

    Args:
        size: (width, height) it should have.
        framed: the look stands alone on the preset's colour (`frame_look`): margins and colour are checked too.
        cut_below: the photo cut the person below, so the look keeps to the lower edge.
    """
    try:
        found_size, bits, alpha, profile, pixels = _read(path, preset)
    except (StudioError, OSError, SyntaxError, ValueError) as error:
        return PreflightReport(path, (Check("readable", False, preset.format.value, str(error)),))
    checks = [
        Check("readable", True, preset.format.value, path.suffix),
        Check("size", found_size == size, _pair(size), _pair(found_size)),
        Check(
            "depth", bits == preset.bit_depth or preset.format in (*_LOSSY, *_LAYERED), str(preset.bit_depth), str(bits)
        ),
        Check("profile", bool(profile) and is_srgb(profile), "sRGB", "sRGB" if profile and is_srgb(profile) else "-"),
        Check("transparency", alpha == (preset.colour is None), str(preset.colour is None), str(alpha)),
    ]
    if preset.max_bytes:
        length = path.stat().st_size
        checks.append(Check("bytes", length <= preset.max_bytes, str(preset.max_bytes), str(length)))
    if not framed or pixels is None:
        return PreflightReport(path, tuple(checks))
    seen = _seen(pixels, preset)
    fill, framing = _check_frame(seen, preset, cut_below)
    checks.extend(framing)
    if preset.colour is not None:
        checks.append(_check_colour(pixels, preset))
    return PreflightReport(path, tuple(checks), fill)


def _read(path: Path, preset: ExportPreset) -> tuple[tuple[int, int], int, bool, bytes, AnyArray | None]:
    """Return size, bits, whether there is alpha, ICC profile and pixels (with alpha where there is)."""
    if preset.format is DeliveryFormat.ORA:
        return _read_ora(path)
    with Image.open(path) as image:
        profile = image.info.get("icc_profile") or b""
        has_alpha = "A" in image.getbands() or "transparency" in image.info
        if preset.format is DeliveryFormat.PSD:
            image.load()
            return image.size, 8, has_alpha, profile, np.asarray(image)
        if has_alpha:
            return image.size, 8 if preset.bit_depth == 8 else 16, True, profile, np.asarray(image.convert("RGBA"))
    photo = open_photo(path)
    return photo.size, probe(path).bit_depth, False, profile, photo.pixels


def _read_ora(path: Path) -> tuple[tuple[int, int], int, bool, bytes, AnyArray | None]:
    import zipfile

    with zipfile.ZipFile(path) as archive, archive.open("mergedimage.png") as stream, Image.open(stream) as image:
        image.load()
        profile = image.info.get("icc_profile") or b""
        return image.size, 8, "A" in image.getbands(), profile, np.asarray(image)


def _seen(pixels: AnyArray, preset: ExportPreset) -> Bool:
    if pixels.shape[2] == 4 and preset.colour is None:
        visible: Bool = pixels[..., 3] >= 128
        return visible
    eight = pixels if pixels.dtype == np.uint8 else ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    limit = _SEEN_LOSSY if preset.format in _LOSSY else _SEEN_PNG
    colour = np.array(preset.colour or (255, 255, 255), np.int16)
    differs: Bool = (np.abs(eight[..., :3].astype(np.int16) - colour) > limit).any(axis=2)
    return differs


def _check_frame(seen: Bool, preset: ExportPreset, cut_below: bool) -> tuple[float | None, list[Check]]:
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if rows.size == 0:
        return None, [Check("margins", False, "-", "-")]
    height, width = seen.shape
    margins = (int(columns[0]), int(rows[0]), width - 1 - int(columns[-1]), height - 1 - int(rows[-1]))
    least = preset.padding * min(width, height) - max(_ROUNDING_PX, _FRINGE * min(width, height))
    held = margins[:3] if cut_below else margins
    # A shadow may reach into the padding; it is no part of the person.
    passed = preset.shadow or min(held) >= least
    fill = (int(rows[-1]) + 1 - int(rows[0])) / height
    found = " ".join(str(value) for value in margins)
    return fill, [Check("margins", passed, f">= {max(least, 0):.0f}", found)]


def _check_colour(pixels: AnyArray, preset: ExportPreset) -> Check:
    """The upper corners must be the very colour: nobody stands there."""
    corners = np.concatenate(
        [pixels[:_CORNER, :_CORNER, :3].reshape(-1, 3), pixels[:_CORNER, -_CORNER:, :3].reshape(-1, 3)]
    )
    colour = np.array(preset.colour, np.uint32) * (257 if pixels.dtype == np.uint16 else 1)
    exact = bool((corners == colour).all())
    found = corners[np.abs(corners.astype(np.int64) - colour).sum(axis=1).argmax()]
    return Check("colour", exact, _hex(preset.colour or (0, 0, 0)), " ".join(str(int(v)) for v in found))


def _pair(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
