"""What the operator says of a garment and of how it is worn, on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from studio.cli.dress import worn_so
from studio.domain.edits import GarmentOverride, HemStyle, LayerOrder
from studio.domain.jsonable import decode
from studio.domain.recipe import Recipe
from studio.jobs.workspace import Workspace
from studio.jobs.worn import garment_override
from studio.library.records import Filter
from tests.cli.conftest import Studio


def _said(project: Path) -> GarmentOverride:
    with Workspace.open(project, read_only=True) as workspace:
        return garment_override(workspace, workspace.library.photo_ids(Filter())[0])


def test_a_garment_is_what_the_operator_says(studio: Studio, project: Path, picture: Callable[[str], Path]) -> None:
    studio("import", "garments", picture("coat.png"), "-p", project)
    assert studio("garment", "coat", "-p", project, "--json").json()["category"] == "–"
    said = studio("garment", "coat", "--category", "outerwear", "-p", project, "--json")
    assert said.code == 0 and said.json()["category"] == "outerwear"
    studio("garment", "coat", "--neckline", "open", "-p", project)
    assert _said(project) == GarmentOverride("outerwear", "", "open")
    assert "(said)" in studio("garment", "coat", "-p", project).out
    studio("garment", "coat", "--as-found", "-p", project)
    assert _said(project) == GarmentOverride()


def test_a_garment_nobody_knows_is_refused(studio: Studio, project: Path) -> None:
    assert studio("garment", "cape", "--category", "outerwear", "-p", project).code == 7
    assert studio("garment", "cape", "--category", "cloak", "-p", project).code == 2


def test_the_order_of_layers_reaches_the_engine() -> None:
    order = LayerOrder(HemStyle.TUCKED, over=("hair",), under=("left_arm",))
    assert decode(LayerOrder, worn_so(Recipe(), order).choice("tryon").params["layers"]) == order
    assert worn_so(Recipe(), LayerOrder()) == Recipe()


def test_an_unknown_part_is_refused_by_its_name(studio: Studio, project: Path) -> None:
    said = studio("dress", "--in-front", "tail", "-p", project)
    assert said.code == 2 and "tail" in said.err
