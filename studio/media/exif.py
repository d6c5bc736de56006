"""EXIF blocks as bytes: orientation read and reset in place, so that everything else stays as the camera wrote it."""

from __future__ import annotations

import struct

import numpy as np
from PIL import ExifTags, Image

from studio.domain.arrays import AnyArray

PREFIX = b"Exif\x00\x00"
"""What a JPEG puts before the TIFF block; our EXIF bytes always carry it."""

_ORIENTATION = 0x0112
_SHORT = 3
_ENTRY_BYTES = 12

# Of a TIFF file's own directory only what describes the photograph is EXIF; the rest describes the file.
DESCRIPTIVE_TAGS = (
    ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software,
    ExifTags.Base.DateTime, ExifTags.Base.Artist, ExifTags.Base.Copyright,
)  # fmt: skip
DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)


def exif_of(image: Image.Image) -> bytes:
    """Return a picture's EXIF block with the JPEG prefix; empty where it has none."""
    if image.format == "TIFF":
        return _exif_of_tiff(image)
    block = image.info.get("exif", b"")
    if not isinstance(block, bytes) or not block:
        return b""
    block = block.removeprefix(PREFIX)
    return PREFIX + block if block[:4] in (b"II*\x00", b"MM\x00*") else b""


def _exif_of_tiff(image: Image.Image) -> bytes:
    whole, kept = image.getexif(), Image.Exif()
    for tag in DESCRIPTIVE_TAGS:
        if tag in whole:
            kept[tag] = whole[tag]
    for directory in DIRECTORIES:
        rows = whole.get_ifd(directory)
        if rows:
            kept.get_ifd(directory).update(rows)
    return bytes(kept.tobytes()) if len(kept) or any(kept.get_ifd(each) for each in DIRECTORIES) else b""


def _orientation_at(block: bytes) -> tuple[str, int] | None:
    """Return (byte order, offset of the value) of the orientation entry, counted from the block's start."""
    start = len(PREFIX)
    if len(block) < start + 8 or block[start : start + 2] not in (b"II", b"MM"):
        return None
    order = "<" if block[start : start + 2] == b"II" else ">"
    directory = start + int(struct.unpack_from(f"{order}L", block, start + 4)[0])
    if directory + 2 > len(block):
        return None
    count = int(struct.unpack_from(f"{order}H", block, directory)[0])
    for entry in range(directory + 2, directory + 2 + count * _ENTRY_BYTES, _ENTRY_BYTES):
        if entry + _ENTRY_BYTES > len(block):
            return None
        tag, kind = struct.unpack_from(f"{order}HH", block, entry)
        if tag == _ORIENTATION and kind == _SHORT:
            return order, entry + 8
    return None


def read_orientation(block: bytes) -> int:
    """Return the EXIF orientation, 1..8; 1 (upright) where there is none or nonsense."""
    place = _orientation_at(block)
    if place is None:
        return 1
    value = int(struct.unpack_from(f"{place[0]}H", block, place[1])[0])
    return value if 1 <= value <= 8 else 1


def reset_orientation(block: bytes) -> bytes:
    """Return the block saying "upright"; every other byte is kept."""
    place = _orientation_at(block)
    if place is None:
        return block
    order, offset = place
    return block[:offset] + struct.pack(f"{order}H", 1) + block[offset + 2 :]


def swaps_sides(orientation: int) -> bool:
    """Say whether the upright picture's width is the stored one's height."""
    return orientation >= 5


def turn_upright(pixels: AnyArray, orientation: int) -> AnyArray:
    """Return the pixels as seen by a person: the one place where orientation is applied."""
    if orientation in (5, 6, 7, 8):
        pixels = np.swapaxes(pixels, 0, 1)  # 5 is a plain transpose; 6, 7, 8 flip what comes out of it
    if orientation in (2, 6, 3, 7):
        pixels = pixels[:, ::-1]
    if orientation in (4, 8, 3, 7):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
