"""Render the sample backgrounds: a daylight room and a studio sweep, both with a floor to stand on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import blend
import bpy
import numpy as np
from materials import plain_material

SIZE = (2400, 1800)


def _box(
    name: str,
    size: tuple[float, float, float],
    at: tuple[float, float, float],
    material: Any,
    bevel: float = 0.0,
    puff: float = 0.0,
) -> Any:
    """Add a box standing at a position (centre of its base), with rounded edges or cushion-like bulge."""
    x, y, z = (s / 2 for s in size)
    v = np.array([[i * x, j * y, z + k * z] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], float)
    f = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    ob = blend.add_mesh(name, v, f, smooth=False)
    ob.location = at
    if bevel:
        m = ob.modifiers.new("bevel", "BEVEL")
        m.width, m.segments = bevel, 5
    if puff:
        m = ob.modifiers.new("sub0", "SUBSURF")
        m.subdivision_type = "SIMPLE"
        m.levels = m.render_levels = 4
        c = ob.modifiers.new("cast", "CAST")
        c.factor = puff
        c.use_radius_as_size = False
        c.size = max(size) / 2
        s = ob.modifiers.new("smooth", "SMOOTH")
        s.factor, s.iterations = 0.5, 6
    ob.data.shade_smooth()
    ob.data.materials.append(material)
    return ob


def _cushion(at: tuple[float, float, float], colour: str, turn: float) -> None:
    """A square scatter cushion leaning back."""
    u, w = np.meshgrid(np.linspace(-1, 1, 25), np.linspace(-1, 1, 25), indexing="ij")
    bulge = 0.085 * np.sqrt(np.clip((1 - u**4) * (1 - w**4), 0, 1)) + 0.004
    pull = 1 - 0.07 * (1 - np.minimum(np.abs(u), np.abs(w)) ** 2) * np.maximum(np.abs(u), np.abs(w)) ** 3
    sides = [np.stack([0.235 * u * pull, s * bulge, 0.235 * w * pull], -1).reshape(-1, 3) for s in (-1.0, 1.0)]
    i = np.arange(24)[:, None] * 25 + np.arange(24)[None]
    quad = np.stack([i, i + 25, i + 26, i + 1], -1).reshape(-1, 4)
    ob = blend.add_mesh("cushion", np.concatenate(sides), np.concatenate([quad, quad[:, ::-1] + 625]))
    ob.location, ob.rotation_euler = at, (-0.30, 0.10 * np.sign(turn), turn)
    blend.subdivide(ob, 1)
    ob.data.materials.append(_fabric("cushion" + colour, colour, 300.0))


def _wood_floor() -> Any:
    n = blend.Nodes("wood")
    p = n.coordinate("Object")
    brick = n.node("ShaderNodeTexBrick", offset=0.37, offset_frequency=2)
    n.link(p, brick.inputs["Vector"])
    for key, value in (
        ("Scale", 1.0),
        ("Brick Width", 1.6),
        ("Row Height", 0.145),
        ("Mortar Size", 0.0012),
        ("Mortar Smooth", 0.1),
        ("Bias", 0.0),
    ):
        brick.inputs[key].default_value = value
    brick.inputs["Color1"].default_value = (0.0, 0.0, 0.0, 1)
    brick.inputs["Color2"].default_value = (1.0, 1.0, 1.0, 1)
    brick.inputs["Mortar"].default_value = (0.5, 0.5, 0.5, 1)
    board = brick.outputs["Color"]
    shifted = n.vmath("ADD", p, n.scale(board, (7.0, 3.0, 5.0)))
    grain = n.noise(n.scale(shifted, (1.6, 26.0, 1.0)), 3.0, 6.0, 0.62)
    fine = n.noise(n.scale(shifted, (6.0, 160.0, 1.0)), 3.0, 3.0, 0.6)
    colour = n.mix(n.ramp(grain, 0.3, 0.72), blend.srgb("b58c62"), blend.srgb("8d6844"))
    colour = n.mix(n.ramp(fine, 0.35, 0.75, (0.0, 0.3)), colour, blend.srgb("6f5036"))
    colour = n.mix(
        n.ramp(n.math("MULTIPLY", board, 1.0), 0.0, 1.0, (0.0, 0.28), smooth=False), colour, blend.srgb("c9a377")
    )
    gap = brick.outputs["Fac"]
    colour = n.mix(n.math("MULTIPLY", gap, 0.75), colour, blend.srgb("3a2a1d"))
    height = n.math("SUBTRACT", n.math("MULTIPLY", grain, 0.25), gap)
    n.set(
        Base_Color=colour,
        Roughness=n.ramp(grain, 0.2, 0.8, (0.30, 0.46)),
        Normal=n.bump(height, 0.25, 0.002),
        Specular_IOR_Level=0.4,
    )
    return n.material


def _plaster(colour: str) -> Any:
    n = blend.Nodes("plaster")
    p = n.coordinate("Object")
    tint = n.mix(n.ramp(n.noise(p, 0.8, 4.0), 0.35, 0.7, (0.0, 0.10)), blend.srgb(colour), blend.srgb("b9ad9c"))
    n.set(
        Base_Color=tint,
        Roughness=0.92,
        Normal=n.bump(n.noise(p, 60.0, 5.0, 0.65), 0.12, 0.004),
        Specular_IOR_Level=0.15,
    )
    return n.material


def _fabric(name: str, colour: str, scale: float = 480.0) -> Any:
    n = blend.Nodes(name)
    p = n.coordinate("Object")
    weave = n.noise(p, scale, 2.0, 0.7)
    base = n.mix(n.ramp(weave, 0.3, 0.7, (0.0, 0.35)), blend.srgb(colour), (0.02, 0.02, 0.02, 1.0))
    folds = n.noise(p, 5.0, 3.0, 0.5)
    normal = n.bump(weave, 0.5, 0.002)
    n.set(
        Base_Color=base,
        Roughness=0.95,
        Sheen_Weight=0.3,
        Normal=n.bump(folds, 0.35, 0.03, normal),
        Specular_IOR_Level=0.2,
    )
    return n.material


def _leaf(rng: np.random.Generator, length: float, width: float) -> tuple[np.ndarray, list[list[int]]]:
    rows = 9
    t = np.linspace(0, 1, rows)
    half = width / 2 * np.sin(np.pi * t**0.75) ** 0.9
    bend = rng.uniform(0.5, 1.0)
    y, z = length * np.sin(bend * t) / bend, -length * (1 - np.cos(bend * t)) / bend
    v = np.concatenate([np.stack([s * half, y, z + 0.12 * half * abs(s)], 1) for s in (-1.0, 0.0, 1.0)])
    f = []
    for c in range(2):
        for r in range(rows - 1):
            f.append([c * rows + r, (c + 1) * rows + r, (c + 1) * rows + r + 1, c * rows + r + 1])
    return v, f


def _plant(at: tuple[float, float, float], height: float) -> None:
    """A rubber plant in a clay pot."""
    from mathutils import Euler

    rng = np.random.default_rng(12)
    n = blend.Nodes("leaf")
    shade = n.noise(n.coordinate("Object"), 6.0, 2.0)
    n.set(
        Base_Color=n.mix(n.ramp(shade, 0.3, 0.7), blend.srgb("2f4a2c"), blend.srgb("4d6b3c")),
        Roughness=0.32,
        Specular_IOR_Level=0.5,
    )
    ring = 32
    a = np.linspace(0, 2 * np.pi, ring, endpoint=False)
    profile = [(0.13, 0.0), (0.155, 0.02), (0.185, 0.33), (0.195, 0.345), (0.18, 0.345), (0.17, 0.30), (0.0, 0.30)]
    v = np.array([(r * np.cos(t), r * np.sin(t), z) for r, z in profile for t in a])
    f = [
        [k * ring + i, k * ring + (i + 1) % ring, (k + 1) * ring + (i + 1) % ring, (k + 1) * ring + i]
        for k in range(len(profile) - 1)
        for i in range(ring)
    ]
    pot = blend.add_mesh("pot", v, f)
    pot.location = at
    pot.data.materials.append(_plaster("c98f6d"))
    stem = plain_material("stem", "5b4632", 0.8)
    for s in range(5):
        lean = rng.uniform(-0.30, 0.30, 2)
        top = height * rng.uniform(0.72, 1.0)
        points = [np.array([lean[0] * u**1.5, lean[1] * u**1.5, 0.28 + (top - 0.28) * u]) for u in np.linspace(0, 1, 9)]
        curve = bpy.data.curves.new("stem", "CURVE")
        curve.dimensions = "3D"
        curve.bevel_depth = 0.008
        spline = curve.splines.new("POLY")
        spline.points.add(len(points) - 1)
        for point, q in zip(spline.points, points, strict=True):
            point.co = (*(q + np.array(at)), 1.0)
        ob = bpy.data.objects.new("stem", curve)
        curve.materials.append(stem)
        bpy.context.scene.collection.objects.link(ob)
        for k in range(9):
            u = 0.35 + 0.65 * k / 8
            q = np.array([lean[0] * u**1.5, lean[1] * u**1.5, 0.28 + (top - 0.28) * u]) + np.array(at)
            lv, lf = _leaf(rng, rng.uniform(0.26, 0.40), rng.uniform(0.12, 0.17))
            leaf = blend.add_mesh("leaf", lv, lf)
            leaf.location = q
            leaf.rotation_euler = Euler(
                (
                    rng.uniform(-0.5, 0.5) * (1 if k < 8 else 1.4),
                    rng.uniform(-0.3, 0.3),
                    k * 2.4 + s + rng.uniform(-0.3, 0.3),
                )
            )
            blend.subdivide(leaf, 1)
            leaf.data.materials.append(n.material)


def _window_light(at: tuple[float, float, float]) -> None:
    """Sun through a mullioned window that is out of the picture, and the sky beside it."""
    from mathutils import Vector

    sun = bpy.data.lights.new("sun", "SUN")
    sun.energy, sun.angle, sun.color = 3.6, 0.02, blend.srgb("ffdcb0")[:3]
    ob = bpy.data.objects.new("sun", sun)
    ob.rotation_euler = Vector((1.0, 0.62, -0.72)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(ob)
    blend.add_area("sky", at, (0.6, 0.6, 0.8), (1.9, 2.2), 150, "e4efff")


def room(samples: int) -> None:
    """A daylight living room: plaster wall, oak floor, sofa, plant, framed picture."""
    blend.fresh_scene(SIZE, samples, look="AgX")
    bpy.context.scene.view_settings.look = "AgX - Medium High Contrast"
    wall_y, left_x = 2.4, -3.1
    floor = blend.add_mesh("floor", np.array([[-6, -6, 0], [6, -6, 0], [6, 3, 0], [-6, 3, 0.0]]), [[0, 1, 2, 3]])
    floor.data.materials.append(_wood_floor())
    wall = blend.add_mesh(
        "wall", np.array([[-6, wall_y, 0], [6, wall_y, 0], [6, wall_y, 4], [-6, wall_y, 4.0]]), [[0, 1, 2, 3]]
    )
    wall.data.materials.append(_plaster("d9d0c1"))
    trim = plain_material("trim", "eee9df", 0.5)
    _box("skirting", (12, 0.02, 0.13), (0, wall_y - 0.01, 0), trim, 0.006)
    _window_wall(left_x, trim)
    rug = _fabric("rug", "cfc4b2", 220.0)
    _box("rug", (3.0, 1.7, 0.014), (0.75, 1.0, 0.0), rug, 0.006)
    _sofa((1.55, 1.62))
    _plant((-0.62, 2.0, 0.0), 1.55)
    _framed_picture(wall_y)
    blend.set_world(bpy.context.scene, "f3efe8", 0.55)
    _window_light((left_x - 0.4, -0.1, 1.7))
    camera = blend.add_camera((-0.15, -3.9, 1.25), (0.15, 2.0, 0.90), 31.0)
    camera.data.dof.use_dof = True
    camera.data.dof.focus_distance = 4.2
    camera.data.dof.aperture_fstop = 5.6


def _window_wall(left_x: float, trim: Any) -> None:
    """The window wall on the left keeps the sun to two tall panes."""
    side = plain_material("side", "e6dfd2", 0.9)
    for y0, y1, z0, z1 in (
        (-6, -1.75, 0, 4),
        (-0.15, 0.25, 0, 4),
        (1.55, 3, 0, 4),
        (-1.75, 1.55, 0, 0.55),
        (-1.75, 1.55, 2.75, 4),
    ):
        v = np.array([[left_x, y0, z0], [left_x, y1, z0], [left_x, y1, z1], [left_x, y0, z1]], float)
        blend.add_mesh("side", v, [[0, 1, 2, 3]]).data.materials.append(side)
    for y in (-0.95, 0.9):
        _box("bar", (0.04, 0.035, 2.2), (left_x, y, 0.55), trim)
    for z in (1.3, 2.0):
        _box("bar", (0.04, 3.3, 0.035), (left_x, -0.1, z), trim)


def _sofa(at: tuple[float, float]) -> None:
    sofa = _fabric("sofa", "6f7f74")
    _box("base", (2.1, 0.86, 0.24), (*at, 0.14), sofa, 0.05)
    for x in (-0.5, 0.5):
        _box("seat", (0.98, 0.74, 0.17), (at[0] + x, at[1] - 0.05, 0.37), sofa, 0.06)
        _box("backrest", (0.98, 0.22, 0.46), (at[0] + x, at[1] + 0.33, 0.46), sofa, 0.09)
    for x in (-1.13, 1.13):
        _box("arm", (0.20, 0.88, 0.50), (at[0] + x, at[1], 0.12), sofa, 0.07)
    for x in (-0.95, 0.95):
        for y in (-0.34, 0.34):
            _box("leg", (0.045, 0.045, 0.15), (at[0] + x, at[1] + y, 0.0), plain_material("leg_wood", "5d4229", 0.4))
    for x, colour, turn in ((0.78, "c4704a", 0.25), (-0.72, "ddd3c0", -0.2)):
        _cushion((at[0] + x, at[1] + 0.06, 0.75), colour, turn)


def _framed_picture(wall_y: float) -> None:
    oak = plain_material("oak", "a37b52", 0.4)
    _box("frame", (0.86, 0.03, 1.1), (1.55, wall_y - 0.02, 1.28), oak, 0.004)
    _box("mat", (0.80, 0.034, 1.04), (1.55, wall_y - 0.02, 1.31), plain_material("mat", "f1ece2", 0.8))
    for colour, size, x, z in (
        ("c97b52", 0.36, 1.50, 1.86),
        ("6f8474", 0.30, 1.66, 1.62),
        ("2f3c44", 0.17, 1.44, 1.55),
    ):
        a = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        v = np.stack(
            [x + size / 2 * np.cos(a), np.full(48, wall_y - 0.0395 - size * 0.0005), z + size / 2 * np.sin(a)], 1
        )
        blend.add_mesh("shape", v, [list(range(48))], smooth=False).data.materials.append(
            plain_material("ink" + colour, colour, 0.9)
        )


def studio(samples: int) -> None:
    """A plain sweep with a soft pool of light."""
    blend.fresh_scene(SIZE, samples)
    radius, depth = 2.6, 3.8
    arc = np.linspace(0, np.pi / 2, 20)
    profile = [(-7.0, 0.0), (depth - radius, 0.0)]
    profile += [(depth - radius + radius * np.sin(t), radius - radius * np.cos(t)) for t in arc[1:]]
    profile += [(depth, 8.0)]
    v = np.array([(x, y, z) for y, z in profile for x in (-9.0, 9.0)])
    f = [[2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2] for i in range(len(profile) - 1)]
    sweep = blend.add_mesh("sweep", v, f)
    n = blend.Nodes("paper")
    p = n.coordinate("Object")
    tone = n.mix(n.ramp(n.noise(p, 1.3, 3.0), 0.3, 0.7, (0.0, 0.06)), blend.srgb("c7cdd0"), blend.srgb("a5adb3"))
    n.set(Base_Color=tone, Roughness=0.82, Normal=n.bump(n.noise(p, 300.0, 3.0), 0.05, 0.001), Specular_IOR_Level=0.15)
    sweep.data.materials.append(n.material)
    blend.set_world(bpy.context.scene, "ffffff", 0.42)
    blend.add_area("pool", (-1.6, -1.5, 3.6), (-0.3, 3.8, 1.6), (2.0, 2.0), 95, "fff1e2")
    blend.add_area("top", (0.3, -0.8, 4.6), (0, 0.2, 0), (4.5, 3.5), 190, "ffffff")
    blend.add_camera((0, -5.6, 1.25), (0, 2.0, 0.98), 36.0)


SCENES = {"room_daylight": room, "studio_sweep": studio}


def main(build: Path, name: str, samples: int, percent: int) -> None:
    SCENES[name](samples)
    blend.render(build / f"{name}.png", percent)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
