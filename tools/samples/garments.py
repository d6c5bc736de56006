"""Render the garment product photos: ghost-mannequin views of the same cut and draped garments."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import artwork
import blend
import bpy
import numpy as np
from cut import GarmentMesh, Tailor, TopCut
from drape import JERSEY, KNIT, SATIN, Fabric, material_coordinates, moving_body, relax, simulate, smoothed
from materials import Cloth, cloth_material, plain_material
from pose import Rig, Stance, pose_vertices

STIFFER = 5.0  # a product is pressed and padded before it is photographed: fewer, broader folds
FLATTEN = 0.62  # depth of the padded form a product is photographed on, as a share of a body's


@dataclass(frozen=True)
class Product:
    """One product photo."""

    rig: str
    cut: TopCut
    cloth: Cloth
    fabric: Fabric = JERSEY
    print_box: tuple[float, float, bool] = (0.0, 0.0, False)  # width, centre above the hips, knitted in
    arms: tuple[float, float] = (2.0, 15.0)  # degrees dropped when cut, when photographed
    size: tuple[int, int] = (1200, 1600)
    backdrop: str = "f3f2f0"


PRODUCTS: dict[str, Product] = {
    "tee_sunrise": Product(
        rig="mira",
        cut=TopCut(
            ease=0.022,
            fit=0.75,
            sleeve=0.19,
            sleeve_ease=(0.022, 0.034),
            hem=0.05,
            neck_half_width=0.080,
            neck_front=0.03,
        ),
        cloth=Cloth(colour="2f4a43", collar=0.020, sheen=0.12),
        print_box=(0.25, 0.275, False),
        arms=(0.0, 10.0),
    ),
    "breton_longsleeve": Product(
        rig="mira",
        cut=TopCut(
            ease=0.011,
            fit=0.45,
            sleeve=0.505,
            sleeve_ease=(0.018, 0.014),
            hem=0.04,
            neck_half_width=0.100,
            neck_front=0.012,
            neck_back=-0.008,
        ),
        cloth=Cloth(colour="ece5d6", second="26324f", stripes=(0.030, 0.40), collar=0.012, cuff=0.018, sheen=0.08),
        arms=(4.0, 24.0),
    ),
    "tank_satin": Product(
        rig="mira",
        cut=TopCut(ease=0.018, fit=0.7, sleeve=0.0, armhole_x=0.028, hem=0.02, neck_half_width=0.086, neck_front=0.065),
        cloth=Cloth(colour="b5654a", kind="satin", collar=0.006, hem=0.018, cuff=0.006, sheen=0.0),
        fabric=SATIN,
        arms=(0.0, 4.0),
    ),
    "knit_jacquard": Product(
        rig="mira",
        cut=TopCut(
            ease=0.024,
            fit=0.7,
            sleeve=0.50,
            sleeve_ease=(0.022, 0.020),
            hem=0.03,
            neck_half_width=0.082,
            neck_front=0.02,
        ),
        cloth=Cloth(colour="6f8797", kind="knit", collar=0.026, hem=0.055, cuff=0.055, sheen=0.3),
        fabric=KNIT,
        print_box=(0.52, 0.34, True),
        arms=(4.0, 24.0),
    ),
}

PRINTS = {"tee_sunrise": "print_sunrise.png", "knit_jacquard": "print_jacquard.png"}


def _form(rig: Rig, arms: float) -> np.ndarray:
    stance = Stance(arm_drop=(arms, arms), leg_out=(-4.5, -4.5), elbow_extend=(33, 33), finger_curl=0.0)
    vertices = pose_vertices(rig, stance)
    middle = vertices[13622:13630, 1].mean()
    vertices[:, 1] = middle + (vertices[:, 1] - middle) * FLATTEN
    return vertices


def _form_faces(rig: Rig, has_arms: bool) -> np.ndarray:
    """Return the faces of the padded form: no hands, and no arms for a sleeveless product."""
    away = ("wrist", "finger", "metacarpal") + (() if has_arms else ("upperarm", "lowerarm"))
    chosen = np.array([str(x).startswith(away) for x in rig.data["labels"]])
    share = (rig.data["weights"] * chosen[rig.data["indices"]]).sum(1)
    faces = rig.faces("body")
    return faces[(share[faces] < 0.5).all(1)]


def drape_product(name: str, build: Path, redo: bool) -> dict[str, np.ndarray]:
    """Cut and drape one product on the padded form; cached beside the rigs."""
    cache = build / f"{name}_draped.npz"
    product = PRODUCTS[name]
    if redo or not cache.exists():
        rig = Rig.load(build / f"{product.rig}_rig.npz")
        frames = [_form(rig, a) for a in np.linspace(*product.arms, 5)]
        tailor = Tailor(rig, frames[0])
        mesh = tailor.top(product.cut, edge_m=0.008)
        blend.fresh_scene((64, 64), 1)
        moving_body([f[:13380] for f in frames], _form_faces(rig, product.cut.sleeve > 0), "form", 20)
        fabric = dataclasses.replace(product.fabric, bending=product.fabric.bending * STIFFER)
        draped = relax(simulate(mesh.vertices, mesh.faces, fabric, 34, gravity=0.55), mesh.faces, rounds=4)
        _settle_pattern(mesh, draped, product, float(tailor.joint["l-hip"][2]))
        np.savez_compressed(cache, v=draped, f=mesh.faces, **{f"a:{k}": v for k, v in mesh.attributes.items()})
    with np.load(cache) as z:
        return {k: z[k] for k in z.files}


def _settle_pattern(mesh: GarmentMesh, draped: np.ndarray, product: Product, hip_z: float) -> None:
    """Give the pattern smooth coordinates; a chest print is laid on flat, as it is printed."""
    a = mesh.attributes
    a["rest"] = material_coordinates(a["rest"], draped, mesh.faces)
    a["along"] = smoothed(a["along"], mesh.faces, 6)
    width, height, is_worked_in = product.print_box
    if is_worked_in:
        a["sleeve_uv"] = np.stack([a["around"] * 0.055 / width, 0.62 - a["along"] / width, 0 * a["along"]], 1)
    if width:
        at = a["rest"] if is_worked_in else draped
        sink = 0.0 if is_worked_in else float(np.median(draped[:, 2] - a["rest"][:, 2]))
        a["print_uv"] = np.stack(
            [at[:, 0] / width + 0.5, (at[:, 2] - hip_z - height - sink) / width + 0.5, 0 * at[:, 0]], 1
        )


def _add_label(data: dict[str, np.ndarray], build: Path) -> None:
    """Hang the woven label inside the back of the neck."""
    v, d_neck, rest = data["v"], data["a:d_neck"], data["a:rest"]
    back = (data["a:is_front"] < 0.5) & (np.abs(v[:, 0]) < 0.012)
    top = v[back & (d_neck < 0.008)]
    if not len(top):
        return
    anchor = top.mean(0)
    column = v[back & (rest[:, 2] > rest[:, 2].max() - 0.25)]
    rows = np.linspace(0.018, 0.042, 5)
    columns = np.linspace(-0.026, 0.026, 9)
    points, uv = [], []
    all_back = v[data["a:is_front"] < 0.5]
    from scipy.spatial import cKDTree

    tree = cKDTree(all_back[:, [0, 2]])
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            z = anchor[2] - r
            _, near = tree.query((c, z), k=6)
            y = all_back[near, 1].mean() - 0.0035
            points.append((c, y, z))
            uv.append((j / 8, 1 - i / 4))
    del column
    faces = [[i * 9 + j, (i + 1) * 9 + j, (i + 1) * 9 + j + 1, i * 9 + j + 1] for i in range(4) for j in range(8)]
    corner_uv = np.array([uv[k] for f in faces for k in f])
    ob = blend.add_mesh("label", np.array(points), faces, corner_uv)
    n = blend.Nodes("label")
    n.set(Base_Color=n.image(build / "print_label.png", n.coordinate("UV"), data=False)[0], Roughness=0.55)
    ob.data.materials.append(n.material)


def build_product(name: str, build: Path, samples: int, redo: bool = False) -> dict[str, np.ndarray]:
    """Build one product's scene, ready to render."""
    product = PRODUCTS[name]
    artwork.draw_all(build)
    data = drape_product(name, build, redo)
    scene = blend.fresh_scene(product.size, samples)
    scene.cycles.max_bounces = 8
    cloth = product.cloth
    if name in PRINTS:
        cloth = dataclasses.replace(cloth, print_png=str(build / PRINTS[name]))
    ob = blend.add_mesh("garment", data["v"], data["f"])
    for key in [k for k in data if k.startswith("a:")]:
        blend.add_attribute(ob, key[2:], data[key])
    blend.subdivide(ob, 2)
    solid = ob.modifiers.new("solid", "SOLIDIFY")
    solid.thickness = 0.0018 if cloth.kind != "knit" else 0.003
    solid.offset = 0.0
    ob.data.materials.append(cloth_material("garment", cloth))
    _add_label(data, build)
    _photograph(data["v"], product)
    return data


def _photograph(v: np.ndarray, product: Product) -> None:
    lo, hi = v.min(0), v.max(0)
    middle = (lo + hi) / 2
    back = hi[1] + 0.015
    wall = blend.add_mesh(
        "wall", np.array([[-6, back, -6], [6, back, -6], [6, back, 6], [-6, back, 6.0]]), [[0, 1, 2, 3]]
    )
    wall.data.materials.append(plain_material("wall", product.backdrop, 0.95, Specular_IOR_Level=0.05))
    aspect = product.size[1] / product.size[0]
    span = max((hi[2] - lo[2]) * 1.16, (hi[0] - lo[0]) * 1.14 * aspect)
    distance = 6.0
    camera = blend.add_camera(
        (0, middle[1] - distance, middle[2] + 0.15), (0, middle[1], middle[2]), 36.0 * distance / span
    )
    camera.data.sensor_fit = "VERTICAL"
    camera.data.sensor_height = 36.0
    aim = tuple(middle)
    blend.set_world(bpy.context.scene, "ffffff", 0.88)
    blend.add_area("key", (-1.9, -1.7, middle[2] + 1.5), aim, (1.2, 1.2), 24, "fffaf4")
    blend.add_area("fill", (2.2, -2.0, middle[2] + 0.3), aim, (1.6, 2.0), 8, "f4f8ff")
    blend.add_area("wall_light", (0, -4.5, middle[2] + 1.6), (0, back, middle[2]), (3.5, 2.0), 30)


def main(build: Path, name: str, samples: int, percent: int, redo: bool) -> Any:
    build_product(name, build, samples, redo)
    blend.render(build / f"{name}.png", percent)


if __name__ == "__main__":
    args = sys.argv[1:]
    main(Path(args[0]), args[1], int(args[2]), int(args[3]), "redo" in args)
