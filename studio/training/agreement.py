"""A data set's own intermediates against ours, stage by stage: the VITON-HD layout read, every stage run, compared.

Nothing is right by definition: the set's files are outputs of programs too. Measures are taken in the pixels of the
set's pictures. Masks: intersection over union. Labels: share of equal pixels, and the intersection over union of each
class that either side has. Keypoints: distance in pixels where both see the joint, share within a tenth of the
shoulder-to-hip length, and joints that only one side sees. DensePose: union of parts as one mask, and the share of
equal parts where both are on the body.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from studio.domain.arrays import U8, AnyArray, Bool
from studio.domain.artefacts import COCO18, Agnostic, Cutout, DensePoseMap, ParseMap, Photo, Pose
from studio.domain.errors import JobError, PipelineError, StudioError
from studio.domain.geometry import Framing
from studio.domain.keys import Note
from studio.domain.labels import Cihp, LabelScheme, convert_labels
from studio.domain.progress import Progress
from studio.domain.recipe import Recipe
from studio.media.decode import open_photo
from studio.media.safe_io import write_atomic
from studio.pipeline.cache import MemoryStore
from studio.pipeline.graph import GraphBuilder, Node, PhotoSpec
from studio.pipeline.interchange.viton_hd import Layout, read_densepose_picture, read_labels, read_pose
from studio.pipeline.runner import Runner
from studio.pipeline.stage import ModelProvider

T = TypeVar("T")
Measures = Mapping[str, float]

_GREY, _GREY_REACH = 128, 12
"""The agnostic pictures' grey; JPEG moves it a little."""

_NEAR_SHARE = 0.1
_LEAST_SEEN = 0.0005
"""A class that takes less of a picture than this on both sides says nothing about agreement."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measure of one file."""

    kind: str
    file: str
    measure: str
    value: float


@dataclass(slots=True)
class Agreement:
    """All measures of a folder, and files that could not be compared."""

    rows: list[Row] = field(default_factory=list)
    failed: dict[str, Note] = field(default_factory=dict)

    def summary(self) -> list[tuple[str, str, float, float, str, int]]:
        """Return kind, measure, mean, worst value, worst file and number of files, for each measure."""
        groups: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            groups.setdefault((row.kind, row.measure), []).append(row)
        found = []
        for (kind, measure), rows in groups.items():
            worst = (max if measure in _LESS_IS_BETTER else min)(rows, key=lambda row: row.value)
            mean = float(np.mean([row.value for row in rows]))
            found.append((kind, measure, mean, worst.value, worst.file, len(rows)))
        return found

    def write_csv(self, path: Path) -> None:
        """Write one row a measure of a file."""
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(["kind", "file", "measure", "value"])
        table.writerows([row.kind, row.file, row.measure, f"{row.value:.5f}"] for row in self.rows)
        write_atomic(path, text.getvalue().encode("utf-8"))


_LESS_IS_BETTER = frozenset({"mean px", "only theirs", "only ours"})


def compare_masks(theirs: Bool, ours: Bool) -> Measures:
    """Return the intersection over union of two masks."""
    return {"iou": _iou(theirs, ours)}


def compare_labels(theirs: U8, ours: U8) -> Measures:
    """Return the share of equal labels, the mean of the classes' intersection over union, and each of these."""
    least = _LEAST_SEEN * theirs.size
    each = {}
    for cihp in Cihp:
        one, two = theirs == cihp, ours == cihp
        if max(one.sum(), two.sum()) >= least:
            each[f"iou {cihp.name.lower()}"] = _iou(one, two)
    return {"equal": float((theirs == ours).mean()), "mean iou": float(np.mean(list(each.values()))), **each}


def compare_poses(theirs: Pose, ours: Pose) -> Measures:
    """Return how far the joints that both see lie apart, and how many only one side sees."""
    one, two = theirs.keypoints, ours.keypoints
    both = (one[:, 2] > 0) & (two[:, 2] > 0)
    away = np.linalg.norm(one[both, :2].astype(np.float64) - two[both, :2], axis=1)
    found = {
        "only theirs": float(((one[:, 2] > 0) & ~both).sum()),
        "only ours": float(((two[:, 2] > 0) & ~both).sum()),
    }
    length = _torso(theirs) or _torso(ours)
    if len(away):
        found = {"mean px": float(away.mean()), **found}
    if len(away) and length:
        found["within a tenth"] = float((away <= _NEAR_SHARE * length).mean())
    return found


def compare_parts(theirs: U8, ours: U8) -> Measures:
    """Return how alike two DensePose part maps are."""
    both = (theirs > 0) & (ours > 0)
    equal = float((theirs == ours)[both].mean()) if both.any() else 0.0
    return {"iou body": _iou(theirs > 0, ours > 0), "equal parts": equal}


def _iou(one: Bool, two: Bool) -> float:
    union = int((one | two).sum())
    return 1.0 if union == 0 else float((one & two).sum()) / union


def _torso(pose: Pose) -> float:
    """Return the mean length from shoulder to hip, 0 where it is not seen."""
    lengths = []
    for side in ("left", "right"):
        ends = [pose.keypoints[COCO18.index(f"{side}_{joint}")] for joint in ("shoulder", "hip")]
        if min(end[2] for end in ends) > 0:
            lengths.append(float(np.linalg.norm(ends[0][:2] - ends[1][:2])))
    return float(np.mean(lengths)) if lengths else 0.0


@dataclass(slots=True)
class _Ours:
    """Our stages on one photo, run as they are asked for."""

    runner: Runner
    nodes: Mapping[str, Node]

    def take(self, slot: str, kind: type[T]) -> T:
        made = self.runner.get(self.nodes[slot])
        if not isinstance(made, kind):
            raise PipelineError("stage.slot", slot=slot, want=kind.__name__, got=type(made).__name__)
        return made

    def from_canvas(self, plane: AnyArray, outside: int) -> AnyArray:
        """Return a canvas plane of labels in the photo's pixels."""
        framing = self.take("framing", Framing)
        moved: AnyArray = cv2.warpAffine(
            plane, framing.matrix, framing.photo_size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT, borderValue=outside,
        )  # fmt: skip
        return moved


def _check_parse(path: Path, ours: _Ours) -> Measures:
    parse = ours.take("parse", ParseMap)
    return compare_labels(read_labels(path), convert_labels(parse.labels, parse.scheme, LabelScheme.CIHP))


def _check_parse_agnostic(path: Path, ours: _Ours) -> Measures:
    labels = ours.take("agnostic", Agnostic).labels
    return compare_labels(read_labels(path), ours.from_canvas(labels, 0).astype(np.uint8))


def _check_agnostic(path: Path, ours: _Ours) -> Measures:
    picture = ours.take("agnostic", Agnostic).image
    hidden = ours.from_canvas(_is_grey(picture).astype(np.uint8), 0) > 0
    return compare_masks(_is_grey(open_photo(path).rgb8), hidden)


def _check_pose(path: Path, ours: _Ours) -> Measures:
    size = ours.take("photo", Photo).size
    return compare_poses(read_pose(path, size), ours.take("pose", Pose))


def _check_densepose(path: Path, ours: _Ours) -> Measures:
    index = ours.take("densepose", DensePoseMap).index
    return compare_parts(read_densepose_picture(open_photo(path).rgb8), ours.from_canvas(index, 0).astype(np.uint8))


def _check_cloth_mask(path: Path, ours: _Ours) -> Measures:
    theirs = open_photo(path).rgb8[..., 0] >= 128
    return compare_masks(theirs, ours.take("edges", Cutout).alpha >= 0.5)


def _is_grey(picture: U8) -> Bool:
    """Return the area painted grey: broad, so that a lone grey pixel of the photo does not count."""
    grey = (np.abs(picture.astype(np.int16) - _GREY).max(axis=2) <= _GREY_REACH).astype(np.uint8)
    broad: Bool = cv2.morphologyEx(grey, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8)) > 0
    return broad


PERSON_CHECKS: Mapping[str, Callable[[Path, _Ours], Measures]] = {
    "image-parse-v3": _check_parse,
    "openpose_json": _check_pose,
    "image-densepose": _check_densepose,
    "image-parse-agnostic-v3.2": _check_parse_agnostic,
    "agnostic-v3.2": _check_agnostic,
}
GARMENT_CHECKS: Mapping[str, Callable[[Path, _Ours], Measures]] = {"cloth-mask": _check_cloth_mask}
KINDS = (*PERSON_CHECKS, *GARMENT_CHECKS)


def check_dataset(
    layout: Layout,
    provider: ModelProvider,
    recipe: Recipe,
    *,
    kinds: Sequence[str] = KINDS,
    limit: int = 0,
    progress: Progress | None = None,
) -> Agreement:
    """Run our stages on a data set's photos and compare with the files that lie beside them.

    Args:
        kinds: folders to compare; a photo without such a file is passed over. limit: photos of each sort, 0 = all.

    Raises:
        JobError: `dataset.nothing_to_check`, the folder holds none of these files for its photos.
    """
    told = progress or Progress.silent()
    result = Agreement()
    tasks = [
        *_tasks(layout, "image", PERSON_CHECKS, kinds, limit),
        *_tasks(layout, "cloth", GARMENT_CHECKS, kinds, limit),
    ]
    if not tasks:
        raise JobError("dataset.nothing_to_check", folder=str(layout.folder), kinds=", ".join(kinds))
    for number, (photo, role, files) in enumerate(tasks):
        told.report(number / len(tasks), photo.name)
        ours = _prepare(photo, role, provider, recipe)
        for kind, path in files.items():
            check = {**PERSON_CHECKS, **GARMENT_CHECKS}[kind]
            try:
                result.rows += [Row(kind, photo.name, name, value) for name, value in check(path, ours).items()]
            except StudioError as error:
                result.failed[f"{kind}/{photo.name}"] = Note(error.key, error.values)
    told.report(1.0, layout.folder.name)
    return result


def _tasks(
    layout: Layout, sort: str, checks: Mapping[str, object], kinds: Sequence[str], limit: int
) -> Iterator[tuple[Path, str, dict[str, Path]]]:
    """Yield each photo with what there is to compare."""
    count = 0
    for photo in sorted((layout.folder / sort).glob("*.*")):
        files = {kind: layout.file(kind, photo.stem) for kind in checks if kind in kinds}
        there = {kind: path for kind, path in files.items() if path.is_file()}
        if there and (not limit or count < limit):
            count += 1
            yield photo, sort, there


@dataclass(frozen=True, slots=True)
class _OneFile:
    path: Path

    def load(self, sha256: str) -> Photo:
        del sha256
        return open_photo(self.path)


def _prepare(photo: Path, role: str, provider: ModelProvider, recipe: Recipe) -> _Ours:
    builder = GraphBuilder(recipe, provider)
    spec = PhotoSpec(hashlib.sha256(photo.read_bytes()).hexdigest(), photo.name)
    nodes = builder.garment(spec) if role == "cloth" else builder.person(spec)
    return _Ours(Runner(MemoryStore(), _OneFile(photo), provider), nodes)
