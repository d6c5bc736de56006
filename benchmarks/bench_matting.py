"""Alpha on ground truth: the plain mask, rembg's alpha matting and ours, all from the same masks.

    python benchmarks/bench_matting.py [--closed-form] [--size 24]

Reads ../shared/photos/matting_gt and ../shared/models/u2netp.onnx. SAD in thousands of pixels; gradient error as in
Rhemann et al., "A Perceptually Motivated Online Benchmark for Image Matting", CVPR 2009, in thousands.
`--size 24` also measures time and extra memory of the edges stage on a photo of that many megapixels.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil
from PIL import Image
from scipy.ndimage import gaussian_filter

from studio.domain.progress import Progress
from studio.pipeline.cutout import predict_mask
from studio.pipeline.edges import EdgesParams, correct_contour

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
FOLDER = SHARED / "photos" / "matting_gt"
Method = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Session:
    """onnxruntime behind the stage's protocol."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        self._inner = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self._inner.get_inputs())

    def run(self, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        return list(self._inner.run(None, feeds))


def pictures() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, RGB and true alpha."""
    for path in sorted(FOLDER.glob("*_alpha.png")):
        name = path.name.removesuffix("_alpha.png")
        rgb = np.asarray(Image.open(FOLDER / f"{name}.jpg").convert("RGB"))
        yield name, rgb, np.asarray(Image.open(path).convert("L"), dtype=np.float32) / 255


def plain(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return mask.astype(np.float32) / 255


def rembg_matting(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """rembg's `alpha_matting=True` with its own defaults."""
    from rembg.bg import alpha_matting_cutout

    cutout = alpha_matting_cutout(Image.fromarray(rgb), Image.fromarray(mask), 240, 10, 10)
    return np.asarray(cutout)[..., 3].astype(np.float32) / 255


def contour(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return correct_contour(rgb, plain(rgb, mask), EdgesParams(), Progress.silent()).alpha


def closed_form(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return correct_contour(rgb, plain(rgb, mask), EdgesParams(), Progress.silent(), finest=True).alpha


def sad(alpha: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(alpha - truth).sum()) / 1000


def gradient_error(alpha: np.ndarray, truth: np.ndarray) -> float:
    def magnitude(plane: np.ndarray) -> np.ndarray:
        return np.hypot(gaussian_filter(plane, 1.4, order=(0, 1)), gaussian_filter(plane, 1.4, order=(1, 0)))

    return float(((magnitude(alpha) - magnitude(truth)) ** 2).sum()) / 1000


def compare(methods: dict[str, Method]) -> None:
    """Print a table: each picture, each method; the mean last."""
    session = Session(SHARED / "models" / "u2netp.onnx")
    totals: dict[str, list[tuple[float, float, float]]] = {name: [] for name in methods}
    print(f"{'picture':18}" + "".join(f"{name:>26}" for name in methods))
    print(f"{'':18}" + "".join(f"{'SAD':>10}{'grad':>8}{'cpu s':>8}" for _ in methods))
    for name, rgb, truth in pictures():
        mask = predict_mask(rgb, "u2netp", session)
        assert mask is not None
        row = f"{name.removeprefix('p3mcomp_'):18}"
        for method_name, method in methods.items():
            start = time.process_time()
            alpha = method(rgb, mask)
            took = time.process_time() - start
            scores = (sad(alpha, truth), gradient_error(alpha, truth), took)
            totals[method_name].append(scores)
            row += f"{scores[0]:10.2f}{scores[1]:8.3f}{scores[2]:8.2f}"
        print(row, flush=True)
    means = {name: np.mean(scores, axis=0) for name, scores in totals.items()}
    print(f"{'mean':18}" + "".join(f"{m[0]:10.2f}{m[1]:8.3f}{m[2]:8.2f}" for m in means.values()))


def measure_large(megapixels: float) -> None:
    """Print time and extra memory of the edges stage on an enlarged photo."""
    _, rgb, _ = next(pictures())
    scale = (megapixels * 1e6 / (rgb.shape[0] * rgb.shape[1])) ** 0.5
    large = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    mask = predict_mask(large, "u2netp", Session(SHARED / "models" / "u2netp.onnx"))
    assert mask is not None
    coarse = mask.astype(np.float32) / 255
    process, peak, stop = psutil.Process(), 0, threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not stop.wait(0.02):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    start, wall = time.process_time(), time.perf_counter()
    correct_contour(large, coarse, EdgesParams(), Progress.silent())
    cpu, wall = time.process_time() - start, time.perf_counter() - wall
    stop.set()
    watcher.join()
    size = f"{large.shape[1]} x {large.shape[0]}"
    print(f"{size}: {cpu:.1f} s CPU, {wall:.1f} s, {(peak - before) / 1e6:.0f} MB extra")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--closed-form", action="store_true", help="also our high-quality mode")
    parser.add_argument("--size", type=float, default=0.0, help="megapixels of the large photo")
    chosen = parser.parse_args()
    methods: dict[str, Method] = {"plain mask": plain, "rembg alpha matting": rembg_matting, "contour": contour}
    if chosen.closed_form:
        methods["closed form"] = closed_form
    compare(methods)
    if chosen.size:
        measure_large(chosen.size)


if __name__ == "__main__":
    main()
