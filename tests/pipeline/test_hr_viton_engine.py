"""The generative engines with stand-in networks that predict a known flow and a known parse.

What is proven: where the garment's texture lands, that its detail is the native photo's, that nothing outside the edit
mask changes, that the painted light is taken over and the product's colour kept; at 8 and 16 bit, and through the
stage, its discriminator and its fallbacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from studio.domain.artefacts import Agnostic, Cutout, GarmentArtefacts, Look, PersonArtefacts, Photo, TryOn
from studio.domain.edits import HemStyle, LayerOrder
from studio.domain.errors import PipelineError
from studio.domain.labels import Cihp
from studio.networks.hr_viton import CONDITION_SIZE, Condition
from studio.networks.viton_hd import Matching
from studio.pipeline.blend import blend_look
from studio.pipeline.registry import load_stage
from studio.pipeline.stage import BatchStage, Inputs, StageContext
from studio.pipeline.tryon.generative import native, networks
from studio.pipeline.tryon.generative.engine import GenerativeParams
from studio.pipeline.tryon.generative.framed import frame_garment
from studio.pipeline.tryon.generative.rim import find_rim
from studio.pipeline.tryon.hr_viton import CONDITION, DISCRIMINATOR, GENERATOR, HR_VITON
from studio.pipeline.tryon.viton_hd import VITON_HD
from tests.pipeline.network_fakes import GivenNetworks, context
from tests.pipeline.tryon_figures import OLD_TOP, draw_person, dressed_garment

BOX = (220, 320, 548, 700)
"""Where the stand-in network puts the garment, canvas pixels: x0, y0, x1, y1."""

SHIFT = (12.0, 24.0)
"""How far, in canvas pixels, the stand-in's flow moves: the garment is taken from this far right of and below."""


class FakeCondition(nn.Module):
    """Predicts a constant flow and, from the labels it is given, a parse with the garment in `BOX`."""

    def forward(self, cloth: Tensor, person: Tensor) -> Condition:
        height, width = CONDITION_SIZE
        flow = torch.zeros(len(cloth), height // 2, width // 2, 2)
        # The finest flow counts half-size pixels less one; the picture is 8 times as wide.
        flow[..., 0] = SHIFT[0] * (95 / 2) * 2 / 768
        flow[..., 1] = SHIFT[1] * (127 / 2) * 2 / 1024
        scores = person[:, :13] * 4.0
        x0, y0, x1, y1 = (v // 4 for v in BOX)
        scores[:, :, y0:y1, x0:x1] = 0
        scores[:, 3, y0:y1, x0:x1] = 8
        return Condition((flow,) * 5, scores, cloth[:, :3], torch.ones_like(cloth[:, 3:]))


class FakePainter(nn.Module):
    """Repeats the agnostic picture and the warped cloth; `gain` darkens the lower half, `tint` colours the rest."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, x: Tensor, parse: Tensor, *rest: object) -> Tensor:
        agnostic, cloth = x[:, :3], x[:, 6:9]
        garment = ((cloth + 1) / 2).clone()
        garment[:, :, 512:] *= self.gain
        upper = parse[:, 2:3]
        return agnostic * (1 - upper) + (garment * 2 - 1) * upper


class FakeJudge(nn.Module):
    """Gives every prediction the same logit."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = logit

    def forward(self, x: Tensor) -> list[Tensor]:
        assert x.shape[1:] == (33, *CONDITION_SIZE)
        return [torch.full((len(x), 1, 4, 3), self.logit)] * 2


def fakes(gain: float = 1.0, logit: float | None = None) -> dict[str, nn.Module]:
    found: dict[str, nn.Module] = {CONDITION: FakeCondition(), GENERATOR: FakePainter(gain)}
    return found if logit is None else found | {DISCRIMINATOR: FakeJudge(logit)}


def checked_garment(side: int = 1600, square: int = 4, dtype: type[np.generic] = np.uint8) -> GarmentArtefacts:
    """Return a square of cloth in fine checks of red and blue, one dark dot in its middle, on white."""
    analysed = dressed_garment(((-0.11, 0.0), (-0.26, 0.06), (-0.45, 0.27), (-0.33, 0.33), (-0.24, 0.25), (-0.24, 1.0)))
    low, high = side // 8, side - side // 8
    y, x = np.mgrid[0:side, 0:side]
    checks = ((x // square + y // square) % 2)[..., None]
    rgb = np.where(checks, (200, 60, 60), (60, 60, 200)).astype(np.uint8)
    middle = side // 2
    cv2.circle(rgb, (middle, middle), side // 40, (10, 10, 10), -1)
    alpha = np.zeros((side, side), np.float32)
    alpha[low:high, low:high] = 1
    rgb[alpha == 0] = 255
    pixels = rgb if dtype is np.uint8 else rgb.astype(np.uint16) * 257
    garment = replace(analysed.garment, photo_size=(side, side))
    return GarmentArtefacts(Photo(pixels, "2" * 64, "checks.png"), Cutout(alpha, rgb.copy()), garment)


def dress(person: PersonArtefacts, garment: GarmentArtefacts, given: Mapping[str, nn.Module] | None = None) -> TryOn:
    return HR_VITON.dress(person, garment, context(given or fakes()), layers=LayerOrder())


def look_of(person: PersonArtefacts, tryon: TryOn) -> Look:
    return blend_look(person.photo, person.cutout, tryon)


@pytest.fixture(scope="module")
def person() -> PersonArtefacts:
    return draw_person(factor=4)


@pytest.fixture(scope="module")
def garment() -> GarmentArtefacts:
    return checked_garment()


@pytest.fixture(scope="module")
def tryon(person: PersonArtefacts, garment: GarmentArtefacts) -> TryOn:
    return dress(person, garment)


@pytest.fixture(scope="module")
def small() -> PersonArtefacts:
    return draw_person()


@pytest.fixture(scope="module")
def small_tryon(small: PersonArtefacts, garment: GarmentArtefacts) -> TryOn:
    return dress(small, garment)


def test_the_engine_speaks_the_protocol(person: PersonArtefacts, tryon: TryOn) -> None:
    assert load_stage("tryon", "hr_viton") is HR_VITON
    assert load_stage("tryon", "viton_hd") is VITON_HD
    assert tryon.engine == HR_VITON.id == "hr_viton"
    assert tryon.image.shape == tryon.warped_garment.shape == (1024, 768, 3)
    assert tryon.labels[(BOX[1] + BOX[3]) // 2, (BOX[0] + BOX[2]) // 2] == Cihp.UPPER
    assert HR_VITON.inputs == load_stage("tryon", "drape").inputs
    assert {use.commercial for use in HR_VITON.licences} == {False}
    assert look_of(person, tryon).pixels.shape == person.photo.pixels.shape == (2048, 1536, 3)


def test_outside_the_edit_mask_every_byte_is_the_photo(person: PersonArtefacts, tryon: TryOn) -> None:
    look = look_of(person, tryon)
    outside = look.edit_mask == 0
    assert np.array_equal(look.pixels[outside], person.photo.pixels[outside])
    assert 0.1 < (~outside).mean() < 0.6
    own = np.isin(person.parse.labels, (Cihp.FACE, Cihp.HAIR))
    own = cv2.erode(own.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert own.sum() > 10000
    assert not (look.edit_mask[own] > 0).any()
    feet = person.parse.labels == Cihp.TROUSERS
    feet[: 2 * BOX[3] + 40] = False
    assert not (look.edit_mask[feet] > 0).any()


def test_nothing_of_the_old_garment_is_left(person: PersonArtefacts, tryon: TryOn) -> None:
    green = np.abs(look_of(person, tryon).pixels.astype(int) - OLD_TOP).max(axis=2) < 30
    assert (np.abs(person.photo.pixels.astype(int) - OLD_TOP).max(axis=2) < 30).sum() > 300000
    assert green.sum() < 400


def test_hair_over_the_old_garment_keeps_no_rim_of_its_colour(
    person: PersonArtefacts, garment: GarmentArtefacts
) -> None:
    """Edges as soft as a photo's; what is left of the green is no more than the picture's noise."""
    soft = cv2.GaussianBlur(person.photo.rgb8, (0, 0), 1.6)
    person = replace(person, photo=replace(person.photo, pixels=soft))
    look = look_of(person, dress(person, garment))

    def greenness(rgb: np.ndarray) -> np.ndarray:
        wide = rgb.astype(int)
        return wide[..., 1] - np.maximum(wide[..., 0], wide[..., 2])

    strand = cv2.dilate((person.parse.labels == Cihp.HAIR).astype(np.uint8), np.ones((21, 21), np.uint8)) > 0
    assert (greenness(soft)[strand] > 15).sum() > 5000
    assert (greenness(look.pixels)[strand] > 15).sum() == 0
    assert (greenness(look.pixels)[strand] > 8).sum() < 60
    inside = cv2.erode((person.parse.labels == Cihp.HAIR).astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    assert np.array_equal(look.pixels[inside], soft[inside])
    outside = look.edit_mask == 0
    assert np.array_equal(look.pixels[outside], soft[outside])


def test_strands_stay_strands_and_third_colours_are_left_alone() -> None:
    hair, old, new, wall = (
        np.float32(rgb) for rgb in ((0.2, 0.1, 0.05), (0.1, 0.6, 0.1), (0.6, 0.1, 0.6), (0.9, 0.9, 0.9))
    )
    cover = np.clip((np.arange(80, dtype=np.float32) - 37.5) / 5, 0, 1)[None].repeat(60, 0)  # hair to the right
    photo = hair * cover[..., None] + old * (1 - cover[..., None])
    photo[20, 38:40] = wall
    found = find_rim(photo, cover >= 0.5, cover < 0.5, 6.0)
    assert found is not None
    cleaned = np.where(found.there[..., None], found.clean(photo, np.broadcast_to(new, photo.shape)), photo)
    expected = hair * cover[..., None] + new * (1 - cover[..., None])
    rows = np.s_[25:, 34:46]
    assert np.abs(cleaned[rows] - expected[rows]).max() < 0.03
    assert not found.there[20, 38:40].any() and not found.there[:, :30].any() and not found.there[:, 50:].any()
    assert find_rim(photo, cover >= 0.5, np.zeros_like(cover, bool), 6.0) is None


def test_the_texture_lands_where_the_flow_says(
    person: PersonArtefacts, garment: GarmentArtefacts, tryon: TryOn
) -> None:
    """The dark dot in the middle of the product, moved by the flow and both framings, to a fraction of a pixel."""
    look = look_of(person, tryon)
    worn = look.garment_mask > 250
    dark = (look.pixels.max(axis=2) < 60) & worn
    found = np.array([axis.mean() for axis in np.nonzero(dark)])[::-1]
    middle = garment.photo.pixels.shape[0] // 2
    on_canvas = frame_garment(garment).framing.to_canvas(np.array([middle, middle], np.float64))
    # grid = corners-aligned place + flow; sampled with pixel areas: x -> (2x/(W-1) W - 1)/2 + shift.
    size = np.array([768.0, 1024.0])
    canvas = (on_canvas + 0.5 - np.array(SHIFT)) * (size - 1) / size
    expected = person.framing.to_photo(canvas)
    assert dark.sum() > 100
    assert np.abs(found - expected).max() < 0.75


def test_the_detail_is_the_native_photos(person: PersonArtefacts, garment: GarmentArtefacts, tryon: TryOn) -> None:
    """Checks too fine for the canvas are resolved in the look."""
    look = look_of(person, tryon)
    inner = np.s_[2 * BOX[1] + 60 : 2 * BOX[1] + 260, 2 * BOX[0] + 60 : 2 * BOX[0] + 260]
    red = look.pixels[inner][..., 0].astype(float)
    painted = cv2.resize(tryon.image, (1536, 2048), interpolation=cv2.INTER_CUBIC)[inner][..., 0].astype(float)
    native_sharpness, painted_sharpness = (np.abs(np.diff(plane, axis=1)).mean() for plane in (red, painted))
    assert red.std() > 60
    assert native_sharpness > 1.5 * painted_sharpness


def test_product_colours_are_kept_and_the_painted_light_is_taken(
    small: PersonArtefacts, garment: GarmentArtefacts, small_tryon: TryOn
) -> None:
    flat, lit = (look_of(small, made).pixels for made in (small_tryon, dress(small, garment, fakes(0.8))))
    upper, lower = np.s_[190:230, 130:250], np.s_[290:330, 130:250]
    assert np.abs(flat[upper].mean(axis=(0, 1)) - (130, 60, 130)).max() < 6
    ratio = lit[lower].astype(float).mean() / lit[upper].astype(float).mean()
    assert 0.7 < ratio < 0.92


def test_a_whole_tile_or_many_are_the_same(
    person: PersonArtefacts, garment: GarmentArtefacts, tryon: TryOn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "TILE", 200)
    tiled = dress(person, garment)
    assert tiled.patch.box == tryon.patch.box
    assert np.abs(tiled.patch.pixels.astype(int) - tryon.patch.pixels).max() <= 2
    assert np.abs(tiled.patch.alpha - tryon.patch.alpha).max() < 0.02


def test_the_same_inputs_give_the_same_bytes(
    small: PersonArtefacts, garment: GarmentArtefacts, small_tryon: TryOn
) -> None:
    again = dress(small, garment)
    assert np.array_equal(again.patch.pixels, small_tryon.patch.pixels)
    assert np.array_equal(again.patch.alpha, small_tryon.patch.alpha)


def test_sixteen_bits_stay_sixteen_bits() -> None:
    person = draw_person(dtype=np.uint16)
    tryon = dress(person, checked_garment(400, 4, np.uint16))
    look = look_of(person, tryon)
    assert tryon.patch.pixels.dtype == look.pixels.dtype == np.uint16
    outside = look.edit_mask == 0
    assert np.array_equal(look.pixels[outside], person.photo.pixels[outside])
    worn = look.pixels[look.garment_mask > 250]
    assert np.abs(worn.mean(axis=0) / 257 - (130, 60, 130)).max() < 8
    assert (worn % 257 != 0).any()  # not 8 bits stretched


def test_the_discriminator_speaks(small: PersonArtefacts, garment: GarmentArtefacts, small_tryon: TryOn) -> None:
    ctx = context(fakes(logit=0.1))
    doubtful = HR_VITON.dress(small, garment, ctx, layers=LayerOrder()).confidence
    assert doubtful.score < 0.4 < small_tryon.confidence.score
    assert doubtful.reasons[0].key == "engines.segmentation_doubtful"
    assert [(note.key, note.values["score"]) for note in ctx.notes] == [("engines.segmentation_score", "0.11")]
    assert HR_VITON.models(GenerativeParams(), GivenNetworks(fakes())) == (CONDITION, GENERATOR)
    assert DISCRIMINATOR in HR_VITON.models(GenerativeParams(), GivenNetworks(fakes(logit=0.1)))


def test_a_prediction_taken_for_real_is_no_reason() -> None:
    odds = [networks.cap_odds(torch.tensor([logit])).item() for logit in (-0.4, 0.5, 1.0, 1.3)]
    assert odds == [0.0, 1.0, networks.BEST_SCORE, networks.BEST_SCORE]


def test_without_weights_it_says_how_to_get_them() -> None:
    note = HR_VITON.unavailable(GivenNetworks({CONDITION: FakeCondition()}))
    assert note is not None
    assert note.key == "engines.weights_missing"
    assert note.values == {"title": "HR-VITON", "models": GENERATOR}
    assert HR_VITON.unavailable(GivenNetworks(fakes())) is None
    assert VITON_HD.unavailable(GivenNetworks()) is not None


def test_a_network_that_paints_no_garment_is_refused(small: PersonArtefacts, garment: GarmentArtefacts) -> None:
    class Blind(FakeCondition):
        def forward(self, cloth: Tensor, person: Tensor) -> Condition:
            made = super().forward(cloth, person)
            made.segmap[:, 3] = 0
            return made

    with pytest.raises(PipelineError) as caught:
        dress(small, garment, fakes() | {CONDITION: Blind()})
    assert caught.value.key == "engines.no_garment"
    assert caught.value.values == {"file": "person.png", "garment": "checks.png"}


def test_several_garments_share_the_person(
    small: PersonArtefacts, garment: GarmentArtefacts, small_tryon: TryOn
) -> None:
    both = HR_VITON.dress_all(small, [garment, checked_garment(400)], context(fakes()))
    assert np.array_equal(both[0].patch.pixels, small_tryon.patch.pixels)
    assert not np.array_equal(both[1].image, small_tryon.image)


def slots_of(person: PersonArtefacts, garment: GarmentArtefacts) -> Inputs:
    return Inputs({
        "photo": person.photo, "edges": person.cutout, "pose": person.pose, "framing": person.framing,
        "parse": person.parse, "densepose": person.densepose, "agnostic": person.agnostic,
        "garment_photo": garment.photo, "garment_edges": garment.cutout, "garment": garment.garment,
    })  # fmt: skip


def test_a_batch_gives_what_its_pairs_give_and_tells_each_its_own(
    small: PersonArtefacts, garment: GarmentArtefacts, small_tryon: TryOn
) -> None:
    assert isinstance(HR_VITON, BatchStage)
    contexts = [context(fakes(logit=-0.1)) for _ in range(2)]
    inputs = [slots_of(small, garment), slots_of(small, checked_garment(400))]
    first, second = HR_VITON.run_many(inputs, GenerativeParams(layers=LayerOrder(HemStyle.TUCKED)), contexts)
    assert np.array_equal(first.patch.pixels, small_tryon.patch.pixels)
    assert not np.array_equal(second.image, first.image)
    for ctx in contexts:
        assert sorted(note.key for note in ctx.notes) == ["engines.layers_ignored", "engines.segmentation_score"]
    assert set(HR_VITON.shared) == {"photo", "edges", "pose", "framing", "parse", "densepose", "agnostic"}


def test_the_cards_memory_decides_how_many_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.networks.hr_viton import ImageGenerator

    class OnCard(GivenNetworks):
        device = "cuda"

    given: dict[str, Any] = {CONDITION: FakeCondition(), GENERATOR: ImageGenerator(width=8)}
    assert HR_VITON.most_at_once(GenerativeParams(), GivenNetworks(given)) == 1  # a processor gains nothing
    assert HR_VITON.most_at_once(GenerativeParams(), OnCard({})) == 1
    plan = networks.Plan("cuda", torch.bfloat16)
    monkeypatch.setattr(networks, "default_plan", lambda device: plan)
    need = networks.estimate_bytes(given[GENERATOR], plan, 5, (1024, 768))
    for free, wanted in ((need, 5), (need // 10, 1), (need * 1000, networks.MOST_AT_ONCE)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, free))
        assert HR_VITON.most_at_once(GenerativeParams(), OnCard(given)) == wanted


def test_the_stage_runs_from_its_slots_and_names_what_it_ignores(
    small: PersonArtefacts, garment: GarmentArtefacts
) -> None:
    ctx = context(fakes())
    made = HR_VITON.run(slots_of(small, garment), GenerativeParams(layers=LayerOrder(HemStyle.TUCKED)), ctx)
    assert made.engine == "hr_viton"
    assert [note.key for note in ctx.notes] == ["engines.layers_ignored"]


def test_full_graphics_memory_goes_to_the_processor_and_says_so(
    small: PersonArtefacts, garment: GarmentArtefacts, small_tryon: TryOn, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(GivenNetworks):
        device = "meta"  # stands for a card; nothing runs there

    real = networks.ready

    def ready(module: nn.Module, plan: Any) -> nn.Module:
        if plan.device != "cpu":
            raise torch.OutOfMemoryError("fake")
        return real(module, plan)

    monkeypatch.setattr(networks, "ready", ready)
    base = context()
    ctx = StageContext(Full(fakes()), base.progress)
    made = HR_VITON.dress(small, garment, ctx, layers=LayerOrder())
    assert [(note.key, note.values["file"]) for note in ctx.notes] == [("runtime.to_cpu", "person.png")]
    assert np.array_equal(made.patch.pixels, small_tryon.patch.pixels)


def test_short_memory_paints_a_smaller_canvas_and_says_so(
    small: PersonArtefacts, garment: GarmentArtefacts, small_tryon: TryOn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "_lacks_memory", lambda generator, plan, size: size[0] > 512)
    ctx = context(fakes())
    made = HR_VITON.dress(small, garment, ctx, layers=LayerOrder())
    assert [note.key for note in ctx.notes] == ["engines.smaller_canvas"]
    assert made.image.shape == (1024, 768, 3)
    both = (made.patch.garment > 128).sum(), (small_tryon.patch.garment > 128).sum()
    assert abs(both[0] / both[1] - 1) < 0.03


def test_leak_free_sees_only_what_the_agnostic_shows(small: PersonArtefacts, garment: GarmentArtefacts) -> None:
    other_rgb = small.photo.rgb8.copy()
    other_rgb[small.parse.labels == Cihp.UPPER] = (250, 220, 0)
    other = replace(small, photo=replace(small.photo, pixels=other_rgb))
    looks = [
        HR_VITON.dress(who, garment, context(fakes()), layers=LayerOrder(), leak_free=True).patch
        for who in (small, other)
    ]
    assert np.array_equal(looks[0].pixels, looks[1].pixels)
    assert np.array_equal(looks[0].alpha, looks[1].alpha)


class FakeSegmentation(nn.Module):
    """The labels it is given, with the garment in `BOX`."""

    def forward(self, x: Tensor) -> Tensor:
        scores = x[:, 4:17].clone()
        x0, y0, x1, y1 = (v // 4 for v in BOX)
        scores[:, :, y0:y1, x0:x1] = 0
        scores[:, 3, y0:y1, x0:x1] = 1
        return scores


class FakeMatching(nn.Module):
    """Lays the garment on as it is."""

    def forward(self, person: Tensor, garment: Tensor, size: tuple[int, int]) -> Matching:
        y, x = (torch.linspace(-1, 1, side) for side in size)
        grid = torch.stack((x.expand(size), y[:, None].expand(size)), -1)
        return Matching(torch.zeros(len(person), 50), grid.expand(len(person), -1, -1, -1))


def test_viton_hd_dresses_by_its_own_agnostic_rules(small: PersonArtefacts, garment: GarmentArtefacts) -> None:
    given = {
        "viton_hd_segmentation": FakeSegmentation(), "viton_hd_matching": FakeMatching(),
        "viton_hd_generator": FakePainter(),
    }  # fmt: skip
    blank = replace(small, agnostic=Agnostic(np.zeros_like(small.agnostic.image), small.agnostic.labels))
    made = VITON_HD.dress(small, garment, context(given), layers=LayerOrder())
    look = look_of(small, made)
    outside = look.edit_mask == 0
    assert np.array_equal(look.pixels[outside], small.photo.pixels[outside])
    assert np.abs(look.pixels[look.garment_mask > 250].mean(axis=0) - (130, 60, 130)).max() < 8
    assert np.array_equal(VITON_HD.dress(blank, garment, context(given), layers=LayerOrder()).image, made.image)
