"""Judge a sample model with the detectors the product uses: pose, matte, hair and skin.

Run with the product's environment (onnxruntime, numpy, pillow):
  python tools/samples/check.py MODELS_FOLDER PHOTO [TRUTH_FOLDER]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image

# name: BlazePose index, COCO-18 index
JOINTS = {
    "nose": (0, 0),
    "right_shoulder": (12, 2),
    "right_elbow": (14, 3),
    "right_wrist": (16, 4),
    "left_shoulder": (11, 5),
    "left_elbow": (13, 6),
    "left_wrist": (15, 7),
    "right_hip": (24, 8),
    "left_hip": (23, 11),
}


def session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _crop(image: Image.Image, centre: np.ndarray, side: float, angle: float, size: int) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    k = side / size
    a = (c * k, -s * k, centre[0] - (c - s) * side / 2, s * k, c * k, centre[1] - (s + c) * side / 2)
    return np.asarray(image.transform((size, size), Image.Transform.AFFINE, a, Image.Resampling.BILINEAR), np.float32)


def pose(image: Image.Image, folder: Path) -> tuple[np.ndarray, float]:
    """Return BlazePose's 33 points in picture pixels, and the detector's score."""
    w, h = image.size
    side = max(w, h)
    pad = Image.new("RGB", (side, side))
    offset = ((side - w) // 2, (side - h) // 2)
    pad.paste(image, offset)
    x = np.asarray(pad.resize((224, 224), Image.Resampling.BILINEAR), np.float32)[None] / 127.5 - 1
    net = session(folder / "pose_detection.onnx")
    outputs = net.run(None, {net.get_inputs()[0].name: x})
    boxes = next(o for o in outputs if o.shape[-1] == 12).reshape(-1, 12)
    scores = next(o for o in outputs if o.shape[-1] == 1).ravel()
    score = 1 / (1 + np.exp(-np.clip(scores.astype(float), -100, 100)))
    anchors = []
    for n, per in ((28, 2), (14, 2), (7, 6)):
        g = (np.arange(n) + 0.5) / n
        anchors.append(np.repeat(np.stack(np.meshgrid(g, g), -1).reshape(-1, 2), per, 0))
    anchor = np.concatenate(anchors)
    best = int(score.argmax())
    p = (boxes[best, 4:8].reshape(2, 2) / 224 + anchor[best]) * side - offset
    net = session(folder / "pose_landmark_full.onnx")
    points = np.zeros((39, 3))
    for _ in range(2):
        d = p[1] - p[0]
        roi, angle = 2.5 * float(np.hypot(*d)), float(np.pi / 2 - np.arctan2(-d[1], d[0]))
        crop = _crop(image, p[0], roi, angle, 256)[None] / 255
        raw = next(o for o in net.run(None, {net.get_inputs()[0].name: crop}) if o.size == 195).reshape(39, 5)
        local = (raw[:, :2] - 128) / 256 * roi
        rot = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        points[:, :2] = local @ rot.T + p[0]
        points[:, 2] = 1 / (1 + np.exp(-raw[:, 3]))
        p = points[33:35, :2]
    return points[:33], float(score[best])


def matte(image: Image.Image, folder: Path) -> np.ndarray:
    x = np.asarray(image.resize((320, 320), Image.Resampling.LANCZOS), np.float32)
    x = (x / max(x.max(), 1e-6) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    net = session(folder / "u2netp.onnx")
    y = net.run(None, {net.get_inputs()[0].name: x.transpose(2, 0, 1)[None].astype(np.float32)})[0][0, 0]
    y = (y - y.min()) / (y.max() - y.min())
    return np.asarray(Image.fromarray((y * 255).astype(np.uint8)).resize(image.size, Image.Resampling.BILINEAR)) / 255


def classes(image: Image.Image, folder: Path) -> np.ndarray:
    x = np.asarray(image.resize((256, 256), Image.Resampling.BILINEAR), np.float32)[None] / 255
    net = session(folder / "selfie_multiclass.onnx")
    y = net.run(None, {net.get_inputs()[0].name: x})[0].reshape(256, 256, 6).argmax(-1).astype(np.uint8)
    return np.asarray(Image.fromarray(y).resize(image.size, Image.Resampling.NEAREST))


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return round(float((a & b).sum() / max((a | b).sum(), 1)), 3)


def main(folder: Path, photo: Path, truth: Path | None, overlay: Path | None = None) -> None:
    size = (768, 1024)
    if truth is not None:
        size = Image.open(truth / f"{photo.stem}_parse.png").size
    image = Image.open(photo).convert("RGB").resize(size, Image.Resampling.LANCZOS)
    points, score = pose(image, folder)
    alpha, parts = matte(image, folder), classes(image, folder)
    report: dict[str, object] = {"photo": photo.name, "detector": round(score, 3)}
    if truth is not None:
        name = photo.stem
        document = json.loads((truth / f"{name}_keypoints.json").read_text())
        joints = np.array(document["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)
        labels = np.asarray(Image.open(truth / f"{name}_parse.png"))
        solid = np.asarray(Image.open(truth / f"{name}_alpha.png")) > 127
        shoulder = abs(joints[5, 0] - joints[2, 0])
        cm = 36.0 / shoulder
        report["joint_error_cm"] = {
            k: round(float(np.hypot(*(points[b, :2] - joints[c, :2])) * cm), 1)
            for k, (b, c) in JOINTS.items()
            if joints[c, 2] > 0
        }
        report["visibility"] = {k: round(float(points[b, 2]), 2) for k, (b, _) in JOINTS.items()}
        report["matte_iou"] = iou(alpha > 0.5, solid)
        report["hair_iou"] = iou(parts == 1, labels == 2)
        report["skin_iou"] = iou((parts == 2) | (parts == 3), np.isin(labels, (10, 13, 14, 15, 16, 17)))
        report["face_iou"] = iou(parts == 3, labels == 13)
        report["clothes_iou"] = iou(parts == 4, np.isin(labels, (5, 9)))
    print(json.dumps(report, indent=1))
    if overlay is not None:
        colour = np.array([[0, 0, 0], [255, 60, 60], [60, 220, 60], [60, 120, 255], [240, 220, 60], [220, 60, 220]])
        mixed = np.asarray(image) * 0.5 + colour[parts] * 0.35 + alpha[..., None] * 38
        for x, y, _ in points:
            x, y = int(x), int(y)
            if 3 <= x < size[0] - 4 and 3 <= y < size[1] - 4:
                mixed[y - 3 : y + 4, x - 3 : x + 4] = 255
        Image.fromarray(mixed.clip(0, 255).astype(np.uint8)).save(overlay)


if __name__ == "__main__":
    extra = [Path(a) for a in sys.argv[3:]]
    main(Path(sys.argv[1]), Path(sys.argv[2]), *(extra + [None] * (1 - min(len(extra), 1))))
