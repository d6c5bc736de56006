"""Every kind of file that may come in, good and bad."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from studio.domain.errors import PhotoError
from studio.media import colour, decode, sniff
from studio.media.decode import Limits, open_photo, open_reduced, probe, read_photo
from studio.media.exif import read_orientation
from tests.media import pictures


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _key(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(PhotoError) as caught:
        open_photo(path, limits or Limits())
    assert str(path) in caught.value.values["file"]
    return caught.value.key


def _notes(path: Path) -> list[str]:
    return [note.key for note in read_photo(path)[1].notes]


# --- what is read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.tif", {}),
        ("a.tif", {"compression": "tiff_lzw"}),
        ("a.webp", {"lossless": True, "exact": True}),
    ],
)
def test_lossless_8_bit_is_read_exactly(tmp_path: Path, name: str, options: dict[str, object]) -> None:
    pixels = pictures.gradient()
    photo = open_photo(pictures.save(tmp_path / name, Image.fromarray(pixels), **options))
    assert np.array_equal(photo.pixels, pixels)
    assert photo.pixels.dtype == np.uint8
    assert not photo.pixels.flags.writeable


def test_jpeg_is_what_its_decoder_says(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.jpg", pictures.jpeg(pictures.gradient()))
    assert np.array_equal(open_photo(path).pixels, np.asarray(Image.open(path)))


def test_probe_tells_size_and_depth_without_decoding(tmp_path: Path) -> None:
    info = probe(_write(tmp_path / "a.png", pictures.png_header_only(3000, 2000)))
    assert (info.size, info.format, info.bit_depth, info.mode) == ((3000, 2000), "PNG", 8, "RGB")


def test_16_bit_rgb_png_keeps_all_16_bits(tmp_path: Path) -> None:
    pixels = pictures.gradient16()
    path = _write(tmp_path / "a.png", pictures.png16(pixels))
    photo, info = read_photo(path)
    assert info.bit_depth == 16
    assert photo.pixels.dtype == np.uint16
    assert np.array_equal(photo.pixels, pixels)


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_rgb_tiff_keeps_all_16_bits(tmp_path: Path, order: str) -> None:
    pixels = pictures.gradient16()
    photo = open_photo(_write(tmp_path / "a.tif", _tiff16(pixels, order)))
    assert photo.pixels.dtype == np.uint16
    assert np.array_equal(photo.pixels, pixels)


def test_16_bit_grey_becomes_16_bit_rgb(tmp_path: Path) -> None:
    grey = pictures.gradient16()[..., 0]
    for path in (
        _write(tmp_path / "a.png", pictures.png16(grey)),
        pictures.save(tmp_path / "a.tif", Image.fromarray(grey)),
    ):
        photo = open_photo(path)
        assert photo.pixels.dtype == np.uint16
        assert np.array_equal(photo.pixels, np.repeat(grey[..., None], 3, axis=2))


def test_16_bit_alpha_is_flattened_on_white(tmp_path: Path) -> None:
    pixels = np.dstack([pictures.gradient16(), np.full((32, 48), 65535, np.uint16)])
    pixels[:, :24, 3] = 0
    path = _write(tmp_path / "a.png", pictures.png16(pixels))
    photo = open_photo(path)
    assert (photo.pixels[:, :24] == 65535).all()
    assert np.array_equal(photo.pixels[:, 24:], pixels[:, 24:, :3])
    assert "photo.note.flattened" in _notes(path)


def test_grey_palette_and_bilevel_become_rgb(tmp_path: Path) -> None:
    image = Image.fromarray(pictures.gradient())
    for mode in ("L", "P", "1"):
        source = image.convert(mode)
        photo = open_photo(pictures.save(tmp_path / f"{mode}.png", source))
        assert np.array_equal(photo.pixels, np.asarray(source.convert("RGB")))


def test_alpha_is_flattened_on_white_and_opaque_pixels_stay(tmp_path: Path) -> None:
    pixels = np.dstack([pictures.gradient(), np.full((32, 48), 255, np.uint8)])
    pixels[:, :24, 3] = 0
    path = pictures.save(tmp_path / "a.png", Image.fromarray(pixels))
    photo = open_photo(path)
    assert (photo.pixels[:, :24] == 255).all()
    assert np.array_equal(photo.pixels[:, 24:], pixels[:, 24:, :3])
    assert _notes(path) == ["photo.note.flattened"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "a.png"
    pictures.save(path, Image.fromarray(pictures.gradient()), exif=pictures.exif(orientation))
    photo, info = read_photo(path)
    assert np.array_equal(photo.pixels, np.asarray(ImageOps.exif_transpose(Image.open(path))))
    assert info.size == photo.size == probe(path).size
    assert read_orientation(photo.exif) == 1
    assert b"Camera maker" in photo.exif and b"2024:05:06" in photo.exif


def test_exif_behind_the_pixels_of_a_png_counts(tmp_path: Path) -> None:
    block = pictures.exif(6).removeprefix(b"Exif\x00\x00")
    plain = pictures.save(tmp_path / "a.png", Image.fromarray(pictures.gradient())).read_bytes()
    end = plain.rindex(b"IEND") - 4
    coded = pictures.png([(b"eXIf", block)])[8:]
    photo = open_photo(_write(tmp_path / "b.png", plain[:end] + coded + plain[end:]))
    assert photo.size == (32, 48)


def test_sha256_is_of_the_file(tmp_path: Path) -> None:
    import hashlib

    path = _write(tmp_path / "a.jpg", pictures.jpeg(pictures.gradient()))
    assert open_photo(path).source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_tiff_keeps_its_exif(tmp_path: Path) -> None:
    path = pictures.save(tmp_path / "a.tif", Image.fromarray(pictures.gradient()), exif=pictures.exif(8))
    photo = open_photo(path)
    assert photo.size == (32, 48)
    assert b"Camera maker" in photo.exif and b"2024:05:06" in photo.exif


def test_heic_is_read_where_the_add_on_is_there(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the optional add-on pillow-heif is not installed")
    path = tmp_path / "a.heic"
    pixels = np.repeat(np.repeat(pictures.gradient(8, 8), 16, 0), 16, 1)
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(path, quality=95)
    photo, info = read_photo(path)
    assert info.format == "HEIF"
    assert photo.size == (128, 128)
    assert np.abs(photo.pixels[8::16, 8::16].astype(int) - pixels[8::16, 8::16]).mean() < 6


def test_heic_without_the_add_on_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "register_heif", lambda: False)
    path = _write(tmp_path / "a.heic", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100))
    assert _key(path) == "photo.heic_missing"


def test_reduced_decode_is_upright_and_small(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    pictures.save(path, Image.fromarray(pictures.gradient(800, 400)), exif=pictures.exif(6))
    small = open_reduced(path, 100)
    assert small.shape == (100, 50, 3)
    whole = np.asarray(Image.fromarray(open_photo(path).pixels).resize((50, 100), Image.Resampling.LANCZOS))
    assert np.abs(small.astype(int) - whole).mean() < 3


# --- colour -------------------------------------------------------------------------------------------------------


def test_srgb_profile_leaves_pixels_and_profile_alone(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = pictures.gradient()
    photo = open_photo(pictures.save(tmp_path / "a.png", Image.fromarray(pixels), icc_profile=profile))
    assert np.array_equal(photo.pixels, pixels)
    assert photo.icc == profile


def test_adobe_rgb_is_converted_and_labelled_srgb(tmp_path: Path) -> None:
    grey, green = np.full((32, 32, 3), 128, np.uint8), np.zeros((32, 32, 3), np.uint8)
    green[..., 1] = 150
    path = tmp_path / "a.png"
    for pixels, want in ((grey, (128, 128, 128)), (green, (0, 151, 0))):
        photo = open_photo(pictures.save(path, Image.fromarray(pixels), icc_profile=pictures.adobe_rgb()))
        assert np.abs(photo.pixels[0, 0].astype(int) - want).max() <= 2
        assert photo.icc == colour.srgb_profile()


def test_16_bit_adobe_rgb_agrees_with_the_8_bit_way(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    eight = rng.integers(40, 216, (32, 32, 3), dtype=np.uint8)
    profile = pictures.adobe_rgb()
    low = open_photo(pictures.save(tmp_path / "a.png", Image.fromarray(eight), icc_profile=profile))
    chunk = (b"iCCP", b"icc\x00\x00" + __import__("zlib").compress(profile))
    high = open_photo(_write(tmp_path / "b.png", pictures.png16(eight.astype(np.uint16) * 257, [chunk])))
    assert high.pixels.dtype == np.uint16
    assert np.abs(high.pixels / 257 - low.pixels).max() <= 2
    assert len(np.unique(high.pixels % 257)) > 100  # more than 8 bits of steps came out


@pytest.mark.parametrize("kind", ["srgb_curve", "grey_gamma"])
def test_parametric_and_grey_curves(kind: str) -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None]
    if kind == "srgb_curve":
        profile = colour.read_matrix_profile(colour.srgb_profile())
        assert profile is not None
        out = colour.convert16(np.repeat(ramp[..., None], 3, axis=2), profile)
        assert np.abs(out.astype(int) - ramp[..., None]).max() <= 40
    else:
        profile = colour.MatrixProfile(np.linspace(0, 1, 65536)[None], None)
        out = colour.convert16(ramp, profile)
        assert out[0, 0, 0] == 0 and out[0, -1, 0] == 65535 and out[0, 20, 1] > ramp[0, 20]


def test_cmyk_is_read_and_without_a_profile_it_says_so(tmp_path: Path) -> None:
    image = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    path = pictures.save(tmp_path / "a.jpg", image, quality=95)
    photo = open_photo(path)
    red = photo.pixels[16, 16].astype(int)
    assert red[0] > 200 and red[1] < 60 and red[2] < 60
    assert _notes(path) == ["photo.note.cmyk_without_profile"]


def test_broken_profile_is_noted_and_read_as_srgb(tmp_path: Path) -> None:
    pixels = pictures.gradient()
    for broken in (b"no profile at all" * 20, pictures.adobe_rgb()[:200]):
        path = pictures.save(tmp_path / "a.png", Image.fromarray(pixels), icc_profile=broken)
        assert np.array_equal(open_photo(path).pixels, pixels)
        assert open_photo(path).icc == b""
        assert _notes(path) == ["photo.note.icc_broken"]


def test_profile_of_another_colour_model_is_noted(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    path = pictures.save(tmp_path / "a.png", Image.fromarray(pictures.gradient()), icc_profile=lab)
    assert _notes(path) == ["photo.note.icc_broken"]


def test_grey_picture_with_rgb_profile_is_read(tmp_path: Path) -> None:
    image = Image.fromarray(pictures.gradient()).convert("L")
    path = pictures.save(tmp_path / "a.png", image, icc_profile=pictures.adobe_rgb())
    assert _notes(path) == []
    assert open_photo(path).pixels.shape == (32, 48, 3)


# --- what is refused ----------------------------------------------------------------------------------------------


def test_empty(tmp_path: Path) -> None:
    assert _key(_write(tmp_path / "a.jpg", b"")) == "photo.empty"


@pytest.mark.parametrize("data", [b"this is a text, not a photo", b"\x00" * 500, b"MZ" + b"\x90" * 100])
def test_not_an_image(tmp_path: Path, data: bytes) -> None:
    assert _key(_write(tmp_path / "a.jpg", data)) == "photo.not_image"


@pytest.mark.parametrize(("head", "name"), [(b"8BPS\x00\x01", "Photoshop"), (b"%PDF-1.7", "PDF"), (b"BM", "BMP")])
def test_known_but_not_allowed(tmp_path: Path, head: bytes, name: str) -> None:
    path = _write(tmp_path / "a.jpg", head + bytes(200))
    with pytest.raises(PhotoError) as caught:
        open_photo(path)
    assert (caught.value.key, caught.value.values["format"]) == ("photo.format", name)


@pytest.mark.parametrize("part", [0.02, 0.5, 0.97])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "deep.png", "deep.tif", "a.gif"])
def test_truncated(tmp_path: Path, name: str, part: float) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / name
    if name == "deep.png":
        path.write_bytes(pictures.png16(noise.astype(np.uint16) * 257))
    elif name == "deep.tif":
        path.write_bytes(_tiff16(noise.astype(np.uint16) * 257, "<", ifd_first=True))
    else:
        pictures.save(path, Image.fromarray(noise), **({"compression": "tiff_lzw"} if name == "a.tif" else {}))
    data = path.read_bytes()
    assert _key(_write(path, data[: max(12, int(len(data) * part))])) in ("photo.truncated", "photo.damaged")


def test_truncated_jpeg_says_truncated(tmp_path: Path) -> None:
    data = pictures.jpeg(pictures.gradient(200, 200))
    assert _key(_write(tmp_path / "a.jpg", data[: len(data) // 2])) == "photo.truncated"


def test_1x1_is_too_small(tmp_path: Path) -> None:
    assert _key(pictures.save(tmp_path / "a.png", Image.new("RGB", (1, 1)))) == "photo.too_small"


def test_20000x20000_is_refused_from_its_header(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.png", pictures.png_header_only(20000, 20000))
    assert _key(path) == "photo.too_many_pixels"
    with pytest.raises(PhotoError) as caught:
        probe(path)
    assert caught.value.values["most_mp"] == "300"


def test_too_many_bytes_is_refused_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with path.open("wb") as stream:
        stream.write(pictures.png_header_only(100, 100))
        stream.truncate(5_000_000)  # sparse
    assert _key(path, Limits(max_bytes=1_000_000)) == "photo.too_many_bytes"


def test_bomb_in_a_small_file_is_refused(tmp_path: Path) -> None:
    """A few kB that would decode to 400 MP."""
    path = pictures.save(tmp_path / "a.png", Image.new("1", (20000, 20000)))
    assert path.stat().st_size < 100_000
    assert _key(path) == "photo.too_many_pixels"


def test_animated_uses_the_first_frame_and_says_so(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((32, 32, 3), value, np.uint8)) for value in (200, 100, 50)]
    for name in ("a.webp", "a.gif", "a.png", "a.tif"):
        path = tmp_path / name
        options = {"lossless": True} if name == "a.webp" else {}
        pictures.save(path, frames[0], save_all=True, append_images=frames[1:], **options)
        photo, info = read_photo(path)
        assert (photo.pixels == 200).all(), name
        note = next(note for note in info.notes if note.key == "photo.note.first_of_many")
        assert note.values["count"] == "3"


def test_float_tiff_is_refused_clearly(tmp_path: Path) -> None:
    path = pictures.save(tmp_path / "a.tif", Image.fromarray(np.zeros((32, 32), np.float32)))
    assert _key(path) == "photo.depth"


def test_a_file_that_disappears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path / "a.jpg", pictures.jpeg(pictures.gradient()))
    read_bytes = Path.read_bytes

    def vanish(self: Path) -> bytes:
        self.unlink()
        return read_bytes(self)

    monkeypatch.setattr(Path, "read_bytes", vanish)
    assert _key(path) == "photo.gone"
    assert _key(tmp_path / "never.jpg") == "photo.gone"


def test_a_folder_is_not_a_photo(tmp_path: Path) -> None:
    assert _key(tmp_path) == "photo.is_folder"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.jpg", pictures.jpeg(pictures.gradient()))
    path.chmod(0)
    assert _key(path) == "photo.no_access"


def test_permission_and_drive_errors_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path / "a.jpg", pictures.jpeg(pictures.gradient()))
    for error, key in ((PermissionError(13, "denied"), "photo.no_access"), (OSError(5, "I/O"), "photo.unreadable")):

        def refuse(self: Path, error: OSError = error) -> bytes:
            raise error

        monkeypatch.setattr(Path, "read_bytes", refuse)
        assert _key(path) == key


def test_random_damage_never_escapes_as_anything_else(tmp_path: Path) -> None:
    """Flip bytes in all formats: either it decodes or it is a PhotoError."""
    rng = np.random.default_rng(7)
    image = Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    path = tmp_path / "damaged"
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "GIF"):
        image.save(path, kind, **({"exif": pictures.exif(6)} if kind != "GIF" else {}))
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(40):
            data = whole.copy()
            data[rng.integers(8, min(len(data), 600), 4)] = rng.integers(0, 256, 4)
            path.write_bytes(data.tobytes())
            try:
                open_photo(path, Limits(max_pixels=1_000_000))
            except PhotoError as error:
                assert error.values["file"] == str(path)


def test_every_sniffed_format_is_decided() -> None:
    assert sniff.sniff_format(b"RIFF\x00\x00\x00\x00WEBPVP8 ") == "WebP"
    assert sniff.sniff_format(b"RIFF\x00\x00\x00\x00WAVEfmt ") is None
    assert sniff.sniff_format(b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf") == "AVIF"
    assert sniff.sniff_format(b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom") == "camera raw"
    assert sniff.sniff_format(b"") is None


def _tiff16(pixels: np.ndarray, order: str, *, ifd_first: bool = False) -> bytes:
    """An uncompressed 16-bit RGB TIFF written by hand, in either byte order."""
    height, width = pixels.shape[:2]
    data = pixels.astype(f"{order}u2").tobytes()
    rows = 10
    directory_bytes = 2 + rows * 12 + 4
    directory_at = 8 if ifd_first else 8 + len(data)
    data_at = 8 + directory_bytes + 6 if ifd_first else 8
    bits_at = directory_at + directory_bytes
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits_at), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, 1, data_at), (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(data)), (284, 3, 1, 1),
    ]  # fmt: skip
    directory = struct.pack(f"{order}H", rows)
    for tag, kind, count, value in entries:
        short = kind == 3 and count == 1
        directory += struct.pack(f"{order}HHL", tag, kind, count)
        directory += struct.pack(f"{order}HH", value, 0) if short else struct.pack(f"{order}L", value)
    directory += struct.pack(f"{order}L", 0) + struct.pack(f"{order}3H", 16, 16, 16)
    head = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(f"{order}L", directory_at)
    return head + (directory + data if ifd_first else data + directory)
