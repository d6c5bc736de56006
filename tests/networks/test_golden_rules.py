"""The fill and input rules themselves, against the check values that came with the reference data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from . import golden


def test_golden_rules_reproduce_the_check_values(golden_root: Path) -> None:
    check = json.loads((golden_root / "check_values.json").read_text())
    assert np.allclose(golden.rng("conv.weight").standard_normal(3), check['rng("conv.weight").standard_normal(3)'])
    assert np.allclose(golden.smooth("a", 1, 4, 3), check['smooth("a",1,4,3)'], atol=1e-12)
    assert np.array_equal(golden.image_u8("a", 1, 4, 3), check['image_u8("a",1,4,3)'])
    assert np.allclose(golden.fill("x.weight", (2, 3)), check['fill("x.weight",(2,3),GAIN=1)'])
    assert np.allclose(golden.fill("x.running_var", (3,)), check['fill("x.running_var",(3,))'])
    assert np.array_equal(golden.blocks("person")[0, :96:32], check['blocks("person")[0,:3]'])
