"""Which networks we know, and how a state_dict is recognised as theirs whatever its file is called.

Adding a network is adding one `NetworkSpec` to `NETWORKS`. Nothing heavy is imported here: a
builder is named as `module:function` and looked up when a checkpoint is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from statistics import mode
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
_STARGAN2 = "Choi et al., StarGAN v2, CVPR 2020"
_OPENPOSE = "Cao et al., OpenPose, TPAMI 2019"
_OPENPOSE_LICENCE = "OpenPose: academic or non-profit non-commercial research use only"
_SCHP_LICENCE = "MIT (code); weights trained on data sets with terms of their own"


def _without_blocks(*prefixes: str) -> tuple[tuple[str, str], ...]:
    """Drop the block names that some conversions put before a layer's own name."""
    return tuple((prefix, "") for prefix in prefixes)


_GENERATOR_RENAMES = (("ace", "alias"), (".Spade", ""))

# The public R-CNN files were saved before torchvision wrapped these layers; its own loader renames them so.
_RCNN_RENAMES = (
    *(
        (f"fpn.{block}_blocks.{level}.{kind}", f"fpn.{block}_blocks.{level}.0.{kind}")
        for block in ("inner", "layer")
        for level in range(4)
        for kind in ("weight", "bias")
    ),
    *((f"rpn.head.conv.{kind}", f"rpn.head.conv.0.0.{kind}") for kind in ("weight", "bias")),
)
_RCNN_LICENCE = "BSD-3-Clause (code); weights trained on COCO, which has terms of its own"

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
        signature={
            "discriminator_0.model0.0.weight": (ANY, 10, 4, 4),
            "discriminator_1.model0.0.weight": (ANY, 10, 4, 4),
        },
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
    *(
        NetworkSpec(
            id=f"schp.{dataset}",
            builder="studio.networks.schp:build_schp",
            signature={
                "fushion.3.weight": (classes, 256, 1, 1),
                "context_encoding.bottleneck.0.weight": (512, 4096, 3, 3),
            },
            licence=_SCHP_LICENCE,
            commercial=False,
            paper="Li et al., Self-Correction for Human Parsing, TPAMI 2020",
        )
        for dataset, classes in (("lip", 20), ("atr", 18), ("pascal", 7))
    ),
    NetworkSpec(
        id="openpose.body25",
        builder="studio.networks.openpose:build_body25",
        signature={"models.Mconv6_7_stage1_L1.1.Mconv7_stage1_L1.weight": (26, 512, 1, 1)},
        licence=_OPENPOSE_LICENCE,
        commercial=False,
        paper=_OPENPOSE,
    ),
    NetworkSpec(
        id="openpose.coco",
        builder="studio.networks.openpose:build_coco",
        signature={"Mconv7_stage6_L1.weight": (38, 128, 1, 1), "Mconv7_stage6_L2.weight": (19, 128, 1, 1)},
        renames=_without_blocks("model0.", *(f"model{stage}_{branch}." for stage in range(1, 7) for branch in (1, 2))),
        licence=_OPENPOSE_LICENCE,
        commercial=False,
        paper=_OPENPOSE,
    ),
    NetworkSpec(
        id="openpose.hand",
        builder="studio.networks.openpose:build_hand",
        signature={"Mconv7_stage6.weight": (22, 128, 1, 1)},
        renames=_without_blocks("model1_0.", "model1_1.", *(f"model{stage}." for stage in range(2, 7))),
        licence=_OPENPOSE_LICENCE,
        commercial=False,
        paper="Simon et al., Hand Keypoint Detection using Multiview Bootstrapping, CVPR 2017",
    ),
    *(
        NetworkSpec(
            id=f"u2net.{variant}",
            builder="studio.networks.u2net:build_u2net",
            signature={"stage1.rebnconv1.conv_s1.weight": (width, 64, 3, 3), "outconv.weight": (1, 6, 1, 1)},
            licence="Apache-2.0",
            commercial=True,
            paper="Qin et al., U^2-Net, Pattern Recognition 2020",
        )
        for variant, width in (("full", 32), ("small", 16))
    ),
    NetworkSpec(
        id="stargan2.generator",
        builder="studio.networks.stargan2:build_generator",
        signature={"from_rgb.weight": (ANY, 3, 3, 3), "decode.0.norm1.fc.weight": (ANY, ANY)},
        licence=_CC_BY_NC,
        commercial=False,
        paper=_STARGAN2,
    ),
    NetworkSpec(
        id="stargan2.mapping",
        builder="studio.networks.stargan2:build_mapping_network",
        signature={"shared.0.weight": (512, ANY), "unshared.0.6.weight": (ANY, 512)},
        licence=_CC_BY_NC,
        commercial=False,
        paper=_STARGAN2,
    ),
    NetworkSpec(
        id="stargan2.style",
        builder="studio.networks.stargan2:build_style_encoder",
        signature={"shared.0.weight": (ANY, 3, 3, 3), "unshared.0.weight": (ANY, ANY)},
        licence=_CC_BY_NC,
        commercial=False,
        paper=_STARGAN2,
    ),
    NetworkSpec(
        id="stargan2.discriminator",
        builder="studio.networks.stargan2:build_discriminator",
        signature={"main.0.weight": (ANY, 3, 3, 3), "main.1.conv1.weight": (ANY, ANY, 3, 3)},
        licence=_CC_BY_NC,
        commercial=False,
        paper=_STARGAN2,
    ),
    NetworkSpec(
        id="torchvision.keypoint_rcnn",
        builder="studio.networks.keypoint_rcnn:build_keypoint_rcnn",
        signature={
            "backbone.body.conv1.weight": (64, 3, 7, 7),
            "backbone.fpn.inner_blocks.0.0.weight": (256, 256, 1, 1),
            "roi_heads.keypoint_predictor.kps_score_lowres.weight": (512, 17, 4, 4),
        },
        renames=_RCNN_RENAMES,
        licence=_RCNN_LICENCE,
        commercial=False,
        paper="He et al., Mask R-CNN, ICCV 2017",
    ),
    NetworkSpec(
        id="torchvision.mask_rcnn",
        builder="studio.networks.mask_rcnn:build_mask_rcnn",
        signature={
            "backbone.body.conv1.weight": (64, 3, 7, 7),
            "backbone.fpn.inner_blocks.0.0.weight": (256, 256, 1, 1),
            "roi_heads.box_head.fc6.weight": (1024, ANY),
            "roi_heads.mask_predictor.mask_fcn_logits.weight": (ANY, 256, 1, 1),
        },
        renames=_RCNN_RENAMES,
        licence=_RCNN_LICENCE,
        commercial=False,
        paper="He et al., Mask R-CNN, ICCV 2017",
    ),
    NetworkSpec(
        id="detectron2.densepose_r50_fpn",
        builder="studio.networks.densepose:build_densepose",
        signature={
            "backbone.bottom_up.stem.conv1.weight": (64, 3, 7, 7),
            "roi_heads.densepose_head.body_conv_fcn8.weight": (512, 512, 3, 3),
            "roi_heads.densepose_predictor.ann_index_lowres.weight": (512, 2, 4, 4),
            "roi_heads.densepose_predictor.index_uv_lowres.weight": (512, 25, 4, 4),
        },
        licence="detectron2 model zoo: CC BY-SA 3.0; weights trained on DensePose-COCO, for non-commercial use",
        commercial=False,
        paper="Guler et al., DensePose, CVPR 2018",
    ),
    NetworkSpec(
        id="inception.fid",
        builder="studio.networks.inception:build_fid_inception",
        signature={
            "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
            "Mixed_7c.branch_pool.conv.weight": (192, 2048, 1, 1),
            "fc.weight": (1008, 2048),
        },
        absent=("AuxLogits.fc.weight",),
        licence="Apache-2.0",
        commercial=True,
        paper="Szegedy et al., Rethinking the Inception Architecture, CVPR 2016",
    ),
    NetworkSpec(
        id="fan",
        builder="studio.networks.fan:build_fan",
        signature={"conv1.conv.weight": (64, 6, 7, 7), "m0.coordconv.conv.weight": (256, 259, 1, 1)},
        licence=_CC_BY_NC,
        commercial=False,
        paper="Wang et al., Adaptive Wing Loss, ICCV 2019",
    ),
)
"""Order matters only where one signature contains another: the narrower comes first."""


def agreed(*sizes: int) -> int:
    """Return the size that most places of a checkpoint state, so that one damaged entry cannot mislead a builder."""
    return mode(sizes)


def find_network(network_id: str) -> NetworkSpec:
    """Return the network of this id.

    Raises:
        KeyError: there is none; ids are ours, never a user's input.
    """
    for spec in NETWORKS:
        if spec.id == network_id:
            return spec
    raise KeyError(network_id)
