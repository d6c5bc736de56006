"""Outlines of product photos against true masks: the plain matte, and as it is mended for garments.

    python benchmarks/bench_garment_outline.py [--drawn]

Reads ../shared/photos/pairs and ../shared/models/u2netp.onnx. Distance of each outline point from the true outline in
pixels of the photo, mean and 95th percentile, and the share of true outline missed by more than 3 pixels. The masks
themselves are the work of a program (VITON-HD): differences below a pixel mean nothing. `--drawn` measures drawn
white garments on white paper instead, whose truth is exact, with mattes led astray by noise.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import cv2
import numpy as np
from bench_matting import SHARED, Session
from PIL import Image

from studio.domain.artefacts import Cutout
from studio.domain.progress import Progress
from studio.pipeline.cutout import predict_mask
from studio.pipeline.edges import EdgesParams, correct_contour
from studio.pipeline.garments.purge import purge_backdrop

FOLDER = SHARED / "photos" / "pairs"
BROKEN = ("00055",)
"""Half the shirt is missing from the mask that comes with it."""
Picture = tuple[str, np.ndarray, np.ndarray, Cutout]


def pictures() -> Iterator[Picture]:
    """Yield name, RGB, true mask and plain matte of the pairs that come with a mask."""
    session = Session(SHARED / "models" / "u2netp.onnx")
    for path in sorted(FOLDER.glob("*_garment_mask.jpg")):
        name = path.name.removesuffix("_garment_mask.jpg")
        if name.startswith(BROKEN):
            continue
        rgb = np.asarray(Image.open(FOLDER / f"{name}_garment.jpg").convert("RGB"))
        truth = np.asarray(Image.open(path).convert("L"), np.float32) / 255
        mask = predict_mask(rgb, "u2netp", session)
        if mask is None:
            continue
        yield name, rgb, truth, correct_contour(rgb, mask.astype(np.float32) / 255, EdgesParams(), Progress.silent())


def drawn() -> Iterator[Picture]:
    """Yield white garments drawn on white paper."""
    from tests.pipeline.test_contour import fray, product
    from tests.pipeline.tryon_figures import LONG, TANK, TEE

    for name, half in (("tee", TEE), ("long", LONG), ("tank", TANK)):
        for level in (250, 253, 241):
            rgb, truth = product(half, (level, level, level))
            yield f"{name} {level}", rgb, truth, Cutout(fray(truth), rgb)


def outline(alpha: np.ndarray) -> np.ndarray:
    solid = (alpha > 0.5).astype(np.uint8)
    return solid - cv2.erode(solid, np.ones((3, 3), np.uint8)) > 0


def distances(measured: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the distance of each outline point of one mask from the other's outline."""
    away = cv2.distanceTransform((~outline(reference)).astype(np.uint8), cv2.DIST_L2, 5)
    return away[outline(measured)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--drawn", action="store_true")
    source = drawn() if parser.parse_args().drawn else pictures()
    if not FOLDER.is_dir() and not parser.parse_args().drawn:
        print("no ../shared/photos: nothing to measure")
        return
    for name, rgb, truth, matte in source:
        start = time.process_time()
        mended = purge_backdrop(rgb, matte)
        took = time.process_time() - start
        for method, alpha in (("matte", matte.alpha), ("mended", mended.alpha)):
            off, missed = distances(alpha, truth), distances(truth, alpha)
            print(
                f"{name:10} {method:7} mean {off.mean():5.2f}  p95 {np.percentile(off, 95):6.2f}  "
                f"missed {100 * (missed > 3).mean():5.1f} %" + (f"  {took:.2f} s" if method == "mended" else "")
            )


if __name__ == "__main__":
    main()
