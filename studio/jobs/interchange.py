"""A project in the field's own folders: the VITON-HD data set's layout, the forerunner's `inputs/` and `output/`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from studio.domain.artefacts import (
    Agnostic,
    Cutout,
    DensePoseMap,
    Garment,
    GarmentArtefacts,
    Look,
    ParseMap,
    Photo,
    PhotoRole,
    Pose,
)
from studio.domain.edits import Edit
from studio.domain.errors import JobError, StudioError
from studio.domain.geometry import Framing
from studio.domain.keys import Note
from studio.domain.labels import LabelScheme, convert_labels
from studio.domain.progress import Progress
from studio.jobs.workspace import Workspace
from studio.library.records import Filter, PhotoRow
from studio.media.encode import write_image
from studio.media.safe_io import ensure_folder, storage_errors

if TYPE_CHECKING:
    from studio.pipeline.interchange.viton_hd import Layout

T = TypeVar("T")

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif")
_BETWEEN_NAMES = r"[ _+\-.,&x]+"


class FolderLayout(StrEnum):
    """Whose folders these are."""

    VITON_HD = "viton-hd"
    FORERUNNER = "forerunner"


@dataclass(slots=True)
class Exchange:
    """What came of an export or import. problems: what did not work, the rest went on."""

    models: int = 0
    garments: int = 0
    backgrounds: int = 0
    pairs: int = 0
    looks: int = 0
    corrected: int = 0
    problems: list[StudioError | Note] = field(default_factory=list)


def recognise(folder: Path, phase: str = "test") -> FolderLayout:
    """Say whose layout a folder has.

    Raises:
        JobError: `dataset.layout`, neither.
    """
    if (folder / "inputs").is_dir():
        return FolderLayout.FORERUNNER
    if (folder / "image").is_dir() or (folder / phase / "image").is_dir():
        return FolderLayout.VITON_HD
    raise JobError("dataset.layout", folder=str(folder), phase=phase)


# ---------------------------------------------------------------- VITON-HD


def export_viton_hd(
    workspace: Workspace, folder: Path, *, phase: str = "test", progress: Progress | None = None
) -> Exchange:
    """Write every pair of the project as the data set would hold it; a photo that fails does not stop the others."""
    from studio.pipeline.interchange.viton_hd import Layout, write_pairs

    told = progress or Progress.silent()
    ensure_folder(folder / phase)
    layout, done = Layout(folder, phase), Exchange()
    pairs = workspace.library.pairs(workspace.library.pair_ids())
    if not pairs:
        raise JobError("dataset.no_pairs", folder=str(workspace.library.folder))
    model_names = _names(workspace.library.photos(_each(pair.model_id for pair in pairs)))
    garment_names = _names(workspace.library.photos(_each(pair.garment_id for pair in pairs)))
    written: set[str] = set()
    total = len(model_names) + len(garment_names)
    for number, (photo_id, name) in enumerate([*model_names.items(), *garment_names.items()]):
        part = told.part(number / total, 1 / total)
        part.report(0.0, name)
        try:
            if photo_id in model_names:
                _write_person(workspace, layout, photo_id, name, part)
                done.models += 1
            else:
                _write_garment(workspace, layout, photo_id, name, part)
                done.garments += 1
        except StudioError as error:
            done.problems.append(error)
        else:
            written.add(photo_id)
    whole = [pair for pair in pairs if {pair.model_id, pair.garment_id} <= written]
    write_pairs(layout, [(model_names[pair.model_id], garment_names[pair.garment_id]) for pair in whole])
    done.pairs = len(whole)
    return done


def _each(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))


def _names(photos: Sequence[PhotoRow]) -> dict[str, str]:
    """Return a name for each photo that fits a pair list: no spaces, no ending, none twice."""
    names: dict[str, str] = {}
    for photo in photos:
        stem = re.sub(r"[^\w.\-]+", "_", Path(photo.name).stem).strip("._") or "photo"
        name, number = stem, 2
        while name.casefold() in {taken.casefold() for taken in names.values()}:
            name, number = f"{stem}-{number}", number + 1
        names[photo.id] = name
    return names


def _take(workspace: Workspace, photo_id: str, slot: str, kind: type[T], progress: Progress) -> T:
    made = workspace.artefact(photo_id, slot, progress=progress)
    if not isinstance(made, kind):
        raise JobError("job.slot", slot=slot, known=type(made).__name__)
    return made


def _write_person(workspace: Workspace, layout: Layout, photo_id: str, name: str, progress: Progress) -> None:
    from studio.pipeline.framing import warp_labels_to_canvas, warp_to_canvas
    from studio.pipeline.interchange.viton_hd import PersonItem, write_person

    agnostic = _take(workspace, photo_id, "agnostic", Agnostic, progress)
    quiet = Progress.silent()
    framing = _take(workspace, photo_id, "framing", Framing, quiet)
    parse = _take(workspace, photo_id, "parse", ParseMap, quiet)
    pose = _take(workspace, photo_id, "pose", Pose, quiet)
    keypoints, extra = (rows.copy() for rows in (pose.keypoints, pose.extra))
    for rows in (keypoints, extra):
        seen = rows[:, 2] > 0
        rows[seen, :2] = framing.to_canvas(rows[seen, :2].astype("float64"))
    labels = convert_labels(parse.labels, parse.scheme, LabelScheme.CIHP)
    item = PersonItem(
        image=warp_to_canvas(_take(workspace, photo_id, "photo", Photo, quiet).rgb8, framing),
        labels=warp_labels_to_canvas(labels, framing),
        agnostic=agnostic,
        densepose=_take(workspace, photo_id, "densepose", DensePoseMap, quiet).index,
        pose=replace(pose, keypoints=keypoints, extra=extra, photo_size=framing.canvas_size),
    )
    write_person(layout, name, item)


def _write_garment(workspace: Workspace, layout: Layout, photo_id: str, name: str, progress: Progress) -> None:
    from studio.pipeline.interchange.viton_hd import GarmentItem, write_garment
    from studio.pipeline.tryon.generative.framed import frame_garment

    worn = GarmentArtefacts(
        _take(workspace, photo_id, "photo", Photo, Progress.silent()),
        _take(workspace, photo_id, "edges", Cutout, progress.part(0.0, 0.7)),
        _take(workspace, photo_id, "garment", Garment, progress.part(0.7, 0.3)),
    )
    framed = frame_garment(worn)
    write_garment(layout, name, GarmentItem(framed.picture, framed.mask))


def import_viton_hd(
    workspace: Workspace,
    folder: Path,
    *,
    phase: str = "test",
    corrections: bool = True,
    progress: Progress | None = None,
) -> Exchange:
    """Take photos and pairs of a data set in.

    Args:
        corrections: bring its keypoints and parse maps too, as hand corrections of new photos: the pipeline's own
            stages then start from them, and each can be undone.
    """
    from studio.pipeline.interchange.viton_hd import Layout

    layout, done = Layout(folder, phase), Exchange()
    told = progress or Progress.silent()
    models = _import(workspace, layout.folder / "image", PhotoRole.MODEL, done, told.part(0.0, 0.4))
    garments = _import(workspace, layout.folder / "cloth", PhotoRole.GARMENT, done, told.part(0.4, 0.4))
    done.models, done.garments = len(models), len(garments)
    if corrections:
        for number, photo in enumerate(workspace.library.photos(models)):
            told.report(0.8 + 0.2 * number / len(models), photo.name)
            try:
                edits = _read_corrections(layout, photo)
            except StudioError as error:
                done.problems.append(error)
                continue
            if edits:
                workspace.library.add_edits(photo.id, edits, f"From {folder.name}")
                done.corrected += 1
    if layout.pairs.is_file():
        found = workspace.read_pairs(layout.pairs)
        done.pairs = len(found.pairs)
        workspace.library.add_pairs(found.pairs)
        done.problems += found.problems
    return done


def _import(workspace: Workspace, folder: Path, role: PhotoRole, done: Exchange, progress: Progress) -> list[str]:
    """Take a folder in; return the ids of photos that were not there before."""
    if not folder.is_dir():
        done.problems.append(Note("dataset.no_folder", {"folder": str(folder)}))
        return []
    report = workspace.import_photos([folder], role, progress=progress)
    done.problems += [failure.error for failure in report.failed]
    return list(report.imported)


def _read_corrections(layout: Layout, photo: PhotoRow) -> list[Edit]:
    """Return the keypoints and parse map that the set holds of a photo, as corrections; none where it has none."""
    from studio.pipeline.interchange.corrections import label_strokes, pose_moves
    from studio.pipeline.interchange.viton_hd import read_labels, read_pose

    name = Path(photo.name).stem
    keypoints, labels = layout.file("openpose_json", name), layout.file("image-parse-v3", name)
    edits: list[Edit] = []
    if keypoints.is_file():
        edits += pose_moves(read_pose(keypoints, photo.size))
    if labels.is_file():
        edits += label_strokes(read_labels(labels), photo.size)
    return edits


# ---------------------------------------------------------------- the forerunner


def export_forerunner(workspace: Workspace, folder: Path, *, progress: Progress | None = None) -> Exchange:
    """Write originals into `inputs/`, backgrounds with their places, and looks into `output/` by pair name."""
    told, done, library = progress or Progress.silent(), Exchange(), workspace.library
    inputs = folder / "inputs"
    models, garments, rooms = (library.photos(library.photo_ids(Filter(role=role))) for role in PhotoRole)
    names = _copy_photos(models, inputs / "models") | _copy_photos(garments, inputs / "garments")
    _write_rooms(workspace, rooms, inputs / "backgrounds")
    done.models, done.garments, done.backgrounds = len(models), len(garments), len(rooms)
    looks = [look for look in library.looks(library.look_ids(Filter())) if look.is_current]
    for number, look in enumerate(looks):
        told.report(number / len(looks), look.name)
        target = folder / "output" / f"{names[look.model_id].stem}_{names[look.garment_id].stem}.png"
        try:
            made = _take(workspace, look.id, "look", Look, Progress.silent())
            ensure_folder(target.parent)
            write_image(target, made.pixels, exif=made.exif, icc=made.icc)
        except StudioError as error:
            done.problems.append(error)
        else:
            done.looks += 1
    return done


def _copy_photos(photos: Sequence[PhotoRow], folder: Path) -> dict[str, Path]:
    """Copy originals byte for byte; return where each one lies now."""
    copies: dict[str, Path] = {}
    by_id = {photo.id: photo for photo in photos}
    for photo_id, name in _names(photos).items():
        original = by_id[photo_id].file
        copies[photo_id] = folder / f"{name}{original.suffix}"
        ensure_folder(folder)
        with storage_errors(copies[photo_id]):
            shutil.copyfile(original, copies[photo_id])
    return copies


def _write_rooms(workspace: Workspace, rooms: Sequence[PhotoRow], folder: Path) -> None:
    """Write backgrounds, each with its first named place; those without one are copied only."""
    from studio.compositing.backgrounds_txt import entry_beside, write_backgrounds

    listing, copies = folder / "backgrounds.txt", _copy_photos(rooms, folder)
    places = {room.id: workspace.library.placements(room.id) for room in rooms}
    entries = [entry_beside(listing, copies[room], kept[0].placement) for room, kept in places.items() if kept]
    if entries:
        write_backgrounds(listing, entries)


def import_forerunner(workspace: Workspace, folder: Path, *, progress: Progress | None = None) -> Exchange:
    """Take in what lies in `inputs/`; pictures in `output/` tell which pairs were dressed."""
    told, done, library, inputs = progress or Progress.silent(), Exchange(), workspace.library, folder / "inputs"
    done.models = len(_import(workspace, inputs / "models", PhotoRole.MODEL, done, told.part(0.0, 0.4)))
    done.garments = len(_import(workspace, inputs / "garments", PhotoRole.GARMENT, done, told.part(0.4, 0.4)))
    if (inputs / "backgrounds").is_dir():
        rooms = _import(workspace, inputs / "backgrounds", PhotoRole.BACKGROUND, done, told.part(0.8, 0.15))
        done.backgrounds = len(rooms)
    lists = (base / "backgrounds.txt" for base in (inputs / "backgrounds", inputs, folder))
    listing = next((file for file in lists if file.is_file()), None)
    if listing is not None:
        _import_rooms(workspace, listing, done)
    pairs = _pairs_by_name(workspace, folder / "output", done)
    library.add_pairs(pairs)
    done.pairs = len(pairs)
    return done


def _import_rooms(workspace: Workspace, listing: Path, done: Exchange) -> None:
    """Take the backgrounds of a list in, and keep the place it gives each."""
    from studio.compositing.backgrounds_txt import read_backgrounds

    listed = read_backgrounds(listing)
    done.problems += listed.problems
    for entry in listed.entries:
        report = workspace.import_photos([entry.picture], PhotoRole.BACKGROUND)
        done.problems += [failure.error for failure in report.failed]
        done.backgrounds += len(report.imported)
        for photo_id in (*report.imported, *(known for _, known in report.duplicates)):
            workspace.library.save_placement(photo_id, "imported", entry.placement)


def _pairs_by_name(workspace: Workspace, output: Path, done: Exchange) -> list[tuple[str, str]]:
    """Return the pairs that picture names speak of: a model's name, something between, a garment's name."""
    if not output.is_dir():
        return []
    library = workspace.library
    models, garments = (
        {Path(row.name).stem.casefold(): row.id for row in library.photos(library.photo_ids(Filter(role=role)))}
        for role in (PhotoRole.MODEL, PhotoRole.GARMENT)
    )
    pairs: dict[tuple[str, str], None] = {}
    with storage_errors(output):
        files = sorted(file for file in output.rglob("*") if file.suffix.lower() in PICTURES)
    for file in files:
        found = _split_name(file.stem.casefold(), models, garments)
        if found is None:
            done.problems.append(Note("dataset.output_name", {"file": str(file)}))
        else:
            pairs[found] = None
    return list(pairs)


def _split_name(stem: str, models: dict[str, str], garments: dict[str, str]) -> tuple[str, str] | None:
    """Match "MODEL_GARMENT"; the longest model name that leaves a garment's wins."""
    for model in sorted(models, key=len, reverse=True):
        if not stem.startswith(model):
            continue
        rest = re.sub(f"^{_BETWEEN_NAMES}", "", stem[len(model) :])
        if rest in garments:
            return models[model], garments[rest]
    return None
