"""The only door by which photos come in: format allow-list, limits from the header, orientation and colour once.

Files are hostile until decoded. What is wrong with one is told as a `PhotoError` that names it.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from studio.domain.arrays import U8, U16, AnyArray
from studio.domain.artefacts import Photo, PhotoInfo, to_8_bit
from studio.domain.errors import PhotoError
from studio.domain.keys import Note
from studio.media import colour
from studio.media.exif import exif_of, read_orientation, reset_orientation, swaps_sides, turn_upright
from studio.media.pixels import flatten
from studio.media.sniff import FORMATS, HEIF_FORMATS, register_heif, sniff_format

# Pillow's own limit is a warning first, and global; ours is checked in `_check_size` before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None
# Pillow reads on past damaged EXIF and says so on the terminal, where no operator looks.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a photo may be; checked from the file's size and header, before decoding."""

    max_bytes: int = 1 << 30
    max_pixels: int = 300_000_000
    min_side: int = 16


DEFAULT_LIMITS = Limits()

_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_PLANAR, _TIFF_EXTRA, _TIFF_SAMPLE = 258, 262, 284, 338, 339
_WHITE_IS_ZERO, _SEPARATE_PLANES, _PREMULTIPLIED, _UNSIGNED = 0, 2, 1, 1
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N", "I"})
_TRANSPARENT_MODES = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})


def probe(path: Path, limits: Limits = DEFAULT_LIMITS) -> PhotoInfo:
    """Return what the file's header says, without decoding it.

    Raises:
        PhotoError: it cannot be read, is no photo, or is outside the limits.
    """
    with _readable(path), path.open("rb") as stream:
        _check_bytes(path, path.stat().st_size, limits)
        with _parsing(path), _opened(path, stream) as image:
            return _inspect(path, image, path.stat().st_size, limits)


def open_photo(path: Path, limits: Limits = DEFAULT_LIMITS) -> Photo:
    """Decode a photo: upright, sRGB, 8 or 16 bit as the file has it.

    Raises:
        PhotoError: it cannot be read, is no photo, is damaged, or is outside the limits.
    """
    return read_photo(path, limits)[0]


def read_photo(path: Path, limits: Limits = DEFAULT_LIMITS) -> tuple[Photo, PhotoInfo]:
    """Decode a photo and say what was noticed on the way (`PhotoInfo.notes`).

    The file is read once, whole: checks, checksum and pixels are all of the same bytes.

    Raises:
        PhotoError: as for `open_photo`.
    """
    data = _read(path, limits)
    with _parsing(path), _opened(path, io.BytesIO(data)) as image:
        info = _inspect(path, image, len(data), limits)
        pixels, icc = _decode(path, data, image, info)
        exif = exif_of(image)  # after decoding: a PNG may carry its EXIF behind the pixels
    upright = turn_upright(pixels, read_orientation(exif))
    digest = hashlib.sha256(data).hexdigest()
    photo = Photo(cast("U8 | U16", upright), digest, path.name, reset_orientation(exif), icc)
    return photo, info


def open_reduced(path: Path, side: int, limits: Limits = DEFAULT_LIMITS) -> U8:
    """Decode a photo no larger than its longer side being `side`: for lists and contact sheets.

    A JPEG is decoded at a fraction of its size right away, which is many times faster than decoding all of it.

    Returns:
        uint8 `(h, w, 3)`, sRGB, upright.

    Raises:
        PhotoError: as for `open_photo`.
    """
    data = _read(path, limits)
    with _parsing(path), _opened(path, io.BytesIO(data)) as image:
        info = _inspect(path, image, len(data), limits)
        if image.mode in ("RGB", "L"):
            image.draft(image.mode, (2 * side, 2 * side))  # twice the size, so that the last step can filter
        pixels, _ = _decode(path, data, image, info)
        orientation = read_orientation(exif_of(image))
    small = Image.fromarray(to_8_bit(cast("U8 | U16", pixels)))
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return cast(U8, turn_upright(np.asarray(small), orientation))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what the file system says into sentences about the photo."""
    try:
        yield
    except FileNotFoundError as error:
        raise PhotoError("photo.gone", file=str(path)) from error
    except IsADirectoryError as error:
        raise PhotoError("photo.is_folder", file=str(path)) from error
    except PermissionError as error:
        raise PhotoError("photo.no_access", file=str(path)) from error
    except OSError as error:
        raise PhotoError("photo.unreadable", file=str(path), reason=error.strerror or str(error)) from error


@contextmanager
def _parsing(path: Path) -> Iterator[None]:
    """Turn what decoders raise on broken data into sentences about the photo."""
    try:
        yield
    except (OSError, EOFError) as error:
        if "truncated" in str(error) or isinstance(error, EOFError) or "incomplete" in str(error):
            raise PhotoError("photo.truncated", file=str(path)) from error
        raise PhotoError("photo.damaged", file=str(path), reason=str(error)) from error
    except (SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error, OverflowError) as error:
        raise PhotoError("photo.damaged", file=str(path), reason=str(error)) from error
    except MemoryError as error:
        raise PhotoError("photo.memory", file=str(path)) from error


@contextmanager
def _opened(path: Path, stream: BinaryIO) -> Iterator[ImageFile.ImageFile]:
    """Open by the allow-list; only decoders of the format that the first bytes name are tried."""
    found = sniff_format(stream.read(64))
    stream.seek(0)
    if found is None:
        raise PhotoError("photo.not_image", file=str(path))
    if found in HEIF_FORMATS and not register_heif():
        raise PhotoError("photo.heic_missing", file=str(path))
    if found not in FORMATS:
        raise PhotoError("photo.format", file=str(path), format=found)
    try:
        image = Image.open(stream, formats=FORMATS[found])
    except UnidentifiedImageError as error:
        raise PhotoError("photo.truncated", file=str(path)) from error
    with image:
        yield image


def _read(path: Path, limits: Limits) -> bytes:
    with _readable(path):
        _check_bytes(path, path.stat().st_size, limits)
        return path.read_bytes()


def _check_bytes(path: Path, size: int, limits: Limits) -> None:
    if path.is_dir():
        raise PhotoError("photo.is_folder", file=str(path))
    if size == 0:
        raise PhotoError("photo.empty", file=str(path))
    if size > limits.max_bytes:
        mb, most = f"{size / 1e6:.0f}", f"{limits.max_bytes / 1e6:.0f}"
        raise PhotoError("photo.too_many_bytes", file=str(path), mb=mb, most_mb=most)


def _check_size(path: Path, size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    seen = {"file": str(path), "width": str(width), "height": str(height)}
    if width * height > limits.max_pixels:
        raise PhotoError("photo.too_many_pixels", **seen, most_mp=f"{limits.max_pixels / 1e6:.0f}")
    if min(size) < limits.min_side:
        raise PhotoError("photo.too_small", **seen, least=str(limits.min_side))


def _inspect(path: Path, image: ImageFile.ImageFile, size_bytes: int, limits: Limits) -> PhotoInfo:
    _check_size(path, image.size, limits)
    turned = swaps_sides(read_orientation(exif_of(image)))
    size = (image.height, image.width) if turned else image.size
    depth = _bit_depth(path, image)
    # A multi-picture JPEG is what phones write: its other pictures are previews, not frames.
    frames = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
    notes = _notes(path, image, depth, frames)
    return PhotoInfo(path.name, size, str(image.format), depth, image.mode, size_bytes, notes)


def _notes(path: Path, image: ImageFile.ImageFile, depth: int, frames: int) -> tuple[Note, ...]:
    profile = image.info.get("icc_profile") or b""
    notes = []
    if frames > 1:
        notes.append(Note("photo.note.first_of_many", {"file": str(path), "count": str(frames)}))
    if _is_transparent(image):
        notes.append(Note("photo.note.flattened", {"file": str(path)}))
    if image.mode == "CMYK" and not profile:
        notes.append(Note("photo.note.cmyk_without_profile", {"file": str(path)}))
    if profile and not _fits(profile, image):
        notes.append(Note("photo.note.icc_broken", {"file": str(path)}))
    elif profile and depth == 16 and _needs_tables(profile):
        notes.append(Note("photo.note.icc_8bit", {"file": str(path)}))
    return tuple(notes)


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in _TRANSPARENT_MODES or "transparency" in image.info


def _meeting_mode(image: Image.Image, profile: bytes) -> str:
    """The 8-bit mode in which a profile meets the pixels; a grey picture may carry an RGB profile."""
    if image.mode in ("CMYK", "LAB"):
        return image.mode
    return "L" if profile[16:20] == b"GRAY" and image.mode in _GREY_MODES else "RGB"


def _fits(profile: bytes, image: Image.Image) -> bool:
    try:
        colour.convert(Image.new(_meeting_mode(image, profile), (1, 1)), profile)
    except colour.ProfileError:
        return False
    return True


def _needs_tables(profile: bytes) -> bool:
    try:
        return colour.read_matrix_profile(profile) is None and not colour.is_srgb(profile)
    except colour.ProfileError:
        return False


def _bit_depth(path: Path, image: ImageFile.ImageFile) -> int:
    if image.format == "PNG":
        stream = cast(BinaryIO, image.fp)
        place = stream.tell()
        stream.seek(24)  # the bit depth in IHDR, which is always the first chunk
        depth = stream.read(1)[0]
        stream.seek(place)
        return 16 if depth == 16 else 8
    if image.format != "TIFF":
        return 8
    bits = max(_tag(image, _TIFF_BITS, (1,)))
    if bits > 16 or max(_tag(image, _TIFF_SAMPLE, (_UNSIGNED,))) != _UNSIGNED:
        raise PhotoError("photo.depth", file=str(path), bits=str(bits))
    if bits == 16 and _tag(image, _TIFF_PLANAR, (1,))[0] == _SEPARATE_PLANES:
        raise PhotoError("photo.planar", file=str(path))
    return 16 if bits > 8 else 8


def _tag(image: Image.Image, tag: int, default: tuple[int, ...]) -> tuple[int, ...]:
    value = getattr(image, "tag_v2", {}).get(tag, default)
    return value if isinstance(value, tuple) else (int(value),)


def _decode(path: Path, data: bytes, image: ImageFile.ImageFile, info: PhotoInfo) -> tuple[AnyArray, bytes]:
    """Return sRGB pixels as stored (not yet upright) and the profile that describes them."""
    profile = image.info.get("icc_profile") or b""
    if any(note.key == "photo.note.icc_broken" for note in info.notes):
        profile = b""
    if info.bit_depth == 16:
        return _to_srgb16(_decode16(path, data, image), profile)
    image.load()
    return _to_srgb8(image, profile)


def _to_srgb8(picture: Image.Image, profile: bytes) -> tuple[AnyArray, bytes]:
    image, alpha, meeting = picture, None, _meeting_mode(picture, profile)
    if _is_transparent(picture):
        rgba = picture.convert("RGBA")
        alpha, image = np.asarray(rgba)[..., 3], rgba.convert("RGB")
    image = image if image.mode == meeting else image.convert(meeting)
    if profile and (meeting != "RGB" or not colour.is_srgb(profile)):
        image, profile = colour.convert(image, profile), colour.srgb_profile()
    pixels = np.array(image if image.mode == "RGB" else image.convert("RGB"))
    return (pixels if alpha is None else flatten(pixels, alpha)), profile


def _decode16(path: Path, data: bytes, image: ImageFile.ImageFile) -> U16:
    """Return uint16 `(H, W)` or `(H, W, 3)`, flattened on white. Pillow knows no 16-bit RGB; OpenCV does."""
    import cv2

    cv2.utils.logging.setLogLevel(
        cv2.utils.logging.LOG_LEVEL_SILENT
    )  # its warnings on broken files go to the terminal; ours go to the operator
    try:
        raw = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise PhotoError("photo.damaged", file=str(path), reason=str(error)) from error
    if raw is None:
        raise PhotoError("photo.truncated", file=str(path))
    if raw.dtype != np.uint16 or raw.shape[:2] != (image.height, image.width):
        raise PhotoError("photo.damaged", file=str(path), reason=f"{raw.dtype}{raw.shape}")
    if _tag(image, _TIFF_PHOTOMETRIC, (1,))[0] == _WHITE_IS_ZERO:
        raw = 65535 - raw
    if raw.ndim == 2:
        return cast(U16, raw)
    if raw.shape[2] == 3:
        return cast(U16, raw[..., ::-1])
    bgr, alpha = raw[..., 2::-1], raw[..., 3]
    if _tag(image, _TIFF_EXTRA, (0,))[0] == _PREMULTIPLIED:
        return cast(U16, np.minimum(bgr.astype(np.uint32) + (65535 - alpha[..., None]), 65535).astype(np.uint16))
    return cast(U16, flatten(bgr, alpha))


def _to_srgb16(pixels: U16, profile: bytes) -> tuple[AnyArray, bytes]:
    matrix = colour.read_matrix_profile(profile) if profile else None
    if pixels.ndim == 2 and profile[16:20] == b"GRAY":
        return (_grey16(pixels), b"") if matrix is None else (colour.convert16(pixels, matrix), colour.srgb_profile())
    rgb = _grey16(pixels) if pixels.ndim == 2 else pixels
    if not profile or colour.is_srgb(profile):
        return rgb, profile
    if matrix is not None:
        return colour.convert16(rgb, matrix), colour.srgb_profile()
    turned = np.asarray(colour.convert(Image.fromarray(to_8_bit(rgb)), profile)).astype(np.uint16) * np.uint16(257)
    return turned, colour.srgb_profile()


def _grey16(pixels: U16) -> U16:
    return cast(U16, np.repeat(pixels[..., None], 3, axis=2))
