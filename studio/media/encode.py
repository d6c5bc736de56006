"""Photos and looks out: JPEG, PNG, TIFF, WebP; 8 and 16 bit; EXIF and ICC kept; whole files or none."""

from __future__ import annotations

import io
import logging
import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import cast

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin

from studio.domain.arrays import U16, AnyArray
from studio.domain.artefacts import to_8_bit
from studio.domain.errors import PhotoError
from studio.media.exif import DESCRIPTIVE_TAGS, DIRECTORIES, PREFIX, reset_orientation
from studio.media.pixels import flatten
from studio.media.safe_io import write_atomic

log = logging.getLogger(__name__)


class ImageFormat(StrEnum):
    """What can be written."""

    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"
    WEBP = "webp"


class Subsampling(StrEnum):
    """How much colour detail a JPEG keeps; 4:4:4 keeps all, as garments with fine colour patterns need."""

    FULL = "4:4:4"
    HALF = "4:2:2"
    QUARTER = "4:2:0"


SUFFIXES = {
    ".jpg": ImageFormat.JPEG,
    ".jpeg": ImageFormat.JPEG,
    ".png": ImageFormat.PNG,
    ".tif": ImageFormat.TIFF,
    ".tiff": ImageFormat.TIFF,
    ".webp": ImageFormat.WEBP,
}
_HOLDS_ALPHA = frozenset({ImageFormat.PNG, ImageFormat.TIFF, ImageFormat.WEBP})
_HOLDS_16_BIT = frozenset({ImageFormat.PNG, ImageFormat.TIFF})
_LOSSY = frozenset({ImageFormat.JPEG, ImageFormat.WEBP})

_JPEG_SEGMENT = 65533
"""The most bytes that one JPEG segment holds; EXIF has only one."""

_LOWEST_QUALITY = 40
"""A size limit never buys worse pictures than this: below it blocks show at arm's length."""

_STRIP_BYTES = 1 << 18
_DEFLATE_LEVEL = 4
"""Of zlib: from here on files shrink by a few per cent while writing takes twice as long."""

_INTEROP = 0xA005


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """How a picture is written.

    quality: 1..100, JPEG and WebP. lossless: WebP only. max_side: the longer side is brought down to this; 0 = native.
    max_bytes: JPEG and WebP lower their quality until the file fits; 0 = no limit. bit_depth: 8 or 16; 0 = as the
    pixels are.
    """

    format: ImageFormat = ImageFormat.JPEG
    quality: int = 95
    subsampling: Subsampling = Subsampling.FULL
    lossless: bool = False
    max_side: int = 0
    max_bytes: int = 0
    bit_depth: int = 0


def format_of(path: Path) -> ImageFormat:
    """Return the format that a file name's ending asks for.

    Raises:
        PhotoError: no format ends like this.
    """
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise PhotoError("export.format", file=str(path), known=", ".join(sorted(SUFFIXES)))
    return found


def write_image(
    path: Path, pixels: AnyArray, options: EncodeOptions | None = None, *, exif: bytes = b"", icc: bytes = b""
) -> None:
    """Write a picture whole or not at all; without options the file name's ending decides.

    Args:
        pixels: sRGB, uint8 or uint16, `(H, W, 3)`, or `(H, W, 4)` with straight alpha.
        exif, icc: as in `Photo`; the orientation is written as upright.

    Raises:
        PhotoError: the format cannot be written, or the size limit cannot be met.
        StorageError: the folder refuses.
    """
    chosen = options or EncodeOptions(format_of(path))
    try:
        data = encode_image(pixels, chosen, exif=exif, icc=icc)
    except PhotoError as error:
        raise PhotoError(error.key, **{**error.values, "file": str(path)}) from error
    write_atomic(path, data)


def encode_image(pixels: AnyArray, options: EncodeOptions, *, exif: bytes = b"", icc: bytes = b"") -> bytes:
    """Return the bytes of a picture file; see `write_image`.

    Raises:
        PhotoError: the size limit cannot be met.
    """
    shaped = _shape(pixels, options)
    upright = reset_orientation(exif)
    if options.format in _LOSSY and options.max_bytes and not options.lossless:
        return _fit_bytes(shaped, options, upright, icc)
    return _encode(shaped, options, options.quality, upright, icc)


def _encode(pixels: AnyArray, options: EncodeOptions, quality: int, exif: bytes, icc: bytes) -> bytes:
    if options.format is ImageFormat.TIFF:
        return _encode_tiff(pixels, exif, icc)
    if pixels.dtype == np.uint16:
        return _encode_png16(cast(U16, pixels), exif, icc)
    image, sink = Image.fromarray(pixels), io.BytesIO()
    if options.format is ImageFormat.JPEG:
        return _encode_jpeg(image, options, quality, exif, icc)
    if options.format is ImageFormat.WEBP:
        image.save(sink, "WEBP", quality=quality, lossless=options.lossless, exact=True, exif=exif, icc_profile=icc)
    else:
        extra = {"exif": exif} if exif else {}
        image.save(sink, "PNG", compress_level=_DEFLATE_LEVEL, icc_profile=icc, **extra)
    return sink.getvalue()


def _encode_jpeg(image: Image.Image, options: EncodeOptions, quality: int, exif: bytes, icc: bytes) -> bytes:
    if len(exif) > _JPEG_SEGMENT:
        log.warning("EXIF of %d bytes does not fit into a JPEG and is left out", len(exif))
        exif = b""
    for optimize in (True, False):
        sink = io.BytesIO()
        try:
            image.save(
                sink,
                "JPEG",
                quality=quality,
                subsampling=options.subsampling.value,
                optimize=optimize,
                exif=exif,
                icc_profile=icc,
            )
        except OSError:
            if not optimize:
                raise
            continue  # Pillow's buffer for optimised tables is too small for noise in 4:4:4; without them it is not
        break
    return sink.getvalue()


def _fit_bytes(pixels: AnyArray, options: EncodeOptions, exif: bytes, icc: bytes) -> bytes:
    """Return the best quality that fits, by bisection."""
    best = _encode(pixels, options, options.quality, exif, icc)
    if len(best) <= options.max_bytes:
        return best
    low, high = _LOWEST_QUALITY, options.quality - 1
    best = b""
    while low <= high:
        quality = (low + high) // 2
        data = _encode(pixels, options, quality, exif, icc)
        if len(data) <= options.max_bytes:
            best, low = data, quality + 1
        else:
            high = quality - 1
    if not best:
        raise PhotoError("export.too_big", file="", most_kb=f"{options.max_bytes / 1e3:.0f}")
    return best


def _shape(pixels: AnyArray, options: EncodeOptions) -> AnyArray:
    """Bring pixels to the size, channels and depth that will be written."""
    if pixels.shape[2] == 4 and options.format not in _HOLDS_ALPHA:
        pixels = flatten(pixels[..., :3], pixels[..., 3])
    if options.max_side and max(pixels.shape[:2]) > options.max_side:
        pixels = _shrink(pixels, options.max_side)
    wanted = options.bit_depth or (16 if pixels.dtype == np.uint16 else 8)
    if wanted == 8 or options.format not in _HOLDS_16_BIT:
        return to_8_bit(pixels)
    return pixels if pixels.dtype == np.uint16 else pixels.astype(np.uint16) * np.uint16(257)


def _shrink(pixels: AnyArray, side: int) -> AnyArray:
    import cv2

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if pixels.dtype == np.uint8:  # Pillow premultiplies by itself
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    if pixels.shape[2] == 3:
        return cast(AnyArray, cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    alpha = pixels[..., 3:].astype(np.float32) / 65535
    weighted = cv2.resize(np.dstack([pixels[..., :3] * alpha, alpha]), size, interpolation=cv2.INTER_AREA)
    colours = np.minimum(weighted[..., :3] / np.maximum(weighted[..., 3:], 1e-6), 65535)
    small: U16 = np.rint(np.dstack([colours, weighted[..., 3:] * 65535])).astype(np.uint16)
    return small


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))


def _encode_png16(pixels: U16, exif: bytes, icc: bytes) -> bytes:
    """OpenCV writes 16-bit PNGs; colour profile and EXIF are put in behind its first chunk."""
    import cv2

    order = [2, 1, 0, 3][: pixels.shape[2]]
    _, coded = cv2.imencode(".png", np.ascontiguousarray(pixels[..., order]), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    data = coded.tobytes()
    header_end = 8 + 25  # signature, then IHDR: length, name, 13 bytes, checksum
    chunks = b""
    if icc:
        chunks += _png_chunk(b"iCCP", b"ICC Profile\x00\x00" + zlib.compress(icc))
    if exif:
        chunks += _png_chunk(b"eXIf", exif.removeprefix(PREFIX))
    return data[:header_end] + chunks + data[header_end:]


def _encode_tiff(pixels: AnyArray, exif: bytes, icc: bytes) -> bytes:
    """Pillow cannot write 16-bit RGB: strips are deflated here (TIFF 6.0 section 14, predictor 2), 8 bit alike."""
    height, width, channels = pixels.shape
    rows = max(1, _STRIP_BYTES // (width * channels * pixels.itemsize))
    strips = [_deflate(pixels[top : top + rows]) for top in range(0, height, rows)]
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    _describe(directory, exif, icc)
    offsets = np.cumsum([0] + [len(strip) for strip in strips[:-1]]).tolist()
    directory[TiffImagePlugin.IMAGEWIDTH] = width
    directory[TiffImagePlugin.IMAGELENGTH] = height
    directory[TiffImagePlugin.BITSPERSAMPLE] = (pixels.itemsize * 8,) * channels
    directory[TiffImagePlugin.COMPRESSION] = 8  # deflate
    directory[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 2  # RGB
    directory[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    directory[TiffImagePlugin.ROWSPERSTRIP] = rows
    directory[TiffImagePlugin.STRIPOFFSETS] = tuple(offsets)
    directory[TiffImagePlugin.STRIPBYTECOUNTS] = tuple(len(strip) for strip in strips)
    directory[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    directory[TiffImagePlugin.PREDICTOR] = 2  # differences along the row
    if channels == 4:
        directory[TiffImagePlugin.EXTRASAMPLES] = 2  # straight alpha
    return b"II*\x00\x08\x00\x00\x00" + directory.tobytes(8) + b"".join(strips)


def _deflate(strip: AnyArray) -> bytes:
    differences = strip.copy()
    differences[:, 1:] -= strip[:, :-1]  # wraps around, as the format asks
    return zlib.compress(differences.astype(differences.dtype.newbyteorder("<")).tobytes(), _DEFLATE_LEVEL)


def _describe(directory: TiffImagePlugin.ImageFileDirectory_v2, exif: bytes, icc: bytes) -> None:
    """Put the EXIF block's descriptive tags and directories, and the colour profile, into a TIFF directory."""
    if exif:
        block = Image.Exif()
        block.load(exif)
        for tag in DESCRIPTIVE_TAGS:
            if tag in block:
                directory[tag] = block[tag]
        for place in DIRECTORIES:
            rows = {tag: value for tag, value in block.get_ifd(place).items() if tag != _INTEROP}
            if rows:
                directory[place] = rows
                directory.tagtype[place] = 4  # LONG: Pillow then writes the mapping as a directory of its own
        directory[ExifTags.Base.Orientation] = 1
    if icc:
        directory[TiffImagePlugin.ICCPROFILE] = icc
        directory.tagtype[TiffImagePlugin.ICCPROFILE] = 7  # UNDEFINED
