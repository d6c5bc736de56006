"""The shipped samples, through the whole pipeline: what a newcomer sees first is recognised and shows no old tee."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from studio.domain.artefacts import Category, Cutout, Garment, Look, ParseMap, Photo, SleeveLength
from studio.domain.recipe import Recipe
from studio.media.decode import open_photo
from studio.media.resources import resource_path
from studio.models.provider import LocalModels
from studio.pipeline.cache import MemoryStore
from studio.pipeline.graph import GraphBuilder, Node, PhotoSpec
from studio.pipeline.residue import Dressed, find_residue
from studio.pipeline.runner import Runner

MODEL = "models/model_mira.jpg"
SLEEVES = {"garments/tee_sunrise.jpg": SleeveLength.SHORT, "garments/tank_satin.jpg": SleeveLength.NONE}


class Samples:
    """The samples' files by their hash: what the runner asks for."""

    def __init__(self) -> None:
        self._files: dict[str, Path] = {}

    def add(self, name: str) -> PhotoSpec:
        file = resource_path("samples") / name
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        self._files[sha256] = file
        return PhotoSpec(sha256, file.name)

    def load(self, sha256: str) -> Photo:
        return open_photo(self._files[sha256])


class Demo:
    """The samples' looks, each step made once."""

    def __init__(self) -> None:
        self._photos, models = Samples(), LocalModels()
        self._runner = Runner(MemoryStore(), self._photos, models)
        self._builder = GraphBuilder(Recipe(), models)

    def nodes(self, garment: str) -> dict[str, Node]:
        return dict(self._builder.look(self._photos.add(MODEL), self._photos.add(garment)))

    def get(self, node: Node) -> object:
        return self._runner.get(node)


@pytest.fixture(scope="module")
def demo() -> Demo:
    return Demo()


@pytest.mark.parametrize("name", list(SLEEVES))
def test_a_sample_is_recognised_and_leaves_nothing_of_the_old_tee(demo: Demo, name: str) -> None:
    nodes = demo.nodes(name)
    garment, look, photo = demo.get(nodes["garment"]), demo.get(nodes["look"]), demo.get(nodes["photo"])
    edges, parse = demo.get(nodes["garment_edges"]), demo.get(nodes["parse"])
    assert isinstance(garment, Garment) and isinstance(look, Look) and isinstance(photo, Photo)
    assert isinstance(edges, Cutout) and isinstance(parse, ParseMap)
    assert (garment.category, garment.sleeve) == (Category.TOP, SLEEVES[name])
    assert look.confidence.score >= 0.9
    residue = find_residue(photo.rgb8, Dressed.of(look), parse, edges)
    assert not residue.is_notable, residue.share


def test_a_sleeve_next_to_the_flank_ends_at_its_own_corner(demo: Demo) -> None:
    """The shadowed gap below the sample tee's sleeves is narrow: their inner corners are not the flank's."""
    garment = demo.get(demo.nodes("garments/tee_sunrise.jpg")["garment"])
    assert isinstance(garment, Garment)
    spots = garment.landmarks
    assert spots["cuff_left_inner"][0] < spots["armpit_left"][0]
    assert spots["cuff_right_inner"][0] > spots["armpit_right"][0]
