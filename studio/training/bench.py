"""`studio bench tryon`: how fast HR-VITON runs on the device at hand, beside its straightforward forward in one run."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from studio.domain.arrays import U8
from studio.domain.artefacts import (
    Agnostic,
    Category,
    Cutout,
    DensePoseMap,
    Garment,
    GarmentArtefacts,
    GarmentMesh,
    Neckline,
    ParseMap,
    PersonArtefacts,
    Photo,
    Pose,
    SleeveLength,
)
from studio.domain.errors import StudioError
from studio.domain.geometry import CANVAS_SIZE, Framing
from studio.domain.labels import Cihp
from studio.domain.progress import Progress
from studio.networks import glue_hr_viton
from studio.networks.bench import (
    CardLimits,
    Timing,
    card_limits,
    generator_inputs,
    limit_shares,
    measure,
    random_weights,
)
from studio.networks.hr_viton import ConditionGenerator, ImageGenerator
from studio.networks.hr_viton_discriminators import ConditionDiscriminator
from studio.networks.preprocess import move_batch
from studio.networks.runtime import default_plan, estimate_bytes, prepare
from studio.networks.spade import SIDE_MULTIPLE, SpadeGenerator
from studio.pipeline.stage import ModelProvider
from studio.pipeline.tryon.generative.framed import frame_garment
from studio.pipeline.tryon.generative.native import render_native
from studio.pipeline.tryon.generative.regions import read_regions
from studio.pipeline.tryon.generative.result import CanvasResult
from studio.pipeline.tryon.hr_viton import CONDITION, DISCRIMINATOR, GENERATOR

MIB = 1 << 20
NATIVE_SCALE = 2
"""The photo that the native step is timed on, in canvases across: 1536 x 2048."""


class BenchError(StudioError):
    """The benchmark cannot be run as asked."""


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """size: (height, width). batches: None = what the device is asked usually. width: of random networks."""

    device: str
    size: tuple[int, int] = (CANVAS_SIZE[1], CANVAS_SIZE[0])
    batches: tuple[int, ...] = ()
    runs: int = 3
    width: int = 64


@dataclass(frozen=True, slots=True)
class StageTime:
    """One step of a pair, alone; seconds. processor: of all cores together, whatever else the machine does."""

    stage: str
    best: float
    median: float
    processor: float = 0.0


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch size; None where the device's memory does not take it. peak_mb: of the card, or of the process.

    arithmetic, traffic: shares of the time at the card's measured limits, CUDA only.
    """

    batch: int
    seconds: float | None
    images_per_s: float | None
    peak_mb: float | None
    arithmetic: float | None = None
    traffic: float | None = None


@dataclass(frozen=True, slots=True)
class BenchReport:
    """What was measured. ratio: straightforward over ours, networks only; difference: of their pictures, in 1/255."""

    device: str
    hardware: str
    torch: str
    threads: int
    size: tuple[int, int]
    dtype: str
    form: str
    weights: str
    estimate_mb: float
    stages: tuple[StageTime, ...]
    batches: tuple[BatchRow, ...]
    plain_s: float
    plain_peak_mb: float | None
    ours_s: float
    ratio: float
    difference: float
    limits: CardLimits | None = field(default=None)
    plain_processor_s: float = 0.0
    ours_processor_s: float = 0.0


def bench_tryon(settings: BenchSettings, models: ModelProvider, progress: Progress | None = None) -> BenchReport:
    """Measure HR-VITON; random weights stand in for checkpoints that are not installed.

    Raises:
        BenchError: `bench.size`, sides that the networks do not take, or `bench.device`, torch does not know it.
    """
    _check(settings)
    told = progress or Progress.silent()
    with torch.inference_mode():
        return _Bench(settings, models).run(told)


def _check(settings: BenchSettings) -> None:
    height, width = settings.size
    if height % SIDE_MULTIPLE or width % SIDE_MULTIPLE or min(height, width) < SIDE_MULTIPLE or height == width == 128:
        raise BenchError("bench.size", size=f"{height}x{width}", multiple=str(SIDE_MULTIPLE))
    kind = settings.device.partition(":")[0]
    if kind not in ("cpu", "cuda") or (kind == "cuda" and not torch.cuda.is_available()):
        raise BenchError("bench.device", device=settings.device)


class _Bench:
    """The networks and inputs of one benchmark."""

    def __init__(self, settings: BenchSettings, models: ModelProvider) -> None:
        torch.manual_seed(0)
        self._settings, self._size = settings, settings.size
        self._plan = default_plan(settings.device)
        self._is_cuda = torch.device(settings.device).type == "cuda"
        self._wait: Callable[[], None] = torch.cuda.synchronize if self._is_cuda else _nothing
        self._installed = all(models.is_installed(model) for model in (CONDITION, GENERATOR))
        self._condition = self._network(models, CONDITION, lambda: ConditionGenerator(width=settings.width * 3 // 2))
        self._generator = self._network(models, GENERATOR, lambda: ImageGenerator(width=settings.width))
        self._judge = self._network(models, DISCRIMINATOR, lambda: ConditionDiscriminator(width=settings.width))
        self._arrays = _drawn_arrays(self._size)
        self._x, self._parse = (tensor.to(settings.device) for tensor in generator_inputs(1, self._size))

    def _network(self, models: ModelProvider, model_id: str, make: Callable[[], nn.Module]) -> nn.Module:
        found = models.module(model_id).to("cpu") if models.is_installed(model_id) else random_weights(make())
        return cast(nn.Module, found)

    def run(self, progress: Progress) -> BenchReport:
        """Measure everything; ours first, because a process's peak of memory never falls."""
        limits = card_limits(self._settings.device) if self._is_cuda else None
        generator = cast(SpadeGenerator, self._generator)
        progress.report(0.05, "bench")
        fast = prepare(self._condition, self._plan), prepare(self._generator, self._plan)
        stages, picture = self._time_stages(fast, progress.part(0.05, 0.35))
        batches = self._time_batches(fast[1], limits, progress.part(0.4, 0.3))
        del fast
        plain, plain_processor, plain_picture, plain_peak = self._time_plain()
        progress.report(1.0, "bench")
        networks = [stage for stage in stages if stage.stage in ("condition", "generator")]
        ours = sum(stage.best for stage in networks)
        return BenchReport(
            device=self._settings.device,
            hardware=torch.cuda.get_device_name(self._settings.device) if self._is_cuda else _processor(),
            torch=str(torch.__version__),
            threads=torch.get_num_threads(),
            size=self._size,
            dtype=str(self._plan.dtype).removeprefix("torch."),
            form=self._plan.form.value,
            weights="installed" if self._installed else "random",
            estimate_mb=estimate_bytes(generator, self._plan, 1, self._size) / MIB,
            stages=tuple(stages),
            batches=tuple(batches),
            plain_s=plain,
            plain_peak_mb=plain_peak,
            ours_s=ours,
            ratio=plain / ours,
            difference=float((picture.float().cpu() - plain_picture.float().cpu()).abs().max()) * 127.5,
            limits=limits,
            plain_processor_s=plain_processor,
            ours_processor_s=sum(stage.processor for stage in networks),
        )

    def _time(self, call: Callable[[], object]) -> Timing:
        return measure(call, self._settings.runs, self._wait)

    def _time_stages(self, fast: tuple[nn.Module, nn.Module], progress: Progress) -> tuple[list[StageTime], Tensor]:
        condition, painter = fast
        device = self._settings.device
        read = partial(glue_hr_viton.read_inputs, **self._arrays, width=min(self._size))
        inputs = move_batch(read(), device)
        seen = glue_hr_viton.condition_inputs(inputs)
        made = condition(*seen)
        judge = self._judge.to(device)
        judged = glue_hr_viton.discriminator_input(*seen, glue_hr_viton.compose(made))
        steps: list[tuple[str, Callable[[], object]]] = [
            ("inputs", lambda: move_batch(read(), device)),
            ("condition", lambda: condition(*seen)),
            ("layers", lambda: glue_hr_viton.dress_layers(inputs, made)),
            ("discriminator", lambda: judge(judged)),
            ("generator", lambda: painter(self._x, self._parse, None)),
            ("native", _native_step()),
        ]
        times = []
        for number, (name, call) in enumerate(steps):
            progress.report(number / len(steps), "bench")
            timing = self._time(call)
            times.append(StageTime(name, timing.best, timing.median, timing.processor))
        return times, painter(self._x, self._parse, None)

    def _time_batches(self, painter: nn.Module, limits: CardLimits | None, progress: Progress) -> list[BatchRow]:
        rows = []
        sizes = self._settings.batches or ((1, 2, 4, 8, 16, 32) if self._is_cuda else (1, 2))
        for number, batch in enumerate(sizes):
            progress.report(number / len(sizes), "bench")
            x, parse = (tensor.to(self._settings.device) for tensor in generator_inputs(batch, self._size))
            self._forget_peak()
            try:
                seconds = self._time(partial(painter, x, parse, None)).best
            except torch.OutOfMemoryError:
                rows.append(BatchRow(batch, None, None, None))
                break
            shares: tuple[float | None, float | None] = (None, None)
            if limits is not None:
                generator = cast(SpadeGenerator, self._generator)
                shares = limit_shares(generator, self._plan, batch, self._size, seconds, limits)
            rows.append(BatchRow(batch, seconds, batch / seconds, self._peak_mb(), *shares))
        return rows

    def _time_plain(self) -> tuple[float, float, Tensor, float | None]:
        """Time the published forward, float32, eager, on the same device: seconds, and those of the processor."""
        device = self._settings.device
        condition, generator = self._condition.to(device), self._generator.to(device)
        inputs = glue_hr_viton.read_inputs(**self._arrays, width=min(self._size))
        seen = glue_hr_viton.condition_inputs(move_batch(inputs, device))
        self._forget_peak()
        timings = self._time(lambda: condition(*seen)), self._time(lambda: generator(self._x, self._parse))
        seconds, processor = sum(each.best for each in timings), sum(each.processor for each in timings)
        return seconds, processor, generator(self._x, self._parse), self._peak_mb()

    def _forget_peak(self) -> None:
        if self._is_cuda:
            torch.cuda.reset_peak_memory_stats(self._settings.device)

    def _peak_mb(self) -> float | None:
        """Return the card's peak since it was forgotten; on the CPU the process's peak since it began."""
        if self._is_cuda:
            return torch.cuda.max_memory_allocated(self._settings.device) / MIB
        try:
            import resource
        except ImportError:  # Windows
            return None
        unit = 1 if platform.system() == "Darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def _nothing() -> None:
    """Nothing to wait for: the CPU answers when it is done."""


def _processor() -> str:
    return platform.processor() or platform.machine()


def _drawn_arrays(size: tuple[int, int]) -> dict[str, U8]:
    """Return a pair as the data set would have it: noise for pictures, a drawn person's labels."""
    height, width = size
    random = np.random.default_rng(0)
    pictures = {name: random.integers(0, 256, (height, width, 3), np.uint8) for name in ("agnostic", "densepose")}
    garment = random.integers(0, 256, (height, width, 3), np.uint8)
    labels, mask = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    cv2.ellipse(labels, (width // 2, height), (width // 5, height // 3), 0, 0, 360, int(Cihp.TROUSERS), -1)
    cv2.circle(labels, (width // 2, height // 6), width // 9, int(Cihp.FACE), -1)
    cv2.rectangle(mask, (width // 8, height // 8), (width * 7 // 8, height * 7 // 8), 255, -1)
    return pictures | {"parse_agnostic": labels, "garment": garment, "garment_mask": mask}


def _native_step() -> Callable[[], object]:
    """Return the way back to native resolution for a drawn pair."""
    width, height = (side * NATIVE_SCALE for side in CANVAS_SIZE)
    canvas = CANVAS_SIZE[::-1]
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    scale = 1 / NATIVE_SCALE
    framing = Framing(np.array([[scale, 0.0, (scale - 1) / 2], [0.0, scale, (scale - 1) / 2]]), (width, height))
    labels, after = np.zeros((height, width), np.uint8), np.zeros(canvas, np.uint8)
    labels[500:1400, 400:1136], after[260:720, 190:580] = Cihp.UPPER, 3
    solid = np.ones((height, width), np.float32)
    photo = Photo(pixels, "0" * 64, "bench")
    empty = np.zeros(canvas, np.float32)
    person = PersonArtefacts(
        photo, Cutout(solid, pixels), Pose(np.zeros((18, 3), np.float32), np.zeros((10, 3), np.float32), photo.size),
        framing, ParseMap(labels), DensePoseMap(np.zeros(canvas, np.uint8), empty, empty.copy()),
        Agnostic(np.zeros((*canvas, 3), np.uint8), np.zeros(canvas, np.uint8)),
    )  # fmt: skip
    garment = GarmentArtefacts(photo, Cutout(solid.copy(), pixels), _no_analysis(photo.size))
    framed = frame_garment(garment)
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32) for side in CANVAS_SIZE)), axis=-1)
    worn = (after == 3).astype(np.float32)
    result = CanvasResult(framed.picture, after, grid, worn, framed.picture)
    before = cv2.resize(labels, CANVAS_SIZE, interpolation=cv2.INTER_NEAREST)

    def step() -> object:
        regions = read_regions(before, after, before > 0, person.densepose.index)
        return render_native(person, garment, framed, result, regions)

    return step


def _no_analysis(size: tuple[int, int]) -> Garment:
    """Return what the native step does not look at."""
    corners, faces, part = np.zeros((3, 2), np.float32), np.array([[0, 1, 2]], np.uint16), np.zeros(3, np.uint8)
    along, across, depth = np.zeros((3, 3), np.float32)
    mesh = GarmentMesh(corners, faces, part, along, across, depth, ("torso",))
    return Garment(Category.TOP, SleeveLength.SHORT, Neckline.CREW, {}, mesh, size)
