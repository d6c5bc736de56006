"""A garment in another category: StarGAN v2's parts brought together, with small random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from studio.domain.artefacts import Cutout
from studio.domain.errors import PipelineError
from studio.networks.stargan2 import MappingNetwork, StarGenerator, StyleEncoder
from studio.pipeline.variants import GENERATOR, MAPPING, STYLE, draw_variants, frame_square, unavailable
from tests.cli.conftest import Studio, studio
from tests.pipeline.network_fakes import GivenNetworks, context
from tests.pipeline.tryon_figures import NEW_TOP, TEE, draw_garment

__all__ = ["studio"]

SIDE = 64


@pytest.fixture(scope="module")
def networks() -> dict[str, torch.nn.Module]:
    torch.manual_seed(0)
    made = {
        GENERATOR: StarGenerator(SIDE, w_hpf=0, max_channels=32), MAPPING: MappingNetwork(domains=3),
        STYLE: StyleEncoder(SIDE, domains=3, max_channels=32),
    }  # fmt: skip
    return {name: network.eval() for name, network in made.items()}


@pytest.fixture(scope="module")
def tee() -> Cutout:
    return draw_garment(TEE)[1]


def test_the_product_stands_in_a_white_square(tee: Cutout) -> None:
    picture = frame_square(tee, SIDE)
    assert picture.shape == (SIDE, SIDE, 3) and (picture[:3] == 255).all()
    assert np.abs(picture[SIDE // 2, SIDE // 2].astype(int) - NEW_TOP).max() <= 2
    rows, columns = np.nonzero(picture.min(axis=2) < 200)
    assert abs(rows.min() + rows.max() - SIDE) <= 2 and abs(columns.min() + columns.max() - SIDE) <= 2


def test_seeds_choose_styles_and_domains_differ(networks: dict[str, torch.nn.Module], tee: Cutout) -> None:
    one, two = draw_variants(tee, 1, (5, 6), context(networks), "tee.png")
    (again,) = draw_variants(tee, 1, (5,), context(networks), "tee.png")
    (other,) = draw_variants(tee, 2, (5,), context(networks), "tee.png")
    assert one.shape == (SIDE, SIDE, 3) and np.array_equal(one, again)
    assert not np.array_equal(one, two) and not np.array_equal(one, other)


def test_it_is_the_networks_own_answer(networks: dict[str, torch.nn.Module], tee: Cutout) -> None:
    (made,) = draw_variants(tee, 0, (7,), context(networks), "tee.png")
    with torch.inference_mode():
        latent = torch.randn(1, 16, generator=torch.Generator().manual_seed(7))
        picture = torch.from_numpy(frame_square(tee, SIDE) / 127.5 - 1).float().permute(2, 0, 1)[None]
        out = networks[GENERATOR](picture, networks[MAPPING](latent, torch.tensor([0])))
    expected = ((out[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    assert np.abs(made.astype(int) - expected).max() <= 1


def test_a_reference_gives_the_style(networks: dict[str, torch.nn.Module], tee: Cutout) -> None:
    blue = draw_garment(TEE, (30, 40, 200))[1]
    made = [
        draw_variants(tee, 1, (0, 1), context(networks), "tee.png", reference=example)[0] for example in (tee, blue)
    ]
    assert not np.array_equal(*made)


def test_a_domain_that_is_not_there_is_told(networks: dict[str, torch.nn.Module], tee: Cutout) -> None:
    with pytest.raises(PipelineError) as caught:
        draw_variants(tee, 3, (0,), context(networks), "tee.png")
    assert caught.value.values == {"domain": "3", "last": "2"}


def test_the_command_takes_a_checkpoint_in_and_sketches(
    networks: dict[str, torch.nn.Module],
    studio: Studio,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The public file's form: one dict of several networks, imported by its keys, then used."""
    monkeypatch.setenv("FITTING_STUDIO_MODELS", str(tmp_path / "store"))
    photo, _ = draw_garment(TEE)
    Image.fromarray(photo.rgb8).save(tmp_path / "tee.png")
    said = studio("variants", tmp_path / "tee.png", "--domain", 1, "-o", tmp_path / "out")
    assert said.code != 0 and "stargan2_generator" in said.err + said.out
    parts = {"generator": GENERATOR, "mapping_network": MAPPING, "style_encoder": STYLE}
    state = {part: networks[name].state_dict() for part, name in parts.items()}
    torch.save(state, tmp_path / "renamed.bin")
    assert studio("models", "import", tmp_path / "renamed.bin").code == 0
    said = studio("variants", tmp_path / "tee.png", "--domain", 1, "--count", 2, "-o", tmp_path / "out")
    assert said.code == 0, said.err
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["tee-domain1-0.png", "tee-domain1-1.png"]
    assert "CC BY-NC" in said.err


def test_what_is_missing_depends_on_how_styles_are_chosen() -> None:
    provider = GivenNetworks({GENERATOR: object(), MAPPING: object()})
    assert unavailable(provider, by_reference=False) is None
    note = unavailable(provider, by_reference=True)
    assert note is not None and note.values["models"] == STYLE
