"""Layered delivery files: OpenRaster (a zip of PNGs) and Photoshop PSD (8-bit RGB, run-length coded).

Sources: OpenRaster 0.0.5 (freedesktop.org); Adobe Photoshop File Formats Specification.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

import numpy as np
from PIL import Image

from studio.domain.arrays import U8, AnyArray
from studio.domain.errors import CompositingError
from studio.media.colour import srgb_profile
from studio.media.safe_io import write_atomic

_PSD_SIDE = 30000
_THUMBNAIL = 256
_ROWS_PER_STRIP = 278  # TIFF tag


class LayerFile(StrEnum):
    """Layered file formats."""

    ORA = "ora"
    PSD = "psd"


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer, straight alpha. pixels: uint8 `(h, w, 4)`; x, y: where its top left pixel lies."""

    name: str
    pixels: U8
    x: int = 0
    y: int = 0
    opacity: float = 1.0


def write_layers(path: Path, kind: LayerFile, size: tuple[int, int], layers: Sequence[Layer], merged: U8) -> None:
    """Write layers, from back to front, and the merged picture.

    Args:
        size: (width, height) of the picture.
        merged: uint8 `(H, W, 3)` or `(H, W, 4)`.

    Raises:
        CompositingError: larger than the format can be.
        StorageError: the folder refuses.
    """
    if kind is LayerFile.PSD:
        if max(size) > _PSD_SIDE:
            raise CompositingError("export.psd_size", size=f"{size[0]} x {size[1]}", most=str(_PSD_SIDE))
        write_atomic(path, lambda stream: _write_psd(stream, size, layers, merged))
    else:
        write_atomic(path, lambda stream: _write_ora(stream, size, layers, merged))


def _write_ora(stream: BinaryIO, size: tuple[int, int], layers: Sequence[Layer], merged: U8) -> None:
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        _store(archive, "mimetype", b"image/openraster")  # first and uncompressed, so that programs can sniff it
        entries = []
        for index, layer in reversed(list(enumerate(layers))):
            source = f"data/layer{index:03d}.png"
            entries.append(
                f'<layer name={quoteattr(layer.name)} src="{source}" x="{layer.x}" y="{layer.y}" '
                f'opacity="{layer.opacity:.4f}" visibility="visible" composite-op="svg:src-over"/>'
            )
            _store(archive, source, _png(layer.pixels))
        stack = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<image version="0.0.5" w="{size[0]}" h="{size[1]}" xres="300" yres="300"><stack>'
            + "".join(entries)
            + "</stack></image>\n"
        )
        _store(archive, "stack.xml", stack.encode("utf-8"))
        _store(archive, "mergedimage.png", _png(merged))
        small = Image.fromarray(merged)
        small.thumbnail((_THUMBNAIL, _THUMBNAIL))
        _store(archive, "Thumbnails/thumbnail.png", _png(np.asarray(small)))


def _store(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    # A fixed date: the same scene gives the same bytes.
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)


def _png(pixels: U8) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=4, icc_profile=srgb_profile())
    return buffer.getvalue()


def _write_psd(stream: BinaryIO, size: tuple[int, int], layers: Sequence[Layer], merged: U8) -> None:
    channels = merged.shape[2]
    stream.write(b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, size[1], size[0], 8, 3))
    stream.write(struct.pack(">I", 0))  # no colour table
    resources = _resource(0x040F, srgb_profile()) + _resource(
        0x03ED, struct.pack(">iHHiHH", 300 << 16, 1, 1, 300 << 16, 1, 1)
    )
    stream.write(struct.pack(">I", len(resources)) + resources)
    info = _layer_info(layers, transparent=channels == 4)
    stream.write(struct.pack(">I", len(info) + 8) + struct.pack(">I", len(info)) + info + struct.pack(">I", 0))
    planes = [_pack_plane(merged[..., channel]) for channel in range(channels)]
    stream.write(struct.pack(">H", 1))
    for counts, _ in planes:
        stream.write(counts)
    for _, data in planes:
        stream.write(data)


def _resource(number: int, data: bytes) -> bytes:
    padded = data + b"\0" * (len(data) % 2)
    return b"8BIM" + struct.pack(">H2xI", number, len(data)) + padded


def _layer_info(layers: Sequence[Layer], *, transparent: bool) -> bytes:
    records, bodies = [], []
    for layer in layers:
        record, body = _layer_record(layer)
        records.append(record)
        bodies.append(body)
    # A negative count says that the merged picture's fourth channel is its transparency.
    count = -len(layers) if transparent else len(layers)
    info = struct.pack(">h", count) + b"".join(records) + b"".join(bodies)
    return info + b"\0" * (-len(info) % 4)


def _layer_record(layer: Layer) -> tuple[bytes, bytes]:
    height, width = layer.pixels.shape[:2]
    lengths, body = b"", b""
    for channel_id, plane in ((0, 0), (1, 1), (2, 2), (-1, 3)):
        counts, data = _pack_plane(layer.pixels[..., plane])
        data += b"\0" * (len(data) % 2)  # some readers expect every channel at an even offset, none minds
        lengths += struct.pack(">hI", channel_id, 2 + len(counts) + len(data))
        body += struct.pack(">H", 1) + counts + data
    plain = layer.name.encode("ascii", "replace")[:255]
    name = bytes([len(plain)]) + plain
    name += b"\0" * (-len(name) % 4)
    wide = layer.name.encode("utf-16-be")
    unicode_name = struct.pack(">I", len(wide) // 2) + wide
    unicode_name += b"\0" * (-len(unicode_name) % 4)
    extra = struct.pack(">II", 0, 0) + name + b"8BIMluni" + struct.pack(">I", len(unicode_name)) + unicode_name
    record = struct.pack(">iiii", layer.y, layer.x, layer.y + height, layer.x + width)
    record += struct.pack(">H", 4) + lengths
    record += b"8BIMnorm" + bytes([round(layer.opacity * 255), 0, 0, 0])
    return record + struct.pack(">I", len(extra)) + extra, body


def _pack_plane(plane: AnyArray) -> tuple[bytes, bytes]:
    """Return PackBits row lengths (16 bit each) and rows.

    TIFF codes strips in the very same PackBits, so Pillow's TIFF writer with one row a strip does the work in C.
    """
    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(plane))
    image.save(buffer, format="TIFF", compression="packbits", tiffinfo={_ROWS_PER_STRIP: 1})
    data = buffer.getvalue()
    with Image.open(io.BytesIO(data)) as written:
        tags = written.tag_v2  # type: ignore[attr-defined]  # TIFF only
        offsets, lengths = tags[273], tags[279]
    rows = b"".join(data[offset : offset + length] for offset, length in zip(offsets, lengths, strict=True))
    return struct.pack(f">{len(lengths)}H", *lengths), rows
