"""Small picture files made on the spot: good ones, odd ones and broken ones."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from studio.domain.arrays import U8, U16


def gradient(width: int = 48, height: int = 32) -> U8:
    """A picture in which every corner differs, so that a wrong turn shows."""
    y, x = np.mgrid[0:height, 0:width]
    return np.dstack([x * 255 // width, y * 255 // height, (x + 2 * y) % 256]).astype(np.uint8)


def gradient16(width: int = 48, height: int = 32) -> U16:
    y, x = np.mgrid[0:height, 0:width]
    return np.dstack([x * 1301 % 65536, y * 1999 % 65536, (x * 997 + y * 313) % 65536]).astype(np.uint16)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]  # Pillow's options are per format
    return path


def png_header_only(width: int, height: int) -> bytes:
    """A PNG that claims a size and carries no pixels: what a decompression bomb looks like from outside."""
    return png([(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", b"")])


def png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    coded = b"".join(
        struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + coded


def png16(pixels: U16, extra: list[tuple[bytes, bytes]] | None = None) -> bytes:
    """A 16-bit PNG written by hand, so that no library proves itself right."""
    kinds = {1: 0, 2: 4, 3: 2, 4: 6}
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">LLBBBBB", width, height, 16, kinds[channels], 0, 0, 0)
    return png([(b"IHDR", header), *(extra or []), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])


def exif(orientation: int, **tags: str) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010F] = tags.get("make", "Camera maker")
    block.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    return block.tobytes()


def jpeg(pixels: U8, **options: object) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "JPEG", quality=95, **options)  # type: ignore[arg-type]
    return sink.getvalue()


def matrix_profile(columns: tuple[tuple[float, float, float], ...], gamma: float) -> bytes:
    """An ICC v2 display profile of three primaries (D50 XYZ columns) and one gamma."""

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \x00\x00\x00\x00" + struct.pack(">3l", *(round(value * 65536) for value in values))

    curve = b"curv\x00\x00\x00\x00" + struct.pack(">LH", 1, round(gamma * 256)) + b"\x00\x00"
    name = b"test profile\x00"
    desc = b"desc\x00\x00\x00\x00" + struct.pack(">L", len(name)) + name + bytes(78)
    desc += bytes(-len(desc) % 4)
    tags = [
        (b"desc", desc),
        (b"wtpt", xyz((0.9642, 1.0, 0.8249))),
        (b"cprt", b"text\x00\x00\x00\x00none\x00\x00\x00\x00"),
    ]
    tags += [(name, xyz(column)) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, body, offset = struct.pack(">L", len(tags)), b"", 132 + 12 * len(tags)
    for tag, data in tags:
        table += struct.pack(">4sLL", tag, offset + len(body), len(data))
        body += data
    header = struct.pack(
        ">L4sL4s4s4s", 132 + 12 * len(tags) + len(body) - 4 + 0, b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ "
    )
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += struct.pack(">3l", 63190, 65536, 54061) + b"lcms" + bytes(44)
    profile = header + table + body
    return struct.pack(">L", len(profile)) + profile[4:]


# Adobe RGB (1998) and a very wide space, D50-adapted primaries.
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))


def adobe_rgb() -> bytes:
    return matrix_profile(ADOBE, 2.19921875)
