"""Hits and misses of the try-on's confidence: what it says of real looks against what an eye said of them.

Run from the project's root: `python -m benchmarks.bench_confidence [--store FOLDER] [--pictures FOLDER] [--half NAME]`.
The verdicts in `confidence_verdicts.toml` are of looks as they were on the day it names; when the engine's pictures
change, look again (`--pictures` writes them) before reading anything into the figures. Thresholds were set on the half
called "set"; the other one, "held", was only counted. A look is doubted from `TRUSTED` down.
"""

from __future__ import annotations

import argparse
import hashlib
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from studio.domain.artefacts import (
    Agnostic,
    Artefact,
    Cutout,
    DensePoseMap,
    Garment,
    GarmentArtefacts,
    Look,
    ParseMap,
    PersonArtefacts,
    Photo,
    Pose,
)
from studio.domain.geometry import Framing
from studio.domain.keys import ArtefactKey, ArtefactRecord
from studio.domain.recipe import Recipe
from studio.media.decode import open_photo
from studio.media.resources import resource_path
from studio.models.provider import LocalModels
from studio.pipeline.cache import FolderStore, MemoryStore
from studio.pipeline.graph import GraphBuilder, Node, PhotoSpec
from studio.pipeline.runner import Runner
from studio.pipeline.stage import Inputs
from studio.pipeline.tryon.drape import DRAPE

PHOTOS = Path(__file__).resolve().parents[1].parent / "shared/photos"
VERDICTS = Path(__file__).with_name("confidence_verdicts.toml")
TRUSTED = 0.66
"""From this confidence on an operator would deliver a look without looking twice."""
PERSON = ("photo", "edges", "pose", "framing", "parse", "densepose", "agnostic")
GARMENT = ("garment_photo", "garment_edges", "garment")
FRESH = frozenset({"garment", "tryon", "look"})
"""Stages that are made anew on every run: they are what is measured."""


@dataclass(slots=True)
class Photos:
    """Photos by their hash: what the runner asks for."""

    files: dict[str, Path] = field(default_factory=dict)

    def add(self, name: str) -> PhotoSpec:
        own = name.removeprefix("samples/")
        file = resource_path("samples") / own if own != name else PHOTOS / name
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        self.files[sha256] = file
        return PhotoSpec(sha256, file.name)

    def load(self, sha256: str) -> Photo:
        return open_photo(self.files[sha256])


@dataclass(slots=True)
class HalfStore:
    """Keeps what the measured stages read in a folder, and what they make in memory."""

    folder: FolderStore
    memory: MemoryStore = field(default_factory=MemoryStore)

    def _of(self, key: ArtefactKey) -> FolderStore | MemoryStore:
        return self.memory if key.stage in FRESH else self.folder

    def has(self, key: ArtefactKey) -> bool:
        return self._of(key).has(key)

    def get(self, key: ArtefactKey) -> Artefact | None:
        return self._of(key).get(key)

    def put(self, key: ArtefactKey, artefact: Artefact, record: ArtefactRecord) -> None:
        self._of(key).put(key, artefact, record)

    def record(self, key: ArtefactKey) -> ArtefactRecord | None:
        return self._of(key).record(key)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an eye said of one look. sign: would be delivered; why: what is wrong with it."""

    half: str
    person: str
    garment: str
    sign: bool
    why: str


def read_verdicts() -> list[Verdict]:
    """Return the hand-made labels."""
    rows = tomllib.loads(VERDICTS.read_text(encoding="utf-8"))["looks"]
    return [Verdict(row["half"], row["person"], row["garment"], row["sign"], row.get("why", "")) for row in rows]


def name_outcome(sign: bool, confidence: float) -> str:
    """Return how one confidence compares with one verdict."""
    doubted = confidence < TRUSTED
    if sign:
        return "false alarm" if doubted else "right pass"
    return "hit" if doubted else "miss"


def assess(nodes: dict[str, Node], runner: Runner) -> float:
    """Return the confidence before anything is dressed."""

    take = Inputs({name: runner.get(nodes[name]) for name in (*PERSON, *GARMENT)}).take
    person = PersonArtefacts(
        take("photo", Photo), take("edges", Cutout), take("pose", Pose), take("framing", Framing),
        take("parse", ParseMap), take("densepose", DensePoseMap), take("agnostic", Agnostic),
    )  # fmt: skip
    garment = GarmentArtefacts(take("garment_photo", Photo), take("garment_edges", Cutout), take("garment", Garment))
    return DRAPE.assess(person, garment).score


def write_picture(folder: Path, verdict: Verdict, look: Look) -> None:
    """Write what changed of a look, with a rim, at its own size."""
    rows, columns = np.flatnonzero(look.edit_mask.any(axis=1)), np.flatnonzero(look.edit_mask.any(axis=0))
    cut = look.rgb8[max(0, rows[0] - 80) : rows[-1] + 80, max(0, columns[0] - 60) : columns[-1] + 60]
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{Path(verdict.person).stem}__{Path(verdict.garment).stem}.png"
    cv2.imwrite(str(folder / name), cv2.cvtColor(cut, cv2.COLOR_RGB2BGR))


def main() -> None:
    """Print one line per look and the counts of each half."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, help="keep the persons' artefacts here between runs")
    parser.add_argument("--pictures", type=Path, help="write the looks here, for judging them")
    parser.add_argument("--half", help="only this half")
    wanted = parser.parse_args()
    photos, models = Photos(), LocalModels()
    store = HalfStore(FolderStore(wanted.store)) if wanted.store else MemoryStore()
    runner, builder = Runner(store, photos, models), GraphBuilder(Recipe(), models)
    counts: dict[tuple[str, str], Counter[str]] = {}
    reasons: dict[str, Counter[bool]] = {}
    for verdict in read_verdicts():
        if wanted.half not in (None, verdict.half):
            continue
        start = time.process_time()
        nodes = dict(builder.look(photos.add(verdict.person), photos.add(verdict.garment)))
        look = runner.get(nodes["look"])
        assert isinstance(look, Look)
        before, after = assess(nodes, runner), look.confidence.score
        for when, score in (("before", before), ("after", after)):
            counts.setdefault((verdict.half, when), Counter())[name_outcome(verdict.sign, score)] += 1
        if after < TRUSTED and look.confidence.reasons:
            reasons.setdefault(look.confidence.reasons[0].key, Counter())[verdict.sign] += 1
        print(
            f"{verdict.half:5}{Path(verdict.person).stem[:18]:19}{Path(verdict.garment).stem[:22]:23}"
            f"{'sign' if verdict.sign else 'no':5}{before:5.2f}{after:6.2f}  {name_outcome(verdict.sign, after):12}"
            f"{' '.join(note.key for note in look.confidence.reasons[:3])}"
            f"{' | ' + verdict.why if verdict.why else ''}  ({time.process_time() - start:.1f} s)",
            flush=True,
        )
        if wanted.pictures:
            write_picture(wanted.pictures, verdict, look)
    for (half, when), count in counts.items():
        total = sum(count.values())
        told = ", ".join(f"{count[name]} {name}" for name in ("hit", "miss", "right pass", "false alarm"))
        print(f"{half}, {when} dressing, {total} looks: {told}")
    for key, count in sorted(reasons.items()):
        print(f"first reason {key}: {count[False]} of {count.total()} looks not signed")


if __name__ == "__main__":
    main()
