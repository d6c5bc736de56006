"""Render the sample models: body, draped clothes, hair, studio; and their exact truth beside them."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import blend
import bpy
import numpy as np
from cut import Tailor, TopCut, clip_mesh, remesh
from drape import DENIM, JERSEY, Fabric, moving_body, relax, simulate
from hair import HairStyle, Head, add_strands, bun_strands, grow_brows, grow_lashes, grow_scalp_hair, hair_material
from materials import DEEP, FAIR, OLIVE, Cloth, SkinTone, cloth_material, eye_material, plain_material, skin_material
from pose import Rig, Stance, pose_vertices, stance_turns

JEANS = Cloth(colour="27344d", second="6d7f9c", kind="denim", collar=0.0, hem=0.025, cuff=0.0, sheen=0.05)
CHINOS = Cloth(colour="d8d1c4", second="efe9dc", kind="twill", collar=0.0, hem=0.025, cuff=0.0, sheen=0.05)
CHARCOAL = dataclasses.replace(CHINOS, colour="2b2d31", second="4a4d52")
BUN = HairStyle()
HEAD_SAMPLES = 5  # times the picture's samples, in the window around the head
CUT_ARMS = 0.35  # clothes are cut with the arms this far towards the stance: higher arms give puffed sleeves


@dataclass(frozen=True)
class Person:
    """One sample model: who, how she stands, what she wears, how she is framed."""

    rig: str
    stance: Stance
    top: TopCut
    top_cloth: Cloth
    top_fabric: Fabric = JERSEY
    trousers: dict[str, float] = field(default_factory=dict)
    trousers_cloth: Cloth = JEANS
    tone: SkinTone = FAIR
    hair: HairStyle = BUN
    iris: str = "6a4a2c"
    full_body: bool = False
    backdrop: str = "dcdad7"
    size: tuple[int, int] = (1152, 1536)


PEOPLE: dict[str, Person] = {
    "model_mira": Person(
        rig="mira",
        stance=Stance(arm_drop=(29, 28), leg_out=(-4.5, -4.5), elbow_extend=(22, 19), head_turn=4, head_tilt=2.0),
        top=TopCut(ease=0.009, fit=0.25, sleeve=0.17, hem=0.035, neck_half_width=0.074, neck_front=0.022),
        top_cloth=Cloth(colour="e9e6e0", sheen=0.1),
        hair=HairStyle(kind="bun", melanin=0.74, redness=0.3),
    ),
    "model_amara": Person(
        rig="amara",
        stance=Stance(
            arm_drop=(27, 30),
            leg_out=(-2, -7),
            elbow_extend=(14, 22),
            hip_sway=2.5,
            knee_bend=(10, 0),
            head_turn=-7,
            head_tilt=-3,
        ),
        top=TopCut(ease=0.006, fit=0.12, sleeve=0.0, armhole_x=0.02, hem=0.02, neck_half_width=0.088, neck_front=0.055),
        top_cloth=Cloth(colour="b9c3bd", sheen=0.1),
        trousers_cloth=CHINOS,
        tone=DEEP,
        hair=HairStyle(kind="bun", melanin=0.96, redness=0.2, part_x=0.0, seed=9),
        iris="3a2618",
    ),
    "model_jonas": Person(
        rig="jonas",
        stance=Stance(
            arm_drop=(31, 32), leg_out=(-3.5, -7.5), elbow_extend=(16, 20), hip_sway=2.0, knee_bend=(9, 0), head_turn=6
        ),
        top=TopCut(ease=0.010, fit=0.35, sleeve=0.20, hem=0.035, neck_half_width=0.085, neck_front=0.03),
        top_cloth=Cloth(colour="9aa5ad", second="c9d0d4", heather=0.5, sheen=0.1),
        trousers={"leg": 0.028, "ease": 0.011, "length": 0.985},
        trousers_cloth=CHARCOAL,
        tone=OLIVE,
        hair=HairStyle(kind="crop", strands=40000, length=0.05, melanin=0.8, part_x=-0.03, seed=4),
        iris="4d5a4a",
        full_body=True,
    ),
}


def dress(person: Person, build: Path, name: str, redo: bool = False) -> dict[str, Any]:
    """Return the posed body and its draped garments, from the cache beside the rigs if made before."""
    cache = build / f"{name}_dressed.npz"
    rig = Rig.load(build / f"{person.rig}_rig.npz")
    final = pose_vertices(rig, person.stance)
    if redo or not cache.exists():
        _drape_clothes(rig, person, cache)
    with np.load(cache) as z:
        return {"rig": rig, "body": final, **{k: z[k] for k in z.files}}


def _drape_clothes(rig: Rig, person: Person, cache: Path) -> None:
    stance = person.stance
    steps = [
        dataclasses.replace(stance, arm_drop=(a * stance.arm_drop[0], a * stance.arm_drop[1]))
        for a in np.linspace(CUT_ARMS, 1, 6)
    ]
    frames = [pose_vertices(rig, s) for s in steps]
    tailor = Tailor(rig, frames[0])
    top, trousers = tailor.top(person.top), tailor.trousers(**person.trousers)
    blend.fresh_scene((64, 64), 1)
    moving_body([f[:13380] for f in frames], rig.faces("body"), "body", 26)
    pins = (trousers.attributes["d_neck"] < 0.02).astype(float)
    trousers_v = simulate(trousers.vertices, trousers.faces, DENIM, 30, pins=pins)
    legs = blend.add_mesh("legs", trousers_v, trousers.faces)
    legs.modifiers.new("collision", "COLLISION")
    legs.collision.thickness_outer = 0.003
    legs.collision.cloth_friction = 6.0
    top_v = simulate(top.vertices, top.faces, person.top_fabric, 48)
    out = {"top_v": relax(top_v, top.faces), "top_f": top.faces, "trousers_v": relax(trousers_v, trousers.faces),
           "trousers_f": trousers.faces}  # fmt: skip
    for part, mesh in (("top", top), ("trousers", trousers)):
        out |= {f"{part}:{k}": v for k, v in mesh.attributes.items()}
    np.savez_compressed(cache, **out)


def add_body(rig: Rig, body: np.ndarray, person: Person, hidden: np.ndarray) -> Any:
    """Add the skin, without the faces that the clothes cover."""
    faces, uv_faces = rig.faces("body"), rig.data["uvfaces:body"]
    keep = ~hidden[faces].all(1)
    used, compacted = blend.compact(body, faces[keep])
    uv = rig.data["uv"][uv_faces[keep]].reshape(-1, 2)
    ob = blend.add_mesh("body", body[used], compacted, uv)
    rest = rig.data["rest"]
    blend.add_attribute(ob, "rest", rest[used])
    blush, socket = _face_masks(rig)
    blend.add_attribute(ob, "blush", blush[used])
    blend.add_attribute(ob, "socket", socket[used])
    blend.subdivide(ob, 2)
    ob.data.materials.append(skin_material(person.tone))
    return ob


def _face_masks(rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """Return where blood shows (cheeks, nose, ears, knuckles, elbows) and where the eye sockets shade."""
    rest = rig.data["rest"]
    points = rig.joints(rest)
    blush = np.zeros(len(rest))
    eyes = {s: rest[np.unique(rig.faces(f"helper-{s}-eye"))].mean(0) for s in "lr"}
    spots = [(points["nose"], 0.014, 0.7), (points["left_ear"], 0.03, 0.8), (points["right_ear"], 0.03, 0.8)]
    for s, sign in (("l", 1), ("r", -1)):
        spots.append((eyes[s] + np.array([sign * 0.012, -0.012, -0.037]), 0.026, 0.85))
        side = {"l": "left", "r": "right"}[s]
        spots.append((points[f"{side}_elbow"], 0.05, 0.4))
        for finger in range(2, 6):
            spots.append((rig.data["heads"][rig.bone(f"finger{finger}-1.{s.upper()}")], 0.016, 0.6))
            spots.append((rig.data["tails"][rig.bone(f"finger{finger}-3.{s.upper()}")], 0.014, 0.6))
    for centre, radius, strength in spots:
        d = np.linalg.norm(rest - centre, axis=1)
        blush = np.maximum(blush, strength * np.exp(-((d / radius) ** 2)))
    socket = np.zeros(len(rest))
    for e in eyes.values():
        off = (rest - e) / np.array([0.021, 0.03, 0.013])
        socket = np.maximum(socket, np.exp(-((off**2).sum(1))))
    return blush, socket


def covered(dressed: dict[str, Any]) -> np.ndarray:
    """Return which body vertices lie well under a garment."""
    from scipy.spatial import cKDTree

    body = dressed["body"][:13380]
    hidden = np.zeros(len(dressed["body"]), bool)
    for part in ("top", "trousers"):
        v, f = dressed[f"{part}_v"], dressed[f"{part}_f"]
        edge = np.minimum.reduce([dressed[f"{part}:{k}"] for k in ("d_neck", "d_hem", "d_cuff")])
        tri = v[f]
        centre = tri.mean(1)
        normal = np.cross(tri[:, 1] - tri[:, 0], tri[:, 2] - tri[:, 0])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
        d, i = cKDTree(centre).query(body)
        below = np.einsum("ij,ij->i", body - centre[i], normal[i]) < 0.004
        well = edge[f].min(1)[i] > 0.03
        hidden[:13380] |= (d < 0.05) & below & well
    return hidden


def hidden_skin(dressed: dict[str, Any], person: Person) -> np.ndarray:
    """Return which body vertices are out of sight: under clothes, and inside shoes."""
    hidden = covered(dressed)
    if person.full_body:
        hidden[:13380] |= dressed["body"][:13380, 2] < 0.055
    return hidden


def add_garment(name: str, dressed: dict[str, Any], cloth: Cloth) -> Any:
    v, f = dressed[f"{name}_v"], dressed[f"{name}_f"]
    ob = blend.add_mesh(name, v, f)
    for key in [k for k in dressed if k.startswith(f"{name}:")]:
        blend.add_attribute(ob, key.split(":")[1], dressed[key])
    if name == "trousers":
        blend.add_attribute(ob, "fade", _thigh_fade(dressed))
    blend.subdivide(ob, 2)
    solid = ob.modifiers.new("solid", "SOLIDIFY")
    solid.thickness = 0.0016
    solid.offset = 1.0
    ob.data.materials.append(cloth_material(name, cloth))
    return ob


def _thigh_fade(dressed: dict[str, Any]) -> np.ndarray:
    rest = dressed["trousers:rest"]
    along = dressed["trousers:along"]
    facing = np.clip(-dressed["trousers:seam"] / 0.08, 0, 1)
    return facing * np.exp(-(((along - 0.2) / 0.16) ** 2)) * np.exp(-(((np.abs(rest[:, 0]) - 0.1) / 0.05) ** 2))


def add_shoes(rig: Rig, body: np.ndarray) -> None:
    """Add plain low shoes around the feet."""
    from cut import _signed_distance, surface_samples
    from scipy.ndimage import gaussian_filter
    from skimage.measure import marching_cubes

    points, normals = surface_samples(body, rig.faces("body"), 2)
    for sign in (1, -1):
        near = (points[:, 2] < 0.16) & (points[:, 0] * sign > 0)
        p, nrm = points[near], normals[near]
        lo, hi = p.min(0) - 0.03, p.max(0) + 0.03
        lo[2], hi[2] = -0.012, 0.125
        axes = [np.arange(a, b, 0.004) for a, b in zip(lo, hi, strict=True)]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
        q = grid.reshape(-1, 3)
        squeezed = q.copy()
        d = _signed_distance(squeezed, p, nrm) - 0.006
        field_ = gaussian_filter(d.reshape(grid.shape[:3]), (2.5, 2.5, 1.5))
        v, f, _, _ = marching_cubes(field_.astype(np.float32), 0.0)
        v = v * 0.004 + lo
        f = f.astype(np.int64)
        ankle = v[:, 2] - (0.072 + 0.02 * np.clip((v[:, 1] - np.median(v[:, 1])) / 0.1, -1, 1))
        v, f = clip_mesh(v, f, ankle)
        v, f = remesh(v, f, 0.006)
        v[:, 2] = np.maximum(v[:, 2], -0.004)
        ob = blend.add_mesh("shoe", v, f)
        blend.add_attribute(ob, "height", v[:, 2])
        blend.subdivide(ob, 1)
        solid = ob.modifiers.new("solid", "SOLIDIFY")
        solid.thickness = 0.003
        n = blend.Nodes("shoe")
        sole = n.ramp(n.attribute("height"), 0.0215, 0.0225, (1.0, 0.0))
        n.set(Base_Color=n.mix(sole, blend.srgb("4a4038"), blend.srgb("e4dfd4")), Roughness=0.5)
        ob.data.materials.append(n.material)


def add_studio(backdrop: str, height: float, full_body: bool) -> None:
    """Add the sweep and soft boxes."""
    radius, depth = 1.2, 2.2
    arc = np.linspace(0, np.pi / 2, 14)
    profile = [(-5.0, 0.0), (depth - radius, 0.0)]
    profile += [(depth - radius + radius * np.sin(t), radius - radius * np.cos(t)) for t in arc[1:]]
    profile += [(depth, 6.0)]
    vertices = [(x, y, z) for y, z in profile for x in (-7.0, 7.0)]
    faces = [[2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2] for i in range(len(profile) - 1)]
    sweep = blend.add_mesh("sweep", np.array(vertices), faces)
    sweep.data.materials.append(plain_material("sweep", backdrop, 0.9, Specular_IOR_Level=0.1))
    blend.set_world(bpy.context.scene, "ffffff", 0.28)
    aim = (0.0, 0.0, height * 0.72)
    blend.add_area("key", (-1.7, -2.4, height + 0.75), aim, (1.3, 1.6), 56, "fff4ea")
    blend.add_area("fill", (2.4, -2.2, height * 0.8), aim, (1.8, 2.2), 21, "eef4ff")
    blend.add_area("rim_l", (-1.6, 1.3, height + 0.5), aim, (0.5, 1.4), 16, "ffffff")
    blend.add_area("rim_r", (1.7, 1.2, height + 0.3), aim, (0.5, 1.4), 12, "ffffff")
    blend.add_area("wall", (0, 0.6, 3.4), (0, depth, 1.2), (3.5, 0.8), 34 if full_body else 28)


def aim_camera(body: np.ndarray, full_body: bool, size: tuple[int, int]) -> Any:
    """Frame head to mid-thigh as catalogue pictures do, or the whole body."""
    top = float(body[:13380, 2].max()) + 0.02
    low = -0.09 if full_body else top * 0.405
    high = top + (0.10 if full_body else 0.055)
    distance = 6.5 if full_body else 4.6
    span = high - low
    middle = (high + low) / 2
    eye_z = middle + (0.0 if full_body else 0.05)
    focal = 36.0 * distance / span
    camera = blend.add_camera((0, -distance, eye_z), (0, 0, middle), focal)
    camera.data.sensor_fit = "VERTICAL"
    camera.data.sensor_height = 36.0
    return camera


def build_scene(name: str, build: Path, samples: int, redo: bool = False) -> dict[str, Any]:
    """Build one sample model's scene, ready to render."""
    person = PEOPLE[name]
    dressed = dress(person, build, name, redo)
    rig, body = dressed["rig"], dressed["body"]
    blend.fresh_scene(person.size, samples)
    height = float(body[:13380, 2].max())
    add_studio(person.backdrop, height, person.full_body)
    camera = aim_camera(body, person.full_body, person.size)
    add_body(rig, body, person, hidden_skin(dressed, person))
    add_garment("trousers", dressed, person.trousers_cloth)
    add_garment("top", dressed, person.top_cloth)
    if person.full_body:
        add_shoes(rig, body)
    turn = rig.transforms(stance_turns(rig, person.stance))[rig.bone("head"), :3, :3]
    head = Head(rig, body, turn)
    for side, eye in (("l", head.left_eye), ("r", head.right_eye)):
        faces = rig.faces(f"helper-{side}-eye")
        used, compacted = blend.compact(body, faces)
        ob = blend.add_mesh(f"eye_{side}", body[used], compacted)
        blend.subdivide(ob, 2)
        radius = float(np.linalg.norm(body[used] - eye, axis=1).mean())
        gaze = np.array(camera.location) - eye
        ob.data.materials.append(eye_material(eye, gaze, radius, person.iris))
    for part in ("upper-teeth", "lower-teeth"):
        used, compacted = blend.compact(body, rig.faces(f"helper-{part}"))
        blend.add_mesh(part, body[used], compacted).data.materials.append(plain_material(part, "efe6d8", 0.3))
    style = person.hair
    hair = hair_material("hair", style.melanin, style.redness)
    add_strands("hair", *grow_scalp_hair(head, style), hair)
    if style.kind == "bun":
        add_strands("hair_bun", *bun_strands(head, style), hair)
    add_strands("brows", *grow_brows(head), hair_material("brows", min(1.0, style.melanin + 0.1), style.redness))
    add_strands("lashes", *grow_lashes(rig, head), hair_material("lashes", 1.0, 0.2))
    dressed["head"] = head
    return dressed


def head_window(dressed: dict[str, Any], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the pixels around the head: strands and eyes need more samples than cloth."""
    points = blend.project(dressed["head"].points[::50])
    lo, hi = points.min(0), points.max(0)
    margin = 0.16 * (hi - lo).max()
    box = np.concatenate([lo - margin, hi + margin * 0.3]).round().astype(int)
    return (max(int(box[0]), 0), max(int(box[1]), 0), min(int(box[2]), size[0]), min(int(box[3]), size[1]))


def main(build: Path, name: str, samples: int, percent: int, redo: bool, truth_folder: Path | None) -> None:
    dressed = build_scene(name, build, samples, redo)
    picture = build / f"{name}.png"
    blend.render(picture, percent)
    if percent == 100:
        blend.render_window(picture, head_window(dressed, PEOPLE[name].size), samples * HEAD_SAMPLES)
    if truth_folder is not None:
        import truth

        truth.measure(name, dressed, build, truth_folder)


if __name__ == "__main__":
    sys.modules["people"] = sys.modules["__main__"]
    args = sys.argv[1:]
    folders = [Path(a) for a in args[4:] if a != "redo"]
    main(Path(args[0]), args[1], int(args[2]), int(args[3]), "redo" in args, folders[0] if folders else None)
