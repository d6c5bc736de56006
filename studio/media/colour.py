"""ICC profiles to the sRGB working space.

8-bit pictures go through LittleCMS. It has no 16-bit RGB in Pillow, so 16-bit ones are converted here by the profile's
matrix and tone curves (ICC.1:2022, "three-component matrix-based profiles"); profiles of tables alone are applied in
8 bits, which the caller is told.
"""

from __future__ import annotations

import io
import itertools
import struct
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from PIL import Image, ImageCms

from studio.domain.arrays import F64, U8, U16, AnyArray

_SAME_WITHIN = 2
"""A profile that moves no colour by more than this (of 255) is sRGB under another name: pixels stay untouched."""

_LATTICE = tuple(range(0, 256, 51))
_BAND_ROWS = 256
"""Rows converted at a time in 16 bits, so that a 24 MP photo needs no whole float copy."""

_MATRIX_TAGS = (b"rTRC", b"gTRC", b"bTRC", b"rXYZ", b"gXYZ", b"bXYZ")

# sRGB primaries adapted to D50, as in every sRGB profile (IEC 61966-2-1 with the Bradford adaptation).
_SRGB_TO_D50 = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)


class ProfileError(ValueError):
    """An ICC profile is damaged or does not belong to the picture."""


@cache
def srgb_profile() -> bytes:
    """Return an sRGB profile whose bytes do not depend on the day it is made."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2024, 1, 1, 0, 0, 0)
    profile[84:100] = bytes(16)
    return bytes(profile)


def _open(profile: bytes) -> ImageCms.ImageCmsProfile:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise ProfileError(str(error)) from error


def convert(image: Image.Image, profile: bytes) -> Image.Image:
    """Return an 8-bit picture of any mode as sRGB "RGB".

    Raises:
        ProfileError: the profile is damaged or of another colour model.
    """
    try:
        turned = ImageCms.profileToProfile(
            image,
            _open(profile),
            _open(srgb_profile()),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, ValueError) as error:
        raise ProfileError(str(error)) from error
    if turned is None:  # only when asked to work in place
        raise ProfileError("no picture")
    return turned


@lru_cache(maxsize=32)
def is_srgb(profile: bytes) -> bool:
    """Say whether an RGB profile is sRGB, by what it does to colours, whatever it is called.

    Raises:
        ProfileError: the profile is damaged or not of RGB.
    """
    lattice: U8 = np.array(list(itertools.product(_LATTICE, repeat=3)), np.uint8)[None]
    turned = np.asarray(convert(Image.fromarray(lattice), profile))
    return int(np.abs(turned.astype(np.int16) - lattice).max()) <= _SAME_WITHIN


@dataclass(frozen=True, slots=True)
class MatrixProfile:
    """A display profile: one tone curve per channel, sampled at 65536 places, and a matrix to D50 XYZ.

    curves: float64 `(channels, 65536)`; matrix: float64 `(3, 3)`, or None for grey.
    """

    curves: F64
    matrix: F64 | None


def read_matrix_profile(profile: bytes) -> MatrixProfile | None:
    """Return the curves and matrix of an RGB or grey profile; None where it works by tables or in a way unknown."""
    try:
        tags = _tags(profile)
        if profile[16:20] == b"GRAY" and b"kTRC" in tags:
            return MatrixProfile(_curve(tags[b"kTRC"])[None], None)
        if profile[16:20] != b"RGB " or b"A2B0" in tags or not all(tag in tags for tag in _MATRIX_TAGS):
            return None
        curves = np.stack([_curve(tags[tag]) for tag in _MATRIX_TAGS[:3]])
        columns = [np.array(struct.unpack_from(">3l", tags[tag], 8)) / 65536 for tag in _MATRIX_TAGS[3:]]
    except (struct.error, ProfileError):
        return None
    return MatrixProfile(curves, np.stack(columns, axis=1))


def _tags(profile: bytes) -> dict[bytes, bytes]:
    if len(profile) < 132 or profile[36:40] != b"acsp":
        raise ProfileError("no ICC signature")
    count = int(struct.unpack_from(">L", profile, 128)[0])
    if 132 + 12 * count > len(profile):
        raise ProfileError("tag table is cut off")
    tags = {}
    for place in range(132, 132 + 12 * count, 12):
        name, offset, size = struct.unpack_from(">4sLL", profile, place)
        tags[name] = profile[offset : offset + size]
    return tags


def _curve(tag: bytes) -> F64:
    """Sample a `curv` or `para` tone curve at 65536 places."""
    at: F64 = np.linspace(0.0, 1.0, 65536)
    if tag[:4] == b"curv":
        count = int(struct.unpack_from(">L", tag, 8)[0])
        if count == 0:
            return at
        values = np.array(struct.unpack_from(f">{count}H", tag, 12), np.float64)
        if count == 1:
            curved: F64 = np.power(at, float(values[0] / 256))
            return curved
        return np.interp(at, np.linspace(0.0, 1.0, count), values / 65535)
    if tag[:4] == b"para":
        return _parametric(at, tag)
    raise ProfileError(f"unknown tone curve {tag[:4]!r}")


def _parametric(at: F64, tag: bytes) -> F64:
    kind = int(struct.unpack_from(">H", tag, 8)[0])
    counts = (1, 3, 4, 5, 7)
    if kind >= len(counts):
        raise ProfileError(f"unknown parametric curve {kind}")
    given = [value / 65536 for value in struct.unpack_from(f">{counts[kind]}l", tag, 12)]
    g, a, b, c, d, e, f = given + [0.0] * (7 - len(given))
    if kind == 0:
        curved: F64 = np.power(at, g)
        return curved
    above: F64 = np.maximum(a * at + b, 0.0) ** g
    if kind in (1, 2):  # c is an offset, and the curve is flat below -b / a
        below, offset = at < -b / a, c if kind == 2 else 0.0
        return np.where(below, offset, above + offset)
    return np.where(at >= d, above + (e if kind == 4 else 0.0), c * at + (f if kind == 4 else 0.0))


def encode_srgb(linear: F64) -> F64:
    """Return sRGB-encoded values of linear light, both in [0, 1] (IEC 61966-2-1)."""
    clipped = np.clip(linear, 0.0, 1.0)
    curved: F64 = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return curved


def convert16(pixels: U16, profile: MatrixProfile) -> U16:
    """Return 16-bit RGB `(H, W, 3)` or grey `(H, W)` in sRGB, uint16 `(H, W, 3)`."""
    result: U16 = np.empty((*pixels.shape[:2], 3), np.uint16)
    to_srgb = None if profile.matrix is None else np.linalg.inv(_SRGB_TO_D50) @ profile.matrix
    for top in range(0, pixels.shape[0], _BAND_ROWS):
        rows = slice(top, top + _BAND_ROWS)
        result[rows] = np.rint(encode_srgb(_linear_srgb(pixels[rows], profile.curves, to_srgb)) * 65535)
    return result


def _linear_srgb(band: AnyArray, curves: F64, to_srgb: F64 | None) -> F64:
    if to_srgb is None:
        grey: F64 = curves[0][band]
        return np.repeat(grey[..., None], 3, axis=2)
    linear = np.stack([curves[channel][band[..., channel]] for channel in range(3)], axis=2)
    turned: F64 = linear @ to_srgb.T
    return turned
