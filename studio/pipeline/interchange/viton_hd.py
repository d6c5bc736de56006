"""The VITON-HD data set's layout: one folder per kind of picture, one name per photo, all at 768 x 1024.

    ROOT/test_pairs.txt                          "person.jpg garment.jpg" on every line
    ROOT/test/image, cloth, cloth-mask           JPEG
    ROOT/test/image-parse-v3                     palette PNG, CIHP-20
    ROOT/test/image-parse-agnostic-v3.2          palette PNG
    ROOT/test/agnostic-v3.2, image-densepose     JPEG
    ROOT/test/openpose_img/NAME_rendered.png, openpose_json/NAME_keypoints.json

Source: Choi et al., "VITON-HD", CVPR 2021, and the preprocessing that its authors published.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from studio.domain.arrays import U8
from studio.domain.artefacts import Agnostic, Pose
from studio.domain.errors import ArtefactError
from studio.domain.labels import LabelScheme, class_count, palette
from studio.media.decode import open_photo, probe
from studio.media.encode import EncodeOptions, ImageFormat, write_image
from studio.media.safe_io import ensure_folder, storage_errors, write_atomic
from studio.pipeline.densepose import Part, render_densepose
from studio.pipeline.pose_io import read_openpose_json, render_pose, to_body25, write_openpose_json

_PHOTO = EncodeOptions(ImageFormat.JPEG, quality=98)
"""The set ships JPEG; at this quality with full colour nothing that a network sees is lost."""

_MASK_THRESHOLD = 128


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a data set's files lie. phase: "train" or "test"."""

    root: Path
    phase: str = "test"

    @property
    def folder(self) -> Path:
        """The folder of the phase; some copies of the set leave that level out."""
        inner = self.root / self.phase
        return inner if inner.is_dir() or not (self.root / "image").is_dir() else self.root

    @property
    def pairs(self) -> Path:
        """The pair list."""
        beside, inside = self.root / f"{self.phase}_pairs.txt", self.folder / f"{self.phase}_pairs.txt"
        return inside if inside.is_file() and not beside.is_file() else beside

    def file(self, kind: str, name: str) -> Path:
        """Return where a kind of file of a photo lies; `name` has no ending."""
        ending = {
            "image-parse-v3": ".png",
            "image-parse-agnostic-v3.2": ".png",
            "openpose_img": "_rendered.png",
            "openpose_json": "_keypoints.json",
        }.get(kind, ".jpg")
        return self.folder / kind / f"{name}{ending}"


@dataclass(frozen=True, slots=True, eq=False)
class PersonItem:
    """Everything the layout holds of a person, on the canvas.

    image: uint8 `(1024, 768, 3)`. labels: uint8, CIHP-20. densepose: uint8 part index. pose: in canvas pixels.
    """

    image: U8
    labels: U8
    agnostic: Agnostic
    densepose: U8
    pose: Pose


@dataclass(frozen=True, slots=True, eq=False)
class GarmentItem:
    """A garment on the canvas. mask: uint8, 0 or 255."""

    image: U8
    mask: U8


def write_person(layout: Layout, name: str, item: PersonItem) -> None:
    """Write the eight files of a person.

    Raises:
        StorageError: the folder refuses.
    """
    pictures = (
        ("image", item.image),
        ("agnostic-v3.2", item.agnostic.image),
        ("image-densepose", render_densepose(item.densepose)),
    )
    for kind, picture in pictures:
        write_image(_ready(layout.file(kind, name)), picture, _PHOTO)
    drawn = render_pose(to_body25(item.pose), (item.image.shape[1], item.image.shape[0]))
    write_image(_ready(layout.file("openpose_img", name)), drawn)
    write_atomic(_ready(layout.file("openpose_json", name)), write_openpose_json(item.pose).encode())
    write_labels(layout.file("image-parse-v3", name), item.labels)
    write_labels(layout.file("image-parse-agnostic-v3.2", name), item.agnostic.labels)


def write_garment(layout: Layout, name: str, item: GarmentItem) -> None:
    """Write the two files of a garment."""
    write_image(_ready(layout.file("cloth", name)), item.image, _PHOTO)
    write_image(_ready(layout.file("cloth-mask", name)), np.repeat(item.mask[..., None], 3, axis=2), _PHOTO)


def write_labels(path: Path, labels: U8) -> None:
    """Write a CIHP-20 parse map as a palette PNG in the set's colours."""
    image = Image.fromarray(labels)
    image.putpalette(palette(LabelScheme.CIHP).tobytes(), "RGB")
    stream = io.BytesIO()
    image.save(stream, "PNG")
    write_atomic(_ready(path), stream.getvalue())


def write_pairs(layout: Layout, pairs: list[tuple[str, str]]) -> None:
    """Write the pair list; names without ending."""
    lines = [f"{person}.jpg {garment}.jpg\n" for person, garment in pairs]
    write_atomic(_ready(layout.root / f"{layout.phase}_pairs.txt"), "".join(lines).encode())


def read_person(layout: Layout, name: str) -> PersonItem:
    """Read the files of a person back.

    Raises:
        PhotoError: one is missing or damaged.
        ArtefactError: a parse map has a label outside CIHP-20, or the JSON is not OpenPose's.
    """
    image = open_photo(layout.file("image", name)).rgb8
    agnostic = Agnostic(
        open_photo(layout.file("agnostic-v3.2", name)).rgb8, read_labels(layout.file("image-parse-agnostic-v3.2", name))
    )
    size = image.shape[1], image.shape[0]
    densepose = read_densepose_picture(open_photo(layout.file("image-densepose", name)).rgb8)
    pose = read_pose(layout.file("openpose_json", name), size)
    return PersonItem(image, read_labels(layout.file("image-parse-v3", name)), agnostic, densepose, pose)


def read_garment(layout: Layout, name: str) -> GarmentItem:
    """Read the files of a garment back."""
    mask = open_photo(layout.file("cloth-mask", name)).rgb8[..., 0] >= _MASK_THRESHOLD
    return GarmentItem(open_photo(layout.file("cloth", name)).rgb8, np.where(mask, np.uint8(255), np.uint8(0)))


def read_labels(path: Path) -> U8:
    """Read a parse map: a palette or grey PNG holds the labels themselves.

    Raises:
        PhotoError: the file is missing or damaged.
        ArtefactError: `dataset.not_labels`, it is a picture in colours, or has labels outside CIHP-20.
    """
    probe(path)  # refuses what is no picture, or too large a one, before anything is decoded
    with storage_errors(path), Image.open(path) as image:
        if image.mode not in ("P", "L"):
            raise ArtefactError("dataset.not_labels", file=str(path))
        labels: U8 = np.array(image, np.uint8)
    if int(labels.max()) >= class_count(LabelScheme.CIHP):
        raise ArtefactError("dataset.not_labels", file=str(path))
    return labels


def read_densepose_picture(picture: U8) -> U8:
    """Return the part index whose colour is nearest, `(H, W)`: JPEG moves the colours a little."""
    colours = render_densepose(np.arange(len(Part) + 1, dtype=np.uint8)).astype(np.int32)
    index = np.zeros(picture.shape[:2], np.uint8)
    least = np.full(picture.shape[:2], np.iinfo(np.int32).max, np.int32)
    for part, colour in enumerate(colours):
        away = ((picture - colour) ** 2).sum(axis=2, dtype=np.int32)
        nearer = away < least
        index[nearer], least[nearer] = part, away[nearer]
    return index


def read_pose(path: Path, size: tuple[int, int]) -> Pose:
    """Read the first person of an OpenPose JSON; `size` is the picture's."""
    with storage_errors(path):
        text = path.read_text(encoding="utf-8")
    return read_openpose_json(text, size, path.name)


def _ready(path: Path) -> Path:
    ensure_folder(path.parent)
    return path
