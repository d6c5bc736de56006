"""Write a sample model's exact truth: alpha, CIHP-20 labels and OpenPose joints, from the scene itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import blend
import bpy
import numpy as np
import people
from PIL import Image
from pose import Rig

TRUTH_SIZE = (768, 1024)
HAIR, UPPER, PANTS, TORSO_SKIN, FACE = 2, 5, 9, 10, 13
LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG, LEFT_SHOE, RIGHT_SHOE = 14, 15, 16, 17, 18, 19

COCO18 = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip


def flat(label: int) -> Any:
    """Return a material that renders as its label's number."""
    name = f"label_{label}"
    if name in bpy.data.materials:
        return bpy.data.materials[name]
    n = blend.Nodes(name)
    n.tree.nodes.remove(n.bsdf)
    emission = n.node("ShaderNodeEmission")
    value = label * 12 / 255
    emission.inputs[0].default_value = (value, value, value, 1.0)
    n.link(emission.outputs[0], n.output.inputs["Surface"])
    return n.material


def body_labels(rig: Rig, vertices_used: np.ndarray) -> np.ndarray:
    """Return the CIHP label of each body vertex by the bone that moves it most."""
    labels = rig.data["labels"]
    of_bone = np.full(len(labels), FACE)
    for i, text in enumerate(labels):
        bone = str(text)
        side = bone.rsplit(".", 1)[-1]
        if bone.startswith(("upperarm", "lowerarm", "wrist", "finger", "metacarpal", "shoulder01")):
            of_bone[i] = LEFT_ARM if side == "L" else RIGHT_ARM
        elif bone.startswith(("upperleg", "lowerleg", "foot", "toe", "pelvis")):
            of_bone[i] = LEFT_LEG if side == "L" else RIGHT_LEG
        elif bone.startswith(("spine", "breast", "clavicle", "neck", "root")):
            of_bone[i] = TORSO_SKIN
    weights, indices = rig.data["weights"], rig.data["indices"]
    best = indices[np.arange(len(weights)), weights.argmax(1)]
    return of_bone[best][vertices_used]


def paint_labels(rig: Rig, used: np.ndarray) -> None:
    """Swap every material for its label's flat colour and take the studio away."""
    simple = {"top": UPPER, "trousers": PANTS, "hair": HAIR, "hair_bun": HAIR, "brows": FACE, "lashes": FACE,
              "eye_l": FACE, "eye_r": FACE, "upper-teeth": FACE, "lower-teeth": FACE}  # fmt: skip
    for ob in list(bpy.data.objects):
        if ob.type == "LIGHT" or ob.name.startswith("sweep"):
            bpy.data.objects.remove(ob)
            continue
        base = ob.name.split(".")[0]
        if base == "body":
            _paint_body(ob, body_labels(rig, used))
        elif base == "shoe":
            x = np.mean([v.co.x for v in ob.data.vertices])
            _set_material(ob, LEFT_SHOE if x > 0 else RIGHT_SHOE)
        elif base in simple:
            _set_material(ob, simple[base])


def _set_material(ob: Any, label: int) -> None:
    ob.data.materials.clear()
    ob.data.materials.append(flat(label))


def _paint_body(ob: Any, labels: np.ndarray) -> None:
    ob.data.materials.clear()
    kinds = sorted(set(labels.tolist()))
    for k in kinds:
        ob.data.materials.append(flat(k))
    for polygon in ob.data.polygons:
        votes = labels[list(polygon.vertices)]
        polygon.material_index = kinds.index(int(np.bincount(votes).argmax()))


def openpose(rig: Rig, body: np.ndarray, size: tuple[int, int], scale: float) -> dict[str, Any]:
    """Return the joints as an OpenPose COCO-18 document; joints outside the picture are zero."""
    joints = rig.joints(body)
    joints["neck"] = (joints["left_shoulder"] + joints["right_shoulder"]) / 2
    points = blend.project(np.stack([joints[n] for n in COCO18])) * scale
    numbers: list[float] = []
    for x, y in points:
        inside = 0 <= x < size[0] * scale and 0 <= y < size[1] * scale
        numbers += [round(float(x), 2), round(float(y), 2), 1.0] if inside else [0.0, 0.0, 0.0]
    return {"version": 1.1, "people": [{"pose_keypoints_2d": numbers}]}


def write_truth(name: str, build: Path, out: Path) -> None:
    """Render and write `<name>_alpha.png`, `<name>_parse.png`, `<name>_keypoints.json`."""
    measure(name, people.build_scene(name, build, 1), build, out)


def measure(name: str, dressed: dict[str, Any], build: Path, out: Path) -> None:
    """Turn the scene just built into its truth; the scene is spent afterwards."""
    rig, body = dressed["rig"], dressed["body"]
    faces = rig.faces("body")
    person = people.PEOPLE[name]
    keep = ~people.hidden_skin(dressed, person)[faces].all(1)
    used, _ = blend.compact(body, faces[keep])
    document = openpose(rig, body, person.size, TRUTH_SIZE[0] / person.size[0])
    paint_labels(rig, used)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = TRUTH_SIZE
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Raw"
    scene.cycles.use_denoising = False
    blend.set_world(scene, "000000", 0.0)
    out.mkdir(parents=True, exist_ok=True)
    scene.cycles.samples = 1
    scene.cycles.pixel_filter_type = "BOX"
    scene.cycles.filter_width = 0.01
    blend.render(build / "labels.png")
    raw = np.asarray(Image.open(build / "labels.png").convert("RGBA")).astype(int)
    labels = np.where(raw[..., 3] > 127, (raw[..., 0] + 6) // 12, 0).astype(np.uint8)
    Image.fromarray(labels).save(out / f"{name}_parse.png", optimize=True)
    scene.cycles.samples = 24
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.pixel_filter_type = "BLACKMAN_HARRIS"
    scene.cycles.filter_width = 1.5
    blend.render(build / "alpha.png")
    alpha = np.asarray(Image.open(build / "alpha.png").convert("RGBA"))[..., 3]
    Image.fromarray(alpha).save(out / f"{name}_alpha.png", optimize=True)
    (out / f"{name}_keypoints.json").write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    for each in sys.argv[3:]:
        write_truth(each, Path(sys.argv[1]), Path(sys.argv[2]))
