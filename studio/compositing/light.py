"""sRGB and linear light: blending happens in linear light, files and artefacts hold sRGB."""

from __future__ import annotations

from functools import cache

import numpy as np

from studio.domain.arrays import F32, U8, U16

_STEPS = 65535


def to_linear(pixels: U8 | U16) -> F32:
    """Return linear light in [0, 1], float32, of sRGB pixels."""
    table = _decode_table(255 if pixels.dtype == np.uint8 else _STEPS)
    linear: F32 = table[pixels]
    return linear


def to_srgb8(linear: F32) -> U8:
    """Return sRGB uint8 of linear light; values outside [0, 1] are clipped. `to_srgb8(to_linear(x)) == x`."""
    return _encode_table()[_index(linear)]


def to_srgb16(linear: F32) -> U16:
    """Return sRGB uint16 of linear light."""
    encoded: U16 = np.rint(encode(np.clip(linear, 0.0, 1.0)) * _STEPS).astype(np.uint16)
    return encoded


def encode(linear: F32) -> F32:
    """Apply the sRGB transfer curve."""
    low = linear * np.float32(12.92)
    high = np.float32(1.055) * np.power(np.maximum(linear, np.float32(0.0031308)), np.float32(1 / 2.4)) - np.float32(
        0.055
    )
    curve: F32 = np.where(linear <= 0.0031308, low, high).astype(np.float32)
    return curve


def decode(srgb: F32) -> F32:
    """Undo the sRGB transfer curve."""
    high = np.power((np.maximum(srgb, np.float32(0.04045)) + np.float32(0.055)) / np.float32(1.055), np.float32(2.4))
    line: F32 = np.where(srgb <= 0.04045, srgb / np.float32(12.92), high).astype(np.float32)
    return line


def _index(linear: F32) -> U16:
    index: U16 = (np.clip(linear, 0.0, 1.0) * np.float32(_STEPS) + np.float32(0.5)).astype(np.uint16)
    return index


@cache
def _decode_table(top: int) -> F32:
    return decode((np.arange(top + 1, dtype=np.float64) / top).astype(np.float32))


@cache
def _encode_table() -> U8:
    table: U8 = np.rint(encode(np.arange(_STEPS + 1, dtype=np.float32) / np.float32(_STEPS)) * 255).astype(np.uint8)
    return table
