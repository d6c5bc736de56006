"""Label schemes: tables, merges and palettes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.domain.errors import ArtefactError
from studio.domain.labels import NAMES, Cihp, LabelScheme, class_count, convert_labels, palette


def test_cihp_palette_is_the_one_viton_hd_ships(shared: Path) -> None:
    with Image.open(shared / "photos/pairs/00006_00_parse.png") as image:
        shipped = np.array(image.getpalette()[:60], np.uint8).reshape(20, 3)
    np.testing.assert_array_equal(palette(LabelScheme.CIHP), shipped)


@pytest.mark.parametrize("scheme", list(LabelScheme))
def test_palettes_tell_all_classes_apart(scheme: LabelScheme) -> None:
    colours = palette(scheme)
    assert colours.shape == (class_count(scheme), 3)
    assert len({tuple(colour) for colour in colours.tolist()}) == class_count(scheme)


def test_merges_keep_sides_and_garments() -> None:
    labels = np.arange(20, dtype=np.uint8)
    merged = convert_labels(labels, LabelScheme.CIHP, LabelScheme.VITON13)
    assert merged[[Cihp.UPPER, Cihp.DRESS, Cihp.COAT]].tolist() == [3, 3, 3]
    assert merged[[Cihp.LEFT_ARM, Cihp.RIGHT_ARM]].tolist() == [5, 6]
    assert merged[Cihp.NECK] == 0  # VITON-HD's own rule: torso skin counts as background
    seven = convert_labels(labels, LabelScheme.CIHP, LabelScheme.VITON7)
    assert seven[[Cihp.UPPER, Cihp.HAIR, Cihp.FACE, Cihp.LEFT_ARM]].tolist() == [2, 3, 1, 4]


@pytest.mark.parametrize("source", [LabelScheme.ATR, LabelScheme.LIP])
def test_foreign_schemes_map_by_name(source: LabelScheme) -> None:
    ours = {name: number for number, name in enumerate(NAMES[LabelScheme.CIHP])}
    mapped = convert_labels(np.arange(class_count(source), dtype=np.uint8), source, LabelScheme.CIHP)
    for number, name in enumerate(NAMES[source]):
        if name in ours:
            assert mapped[number] == ours[name], name


def test_labels_outside_the_scheme_are_refused() -> None:
    with pytest.raises(ArtefactError, match="labels.range"):
        convert_labels(np.array([18], np.uint8), LabelScheme.ATR, LabelScheme.CIHP)
