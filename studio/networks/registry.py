"""Which networks we know, and how a state_dict is recognised as theirs whatever its file is called.

Adding a network is adding one `NetworkSpec` to `NETWORKS`. Nothing heavy is imported here: a
builder is named as `module:function` and looked up when a checkpoint is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from torch import nn

Shapes = Mapping[str, tuple[int, ...]]
"""Key -> shape of a state_dict whose keys are already in our form."""

Builder = Callable[[Shapes], "nn.Module"]
"""Makes the module that a state_dict fits; variants are read off the keys and shapes."""

ANY = -1
"""In a signature: this dimension may have any size."""


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """One published network.

    id: stable name, `family.part`.
    builder: `module:function`; the function takes `Shapes` and returns the module, not yet filled.
    signature: keys that must be there with these shapes (`ANY` matches every size).
    absent: keys whose presence says that it is another network.
    renames: `(old, new)` substrings, applied to every key of the file in this order.
    licence: of the public weights, as their authors state it.
    commercial: whether that licence allows paid work.
    paper: short reference.
    """

    id: str
    builder: str
    signature: Mapping[str, tuple[int, ...]]
    licence: str
    commercial: bool
    paper: str
    absent: tuple[str, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()

    def load_builder(self) -> Builder:
        """Import the module that holds the builder and return the function."""
        module, _, function = self.builder.partition(":")
        return cast(Builder, getattr(import_module(module), function))

    def fits(self, shapes: Shapes) -> bool:
        """Say whether the signature is met."""
        if any(key in shapes for key in self.absent):
            return False
        return all(key in shapes and _same(want, shapes[key]) for key, want in self.signature.items())


def _same(want: tuple[int, ...], got: tuple[int, ...]) -> bool:
    return len(want) == len(got) and all(w in (ANY, g) for w, g in zip(want, got, strict=True))


_CC_BY_NC = "CC BY-NC 4.0"
_HR_VITON = "Lee et al., HR-VITON, ECCV 2022"
_VITON_HD = "Choi et al., VITON-HD, CVPR 2021"
_GENERATOR_RENAMES = (("ace", "alias"), (".Spade", ""))

NETWORKS: tuple[NetworkSpec, ...] = (
    NetworkSpec(
        id="hr_viton.condition",
        builder="studio.networks.hr_viton:build_condition_generator",
        signature={"ClothEncoder.0.scale.weight": (ANY, 4, 3, 3), "flow_conv.0.weight": (2, ANY, 3, 3)},
        licence=_CC_BY_NC,
        commercial=False,
        paper=_HR_VITON,
    ),
    NetworkSpec(
        id="hr_viton.generator",
        builder="studio.networks.hr_viton:build_image_generator",
        signature={
            "conv_img.weight": (3, ANY, 3, 3),
            "head_0.norm_0.conv_shared.0.weight": (ANY, 7, 3, 3),
            "up_4.norm_s.noise_scale": (ANY,),
        },
        renames=_GENERATOR_RENAMES,
        licence=_CC_BY_NC,
        commercial=False,
        paper=_HR_VITON,
    ),
    NetworkSpec(
        id="hr_viton.condition_discriminator",
        builder="studio.networks.hr_viton_discriminators:build_condition_discriminator",
        signature={"layer0.0.weight": (ANY, 33, 4, 4), "layer1.0.weight": (ANY, 33, 4, 4)},
        licence=_CC_BY_NC,
        commercial=False,
        paper=_HR_VITON,
    ),
    NetworkSpec(
        id="hr_viton.generator_discriminator",
        builder="studio.networks.hr_viton_discriminators:build_image_discriminator",
        signature={"discriminator_0.model0.0.weight": (ANY, 10, 4, 4)},
        licence=_CC_BY_NC,
        commercial=False,
        paper=_HR_VITON,
    ),
    NetworkSpec(
        id="viton_hd.segmentation",
        builder="studio.networks.viton_hd:build_segmentation_generator",
        signature={"conv1.0.weight": (ANY, 21, 3, 3), "up6.1.weight": (ANY, ANY, 3, 3)},
        licence=_CC_BY_NC,
        commercial=False,
        paper=_VITON_HD,
    ),
    NetworkSpec(
        id="viton_hd.matching",
        builder="studio.networks.viton_hd:build_matching_module",
        signature={"extractionA.model.0.weight": (ANY, 7, 4, 4), "regression.linear.weight": (50, ANY)},
        licence=_CC_BY_NC,
        commercial=False,
        paper=_VITON_HD,
    ),
    NetworkSpec(
        id="viton_hd.generator",
        builder="studio.networks.viton_hd:build_alias_generator",
        signature={
            "conv_img.weight": (3, ANY, 3, 3),
            "head_0.norm_0.conv_shared.0.weight": (ANY, 8, 3, 3),
            "up_4.norm_s.noise_scale": (ANY,),
        },
        renames=_GENERATOR_RENAMES,
        licence=_CC_BY_NC,
        commercial=False,
        paper=_VITON_HD,
    ),
)
"""Order matters only where one signature contains another: the narrower comes first."""


def find_network(network_id: str) -> NetworkSpec:
    """Return the network of this id.

    Raises:
        KeyError: there is none; ids are ours, never a user's input.
    """
    for spec in NETWORKS:
        if spec.id == network_id:
            return spec
    raise KeyError(network_id)
