"""Delivery: presets, names, layered files, and the preflight that reads them back."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.compositing.export import (
    PRESETS,
    Anchor,
    DeliveryFormat,
    ExportPreset,
    expand_name,
    export_scene,
    frame_look,
    unique_path,
)
from studio.compositing.preflight import preflight
from studio.compositing.scene import PlacedLook, Scene, render_scene, scene_layers
from studio.domain.artefacts import Cutout
from studio.domain.errors import CompositingError
from studio.domain.geometry import Placement
from tests.compositing.looks import make_background, make_look

FRAMED = [preset for preset in PRESETS if preset.format not in (DeliveryFormat.PSD, DeliveryFormat.ORA)]


@pytest.mark.parametrize("preset", FRAMED, ids=lambda preset: preset.name)
def test_what_is_exported_passes_its_preflight(tmp_path: Path, preset: ExportPreset) -> None:
    small = dataclasses.replace(preset, size=tuple(side // 4 for side in preset.size))
    scene = frame_look(make_look(), small)
    path = export_scene(scene, small, tmp_path / "look")
    report = preflight(path, small, scene.size, framed=True)
    assert report.passed, [check for check in report.checks if not check.passed]
    assert report.fill is not None and report.fill > 0.5


@pytest.mark.parametrize("kind", [DeliveryFormat.PSD, DeliveryFormat.ORA])
def test_layered_files_open_elsewhere_with_the_merged_picture(tmp_path: Path, kind: DeliveryFormat) -> None:
    scene = Scene(make_background(), (PlacedLook(make_look(), Placement(y=0.95), "Anna – Polo"),))
    preset = ExportPreset("layers", kind)
    path = export_scene(scene, preset, tmp_path / "scene")
    assert preflight(path, preset, scene.size).passed
    merged = render_scene(scene)
    if kind is DeliveryFormat.PSD:
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image.convert("RGB")), merged)
            assert [layer[0] for layer in image.layers] == ["Background", "Anna ? Polo ? shadow", "Anna ? Polo"]
    else:
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist()[0] == "mimetype"
            assert archive.read("mimetype") == b"image/openraster"
            with archive.open("mergedimage.png") as stream, Image.open(stream) as image:
                assert np.array_equal(np.asarray(image), merged)
            assert "Anna – Polo" in archive.read("stack.xml").decode()


def test_psd_layers_hold_their_own_pixels(tmp_path: Path) -> None:
    scene = Scene(make_background(), (PlacedLook(make_look(), Placement(y=0.95), "look"),))
    path = export_scene(scene, ExportPreset("layers", DeliveryFormat.PSD), tmp_path / "scene")
    layers, _ = scene_layers(scene)
    with Image.open(path) as image:
        image.seek(3)  # Pillow counts layers from 1
        top = np.asarray(image.convert("RGBA"))
    expected = layers[-1].pixels
    height, width = expected.shape[:2]
    part = top[layers[-1].y : layers[-1].y + height, layers[-1].x : layers[-1].x + width]
    seen = expected[..., 3] > 0
    assert np.array_equal(part[seen], expected[seen])


def test_the_same_scene_gives_the_same_layered_bytes(tmp_path: Path) -> None:
    scene = Scene(make_background(), (PlacedLook(make_look(), Placement()),))
    preset = ExportPreset("layers", DeliveryFormat.ORA)
    first, second = (export_scene(scene, preset, tmp_path / name).read_bytes() for name in ("a", "b"))
    assert first == second


@pytest.mark.parametrize("anchor", list(Anchor))
def test_the_look_fills_its_frame_up_to_the_padding(anchor: Anchor) -> None:
    preset = ExportPreset("x", size=(300, 300), padding=0.1, anchor=anchor)
    out = render_scene(frame_look(make_look(), preset))
    seen = (out < 200).any(axis=2)
    rows = np.flatnonzero(seen.any(axis=1))
    assert rows[0] == pytest.approx(30, abs=2) and rows[-1] == pytest.approx(269, abs=2)
    columns = np.flatnonzero(seen.any(axis=0))
    assert columns[0] + columns[-1] == pytest.approx(299, abs=2)


def test_the_padding_holds_for_the_fringe_of_hair(tmp_path: Path) -> None:
    look = make_look(size=(160, 240), box=(40, 30, 120, 220))
    alpha = look.cutout.alpha.copy()
    for row in range(24, 30):
        alpha[row, 60:100] = 0.06 * (row - 23)
    alpha[2, 2] = 0.3  # a speck far out is nobody's hair
    hairy = dataclasses.replace(look, cutout=Cutout(alpha, look.cutout.foreground))
    preset = ExportPreset("x", DeliveryFormat.PNG, size=(1000, 1000), padding=0.06)
    path = export_scene(frame_look(hairy, preset), preset, tmp_path / "hair")
    report = preflight(path, preset, (1000, 1000), framed=True)
    assert report.passed, [check for check in report.checks if not check.passed]
    assert not preflight(path, dataclasses.replace(preset, padding=0.07), (1000, 1000), framed=True).passed


def test_a_cut_person_keeps_to_the_lower_edge_whatever_the_padding(tmp_path: Path) -> None:
    preset = ExportPreset("x", DeliveryFormat.PNG, size=(300, 300), padding=0.1)
    scene = frame_look(make_look(box=(20, 10, 60, 120)), preset)
    path = export_scene(scene, preset, tmp_path / "cut")
    pixels = np.asarray(Image.open(path))
    assert (pixels[-1] != 255).any()
    assert preflight(path, preset, (300, 300), framed=True, cut_below=True).passed
    assert not preflight(path, preset, (300, 300), framed=True).passed


def test_preflight_sees_a_wrong_size_colour_and_profile(tmp_path: Path) -> None:
    preset = ExportPreset("x", DeliveryFormat.PNG, size=(300, 300), colour=(255, 255, 255))
    path = tmp_path / "wrong.png"
    Image.new("RGB", (299, 300), (254, 255, 255)).save(path)
    failed = {check.name for check in preflight(path, preset, (300, 300), framed=True).checks if not check.passed}
    assert {"size", "profile", "colour", "margins"} <= failed


def test_preflight_of_a_broken_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff no")
    report = preflight(path, ExportPreset("x"), (10, 10))
    assert [check.name for check in report.checks] == ["readable"] and not report.passed


def test_jpeg_cannot_be_transparent() -> None:
    with pytest.raises(CompositingError, match="no_transparency"):
        ExportPreset("x", DeliveryFormat.JPEG, colour=None)


def test_names_are_made_of_tokens_and_safe_everywhere() -> None:
    values = {"model": "Anna/Müller", "garment": "폴로: blau", "background": ""}
    assert expand_name("{model}_{garment}_{background}_{n:3}", values, 7) == "Anna-Müller_폴로- blau_007"
    assert expand_name("{look}", {"look": "CON"}) == "CON_"
    with pytest.raises(CompositingError, match=r"export\.token"):
        expand_name("{price}", values)
    with pytest.raises(CompositingError, match=r"export\.empty_name"):
        expand_name("{background}", values)


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    preset = ExportPreset("x")
    first = unique_path(tmp_path, "look", preset)
    first.write_bytes(b"")
    second = unique_path(tmp_path, "look", preset)
    assert second.name == "look_2.jpg"
    assert unique_path(tmp_path, "look", preset, frozenset({second})).name == "look_3.jpg"
