"""Seconds, memory and the share of bare model inference of the main job, with the embedded models.

    python benchmarks/bench_pipeline.py [--photos FOLDER] [--megapixels 24]

Prints one table: a new pair and the next garment on the same model, at 768 x 1024 and enlarged, stage by stage. Wall
and processor time are both given: on a busy machine only the latter compares. Every size runs in a process of its own,
whose peak memory is what the operating system saw.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studio.domain.arrays import AnyArray
from studio.domain.artefacts import Photo
from studio.domain.keys import ModelUse
from studio.domain.recipe import Recipe
from studio.media.decode import open_photo
from studio.models.provider import LocalModels
from studio.pipeline.cache import FolderStore
from studio.pipeline.graph import GraphBuilder, PhotoSpec
from studio.pipeline.runner import Runner

MODEL = "persons/vitonhd_00641_00.jpg"
GARMENTS = ("garments/vitonhdtrain_00306.jpg", "garments/vitonhdtrain_00212.jpg")


@dataclass
class TimedSession:
    """A session that adds up the seconds spent inside the model."""

    inner: object
    owner: TimedModels

    @property
    def input_names(self) -> tuple[str, ...]:
        return self.inner.input_names  # type: ignore[attr-defined,no-any-return]

    def run(self, feeds: Mapping[str, AnyArray]) -> list[AnyArray]:
        started = time.perf_counter()
        result: list[AnyArray] = self.inner.run(feeds)  # type: ignore[attr-defined]
        self.owner.seconds += time.perf_counter() - started
        return result


@dataclass
class TimedModels:
    """The real models, with a stop watch around every inference."""

    models: LocalModels = field(default_factory=LocalModels)
    seconds: float = 0.0

    def is_installed(self, model_id: str) -> bool:
        return self.models.is_installed(model_id)

    def use(self, model_id: str) -> ModelUse:
        return self.models.use(model_id)

    def session(self, model_id: str) -> TimedSession:
        return TimedSession(self.models.session(model_id), self)

    @property
    def device(self) -> str:
        return self.models.device


@dataclass
class Files:
    """Photos by content."""

    paths: dict[str, Path] = field(default_factory=dict)

    def add(self, path: Path) -> PhotoSpec:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.paths[digest] = path
        return PhotoSpec(digest, path.name)

    def load(self, sha256: str) -> Photo:
        return open_photo(self.paths[sha256])


def enlarge(source: Path, folder: Path, megapixels: float) -> Path:
    """Write the photo enlarged to a size in megapixels; detail does not matter for time and memory."""
    from PIL import Image

    with Image.open(source) as image:
        scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
        large = image.convert("RGB").resize((round(image.width * scale), round(image.height * scale)), Image.BICUBIC)
    target = folder / source.name
    large.save(target, quality=95)
    return target


def measure(model: Path, garments: list[Path]) -> dict[str, object]:
    """Dress one model in each garment and return what it took."""
    files, models = Files(), TimedModels()
    spec, worn = files.add(model), [files.add(path) for path in garments]
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(FolderStore(Path(folder)), files, models)  # type: ignore[arg-type]
        builder = GraphBuilder(Recipe(), models)  # type: ignore[arg-type]
        _warm_up(models)
        base = _peak_mb()
        runs = []
        for garment in worn:
            nodes = builder.look(spec, garment)
            plan = runner.plan(nodes["look"])
            models.seconds, cpu, wall = 0.0, time.process_time(), time.perf_counter()
            runner.get(nodes["look"])
            taken = {
                "wall": time.perf_counter() - wall,
                "cpu": time.process_time() - cpu,
                "inference": models.seconds,
            }
            stages = {}
            for step in plan:
                record = runner.record(step)
                stages[step.key.stage] = stages.get(step.key.stage, 0.0) + (record.duration_s if record else 0.0)
            runs.append({**taken, "stages": stages})
    return {"runs": runs, "base_mb": base, "peak_mb": _peak_mb()}


def _warm_up(models: TimedModels) -> None:
    for model_id in ("u2netp", "blazepose_detector", "blazepose_landmarks", "selfie_multiclass"):
        models.models.session(model_id)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _in_process(model: Path, garments: list[Path]) -> dict[str, object]:
    command = [sys.executable, __file__, "--measure", str(model), *map(str, garments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def report(name: str, result: dict[str, object]) -> None:
    """Print one size's rows."""
    print(f"\n{name}: peak memory {result['peak_mb']:.0f} MB, of which {result['base_mb']:.0f} MB program and models")
    for title, run in zip(("new pair", "next garment"), result["runs"], strict=True):  # type: ignore[call-overload]
        share = run["inference"] / run["wall"]
        ratio = 1.0 / share if share else float("nan")
        print(
            f"  {title:<13} {run['wall']:6.2f} s wall {run['cpu']:6.2f} s cpu; bare inference {run['inference']:5.2f} s"
            f", {share:.0%} of the wall ({ratio:.1f} x)"
        )
        parts = "  ".join(f"{stage} {seconds:.2f}" for stage, seconds in run["stages"].items())
        print(f"                {parts}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "photos")
    parser.add_argument("--megapixels", type=float, default=24.0)
    parser.add_argument("--measure", nargs="+", type=Path)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure[0], asked.measure[1:])))
        return
    model, garments = asked.photos / MODEL, [asked.photos / one for one in GARMENTS]
    report("768 x 1024", _in_process(model, garments))
    with tempfile.TemporaryDirectory() as folder:
        big = enlarge(model, Path(folder), asked.megapixels)
        worn = [enlarge(one, Path(folder), asked.megapixels) for one in garments]
        report(f"{asked.megapixels:.0f} megapixels", _in_process(big, worn))


if __name__ == "__main__":
    main()
