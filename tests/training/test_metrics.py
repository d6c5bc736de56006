"""The measures agree with published values and with independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from studio.networks.lpips import Lpips, from_channels_last
from studio.training import metrics


@pytest.fixture
def pictures() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (64, 48, 3)).astype(np.uint8)
    noise = rng.normal(0, 20, first.shape)
    return first, np.clip(first + noise, 0, 255).astype(np.uint8)


def test_ssim_and_psnr_agree_with_scikit_image(pictures: tuple[np.ndarray, np.ndarray]) -> None:
    first, second = pictures
    reference = structural_similarity(
        first, second, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert metrics.ssim(first, second) == pytest.approx(reference, abs=1e-6)
    assert metrics.psnr(first, second) == pytest.approx(peak_signal_noise_ratio(first, second), abs=1e-9)
    assert metrics.ssim(first, first) == pytest.approx(1)
    assert metrics.psnr(first, first) == metrics.PSNR_LIMIT


def test_frechet_distance_of_gaussians_is_the_closed_form() -> None:
    rng = np.random.default_rng(1)
    first = rng.normal(0, 1, (4000, 3))
    second = rng.normal(0, 2, (4000, 3)) + np.array([1.0, 0, 0])
    # |mean|^2 + sum (s1 - s2)^2 = 1 + 3
    assert metrics.frechet_distance(first, second) == pytest.approx(4.0, rel=0.1)
    assert metrics.frechet_distance(first, first) == pytest.approx(0, abs=1e-6)
    assert metrics.kernel_distance(first[:500], second[:500]) > 10 * abs(
        metrics.kernel_distance(first[:500], first[500:1000])
    )


def test_identity_counts_what_moved_outside_the_mask() -> None:
    photo = np.zeros((4, 4, 3), np.uint8)
    look = photo.copy()
    look[0, 0] = 1
    look[3, 3] = 9
    mask = np.zeros((4, 4), bool)
    mask[0, 0] = True
    assert metrics.check_identity(photo, look, mask) == metrics.Identity(1, 15)


@pytest.mark.parametrize(("backbone", "convs"), [("alex", 5), ("vgg", 13)])
def test_lpips_loads_a_channels_last_tree_and_is_zero_for_equal_pictures(backbone: str, convs: int) -> None:
    rng = np.random.default_rng(2)
    network = Lpips(backbone).eval()
    tree: dict = {"Net_0": {}}
    for number, conv in enumerate(network.convs):
        out, into, kh, kw = conv.weight.shape
        kernel = rng.normal(0, (into * kh * kw) ** -0.5, (kh, kw, into, out)).astype(np.float32)
        tree["Net_0"][f"Conv_{number}"] = {"kernel": kernel, "bias": np.zeros(out, np.float32)}
    for number, lin in enumerate(network.lins):
        kernel = np.abs(rng.normal(0, 1, (1, 1, lin.weight.shape[1], 1))).astype(np.float32)
        tree[f"NetLinLayer_{number}"] = {"Conv_0": {"kernel": kernel}}
    network.load_state_dict(from_channels_last(tree))
    assert len(network.convs) == convs
    first = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert metrics.lpips(network, first, first) == 0
    assert metrics.lpips(network, first, 255 - first) > 0.01
