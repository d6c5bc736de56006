"""Which part owns which pixel of the product photo."""

from __future__ import annotations

import numpy as np

from studio.domain.artefacts import Cutout
from studio.pipeline.tryon.draping.parting import part_cloth
from studio.pipeline.tryon.draping.raster import ClothSource, LayerMap, prepare_source

SIZE = (200, 300)


def _layer(name: str, own: np.ndarray) -> LayerMap:
    empty = np.zeros((4, 4), np.float32)
    return LayerMap(name, empty, empty, empty, own.astype(np.float32))


def _source(cloth: np.ndarray) -> ClothSource:
    return ClothSource(np.zeros((*cloth.shape, 3), np.uint8), cloth.astype(np.float32), 1.0, SIZE)


def test_a_strip_of_the_flank_goes_back_to_the_trunk() -> None:
    cloth = np.zeros((SIZE[1], SIZE[0]), bool)
    cloth[40:260, 20:60] = cloth[40:260, 70:180] = True  # sleeve, gap, trunk
    cloth[200:230, 60:70] = True  # where the gap closes
    sleeve = np.zeros_like(cloth)
    sleeve[:, :76] = True  # the mesh: six pixels of the flank are the sleeve's
    front, left = part_cloth((_layer("front", ~sleeve), _layer("left_sleeve", sleeve)), _source(cloth))
    assert front.source[60:190, 72:75].min() > 0.5
    assert left.source[60:190, 72:75].max() < 0.5
    assert left.source[60:250, 24:56].min() > 0.9


def test_a_sleeve_that_is_slim_at_the_shoulder_keeps_its_end() -> None:
    cloth = np.zeros((SIZE[1], SIZE[0]), bool)
    cloth[40:260, 20:180] = True
    sleeve = np.zeros_like(cloth)
    for row in range(40, 260):
        sleeve[row, : 20 + 4 + (row - 40) // 6] = True
    _, left = part_cloth((_layer("front", ~sleeve), _layer("left_sleeve", sleeve)), _source(cloth))
    assert left.source[60:250, 21].min() > 0.5


def test_a_small_photo_seen_enlarged_has_a_sharp_outline_in_its_place() -> None:
    ramp = np.clip((np.arange(80, dtype=np.float32) - 37.0) / 6.0, 0.0, 1.0)[None].repeat(60, axis=0)
    photo = np.full((60, 80, 3), 120, np.uint8)
    plain, enlarged = (prepare_source(photo, Cutout(ramp, photo), density) for density in (0.9, 0.33))
    soft = [int(((source.alpha[30] > 0.05) & (source.alpha[30] < 0.95)).sum()) for source in (plain, enlarged)]
    assert soft[1] <= soft[0] // 2
    assert abs(float(enlarged.alpha[30].sum()) - float(ramp[30].sum())) < 0.5
