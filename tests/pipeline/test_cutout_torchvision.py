"""Mask R-CNN and the torch U-2-Net as cutout stages."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from studio.domain.artefacts import Cutout, Photo, PhotoRole
from studio.domain.errors import PipelineError
from studio.networks.mask_rcnn import PERSON, build_mask_rcnn
from studio.pipeline import cutout_torch
from studio.pipeline.cutout import CutoutParams, predict_mask
from studio.pipeline.cutout_torch import U2NETP_TORCH
from studio.pipeline.cutout_torchvision import MASK_RCNN, MaskRcnnParams
from studio.pipeline.stage import Inputs, StageContext
from tests.pipeline.network_fakes import GivenNetworks, context

LEFT, RIGHT = np.s_[10:90, 20:60], np.s_[10:90, 50:110]
"""Two people who stand together: their masks overlap between columns 50 and 60."""


class TwoPeople(torch.nn.Module):
    """Finds a smaller person on the left, a larger one on the right, a doubtful one and a handbag."""

    def __init__(self, scores: tuple[float, ...] = (0.9, 0.95, 0.2, 0.99)) -> None:
        super().__init__()
        self.seen: list[Tensor] = []
        self._scores = scores

    def forward(self, pictures: list[Tensor]) -> list[dict[str, Tensor]]:
        self.seen += pictures
        masks = torch.zeros(4, 1, *pictures[0].shape[1:])
        masks[0, 0][LEFT], masks[1, 0][RIGHT] = 0.8, 0.9
        masks[2], masks[3] = 1.0, 1.0
        labels = torch.tensor([PERSON, PERSON, PERSON, 31])
        return [{"masks": masks, "labels": labels, "scores": torch.tensor(self._scores)}]


def street(size: tuple[int, int] = (120, 160)) -> Photo:
    pixels = np.random.default_rng(5).integers(0, 255, (*size, 3)).astype(np.uint8)
    return Photo(pixels, "0" * 64, "street.jpg")


def run(params: MaskRcnnParams, network: torch.nn.Module, photo: Photo | None = None) -> tuple[Cutout, list[str]]:
    ctx = context({"mask_rcnn": network})
    made = MASK_RCNN.run(Inputs({"photo": photo or street()}), params, ctx)
    return made, [note.key for note in ctx.notes]


def test_people_who_stand_together_are_told_apart() -> None:
    first, notes = run(MaskRcnnParams(), TwoPeople())
    second, _ = run(MaskRcnnParams(person=1), TwoPeople())
    assert notes == ["pose.several"]
    assert (first.alpha > 0.5)[RIGHT].all() and (first.alpha > 0.5).sum() == 80 * 60
    # What both claim belongs to the one who is surer of it.
    assert (second.alpha > 0.5)[10:90, 20:50].all() and (second.alpha > 0.5).sum() == 80 * 30
    assert np.array_equal(first.foreground, street().rgb8)


def test_a_large_photo_is_looked_at_reduced_and_its_mask_lies_right() -> None:
    class Half(torch.nn.Module):
        def forward(self, pictures: list[Tensor]) -> list[dict[str, Tensor]]:
            height, width = pictures[0].shape[1:]
            assert max(height, width) == 1333
            masks = torch.zeros(1, 1, height, width)
            masks[..., : width // 2] = 1.0
            return [{"masks": masks, "labels": torch.tensor([PERSON]), "scores": torch.tensor([0.9])}]

    photo = street((1200, 2666))
    made, notes = run(MaskRcnnParams(use_backdrop=False), Half(), photo)
    assert made.alpha.shape == (1200, 2666) and notes == []
    edge = (made.alpha > 0.5).sum(axis=1)
    assert np.abs(edge - 1333).max() <= 2


def test_nobody_and_too_few_are_told_with_the_file() -> None:
    with pytest.raises(PipelineError) as caught:
        run(MaskRcnnParams(), TwoPeople((0.1, 0.1, 0.1, 0.9)))
    assert (caught.value.key, caught.value.values["file"]) == ("pose.no_person", "street.jpg")
    with pytest.raises(PipelineError) as caught:
        run(MaskRcnnParams(person=2), TwoPeople())
    assert caught.value.key == "cutout.no_such_person" and caught.value.values["people"] == "2"


def test_garments_go_to_the_embedded_network_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[CutoutParams] = []

    def stand_in(self: object, inputs: Inputs, params: CutoutParams, ctx: StageContext) -> Cutout:
        asked.append(params)
        rgb = inputs.take("photo", Photo).rgb8
        return Cutout(np.ones(rgb.shape[:2], np.float32), rgb)

    monkeypatch.setattr("studio.pipeline.cutout.NetworkCutout.run", stand_in)
    params = MaskRcnnParams(PhotoRole.GARMENT)
    _, notes = run(params, TwoPeople())
    assert notes == ["cutout.people_only"] and asked == [CutoutParams(PhotoRole.GARMENT)]
    assert MASK_RCNN.models(params, GivenNetworks()) == ("u2netp",)


def test_the_real_network_runs_through_the_stage() -> None:
    torch.manual_seed(3)
    network = build_mask_rcnn({"roi_heads.mask_predictor.mask_fcn_logits.weight": (3, 256, 1, 1)}).eval()
    network.transform.min_size, network.transform.max_size = (64,), 96
    network.roi_heads.detections_per_img, network.roi_heads.score_thresh = 2, 0.0
    network.rpn._post_nms_top_n = {"training": 8, "testing": 8}
    try:
        made, _ = run(MaskRcnnParams(min_score=0.0), network, street((90, 60)))
    except PipelineError as error:  # weights are random: nobody may be found
        assert error.key == "pose.no_person"
    else:
        assert made.alpha.shape == (90, 60)


class Full(torch.nn.Module):
    """A card's memory that never suffices; on the processor it finds two people."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1, device="meta"))
        self.here = TwoPeople()

    def to(self, *args: object, **kwargs: object) -> Full:  # type: ignore[override]  # meta tensors cannot be moved
        self.weight = torch.nn.Parameter(torch.zeros(1, device=str(args[0])))
        return self

    def forward(self, pictures: list[Tensor]) -> list[dict[str, Tensor]]:
        if self.weight.device.type == "meta":  # stands for a card
            raise torch.OutOfMemoryError("full")
        return self.here(pictures)  # type: ignore[no-any-return]


def test_full_graphics_memory_goes_to_the_processor_and_says_so() -> None:
    network = Full()
    made, notes = run(MaskRcnnParams(), network)
    assert notes == ["runtime.to_cpu", "pose.several"]
    assert (made.alpha > 0.5).sum() == 80 * 60
    assert network.weight.device.type == "meta"  # and waits on the card for the next photo


def test_the_torch_u2net_gives_the_onnx_ones_mask() -> None:
    """The checkpoint's network run as the ONNX file is; its weights here are random, its layers the published ones."""
    from studio.networks.u2net import SMALL, U2Net

    torch.manual_seed(0)
    network = U2Net(SMALL).eval()
    photo = street((64, 48))
    ctx = context({"u2netp_checkpoint": network})
    session = cutout_torch._TorchSession(ctx, "u2netp_checkpoint", photo.name)

    class Onnx:
        input_names = ("x",)

        def run(self, feeds: dict) -> list:
            with torch.inference_mode():
                return [network(torch.from_numpy(feeds["x"]))[0].numpy()]

    mine, theirs = (predict_mask(photo.rgb8, "u2net", each) for each in (session, Onnx()))
    assert (mine is None) == (theirs is None)
    if mine is not None and theirs is not None:
        assert np.array_equal(mine, theirs)
    note = U2NETP_TORCH.unavailable(GivenNetworks())
    assert note is not None and note.key == "alternative.checkpoint_missing"
    assert U2NETP_TORCH.models(CutoutParams(), GivenNetworks()) == ("u2netp_checkpoint",)
