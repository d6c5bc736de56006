"""People made of rectangles and numbers, and the embedded models, for the tests of the body stages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from studio.domain.arrays import F32, AnyArray
from studio.domain.artefacts import COCO18, EXTRA_POINTS, Cutout, Photo, Pose
from studio.domain.errors import ModelError
from studio.domain.keys import ModelUse
from studio.domain.progress import Progress
from studio.pipeline.stage import OnnxSession, StageContext

PROJECT = Path(__file__).resolve().parents[2]
_FILES = {
    "u2netp": "u2netp.onnx",
    "blazepose_detector": "pose_detection.onnx",
    "blazepose_landmarks": "pose_landmark_full.onnx",
    "selfie_multiclass": "selfie_multiclass.onnx",
}
CATALOGUE_JOINTS = {
    "nose": (384, 150), "neck": (384, 340), "right_shoulder": (240, 340), "right_elbow": (200, 560),
    "right_wrist": (190, 760), "left_shoulder": (528, 340), "left_elbow": (568, 560), "left_wrist": (578, 760),
    "right_hip": (300, 790), "left_hip": (468, 790), "right_eye": (350, 120), "left_eye": (418, 120),
    "right_ear": (316, 140), "left_ear": (452, 140),
}  # fmt: skip
"""Joints of a frontal catalogue picture, on the canvas; the knees are below it."""


class SharedSession:
    """One of the shared model files in onnxruntime."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.input_names = tuple(item.name for item in self._session.get_inputs())

    def run(self, feeds: Mapping[str, AnyArray]) -> list[AnyArray]:
        return list(self._session.run(None, dict(feeds)))


@cache
def _open(path: Path) -> SharedSession:
    return SharedSession(path)


class SharedModels:
    """The embedded models as they lie in the shared folder."""

    device = "cpu"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_installed(self, model_id: str) -> bool:
        return model_id in _FILES

    def use(self, model_id: str) -> ModelUse:
        return ModelUse(model_id, "0" * 64, "Apache-2.0", True)

    def session(self, model_id: str) -> OnnxSession:
        if model_id not in _FILES:
            raise ModelError("model.missing", model=model_id)
        return _open(self._folder / _FILES[model_id])

    def state_dict(self, model_id: str) -> Mapping[str, Any]:
        raise ModelError("model.missing", model=model_id)

    def module(self, model_id: str) -> Any:
        raise ModelError("model.missing", model=model_id)


class NoModels(SharedModels):
    """A provider with nothing installed."""

    def __init__(self) -> None:
        super().__init__(Path())

    def is_installed(self, model_id: str) -> bool:
        return False


def context(models: SharedModels | None = None) -> StageContext:
    return StageContext(models or NoModels(), Progress.silent())


def make_pose(size: tuple[int, int] = (768, 1024), joints: Mapping[str, tuple[float, float]] | None = None) -> Pose:
    """Return a pose with the given joints seen."""
    keypoints, extra = np.zeros((len(COCO18), 3), np.float32), np.zeros((len(EXTRA_POINTS), 3), np.float32)
    for name, (x, y) in (CATALOGUE_JOINTS if joints is None else joints).items():
        rows, names = (extra, EXTRA_POINTS) if name in EXTRA_POINTS else (keypoints, COCO18)
        rows[names.index(name)] = (x, y, 0.9)
    return Pose(keypoints, extra, size)


def make_cutout(photo: Photo, alpha: F32) -> Cutout:
    return Cutout(alpha, photo.rgb8.copy())


def read_photo(path: Path) -> Photo:
    return Photo(np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1]), path.name, path.name)


def rough_alpha(photo: Photo, models: SharedModels) -> F32:
    """Return u2netp's plain mask, as a stand-in for the cutout stage."""
    session = models.session("u2netp")
    small = cv2.resize(photo.rgb8, (320, 320), interpolation=cv2.INTER_AREA).astype(np.float32)
    normal = (small / small.max() - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    feeds = {session.input_names[0]: normal.transpose(2, 0, 1)[None].astype(np.float32)}
    mask = session.run(feeds)[0][0, 0]
    mask = (mask - mask.min()) / (mask.max() - mask.min())
    return np.clip(cv2.resize(mask, photo.size, interpolation=cv2.INTER_LINEAR), 0, 1).astype(np.float32)
