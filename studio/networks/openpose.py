"""OpenPose: body (COCO-18 and BODY_25) and hand networks; heat maps and part affinity fields.

`OpenPoseCoco` and `OpenPoseHand` carry the flat names of the public files `body_pose_model.pth` and
`hand_pose_model.pth` (`conv1_1.weight`, ...); conversions that prefix each name with a block (`model0.`, ...)
load after dropping that prefix. `OpenPoseBody25` carries the names of the public `body_25` file.

Sources: Cao, Hidalgo, Simon, Wei, Sheikh, "OpenPose: Realtime Multi-Person 2D Pose Estimation using Part
Affinity Fields", TPAMI 2019; Simon, Joo, Matthews, Sheikh, "Hand Keypoint Detection in Single Images using
Multiview Bootstrapping", CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

COCO_PAF_CHANNELS = 38
COCO_HEATMAPS = 19
BODY25_PAF_CHANNELS = 52
BODY25_HEATMAPS = 26
HAND_HEATMAPS = 22
"""Each count of heat maps includes the background, which comes last."""

STRIDE = 8
"""Input pixels per output pixel."""

POOL = "pool"

Layer = tuple[str, int, int, int]
"""Name, input channels, output channels, kernel side."""


@dataclass(frozen=True, slots=True)
class BodyMaps:
    """Output of a body network at an eighth of the input size.

    paf: part affinity fields, `(B, 38 or 52, h, w)`; pairs of channels are (x, y).
    heatmap: `(B, 19 or 26, h, w)`, one per keypoint, background last.
    """

    paf: Tensor
    heatmap: Tensor


def _vgg(widths: Sequence[tuple[str, int]]) -> list[Layer | str]:
    """Lay out 3 x 3 convolutions by name and width, a pool wherever the name is `POOL`."""
    layers: list[Layer | str] = []
    channels = 3
    for name, width in widths:
        if name == POOL:
            layers.append(POOL)
        else:
            layers.append((name, channels, width, 3))
            channels = width
    return layers


_VGG_HEAD = (
    ("conv1_1", 64),
    ("conv1_2", 64),
    (POOL, 0),
    ("conv2_1", 128),
    ("conv2_2", 128),
    (POOL, 0),
    ("conv3_1", 256),
    ("conv3_2", 256),
    ("conv3_3", 256),
    ("conv3_4", 256),
    (POOL, 0),
    ("conv4_1", 512),
    ("conv4_2", 512),
)
BODY_TRUNK = _vgg((*_VGG_HEAD, ("conv4_3_CPM", 256), ("conv4_4_CPM", 128)))
HAND_TRUNK = _vgg(
    (*_VGG_HEAD, ("conv4_3", 512), ("conv4_4", 512), ("conv5_1", 512), ("conv5_2", 512), ("conv5_3_CPM", 128))
)
TRUNK_CHANNELS = 128


def _first_stage(branch: str, out_channels: int) -> list[Layer]:
    trunk = TRUNK_CHANNELS
    return [
        (f"conv5_1_CPM_{branch}", trunk, trunk, 3),
        (f"conv5_2_CPM_{branch}", trunk, trunk, 3),
        (f"conv5_3_CPM_{branch}", trunk, trunk, 3),
        (f"conv5_4_CPM_{branch}", trunk, 512, 1),
        (f"conv5_5_CPM_{branch}", 512, out_channels, 1),
    ]


def _refining_stage(stage: str, in_channels: int, out_channels: int) -> list[Layer]:
    """Return five 7 x 7 and two 1 x 1 convolutions, named `Mconv1_<stage>` to `Mconv7_<stage>`."""
    width = TRUNK_CHANNELS
    return [
        (f"Mconv1_{stage}", in_channels, width, 7),
        *((f"Mconv{number}_{stage}", width, width, 7) for number in range(2, 6)),
        (f"Mconv6_{stage}", width, width, 1),
        (f"Mconv7_{stage}", width, out_channels, 1),
    ]


class _FlatNetwork(nn.Module):
    """Convolutions registered side by side under the public file's flat names."""

    def _register(self, layers: Iterable[Layer | str]) -> None:
        for layer in layers:
            if not isinstance(layer, str):
                name, in_channels, out_channels, kernel = layer
                self.add_module(name, nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2))

    def _run(self, layers: Sequence[Layer | str], x: Tensor, *, rectify_last: bool) -> Tensor:
        """Run convolutions, each followed by a ReLU, the last only if asked."""
        for number, layer in enumerate(layers, start=1):
            if isinstance(layer, str):
                x = F.max_pool2d(x, 2, 2)
                continue
            x = self.get_submodule(layer[0])(x)
            if rectify_last or number < len(layers):
                x = F.relu(x)
        return x


class OpenPoseCoco(_FlatNetwork):
    """The body network with 18 keypoints: six stages of two branches, L1 for fields and L2 for heat maps.

    rectify_heatmap: the published PyTorch conversion sends the last heat maps through a ReLU, which the original
    network does not; True reproduces the conversion.
    """

    def __init__(self, *, rectify_heatmap: bool = True) -> None:
        super().__init__()
        self.rectify_heatmap = rectify_heatmap
        joined = COCO_PAF_CHANNELS + COCO_HEATMAPS + TRUNK_CHANNELS
        self._paf_stages = [_first_stage("L1", COCO_PAF_CHANNELS)]
        self._heatmap_stages = [_first_stage("L2", COCO_HEATMAPS)]
        for stage in range(2, 7):
            self._paf_stages.append(_refining_stage(f"stage{stage}_L1", joined, COCO_PAF_CHANNELS))
            self._heatmap_stages.append(_refining_stage(f"stage{stage}_L2", joined, COCO_HEATMAPS))
        self._register(BODY_TRUNK)
        for layers in (*self._paf_stages, *self._heatmap_stages):
            self._register(layers)

    def trunk(self, image: Tensor) -> Tensor:
        """Return the features `(B, 128, H/8, W/8)` that every stage sees."""
        return self._run(BODY_TRUNK, image, rectify_last=True)

    def stages(self, trunk: Tensor) -> list[BodyMaps]:
        """Return the maps of all six stages, coarse to refined, none rectified."""
        x = trunk
        maps: list[BodyMaps] = []
        for paf_layers, heatmap_layers in zip(self._paf_stages, self._heatmap_stages, strict=True):
            paf = self._run(paf_layers, x, rectify_last=False)
            heatmap = self._run(heatmap_layers, x, rectify_last=False)
            maps.append(BodyMaps(paf, heatmap))
            x = torch.cat([paf, heatmap, trunk], 1)
        return maps

    def forward(self, image: Tensor) -> BodyMaps:
        """Return the last stage's maps.

        Args:
            image: `(B, 3, H, W)`, BGR, `value / 256 - 0.5`; H and W multiples of 8.
        """
        last = self.stages(self.trunk(image))[-1]
        return BodyMaps(last.paf, F.relu(last.heatmap)) if self.rectify_heatmap else last


class OpenPoseHand(_FlatNetwork):
    """The hand network: 21 keypoints and background, refined in six stages."""

    def __init__(self) -> None:
        super().__init__()
        joined = HAND_HEATMAPS + TRUNK_CHANNELS
        first: list[Layer] = [
            ("conv6_1_CPM", TRUNK_CHANNELS, 512, 1),
            ("conv6_2_CPM", 512, HAND_HEATMAPS, 1),
        ]
        self._stages = [first, *(_refining_stage(f"stage{stage}", joined, HAND_HEATMAPS) for stage in range(2, 7))]
        self._register(HAND_TRUNK)
        for layers in self._stages:
            self._register(layers)

    def forward(self, image: Tensor) -> Tensor:
        """Return heat maps `(B, 22, H/8, W/8)`.

        Args:
            image: `(B, 3, H, W)`, BGR, `value / 256 - 0.5`.
        """
        trunk = x = self._run(HAND_TRUNK, image, rectify_last=True)
        heatmap = trunk
        for layers in self._stages:
            heatmap = self._run(layers, x, rectify_last=False)
            x = torch.cat([heatmap, trunk], 1)
        return heatmap


class _NamedSteps(nn.Sequential):
    """A sequence whose modules keep the public file's names."""

    def __init__(self, steps: Iterable[tuple[str, nn.Module]]) -> None:
        super().__init__()
        for name, module in steps:
            self.add_module(name, module)


class _DenseBlock(nn.Module):
    """Three 3 x 3 convolutions in a row whose outputs are joined."""

    def __init__(self, number: int, stage: str, in_channels: int, width: int) -> None:
        super().__init__()
        channels = in_channels
        for index in range(3):
            conv = nn.Conv2d(channels, width, 3, padding=1)
            suffix = f"{number}_{stage}_{index}"
            self.add_module(str(index), _NamedSteps([(f"Mconv{suffix}", conv), (f"Mprelu{suffix}", nn.PReLU(width))]))
            channels = width

    def forward(self, x: Tensor) -> Tensor:
        outputs: list[Tensor] = []
        for step in self.children():
            x = step(x)
            outputs.append(x)
        return torch.cat(outputs, 1)


def _dense_stage(stage: str, in_channels: int, width: int, out_channels: int) -> list[tuple[str, nn.Module]]:
    """Return five dense blocks and the two 1 x 1 convolutions that end a BODY_25 stage."""
    joined = 3 * width
    blocks: list[tuple[str, nn.Module]] = [
        (f"Mconv{number}_{stage}", _DenseBlock(number, stage, in_channels if number == 1 else joined, width))
        for number in range(1, 6)
    ]
    hidden = 256 if width == 96 else 512
    sixth = _NamedSteps(
        [(f"Mconv6_{stage}", nn.Conv2d(joined, hidden, 1)), (f"Mprelu6_{stage}", nn.PReLU(hidden))],
    )
    seventh = _NamedSteps([(f"Mconv7_{stage}", nn.Conv2d(hidden, out_channels, 1))])
    return [*blocks, (f"Mconv6_7_{stage}", _NamedSteps([("0", sixth), ("1", seventh)]))]


def _body25_trunk() -> _NamedSteps:
    """Return the VGG trunk whose last three activations are parametric ReLUs."""
    steps: list[tuple[str, nn.Module]] = []
    for layer in BODY_TRUNK:
        if isinstance(layer, str):
            steps.append((f"{POOL}{len(steps)}", nn.MaxPool2d(2, 2)))
            continue
        name, in_channels, out_channels, kernel = layer
        steps.append((name, nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)))
        tail = name.removeprefix("conv")
        if tail in ("4_2", "4_3_CPM", "4_4_CPM"):
            steps.append((f"prelu{tail}", nn.PReLU(out_channels)))
        else:
            steps.append((f"relu{tail}", nn.ReLU()))
    return _NamedSteps(steps)


class OpenPoseBody25(nn.Module):
    """The body network with 25 keypoints: four stages of fields (L2), then two of heat maps (L1)."""

    def __init__(self) -> None:
        super().__init__()
        self.model0 = _body25_trunk()
        self.models = nn.ModuleDict()
        with_paf = TRUNK_CHANNELS + BODY25_PAF_CHANNELS
        plan = [
            ("stage0_L2", TRUNK_CHANNELS, 96, BODY25_PAF_CHANNELS),
            ("stage1_L2", with_paf, 128, BODY25_PAF_CHANNELS),
            ("stage2_L2", with_paf, 128, BODY25_PAF_CHANNELS),
            ("stage3_L2", with_paf, 128, BODY25_PAF_CHANNELS),
            ("stage0_L1", with_paf, 96, BODY25_HEATMAPS),
            ("stage1_L1", with_paf + BODY25_HEATMAPS, 128, BODY25_HEATMAPS),
        ]
        for stage, in_channels, width, out_channels in plan:
            self.models.update(dict(_dense_stage(stage, in_channels, width, out_channels)))

    def _stage(self, stage: str, x: Tensor) -> Tensor:
        for number in range(1, 6):
            x = self.models[f"Mconv{number}_{stage}"](x)
        out: Tensor = self.models[f"Mconv6_7_{stage}"](x)
        return out

    def trunk(self, image: Tensor) -> Tensor:
        """Return the features `(B, 128, H/8, W/8)` that every stage sees."""
        out: Tensor = self.model0(image)
        return out

    def paf_stages(self, trunk: Tensor) -> list[Tensor]:
        """Return the fields of all four stages, coarse to refined."""
        fields = [self._stage("stage0_L2", trunk)]
        for stage in range(1, 4):
            fields.append(self._stage(f"stage{stage}_L2", torch.cat([trunk, fields[-1]], 1)))
        return fields

    def heatmap_stages(self, trunk: Tensor, paf: Tensor) -> list[Tensor]:
        """Return the heat maps of both stages, which see the last fields."""
        coarse = self._stage("stage0_L1", torch.cat([trunk, paf], 1))
        return [coarse, self._stage("stage1_L1", torch.cat([trunk, coarse, paf], 1))]

    def forward(self, image: Tensor) -> BodyMaps:
        """Return the last stages' maps.

        Args:
            image: `(B, 3, H, W)`, BGR, `value / 256 - 0.5`; H and W multiples of 8.
        """
        trunk = self.trunk(image)
        paf = self.paf_stages(trunk)[-1]
        return BodyMaps(paf, self.heatmap_stages(trunk, paf)[-1])


Shapes = Mapping[str, tuple[int, ...]]


def build_coco(shapes: Shapes) -> OpenPoseCoco:
    """Return the COCO-18 body network, not yet filled; it has one variant."""
    del shapes
    return OpenPoseCoco()


def build_body25(shapes: Shapes) -> OpenPoseBody25:
    """Return the BODY_25 network, not yet filled; it has one variant."""
    del shapes
    return OpenPoseBody25()


def build_hand(shapes: Shapes) -> OpenPoseHand:
    """Return the hand network, not yet filled; it has one variant."""
    del shapes
    return OpenPoseHand()
