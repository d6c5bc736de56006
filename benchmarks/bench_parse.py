"""Scores the parse stage against the hand-made labels of `../shared/photos/parse_gt`, and times it.

Run from the project's root: `python -m benchmarks.bench_parse [--garments] [--store FOLDER] [--limit N]`.
IoU is pooled over all photos. The truth does not tell left from right, nor faces from arms, legs and necks: skin and
shoes are compared as one class each; accessories (bags, belts, ...) are left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from studio.domain.arrays import U8
from studio.domain.artefacts import Cutout, Framing, ParseMap, Photo, Pose
from studio.domain.errors import PipelineError
from studio.domain.labels import GARMENTS, SKIN, Cihp
from studio.domain.progress import Progress
from studio.models.provider import LocalModels
from studio.models.store import ModelStore
from studio.pipeline.cutout import U2NETP, CutoutParams
from studio.pipeline.edges import CONTOUR, EdgesParams
from studio.pipeline.framing import CATALOGUE, FramingParams
from studio.pipeline.parse import FUSION, ParseParams
from studio.pipeline.pose import BLAZEPOSE, PoseParams
from studio.pipeline.stage import Inputs, StageContext

TRUTH = Path(__file__).resolve().parents[1].parent / "shared/photos/parse_gt"
IGNORED, SHOES, ANY_SKIN, JUMPSUIT = 253, 254, 255, 10
_SHOE_CLASS, _SKIN_CLASS = 20, 21
NAMES = {
    0: "background", 1: "hat", 2: "hair", 3: "glove", 4: "sunglasses", 5: "upper", 6: "dress", 7: "coat", 8: "socks",
    9: "trousers", 11: "scarf", 12: "skirt", _SHOE_CLASS: "shoes", _SKIN_CLASS: "skin",
}  # fmt: skip
GROUPS = {
    "any garment": tuple(int(label) for label in GARMENTS),
    "upper body (upper, dress, coat)": (5, 6, 7),
    "lower body (trousers, skirt)": (9, 12),
    "hair": (2,),
    "skin": (_SKIN_CLASS,),
}


@dataclass(slots=True)
class Tally:
    """Pooled intersections and unions."""

    shared: dict[str, int]
    total: dict[str, int]

    def add(self, name: str, ours: U8, theirs: U8, labels: tuple[int, ...]) -> None:
        found, wanted = np.isin(ours, labels), np.isin(theirs, labels)
        self.shared[name] = self.shared.get(name, 0) + int((found & wanted).sum())
        self.total[name] = self.total.get(name, 0) + int((found | wanted).sum())

    def iou(self, name: str) -> float:
        return self.shared[name] / max(self.total[name], 1)


def _merge_ours(labels: U8) -> U8:
    table = np.arange(256, dtype=np.uint8)
    table[[int(label) for label in SKIN]] = _SKIN_CLASS
    table[[Cihp.LEFT_SHOE, Cihp.RIGHT_SHOE]] = _SHOE_CLASS
    merged: U8 = table[labels]
    return merged


def _merge_truth(labels: U8) -> U8:
    table = np.arange(256, dtype=np.uint8)
    table[ANY_SKIN], table[SHOES], table[JUMPSUIT] = _SKIN_CLASS, _SHOE_CLASS, Cihp.DRESS
    merged: U8 = table[labels]
    return merged


def _photos(limit: int) -> Iterator[tuple[Photo, U8]]:
    for path in sorted(TRUTH.glob("*.jpg"))[:limit]:
        truth = cv2.imread(str(path.with_name(path.stem + "_lip.png")), cv2.IMREAD_UNCHANGED)
        pixels = np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])
        yield Photo(pixels, path.name, path.name), truth


def _parse(photo: Photo, models: LocalModels, garments: bool) -> tuple[ParseMap, float]:
    """Return the parse map and the seconds that the parse stage itself took."""
    ctx = StageContext(models, Progress.silent())
    coarse = U2NETP.run(Inputs({"photo": photo}), CutoutParams(), ctx)
    cutout: Cutout = CONTOUR.run(Inputs({"photo": photo, "cutout": coarse}), EdgesParams(), ctx)
    pose: Pose = BLAZEPOSE.run(Inputs({"photo": photo, "edges": cutout}), PoseParams(), ctx)
    slots = {"photo": photo, "edges": cutout, "pose": pose}
    framing: Framing = CATALOGUE.run(Inputs(slots), FramingParams(), ctx)
    start = time.perf_counter()
    parse = FUSION.run(Inputs({**slots, "framing": framing}), ParseParams(use_garment_model=garments), ctx)
    return parse, time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--garments", action="store_true", help="use u2net_cloth_seg")
    parser.add_argument("--store", type=Path, help="folder of installed models")
    parser.add_argument("--limit", type=int, default=1000)
    args = parser.parse_args()
    if not TRUTH.is_dir():
        raise SystemExit(f"the labelled photos are not at {TRUTH}")
    models, tally, seconds = LocalModels(ModelStore(args.store)), Tally({}, {}), []
    for photo, truth in _photos(args.limit):
        try:
            parse, taken = _parse(photo, models, args.garments)
        except PipelineError as error:
            print(f"{photo.name}: {error}")
            continue
        seconds.append(taken)
        judged = truth != IGNORED
        ours, theirs = _merge_ours(parse.labels)[judged], _merge_truth(truth)[judged]
        for label, name in NAMES.items():
            if label in theirs or label in ours:
                tally.add(name, ours, theirs, (label,))
        for name, labels in GROUPS.items():
            tally.add("group " + name, ours, theirs, labels)
    _print(tally, seconds)


def _print(tally: Tally, seconds: list[float]) -> None:
    classes = [name for name in NAMES.values() if name in tally.total]
    print(f"{'class':34s}  IoU")
    for name in classes:
        print(f"{name:34s}  {tally.iou(name):.3f}")
    print(f"{'mean over classes':34s}  {np.mean([tally.iou(name) for name in classes]):.3f}")
    for name in GROUPS:
        print(f"{name:34s}  {tally.iou('group ' + name):.3f}")
    print(f"seconds per photo, parse stage: best {min(seconds):.2f}, median {np.median(seconds):.2f}, n {len(seconds)}")


if __name__ == "__main__":
    main()
