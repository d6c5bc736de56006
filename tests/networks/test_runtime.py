"""Networks made ready for a device give the same answers, and full memory is survived."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from studio.networks.fast_spade import FastImageGenerator
from studio.networks.hr_viton import Condition, ConditionGenerator, ImageGenerator
from studio.networks.preprocess import one_hot
from studio.networks.runtime import (
    Form,
    Plan,
    Prepared,
    default_plan,
    estimate_bytes,
    fold_batch_norms,
    largest_batch,
    prepare,
    run_shrinking,
)
from studio.networks.spade import SpadeGenerator

from . import golden

SIZE = 256, 128


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def test_golden_prepared_condition_generator(condition_generator: ConditionGenerator) -> None:
    garment = torch.cat((golden.img("tocg.cloth", 3, 256, 192), golden.mask("tocg.cloth_mask", 256, 192)), 1)
    labels = golden.labels_u8("tocg.parse_agnostic", 13, 256, 192)
    inputs = garment, torch.cat((golden.onehot(labels, 13), golden.img("tocg.densepose", 3, 256, 192)), 1)
    ready = prepare(condition_generator, default_plan("cpu"))
    answer, plain = ready(*inputs), condition_generator(*inputs)
    assert isinstance(answer, Condition)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in ready.modules())
    for level, (ours, theirs) in enumerate(zip(answer.flows, plain.flows, strict=True)):
        assert torch.allclose(ours, theirs, atol=1e-3), level
    assert torch.allclose(answer.segmap, plain.segmap, atol=1e-3)


def test_folding_leaves_the_original_alone() -> None:
    network = ConditionGenerator(width=4).eval()
    keys = list(network.state_dict())
    fold_batch_norms(network)
    assert list(network.state_dict()) == keys


@pytest.mark.parametrize("form", [Form.PLAIN, Form.FAST])
def test_every_form_of_a_generator_agrees(form: Form) -> None:
    torch.manual_seed(3)
    generator = ImageGenerator(width=4).eval()
    x, parse = (
        torch.randn(1, 9, *SIZE),
        one_hot(torch.arange(256).div(37, rounding_mode="floor")[:, None].expand(SIZE), 7),
    )
    ready = prepare(generator, Plan("cpu", form=form))
    assert isinstance(ready, Prepared)
    assert isinstance(ready.network, FastImageGenerator) == (form is Form.FAST)
    picture = ready(x, parse, None)
    assert picture.dtype == torch.float32
    assert float((picture - generator(x, parse)).abs().max()) < 1e-2


def test_estimate_grows_with_the_batch_and_shrinks_in_the_fast_form() -> None:
    with torch.device("meta"):
        generator = ImageGenerator()
    size = 1024, 768
    fast, plain = (estimate_bytes(generator, Plan(form=form), 1, size) for form in (Form.FAST, Form.PLAIN))
    assert fast < plain
    two = estimate_bytes(generator, Plan(), 2, size)
    assert two > fast
    assert largest_batch(generator, Plan(), two, size) == 2
    assert largest_batch(generator, Plan(), 0, size) == 1


def full_above(limit: int) -> Callable[[list[int]], list[int]]:
    def run(batch: list[int]) -> list[int]:
        if len(batch) > limit:
            raise torch.OutOfMemoryError("fake")
        return [10 * item for item in batch]

    return run


def test_full_memory_halves_the_batch_and_keeps_the_order() -> None:
    said: list[tuple[str, int]] = []
    parts = run_shrinking(full_above(2), list(range(7)), on_cpu=None, announce=lambda *of: said.append(of))
    assert [item for part in parts for item in part] == [0, 10, 20, 30, 40, 50, 60]
    assert all(len(part) <= 2 for part in parts)
    assert said[0] == ("runtime.smaller_batch", 3)


def test_full_memory_for_one_goes_to_the_processor_and_says_so() -> None:
    said: list[tuple[str, int]] = []
    parts = run_shrinking(full_above(0), [1, 2], on_cpu=lambda batch: batch, announce=lambda *of: said.append(of))
    assert parts == [[1], [2]]
    assert said == [("runtime.smaller_batch", 1), ("runtime.to_cpu", 0), ("runtime.to_cpu", 0)]


def test_full_memory_without_a_way_out_is_an_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        run_shrinking(full_above(0), [1], on_cpu=None, announce=lambda *of: None)


def test_generators_know_their_noise_in_both_forms() -> None:
    generator: SpadeGenerator = ImageGenerator(width=4).eval()
    assert isinstance(generator, ImageGenerator)
    assert FastImageGenerator(generator).noise_shapes(*SIZE) == generator.noise_shapes(*SIZE)
