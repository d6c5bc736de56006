"""The renderer: exactness, linear light, order, both resolutions, transparency, shadows, depth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from studio.compositing.layers import proxy_look, proxy_photo
from studio.compositing.light import to_linear, to_srgb8, to_srgb16
from studio.compositing.placement import measure_stand, place_native
from studio.compositing.scene import PlacedLook, Scene, View, grade_reports, render_scene, scene_layers, scene_notes
from studio.domain.artefacts import Confidence, Cutout, Look, Photo
from studio.domain.errors import CompositingError
from studio.domain.geometry import Grade, Placement, Shadow
from tests.compositing.looks import make_background, make_look

PLAIN = Shadow(contact=0.0, cast=0.0)


def place(look: Look, **fields: object) -> PlacedLook:
    return PlacedLook(look, Placement(**{"shadow": PLAIN, **fields}))  # type: ignore[arg-type]


def test_every_byte_survives_the_way_through_linear_light() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_srgb8(to_linear(every)), every)
    deep = np.arange(0, 65536, 7, dtype=np.uint16)
    assert np.abs(to_srgb16(to_linear(deep)).astype(int) - deep).max() <= 1


def test_a_background_without_looks_comes_through_byte_for_byte() -> None:
    room = make_background()
    assert np.array_equal(render_scene(Scene(room)), room.pixels)


def test_a_look_at_native_size_keeps_its_pixels_and_the_background_its_own() -> None:
    room, look = make_background(), make_look()
    stand = measure_stand(look.cutout.alpha)
    native = dataclasses.replace(place_native(stand, room.size, 100.3, 140.2), shadow=PLAIN)
    out = render_scene(Scene(room, (PlacedLook(look, native),)))
    x, y = 100 - 39, 140 - 109  # the anchor lies on half pixels: found by comparison below
    found = [
        (dx, dy)
        for dx in range(x - 2, x + 3)
        for dy in range(y - 2, y + 3)
        if np.array_equal(out[dy + 10 : dy + 110, dx + 20 : dx + 60], look.cutout.foreground[10:110, 20:60])
    ]
    assert len(found) == 1
    dx, dy = found[0]
    mask = np.ones(out.shape[:2], bool)
    mask[dy + 10 : dy + 110, dx + 20 : dx + 60] = False
    assert np.array_equal(out[mask], room.pixels[mask])


def test_half_covered_pixels_mix_in_linear_light() -> None:
    alpha = np.zeros((40, 40), np.float32)
    alpha[5:35, 5:35] = 1.0
    white = np.full((40, 40, 3), 255, np.uint8)
    look = Look(
        white, np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8), Cutout(alpha, white), Confidence(1.0)
    )
    black = Photo(np.zeros((80, 80, 3), np.uint8), "x")
    out = render_scene(Scene(black, (place(look, scale=0.5, opacity=0.5),)))
    assert int(out.max()) == 188  # half the light, not half the byte


def test_opacity_mixes_with_what_is_behind() -> None:
    room = make_background()
    solid = render_scene(Scene(room, (place(make_look(), opacity=1.0),))).astype(int)
    faint = render_scene(Scene(room, (place(make_look(), opacity=0.25),))).astype(int)
    plain = room.pixels.astype(int)
    assert np.abs(faint - plain).sum() < 0.6 * np.abs(solid - plain).sum()


def test_higher_z_stands_in_front() -> None:
    room = make_background()
    red = make_look()
    green = dataclasses.replace(red, cutout=Cutout(red.cutout.alpha, np.full_like(red.cutout.foreground, 9)))
    front = render_scene(Scene(room, (place(green, z=1), place(red, z=0))))
    assert np.array_equal(front[110, 100], (9, 9, 9))
    back = render_scene(Scene(room, (place(green, z=0), place(red, z=1))))
    assert not np.array_equal(back[110, 100], (9, 9, 9))


def test_flipping_mirrors_about_the_anchor() -> None:
    black = Photo(np.zeros((160, 201, 3), np.uint8), "x")
    look = make_look((81, 120), (20, 10, 61, 110))
    straight = render_scene(Scene(black, (place(look, scale=0.5),)))
    mirrored = render_scene(Scene(black, (place(look, scale=0.5, flip=True),)))
    assert np.abs(mirrored[:, ::-1].astype(int) - straight).mean() < 1.0


def test_shrinking_averages_instead_of_skipping() -> None:
    """A one-pixel checkerboard shrunk five times is flat middle grey in linear light, not moire."""
    size = 300
    checks = (np.indices((size, size)).sum(axis=0) % 2 * 255).astype(np.uint8)
    colours = np.repeat(checks[..., None], 3, axis=2)
    alpha = np.ones((size, size), np.float32)
    empty = np.zeros((size, size), np.uint8)
    look = Look(colours, empty, empty, Cutout(alpha, colours), Confidence(1.0))
    black = Photo(np.zeros((100, 100, 3), np.uint8), "x")
    out = render_scene(Scene(black, (place(look, x=0.5, y=1.0, scale=0.61),)))
    inside = out[50:90, 35:65]
    assert abs(float(inside.mean()) - 188) < 3 and float(inside.std()) < 6


def test_the_proxy_shows_what_the_export_renders() -> None:
    room, look = make_background((800, 640)), make_look((400, 600), (100, 50, 300, 550))
    placed = Placement(x=0.4, y=0.9, scale=0.7, rotation_deg=5)
    full = render_scene(Scene(room, (PlacedLook(look, placed),)), View.fit(Scene(room), (400, 320)))
    small = Scene(proxy_photo(room, 400), (PlacedLook(proxy_look(look, 300), placed),))
    proxy = render_scene(small)
    assert proxy.shape == full.shape
    assert np.abs(proxy.astype(int) - full).mean() < 2.5


def test_the_same_scene_gives_the_same_bytes() -> None:
    scene = Scene(make_background(), (PlacedLook(make_look(), Placement()),))
    assert np.array_equal(render_scene(scene), render_scene(scene))


def test_without_background_the_render_is_transparent_and_straight() -> None:
    out = render_scene(Scene(None, (place(make_look(), scale=0.5),), canvas=(200, 160)))
    assert out.shape == (160, 200, 4)
    assert out[0, 0, 3] == 0 and out[140, 100, 3] == 255


def test_a_filled_canvas_has_exactly_its_colour() -> None:
    out = render_scene(Scene(None, (place(make_look()),), canvas=(200, 160), fill=(243, 241, 238)))
    assert tuple(int(v) for v in out[0, 0]) == (243, 241, 238)


def test_sixteen_bits_come_through() -> None:
    out = render_scene(Scene(None, (place(make_look(deep=True), scale=0.62),), canvas=(200, 160), fill=(255, 255, 255)))
    assert out.dtype == np.uint16
    assert len(np.unique(out)) > 256


def test_shadows_darken_the_ground_below_and_nothing_above() -> None:
    room = Photo(np.full((400, 400, 3), 180, np.uint8), "x")
    look = make_look()
    lit = render_scene(Scene(room, (place(look, y=0.8, scale=0.5),))).astype(int)
    dark = render_scene(Scene(room, (place(look, y=0.8, scale=0.5, shadow=Shadow()),))).astype(int)
    change = (lit - dark).max(axis=2)
    assert change[316:330].max() > 25
    assert change[:100].max() == 0


def test_a_person_without_feet_casts_no_shadow() -> None:
    room = Photo(np.full((400, 400, 3), 180, np.uint8), "x")
    cut = make_look(box=(20, 10, 60, 120))
    lit = render_scene(Scene(room, (place(cut, scale=0.5),)))
    shadowed = render_scene(Scene(room, (place(cut, scale=0.5, shadow=Shadow()),)))
    assert np.array_equal(lit, shadowed)
    assert [note.key for note in scene_notes(Scene(room, (place(cut, scale=0.5),)))] == ["compositing.cut_below"]


def test_a_cast_shadow_falls_where_it_points() -> None:
    room = Photo(np.full((400, 600, 3), 180, np.uint8), "x")
    right = Shadow(contact=0.0, cast=0.6, angle_deg=0.0, length=0.6)
    out = render_scene(Scene(room, (place(make_look(), y=0.8, scale=0.5, shadow=right),))).astype(int)
    beside = 180 - out[300:340, :, 0]
    assert beside[:, 360:420].sum() > 5 * max(1, beside[:, 180:240].sum())


def test_harmonising_leaves_the_product_alone() -> None:
    warm = np.zeros((160, 200, 3), np.uint8)
    warm[:] = (200, 120, 60)
    scene = Scene(Photo(warm, "x"), (place(make_look(), grade=Grade(strength=1.0)),))
    report = grade_reports(scene)[0]
    assert report.person > 1.0
    assert report.garment_worst < 0.5
    everything = Scene(Photo(warm, "x"), (place(make_look(), grade=Grade(strength=1.0, include_garment=True)),))
    assert grade_reports(everything)[0].garment > 1.0


def test_no_grading_changes_nothing() -> None:
    assert grade_reports(Scene(make_background(), (place(make_look()),)))[0].person == 0.0


def test_layers_add_up_to_the_merged_picture() -> None:
    room = make_background()
    layers, merged = scene_layers(Scene(room, (PlacedLook(make_look(), Placement(shadow=Shadow())),)))
    assert [layer.name for layer in layers] == ["Background", "Look 1 – shadow", "Look 1"]
    canvas = np.zeros((160, 200, 3), np.float64)
    for layer in layers:
        h, w = layer.pixels.shape[:2]
        part = canvas[layer.y : layer.y + h, layer.x : layer.x + w]
        opacity = layer.pixels[..., 3:] / 255.0
        part += (layer.pixels[..., :3] - part) * opacity
    assert np.abs(canvas - merged).mean() < 1.0


def test_an_impossible_size_is_refused() -> None:
    with pytest.raises(CompositingError):
        View.fit(Scene(make_background()), (0, 10))


def test_another_aspect_cuts_evenly() -> None:
    room = make_background((200, 160))
    out = render_scene(Scene(room), View.fit(Scene(room), (160, 160)))
    assert np.array_equal(out, room.pixels[:, 20:180])
