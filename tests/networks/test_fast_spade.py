"""The inference form of the generators gives what the published form gives."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from studio.networks.blocks import draw_noise
from studio.networks.fast_spade import FastAliasGenerator, FastImageGenerator
from studio.networks.hr_viton import ImageGenerator
from studio.networks.label_patterns import SOFT, encode, find_patterns
from studio.networks.preprocess import one_hot
from studio.networks.spade import SpadeGenerator
from studio.networks.viton_hd import AliasGenerator

from . import golden
from .tryon_fakes import noise_scales, pictures, recorded_noise

SIZE = 256, 128
# Two float32 forms of one function: they differ by rounding, amplified over the coarsest maps.
LARGEST, MEAN = 1e-2, 2e-4


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def tiny(generator: SpadeGenerator, noise: float = 0.0) -> SpadeGenerator:
    torch.manual_seed(5)
    for key, parameter in generator.named_parameters():
        if key.endswith("noise_scale"):
            parameter.copy_(noise * torch.randn_like(parameter))
        elif parameter.ndim > 1:
            parameter.copy_(torch.randn_like(parameter) / parameter[0].numel() ** 0.5)
    return generator.eval()


def regions(seed: int, samples: int, classes: int = 7, size: tuple[int, int] = SIZE) -> torch.Tensor:
    coarse = torch.randint(0, classes, (samples, 5, 4), generator=torch.Generator().manual_seed(seed))
    labels = F.interpolate(coarse[:, None].float(), size=size, mode="nearest")[:, 0]
    return one_hot(labels.long(), classes)


def assert_same(fast: torch.Tensor, plain: torch.Tensor) -> None:
    difference = (fast - plain).abs()
    assert float(difference.max()) < LARGEST
    assert float(difference.mean()) < MEAN


def test_golden_fast_image_generator(image_generator: ImageGenerator) -> None:
    x = pictures("gen", ("agnostic", "densepose", "warped_cloth"), *SIZE)
    parse = golden.onehot(golden.labels_u8("gen.parse7", 7, *SIZE), 7)
    assert_same(FastImageGenerator(image_generator)(x, parse), image_generator(x, parse))


def test_golden_fast_alias_generator_with_soft_misalignment_and_noise(alias_generator: AliasGenerator) -> None:
    x = pictures("alias", ("agnostic", "pose", "warped_cloth"), *SIZE)
    parse = golden.onehot(golden.labels_u8("alias.parse7", 7, *SIZE), 7)
    soft = torch.from_numpy(golden.smooth("alias.misalign_soft", 1, *SIZE)).float()[None].sigmoid()
    hole = torch.from_numpy(golden.smooth("alias.misalign", 1, *SIZE) > 0.3)[None]
    misalign = soft * hole * parse[:, 2:3]
    divided = torch.cat((parse, misalign), 1)
    divided[:, 2:3] -= misalign
    with noise_scales(alias_generator, 0.1):
        noise = recorded_noise(alias_generator, *SIZE)
        plain = alias_generator(x, parse, divided, misalign, noise)
        fast = FastAliasGenerator(alias_generator)(x, parse, divided, misalign, noise)
    assert_same(fast, plain)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_a_batch_with_noise_and_different_parses(noise: float) -> None:
    generator = tiny(ImageGenerator(width=4), noise)
    x, parse = torch.randn(2, 9, *SIZE), regions(1, 2)
    maps = draw_noise(generator.noise_shapes(*SIZE), [7, 8]) if noise else None
    fast = FastImageGenerator(generator)
    assert_same(fast(x, parse, maps), generator(x, parse, maps))
    alone = fast(x[1:], parse[1:], draw_noise(generator.noise_shapes(*SIZE), [8]) if noise else None)
    assert_same(fast(x, parse, maps)[1:], alone)


def test_a_parse_that_is_nowhere_one_hot_takes_the_plain_way() -> None:
    generator = tiny(ImageGenerator(width=4))
    x, parse = torch.randn(1, 9, *SIZE), torch.rand(1, 7, *SIZE)
    assert find_patterns(parse, encode(parse)) is None
    assert_same(FastImageGenerator(generator)(x, parse), generator(x, parse))


def test_the_source_generator_is_left_as_it_was() -> None:
    generator = tiny(ImageGenerator(width=4))
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    FastImageGenerator(generator)(torch.randn(1, 9, *SIZE), regions(2, 1))
    assert all(torch.equal(value, before[key]) for key, value in generator.state_dict().items())


def spade_maps(parse: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    weights = torch.Generator().manual_seed(0)
    first = torch.randn(6, parse.shape[1], 3, 3, generator=weights)
    second = torch.randn(4, 6, 3, 3, generator=weights)
    plain = F.conv2d(F.relu(F.conv2d(parse, first, torch.ones(6), padding=1)), second, padding=1)
    found = find_patterns(parse, encode(parse))
    assert found is not None
    hidden = F.relu(F.conv2d(found.patches, first, torch.ones(6))) * found.inside
    rows = F.conv2d(hidden, second).flatten(1)
    by_row = rows[found.row_of].permute(0, 2, 1).reshape(plain.shape)
    return by_row, plain


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.just(2), st.integers(3, 6), st.integers(3, 6)), elements=st.integers(0, 2)))
def test_rows_equal_the_convolution_for_any_labels(coarse: np.ndarray) -> None:
    labels = torch.from_numpy(coarse.repeat(12, axis=1).repeat(12, axis=2)).long()
    by_row, plain = spade_maps(one_hot(labels, 3))
    assert torch.allclose(by_row, plain, atol=1e-4)


def test_rows_equal_the_convolution_where_pixels_are_soft() -> None:
    parse = regions(3, 1, 3, (64, 64))
    parse[:, :, 30, 20:24] *= 0.25
    assert int((encode(parse) == SOFT).sum()) > 0
    by_row, plain = spade_maps(parse)
    assert torch.allclose(by_row, plain, atol=1e-4)


def test_few_rows_for_ordinary_labels() -> None:
    parse = golden.onehot(golden.labels_u8("patterns", 7, 1024, 768), 7)
    found = find_patterns(parse, encode(parse))
    assert found is not None
    assert len(found.patches) < 0.02 * 1024 * 768


def test_too_many_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        encode(torch.zeros(1, 14, 4, 4))
