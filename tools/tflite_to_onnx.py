"""Convert a MediaPipe TensorFlow Lite model: `python tools/tflite_to_onnx.py SOURCE TARGET`. Needs `tflite`, `onnx`."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.models.tflite import convert_tflite


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    convert_tflite(arguments.source, arguments.target)


if __name__ == "__main__":
    main()
