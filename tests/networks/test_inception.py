"""The FID Inception is torchvision's with the three known differences, and loads the public file's layout strictly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from studio.domain.errors import CheckpointError
from studio.networks.inception import FidInception
from studio.networks.loading import load_network


def published_pooling(mean_pool: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Pool as the 2015 graph does: padding is not counted, and the last block, of 2048 channels, takes maxima."""

    def pool(x: Tensor, kernel_size: int, stride: int = 1, padding: int = 0) -> Tensor:
        if x.shape[1] == 2048:
            return torch.nn.functional.max_pool2d(x, kernel_size, stride, padding)
        return mean_pool(x, kernel_size, stride, padding, count_include_pad=False)

    return pool


def test_it_is_the_published_network(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models import inception_v3

    torch.manual_seed(1)
    theirs = inception_v3(weights=None, num_classes=1008, aux_logits=False, init_weights=False).eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # so that a wrong epsilon or a missing norm shows
            module.running_var.uniform_(0.001, 0.02)
            module.running_mean.normal_(0, 0.05)
    published = {key: value for key, value in theirs.state_dict().items() if "num_batches" not in key}
    spec, ours = load_network(published, source="renamed.bin")
    assert spec.id == "inception.fid" and spec.commercial
    assert isinstance(ours, FidInception)
    monkeypatch.setattr("torch.nn.functional.avg_pool2d", published_pooling(torch.nn.functional.avg_pool2d))
    pooled: list[Tensor] = []
    theirs.avgpool.register_forward_hook(lambda module, inputs, out: pooled.append(out.flatten(1)))
    picture = torch.rand(2, 3, 299, 299) * 2 - 1
    with torch.inference_mode():
        logits = theirs(picture)
    monkeypatch.undo()
    with torch.inference_mode():
        features = ours(picture)
        plain = theirs(picture)
        assert ours(picture[:1, :, :64, :48]).shape == (1, 2048)
    assert features.std() > 1e-3
    torch.testing.assert_close(features, pooled[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.classify(features), logits, rtol=1e-4, atol=1e-5)
    assert (pooled[1] - pooled[0]).abs().max() > 0.01 * pooled[0].abs().max()  # the differences matter
    assert plain.shape == logits.shape


def test_another_inception_is_refused_by_name() -> None:
    state = FidInception().state_dict()
    state["fc.weight"], state["fc.bias"] = torch.zeros(1000, 2048), torch.zeros(1000)
    with pytest.raises(CheckpointError) as caught:
        load_network(state, source="inception_v3_google.pth")
    assert caught.value.key in ("checkpoint.shape", "checkpoint.unknown")
