"""Make the embedded models of `resources/models/`: weights stored in 16 bits, computed in fp32.

A weight tensor becomes a 16-bit initializer followed by what restores it in fp32. onnxruntime folds those nodes when
the session is made, so the graph that runs is the fp32 one: only the file shrinks.

* Weights that were published as fp16 (BlazePose) go back to fp16: nothing is lost.
* Others are stored as int16 with one scale for each output channel. Of `selfie_multiclass`, fp16 moved class
  probabilities by up to 8.5/255 on 12 photos, int16 by 0.4/255: weights of a channel fill int16's range evenly,
  whereas fp16 spends a third of its bits on exponents they do not need.
* `u2netp.onnx` stays as it is: rembg knows the official file by its checksum.

Run once: `python tools/embed_models.py ../shared/models resources/models`. Needs `onnx`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

SMALLEST = 64
"""Initializers with fewer values stay fp32: scales and limits, whose rounding would buy nothing."""

INT16_MAX = 32767

NAMES = {
    "u2netp.onnx": "u2netp.onnx",
    "pose_detection.onnx": "blazepose_detector.onnx",
    "pose_landmark_full.onnx": "blazepose_landmarks.onnx",
    "selfie_multiclass.onnx": "selfie_multiclass.onnx",
}
UNCHANGED = ("u2netp.onnx",)


def halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with its large fp32 initializers stored in 16 bits."""
    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    del halved.graph.initializer[:], halved.graph.node[:]
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < SMALLEST:
            halved.graph.initializer.append(tensor)
        elif np.array_equal(values.astype(np.float16).astype(np.float32), values):
            _store_fp16(halved.graph, tensor.name, values)
        elif values.ndim == 4 and values.shape[1] > 1:
            _store_int16(halved.graph, tensor.name, values)
        else:  # depthwise filters and biases: few bytes, and the most sensitive to rounding
            halved.graph.initializer.append(tensor)
    halved.graph.node.extend(model.graph.node)
    onnx.checker.check_model(halved)
    return halved


def _store_fp16(graph: onnx.GraphProto, name: str, values: npt.NDArray[np.float32]) -> None:
    graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), f"{name}.fp16"))
    graph.node.append(helper.make_node("Cast", [f"{name}.fp16"], [name], to=onnx.TensorProto.FLOAT))


def _store_int16(graph: onnx.GraphProto, name: str, values: npt.NDArray[np.float32]) -> None:
    scale = np.abs(values).max(axis=(1, 2, 3), keepdims=True) / np.float32(INT16_MAX)
    scale[scale == 0] = 1
    graph.initializer.append(numpy_helper.from_array(np.rint(values / scale).astype(np.int16), f"{name}.int16"))
    graph.initializer.append(numpy_helper.from_array(scale, f"{name}.scale"))
    graph.node.append(helper.make_node("Cast", [f"{name}.int16"], [f"{name}.steps"], to=onnx.TensorProto.FLOAT))
    graph.node.append(helper.make_node("Mul", [f"{name}.steps", f"{name}.scale"], [name]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    for name, embedded in NAMES.items():
        target = arguments.target / embedded
        if name in UNCHANGED:
            shutil.copyfile(arguments.source / name, target)
        else:
            onnx.save(halve_weights(onnx.load(arguments.source / name)), target)
        target.chmod(0o644)
        print(embedded, target.stat().st_size)


if __name__ == "__main__":
    main()
