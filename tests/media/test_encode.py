"""What is written can be read back, with everything that was to be kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.domain.errors import PhotoError
from studio.media import colour
from studio.media.decode import open_photo, probe
from studio.media.encode import EncodeOptions, ImageFormat, Subsampling, encode_image, format_of, write_image
from studio.media.exif import read_orientation
from tests.media import pictures


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("pixels", [pictures.gradient(), pictures.gradient16()], ids=["8bit", "16bit"])
def test_lossless_round_trip_with_exif_and_profile(tmp_path: Path, name: str, pixels: np.ndarray) -> None:
    path = tmp_path / name
    write_image(path, pixels, exif=pictures.exif(6), icc=colour.srgb_profile())
    photo = open_photo(path)
    assert photo.pixels.dtype == pixels.dtype
    assert np.array_equal(photo.pixels, pixels)
    assert photo.icc == colour.srgb_profile()
    assert read_orientation(photo.exif) == 1
    assert b"Camera maker" in photo.exif and b"2024:05:06" in photo.exif


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_lossy_formats_keep_exif_and_profile(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_image(path, pictures.gradient(), exif=pictures.exif(6), icc=colour.srgb_profile())
    photo = open_photo(path)
    assert photo.size == (48, 32)
    assert photo.icc == colour.srgb_profile()
    assert b"Camera maker" in photo.exif


def test_photo_written_losslessly_is_byte_identical_to_what_was_read(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(pictures.jpeg(pictures.gradient(200, 120), exif=pictures.exif(8)))
    photo = open_photo(source)
    write_image(tmp_path / "b.tif", photo.pixels, exif=photo.exif, icc=photo.icc)
    assert np.array_equal(open_photo(tmp_path / "b.tif").pixels, photo.pixels)


def test_16_bit_tiff_is_read_by_others(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile", reason="tifffile comes with scikit-image of the dev extra")
    pixels = np.dstack([pictures.gradient16(300, 700), pictures.gradient16(300, 700)[..., 0]])
    write_image(tmp_path / "a.tif", pixels, exif=pictures.exif(1))
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), pixels)


@pytest.mark.parametrize(
    ("name", "dtype"), [("a.png", np.uint8), ("a.png", np.uint16), ("a.tif", np.uint8), ("a.tif", np.uint16)]
)
def test_cut_outs_keep_straight_alpha(tmp_path: Path, name: str, dtype: type[np.generic]) -> None:
    rgb = pictures.gradient() if dtype == np.uint8 else pictures.gradient16()
    pixels = np.dstack([rgb, rgb[..., :1]])
    write_image(tmp_path / name, pixels)
    if dtype == np.uint8:
        back = np.asarray(Image.open(tmp_path / name))
    else:
        import cv2

        back = cv2.imread(str(tmp_path / name), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]]
    assert np.array_equal(back, pixels)


def test_jpeg_puts_transparency_on_white() -> None:
    pixels = np.dstack([pictures.gradient(), np.zeros((32, 48), np.uint8)])
    path_data = encode_image(pixels, EncodeOptions(ImageFormat.JPEG))
    import io

    assert (np.asarray(Image.open(io.BytesIO(path_data))) >= 254).all()


def test_subsampling_is_what_was_asked_for() -> None:
    import io

    pixels = pictures.gradient(64, 64)
    pixels[::2] = (255, 0, 0)
    errors = {}
    for kind in (Subsampling.FULL, Subsampling.QUARTER):
        data = encode_image(pixels, EncodeOptions(ImageFormat.JPEG, quality=98, subsampling=kind))
        errors[kind] = np.abs(np.asarray(Image.open(io.BytesIO(data))).astype(int) - pixels).mean()
    assert errors[Subsampling.FULL] < 3 < errors[Subsampling.QUARTER]


def test_size_limit_lowers_quality_only_as_far_as_needed() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (200, 200, 3), dtype=np.uint8)
    free = encode_image(pixels, EncodeOptions(ImageFormat.JPEG, quality=95))
    limit = len(free) // 2
    fitted = encode_image(pixels, EncodeOptions(ImageFormat.JPEG, quality=95, max_bytes=limit))
    assert 0.9 * limit < len(fitted) <= limit
    with pytest.raises(PhotoError, match=r"export\.too_big"):
        encode_image(pixels, EncodeOptions(ImageFormat.JPEG, max_bytes=500))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("deep", [False, True])
def test_longest_side(tmp_path: Path, channels: int, deep: bool) -> None:
    rgb = pictures.gradient16(400, 200) if deep else pictures.gradient(400, 200)
    pixels = rgb if channels == 3 else np.dstack([rgb, np.full((200, 400), np.iinfo(rgb.dtype).max, rgb.dtype)])
    path = tmp_path / "a.png"
    write_image(path, pixels, EncodeOptions(ImageFormat.PNG, max_side=100))
    info = probe(path)
    assert info.size == (100, 50)
    assert info.bit_depth == (16 if deep else 8)


def test_shrinking_a_cut_out_brings_no_dark_fringe(tmp_path: Path) -> None:
    for dtype, top in ((np.uint8, 255), (np.uint16, 65535)):
        pixels = np.zeros((64, 64, 4), dtype)
        pixels[:, 31:] = top  # white and opaque beside black and transparent; the border falls inside a pixel
        path = tmp_path / "a.png"
        write_image(path, pixels, EncodeOptions(ImageFormat.PNG, max_side=16))
        import cv2

        back = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        visible = back[..., 3] > top // 100
        assert back[visible][:, :3].min() > 0.98 * top


def test_bit_depth_may_be_chosen(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", pictures.gradient16(), EncodeOptions(ImageFormat.PNG, bit_depth=8))
    assert probe(tmp_path / "a.png").bit_depth == 8
    write_image(tmp_path / "b.tif", pictures.gradient(), EncodeOptions(ImageFormat.TIFF, bit_depth=16))
    assert np.array_equal(open_photo(tmp_path / "b.tif").rgb8, pictures.gradient())


def test_16_bit_pixels_go_into_a_jpeg_rounded(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg", pictures.gradient16())
    assert probe(tmp_path / "a.jpg").bit_depth == 8


def test_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError) as caught:
        format_of(tmp_path / "a.bmp")
    assert caught.value.key == "export.format"


def test_exif_too_long_for_a_jpeg_is_left_out(tmp_path: Path) -> None:
    block = pictures.exif(1, make="x" * 70000)
    write_image(tmp_path / "a.jpg", pictures.gradient(), exif=block)
    assert open_photo(tmp_path / "a.jpg").exif == b""
