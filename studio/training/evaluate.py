"""Evaluation: paired and without leaks, by a cycle, and unpaired.

Paired. The engine receives what published engines receive: the agnostic image, the parse agnostic, the pose, DensePose
(made from the photo, as theirs is: the embedded one is a body's capsules cut to the person's silhouette, and so much of
that silhouette is known) and the garment; nothing else under the agnostic mask, neither pixels nor outline. Its picture
is composed over the agnostic photo. Pictures are the 768 x 1024 canvas (larger photos are shrunk into it by area
averaging, then placed bilinearly), reduced to 384 x 512 by area averaging, whole, without crop. SSIM: Gaussian window
11 x 11, sigma 1.5, mean of R, G, B. LPIPS: v0.1, linear calibration; over regions the mean of its layers' maps,
enlarged bilinearly. "inside" is the agnostic mask; zones are discs around the joints, in shoulder widths. delta_e:
CIEDE2000 between the garment's colours in the product photo and in the picture, where the photo's parse map sees the
garment worn; tone by tone (k-means in CIELAB), each tone's medians, weighted by the tone's share of the product; the
picture's pixels farther than 40 in CIELAB from every tone are skin or backdrop, unless they are all that is left of it;
groups of several colours (half their pixels farther than 25 from their median: a small print) are left out.
What the product photo shows of the inside of the back, above the front's neckline, is left out, for nobody sees it
worn; the product photo is reduced into the same size, for thin stripes mix there. delta_e_median: CIEDE2000 between the
medians of all cloth in the product, unreduced, and in the picture, of garments of one tone only: of several it leaps
from one to the other as more or less of each is seen. The photo's own row shows both: the photo against the product, a
difference of light. delta_e_worn: mean CIEDE2000 between picture and photo, pixel by pixel where the photo shows the
garment worn, both blurred (sigma 2): the right colours in the right place, in the photo's light. moved_outside: pixels
of the canvas outside the agnostic mask that differ by more than rounding.
Cycle. Dressed in the next pair's garment, then that look back in the first, the engine as it is used. moved_outside:
native pixels outside both looks' own edit masks that differ from the photo at all.
Unpaired. Dressed in the next pair's garment, the engine as it is used, at the same size, against all photos. FID: the
Inception of 2015-12-05, enlarged bilinearly to 299 x 299 without antialiasing. KID: the same features, cubic polynomial
kernel, unbiased, 100 subsets of 1000, or one estimate from fewer pictures. frechet_vgg: a Frechet distance on VGG16
features, no FID. Colours: as above, where the look says that the garment shows. residue: share of the old garment's
area where only the old garment explains the colour. moved_outside: native pixels outside the look's own edit mask that
differ from the photo at all.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import cv2
import numpy as np

from studio.domain.arrays import F64, U8, Bool
from studio.domain.artefacts import (
    Agnostic,
    Cutout,
    DensePoseMap,
    Garment,
    GarmentArtefacts,
    Look,
    ParseMap,
    PersonArtefacts,
    Photo,
    Pose,
    TryOn,
)
from studio.domain.edits import LayerOrder
from studio.domain.errors import PipelineError, StudioError
from studio.domain.geometry import CANVAS_SIZE, Framing
from studio.domain.keys import Note
from studio.domain.progress import Progress
from studio.domain.recipe import Recipe
from studio.media.decode import open_photo
from studio.pipeline.cache import MemoryStore
from studio.pipeline.framing import warp_labels_to_canvas, warp_to_canvas
from studio.pipeline.graph import GraphBuilder, Node, PhotoSpec
from studio.pipeline.residue import Dressed, find_residue
from studio.pipeline.runner import Runner
from studio.pipeline.stage import ModelProvider, StageContext
from studio.training import metrics
from studio.training.baselines import fit_affine, paste_to_box
from studio.training.colours import compare_worn, measure_colours
from studio.training.sets import set_distances

if TYPE_CHECKING:
    from torch import nn

SIZE = (384, 512)
"""(width, height) at which the field reports."""
PROTOCOL = __doc__.split("\n\n", 1)[1].strip()
BASELINES = ("pasted to the box", "affine fit")
GROWING = frozenset({"ssim", "psnr"})
"""Measures of which more is better; of all others, and their areas, less is."""
LIMITS = {"lpips_alex": 0.10, "ssim": 0.88}
"""What published learned engines report on data of this kind, by protocols of their own: HR-VITON LPIPS 0.097-0.122."""


class Engine(Protocol):
    """The part of a try-on engine that evaluation needs."""

    @property
    def id(self) -> str: ...

    def dress(
        self,
        person: PersonArtefacts,
        garment: GarmentArtefacts,
        ctx: StageContext,
        *,
        layers: LayerOrder,
        leak_free: bool = False,
    ) -> TryOn: ...


@dataclass(frozen=True, slots=True)
class TruePair:
    """A person who wears exactly this garment."""

    id: str
    person: Path
    garment: Path


@dataclass(frozen=True, slots=True)
class Score:
    """One picture against the photo. values: measure -> number; inside: the same within the agnostic mask."""

    pair: str
    method: str
    values: Mapping[str, float]


@dataclass(slots=True)
class Evaluation:
    """Scores, the pictures they were measured on, and pairs that could not be evaluated.

    photos, looks: the sets of the unpaired protocol. sets: what was measured between them.
    """

    scores: list[Score] = field(default_factory=list)
    pictures: dict[tuple[str, str], U8] = field(default_factory=dict)
    failed: dict[str, Note] = field(default_factory=dict)
    photos: list[U8] = field(default_factory=list)
    looks: list[U8] = field(default_factory=list)
    sets: dict[str, float] = field(default_factory=dict)

    def mean(self, method: str) -> dict[str, float]:
        """Return the mean of every measure over the pairs of one method."""
        rows = [score.values for score in self.scores if score.method == method]
        names = rows[0] if rows else ()
        values = {name: [row[name] for row in rows if not math.isnan(row[name])] for name in names}
        return {name: float(np.mean(known)) if known else math.nan for name, known in values.items()}

    def best_baseline(self, pair: str, name: str) -> float:
        """Return the better of both baselines' values of one measure on one pair; nan where neither has one."""
        known = [
            score.values[name]
            for score in self.scores
            if score.pair == pair and score.method in BASELINES and not math.isnan(score.values.get(name, math.nan))
        ]
        return (max if is_growing(name) else min)(known, default=math.nan)

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(score.method for score in self.scores))


def is_growing(name: str) -> bool:
    """Tell a measure of which more is better, whole or over an area."""
    return name.split("_")[0] in GROWING


def find_pairs(folder: Path) -> list[TruePair]:
    """Return the pairs of a folder: `ID_person.*` beside `ID_garment.*`.

    Raises:
        PipelineError: there is none.
    """
    found = []
    for person in sorted(folder.glob("*_person.*")):
        stem = person.stem.removesuffix("_person")
        garments = sorted(folder.glob(f"{stem}_garment.*"))
        if garments:
            found.append(TruePair(stem, person, garments[0]))
    if not found:
        raise PipelineError("evaluate.no_pairs", folder=str(folder))
    return found


@dataclass(slots=True)
class Photos:
    """Photos by content, from files and from memory (looks that are dressed back in the cycle protocol)."""

    files: dict[str, Path] = field(default_factory=dict)
    made: dict[str, Photo] = field(default_factory=dict)

    def add_file(self, path: Path) -> PhotoSpec:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.files[digest] = path
        return PhotoSpec(digest, path.name)

    def add_pixels(self, pixels: U8, name: str) -> PhotoSpec:
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        self.made[digest] = Photo(pixels.copy(), digest, name)
        return PhotoSpec(digest, name)

    def load(self, sha256: str) -> Photo:
        return self.made[sha256] if sha256 in self.made else open_photo(self.files[sha256])


@dataclass(slots=True)
class Evaluator:
    """Runs pairs through the pipeline and measures what comes out.

    networks: loaded LPIPS by name. judges: what `set_distances` takes.
    """

    provider: ModelProvider
    engine: Engine
    recipe: Recipe = field(default_factory=Recipe)
    networks: Mapping[str, nn.Module] = field(default_factory=dict)
    judges: Mapping[str, nn.Module] = field(default_factory=dict)
    photos: Photos = field(default_factory=Photos)

    def run(
        self,
        pairs: Sequence[TruePair],
        *,
        cycle: bool = False,
        unpaired: bool = False,
        progress: Progress | None = None,
    ) -> Evaluation:
        """Evaluate all pairs; one that fails is noted and stops nothing."""
        told = progress or Progress.silent()
        result = Evaluation()
        for number, pair in enumerate(pairs):
            told.report(number / len(pairs), pair.id)
            try:
                other = pairs[(number + 1) % len(pairs)]
                wanted = _Wanted(other, cycle, unpaired)
                self._evaluate(pair, wanted, result, told.part(number / len(pairs), 1 / len(pairs)))
            except StudioError as error:
                result.failed[pair.id] = Note(error.key, error.values)
        if unpaired:
            result.sets = set_distances(result.photos, result.looks, self.judges)
        return result

    def _evaluate(self, pair: TruePair, wanted: _Wanted, result: Evaluation, progress: Progress) -> None:
        runner = Runner(MemoryStore(), self.photos, self.provider)
        person_spec, garment_spec = self.photos.add_file(pair.person), self.photos.add_file(pair.garment)
        person, garment = self._prepare(runner, person_spec, garment_spec)
        progress.report(0.5, pair.id)
        ctx = StageContext(self.provider, progress.part(0.5, 0.3))
        dressed = self.engine.dress(person, garment, ctx, layers=LayerOrder(), leak_free=True).image
        truth = to_canvas(person.photo.rgb8, person.framing)
        pictures = {
            self.engine.id: dressed,
            BASELINES[0]: paste_to_box(person, garment),
            BASELINES[1]: fit_affine(person, garment),
        }
        shown = _shown(truth, person.agnostic)[..., None]
        pictures = {name: np.where(shown, person.agnostic.image, picture) for name, picture in pictures.items()}
        moved = {name: float(_moved(truth, picture, person.agnostic)) for name, picture in pictures.items()}
        if wanted.cycle:  # as it is used: nothing is composed over anything
            name = f"{self.engine.id}, cycle"
            pictures[name], moved[name] = self._cycle(runner, person_spec, garment_spec, wanted.other, person)
        result.pictures[pair.id, "photo"], result.pictures[pair.id, "garment"] = reduce(truth), garment.photo.rgb8
        for method, picture in pictures.items():
            result.pictures[pair.id, method] = reduce(picture)
            values = self._measure(truth, picture, person, garment) | {"moved_outside": moved[method]}
            result.scores.append(Score(pair.id, method, values))
        colours = _measure_colours(reduce(truth), person, garment)
        result.scores.append(Score(pair.id, "photo", colours))
        if wanted.unpaired:
            self._exchange(runner, pair.id, person_spec, person, wanted.other, result)

    def _exchange(
        self, runner: Runner, pair: str, spec: PhotoSpec, person: PersonArtefacts, other: TruePair, result: Evaluation
    ) -> None:
        """Dress in another garment, the engine as it is used; there is no truth, but sets, colours and residue."""
        nodes = GraphBuilder(self.recipe, self.provider).look(spec, self.photos.add_file(other.garment))
        look = cast(Look, runner.get(nodes["look"]))
        garment = _take_garment(runner, nodes)
        kind = garment.garment.category
        left = find_residue(person.photo.rgb8, Dressed.of(look), person.parse, garment.cutout, kind)
        moved = metrics.check_identity(person.photo.rgb8, look.rgb8, look.edit_mask > 0)
        picture = reduce(to_canvas(look.rgb8, person.framing))
        shown = reduce_mask(to_canvas((look.garment_mask > 250).astype(np.uint8), person.framing, labels=True) > 0)
        values = measure_colours(picture, shown, garment, SIZE)
        values |= {"moved_outside": float(moved.changed), "residue": left.share}
        method = f"{self.engine.id}, unpaired"
        result.photos.append(reduce(to_canvas(person.photo.rgb8, person.framing)))
        result.looks.append(picture)
        result.pictures[pair, method] = picture
        result.scores.append(Score(pair, method, values))

    def _prepare(
        self, runner: Runner, person: PhotoSpec, garment: PhotoSpec
    ) -> tuple[PersonArtefacts, GarmentArtefacts]:
        nodes = GraphBuilder(self.recipe, self.provider).look(person, garment)

        def take(slot: str) -> Any:  # Any: the graph promises the kinds below
            return runner.get(nodes[slot])

        return (
            PersonArtefacts(
                cast(Photo, take("photo")),
                cast(Cutout, take("edges")),
                cast(Pose, take("pose")),
                cast(Framing, take("framing")),
                cast(ParseMap, take("parse")),
                cast(DensePoseMap, take("densepose")),
                cast(Agnostic, take("agnostic")),
            ),
            _take_garment(runner, nodes),
        )

    def _cycle(
        self, runner: Runner, spec: PhotoSpec, garment: PhotoSpec, other: TruePair, person: PersonArtefacts
    ) -> tuple[U8, float]:
        """Dress in another garment, then that look back in the first: the engine as it is used.

        Returns:
            The picture on the canvas, and how many pixels outside both edit masks are not the photo's any more.
        """
        builder = GraphBuilder(self.recipe, self.provider)
        away = cast(Look, runner.get(builder.look(spec, self.photos.add_file(other.garment))["look"]))
        back = builder.look(self.photos.add_pixels(away.rgb8, spec.name), garment)
        dressed = cast(Look, runner.get(back["look"]))
        edited = (away.edit_mask > 0) | (dressed.edit_mask > 0)
        moved = metrics.check_identity(person.photo.rgb8, dressed.rgb8, edited)
        return to_canvas(dressed.rgb8, person.framing), float(moved.changed)

    def _measure(self, truth: U8, picture: U8, person: PersonArtefacts, garment: GarmentArtefacts) -> dict[str, float]:
        first, second = reduce(truth), reduce(picture)
        hidden = hidden_area(person.agnostic)
        areas = {"inside": hidden, **dict(zones(person))}
        values = {"ssim": metrics.ssim(first, second), "psnr": metrics.psnr(first, second)}
        similar = metrics.ssim_map(first, second)
        places = {"ssim": similar}
        for name, network in self.networks.items():
            values[name], places[name] = metrics.lpips_parts(network, first, second)
        for area, mask in areas.items():
            values |= {f"{name}_{area}": _mean(plane, mask) for name, plane in places.items()}
            values[f"psnr_{area}"] = metrics.psnr(first, second, mask)
        values |= _measure_colours(second, person, garment)
        values["delta_e_worn"] = compare_worn(first, second, _worn_area(person))
        return values


def _take_garment(runner: Runner, nodes: Mapping[str, Node]) -> GarmentArtefacts:
    return GarmentArtefacts(
        cast(Photo, runner.get(nodes["garment_photo"])),
        cast(Cutout, runner.get(nodes["garment_edges"])),
        cast(Garment, runner.get(nodes["garment"])),
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The pair whose garment is put on for the cycle and unpaired protocols, and which of them are wanted."""

    other: TruePair
    cycle: bool
    unpaired: bool


def _measure_colours(picture: U8, person: PersonArtefacts, garment: GarmentArtefacts) -> dict[str, float]:
    """Return how far a picture's garment is from the product's colours, where the garment is worn in the photo."""
    return measure_colours(picture, _worn_area(person), garment, SIZE)


def _worn_area(person: PersonArtefacts) -> Bool:
    """Return where the photo shows the garment worn and the engine did not see it, at the reported size."""
    worn = reduce_mask(to_canvas(_worn(person), person.framing, labels=True) > 0)
    return worn & hidden_area(person.agnostic)


def _mean(plane: F64, mask: Bool) -> float:
    return float(plane[mask].mean()) if mask.any() else math.nan


def _worn(person: PersonArtefacts) -> U8:
    return np.isin(person.parse.labels, (5, 6, 7)).astype(np.uint8)


def _moved(truth: U8, picture: U8, agnostic: Agnostic) -> int:
    """Count canvas pixels outside the agnostic mask that differ from the photo by more than rounding."""
    moved = np.abs(picture.astype(np.int16) - truth).max(axis=2) > 1
    return int(moved[_shown(truth, agnostic)].sum())


def _shown(truth: U8, agnostic: Agnostic) -> Bool:
    """Return where the agnostic image shows the photo, thin strips that it hides left out."""
    painted = np.abs(agnostic.image.astype(np.int16) - 128).max(axis=2) <= 1
    own: Bool = painted & (np.abs(truth.astype(np.int16) - agnostic.image).max(axis=2) > 1)
    return visible_area(agnostic) & ~own


def to_canvas(picture: U8, framing: Framing, *, labels: bool = False) -> U8:
    """Return a native picture (or label map) on the working canvas, as the agnostic image was brought there."""
    return warp_labels_to_canvas(picture, framing) if labels else warp_to_canvas(picture, framing)


def reduce(picture: U8) -> U8:
    """Return a canvas picture at the size at which the field reports."""
    small: U8 = cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA)
    return small


def reduce_mask(mask: Bool) -> Bool:
    """Return a canvas mask at the reported size: pixels that are mostly inside."""
    small: Bool = cv2.resize(mask.astype(np.uint8), SIZE, interpolation=cv2.INTER_AREA) > 0.5
    return small


def visible_area(agnostic: Agnostic) -> Bool:
    """Return where the agnostic image shows the photo, on the canvas."""
    grey = np.abs(agnostic.image.astype(np.int16) - 128).max(axis=2) <= 1
    # A lone grey pixel belongs to the photo; what hides the person is drawn in broad strokes.
    solid: Bool = cv2.morphologyEx(grey.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) == 0
    return solid


def hidden_area(agnostic: Agnostic) -> Bool:
    """Return where the agnostic image hides the person, at the reported size."""
    return reduce_mask(~visible_area(agnostic))


def zones(person: PersonArtefacts) -> Iterator[tuple[str, Bool]]:
    """Yield the garment's zones by the pose: discs and bands in units of the shoulder width, at the reported size."""
    scale = SIZE[0] / CANVAS_SIZE[0]

    def at(name: str) -> np.ndarray | None:
        point = person.pose.point(name)
        return None if point is None else person.framing.to_canvas(point.astype(np.float64)) * scale

    left, right = at("left_shoulder"), at("right_shoulder")
    if left is None or right is None:
        return
    unit = float(np.linalg.norm(left - right))
    groups = {
        "collar": [((left + right) / 2, 0.30)],
        "shoulder": [(left, 0.25), (right, 0.25)],
        "sleeve": [(at("left_elbow"), 0.30), (at("right_elbow"), 0.30)],
        "cuff": [(at("left_wrist"), 0.22), (at("right_wrist"), 0.22)],
        "hem": [(at("left_hip"), 0.35), (at("right_hip"), 0.35)],
        "print": [((left + right) / 2 + np.array([0.0, 0.55 * unit]), 0.38)],
    }
    for name, discs in groups.items():
        mask = np.zeros(SIZE[::-1], np.uint8)
        for centre, share in discs:
            if centre is not None:
                cv2.circle(mask, (round(centre[0]), round(centre[1])), max(2, round(share * unit)), 1, -1)
        yield name, mask > 0
