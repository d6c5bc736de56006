"""Cutout: equal to rembg, main subject, gaps and white cloth on plain backdrops, bad input."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.domain.arrays import AnyArray
from studio.domain.artefacts import Cutout, Photo, PhotoRole
from studio.domain.errors import PipelineError
from studio.domain.progress import Progress
from studio.pipeline.cutout import MODNET, U2NETP, CutoutParams, predict_mask
from studio.pipeline.edges import EdgesParams, correct_contour
from studio.pipeline.matting.backdrop import fit_backdrop, weigh
from studio.pipeline.matting.person_vote import add_voted_clothes
from studio.pipeline.matting.subject import add_doubted_pieces, complete_on_backdrop, keep_subject
from studio.pipeline.stage import Inputs, OnnxSession, StageContext


class FakeSession:
    """Answers with a given map, stretched to the size asked for."""

    def __init__(self, answer: np.ndarray) -> None:
        self._answer = answer.astype(np.float32)

    @property
    def input_names(self) -> tuple[str, ...]:
        return ("input",)

    def run(self, feeds: Mapping[str, AnyArray]) -> list[AnyArray]:
        height, width = feeds["input"].shape[2:]
        return [cv2.resize(self._answer, (width, height), interpolation=cv2.INTER_AREA)[None, None]]


class FakeModels:
    """A provider of one fake session."""

    device = "cpu"

    def __init__(self, answer: np.ndarray, installed: bool = True) -> None:
        self._session, self._installed = FakeSession(answer), installed

    def is_installed(self, model_id: str) -> bool:
        return self._installed and model_id != "selfie_multiclass"

    def session(self, model_id: str) -> OnnxSession:
        return self._session


class RealSession:
    """onnxruntime behind the protocol."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        self.inner = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.inner.get_inputs())

    def run(self, feeds: Mapping[str, AnyArray]) -> list[AnyArray]:
        return list(self.inner.run(None, dict(feeds)))


def run(photo: Photo, answer: np.ndarray, params: CutoutParams | None = None) -> tuple[Cutout, StageContext]:
    ctx = StageContext(FakeModels(answer), Progress.silent())  # type: ignore[arg-type]  # the part that is used
    return U2NETP.run(Inputs({"photo": photo}), params or CutoutParams(), ctx), ctx


def photo_of(pixels: np.ndarray) -> Photo:
    return Photo(pixels.astype(np.uint8), "0" * 64, "model.jpg")


def scene(size: tuple[int, int] = (320, 320)) -> tuple[np.ndarray, np.ndarray]:
    """A red block on a light wall, and its mask."""
    rng = np.random.default_rng(1)
    pixels = np.repeat(rng.normal(228, 1.0, (*size, 1)), 3, axis=2)
    mask = np.zeros(size, np.float32)
    mask[60:300, 100:220] = 1.0
    pixels[mask > 0] = (180, 40, 50)
    return pixels.astype(np.uint8), mask


@pytest.mark.parametrize("name", ["persons/vitonhd_00641_00.jpg", "garments/vitonhdtrain_00817.jpg"])
def test_the_mask_is_exactly_rembgs(shared: Path, name: str) -> None:
    from PIL import Image
    from rembg.sessions.u2netp import U2netpSession

    from studio.media.decode import open_photo

    session = RealSession(shared / "models" / "u2netp.onnx")
    theirs = object.__new__(U2netpSession)  # without its constructor, which would look for a file to download
    theirs.inner_session = session.inner
    photo = open_photo(shared / "photos" / name)
    expected = np.asarray(theirs.predict(Image.fromarray(photo.rgb8))[0])
    ours = predict_mask(photo.rgb8, "u2netp", session)
    assert ours is not None
    assert np.array_equal(ours, expected)


def test_the_subject_is_kept_at_native_size() -> None:
    pixels, mask = scene()
    cutout, ctx = run(photo_of(np.repeat(np.repeat(pixels, 3, 0), 3, 1)), mask)
    assert cutout.alpha.shape == (960, 960)
    assert cutout.alpha[500, 480] == 1.0 and cutout.alpha[20, 20] == 0.0
    assert ctx.notes == []


def test_nothing_found_is_said_with_the_files_name() -> None:
    with pytest.raises(PipelineError) as caught:
        run(photo_of(np.full((64, 64, 3), 128)), np.full((320, 320), 0.4))
    assert caught.value.key == "cutout.empty"
    assert caught.value.values["file"] == "model.jpg"


def test_two_people_leave_the_larger_with_a_note() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (320, 320, 3))
    mask = np.zeros((320, 320), np.float32)
    mask[40:300, 20:90] = 1.0
    mask[60:310, 160:290] = 1.0
    cutout, ctx = run(photo_of(pixels), mask)
    assert cutout.alpha[200, 220] == 1.0 and cutout.alpha[200, 50] == 0.0
    assert [(note.key, note.values["count"]) for note in ctx.notes] == [("cutout.several_subjects", "2")]


def test_a_garment_may_have_two_pieces() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (320, 320, 3))
    mask = np.zeros((320, 320), np.float32)
    mask[40:140, 100:220] = mask[180:280, 100:220] = 1.0
    cutout, ctx = run(photo_of(pixels), mask, CutoutParams(role=PhotoRole.GARMENT))
    assert cutout.alpha[90, 150] == cutout.alpha[230, 150] == 1.0
    assert ctx.notes == []


def test_fragments_beside_the_subject_stay() -> None:
    mask = np.zeros((400, 400), np.float32)
    mask[50:350, 150:250] = 1.0
    mask[100:110, 255:262] = 1.0  # a strand
    mask[20:30, 20:30] = 1.0  # a lamp
    kept, dropped = keep_subject(mask)
    assert kept[105, 258] == 1.0 and kept[25, 25] == 0.0 and dropped == 0


def test_the_backdrop_is_found_under_uneven_light() -> None:
    y, x = np.mgrid[0:200, 0:160]
    wall = 200 + 30 * (x / 160) - 20 * (y / 200) ** 2
    pixels = np.repeat(wall[..., None], 3, 2).astype(np.uint8)
    mask = np.zeros((200, 160), np.float32)
    mask[60:, 50:110] = 1.0
    pixels[mask > 0] = (90, 60, 40)
    backdrop = fit_backdrop(pixels, mask)
    assert backdrop is not None and backdrop.is_studio
    evidence = weigh(pixels, backdrop)
    assert evidence.unlike[150, 80] and evidence.like[20, 20] and evidence.like[20, 150]


def test_a_busy_room_is_no_backdrop() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 160, 3)).astype(np.uint8)
    assert fit_backdrop(noise, np.zeros((200, 160), np.float32)) is None


def test_what_the_network_forgot_before_a_wall_is_added() -> None:
    """White trousers on a grey wall: the network saw only the jumper."""
    pixels, mask = scene()
    pixels[180:320, 100:220] = 252
    mask[180:] = 0
    cutout, _ = run(photo_of(pixels), mask)
    assert cutout.alpha[260, 160] > 0.8


def test_a_shadow_on_the_wall_is_not_added() -> None:
    pixels, mask = scene()
    shade = np.zeros((320, 320), np.float32)
    shade[100:300, 220:270] = 1
    shade = cv2.GaussianBlur(shade, (0, 0), 12) * (mask == 0)
    pixels = (pixels - 25 * shade[..., None]).astype(np.uint8)
    cutout, _ = run(photo_of(pixels), mask)
    assert cutout.alpha[200, 245] == 0.0


def test_the_wall_between_arm_and_waist_is_opened() -> None:
    pixels, mask = scene()
    pixels[120:200, 190:210] = 228
    mask[120:200, 190:210] = 0.9  # the network only doubted
    cutout, _ = run(photo_of(pixels), mask)
    assert cutout.alpha[160, 200] < 0.1
    assert cutout.alpha[160, 150] == 1.0


def test_white_cloth_on_white_is_not_opened() -> None:
    pixels, mask = scene()
    pixels[mask > 0] = 230
    mask[120:200, 190:210] = 0.9
    cutout, _ = run(photo_of(pixels), mask)
    assert cutout.alpha[160, 200] > 0.8


def test_mending_leaves_a_clean_mask_alone() -> None:
    pixels, mask = scene()
    backdrop = fit_backdrop(pixels, mask)
    assert backdrop is not None
    assert np.array_equal(complete_on_backdrop(pixels, mask, backdrop) > 0.5, mask > 0.5)


def white_shirt(cloth: float = 251.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A white shirt with a print on lighter-than-grey paper, noise of one level; its shape; the print alone."""
    rng = np.random.default_rng(4)
    shape = np.zeros((640, 480), np.uint8)
    outline = [(130, 90), (200, 70), (240, 90), (280, 70), (350, 90), (440, 190), (390, 240), (345, 200)]
    outline += [(350, 540), (130, 540), (135, 200), (90, 240), (40, 190)]
    cv2.fillPoly(shape, [np.array(outline, np.int32)], 1)
    y, x = np.mgrid[0:640, 0:480]
    shading = 1.5 * np.sin(x / 40.0) + 1.0 * np.cos(y / 55.0)
    grey = np.where(shape > 0, cloth + shading, 245.0) + rng.integers(-1, 2, shape.shape)
    pixels = np.repeat(np.clip(grey, 0, 255)[..., None], 3, 2)
    printed = np.zeros(shape.shape, np.float32)
    printed[230:360, 190:290] = 1
    pixels[printed > 0] = (190, 40, 60)
    return pixels.astype(np.uint8), shape > 0, printed


def overlap(alpha: np.ndarray, truth: np.ndarray) -> float:
    found = alpha > 0.5
    return float((found & truth).sum() / (found | truth).sum())


def garment_run(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    small = cv2.resize(mask, (320, 320), interpolation=cv2.INTER_AREA)
    return run(photo_of(pixels), small, CutoutParams(role=PhotoRole.GARMENT))[0].alpha


def test_a_white_shirt_of_which_the_network_saw_only_the_print_is_found_whole() -> None:
    pixels, truth, printed = white_shirt()
    assert overlap(garment_run(pixels, printed), truth) > 0.97


def test_a_shadow_on_even_paper_is_no_cloth() -> None:
    pixels, _, printed = white_shirt(cloth=245.0)
    pixels[printed == 0] = 245
    shade = np.zeros(printed.shape, np.float32)
    shade[340:420, 170:310] = 1
    shade = cv2.GaussianBlur(shade, (0, 0), 20) * (printed == 0)
    shaded = np.rint(pixels - 14 * shade[..., None]).astype(np.uint8)
    assert overlap(garment_run(shaded, printed), printed > 0) > 0.95


def test_paper_between_sleeve_and_body_is_opened_and_white_stripes_stay() -> None:
    pixels = np.full((640, 480, 3), 246, np.uint8)
    truth = np.zeros((640, 480), bool)
    truth[80:500, 100:380] = True
    pixels[truth] = (160, 20, 30)
    truth[200:500, 150:175] = False  # open at the hem
    pixels[200:500, 150:175] = 246
    pixels[120:450, 300:320] = 246  # a stripe
    mask = np.zeros((640, 480), np.float32)
    mask[80:500, 100:380] = 1
    assert overlap(garment_run(pixels, mask), truth) > 0.97


@pytest.mark.parametrize(("name", "least"), [("12562_00", 0.38), ("00008_00", 0.5), ("09266_00", 0.48)])
def test_pale_cloth_on_pale_paper_is_found_on_real_photos(shared: Path, name: str, least: float) -> None:
    """A white T-shirt of which the network sees the print (0.08 of the picture); white collars; white stripes."""
    from studio.media.decode import open_photo

    photo = open_photo(shared / "photos" / "pairs" / f"{name}_garment.jpg")
    mask = predict_mask(photo.rgb8, "u2netp", RealSession(shared / "models" / "u2netp.onnx"))
    assert mask is not None
    whole = garment_run(photo.rgb8, mask.astype(np.float32) / 255)
    assert least < float((whole > 0.5).mean()) < least + 0.06


def test_a_missing_network_says_how_to_get_it() -> None:
    note = MODNET.unavailable(FakeModels(np.zeros((4, 4)), installed=False))  # type: ignore[arg-type]  # as above
    assert note is not None and note.values["model"] == "modnet"


def test_modnet_answers_at_its_own_scale() -> None:
    pixels, mask = scene((300, 200))
    found = predict_mask(pixels, "modnet", FakeSession(mask[:, :200]))
    assert found is not None and found.shape == (300, 200)


def test_tiny_photos_do_not_crash() -> None:
    with pytest.raises(PipelineError):
        run(photo_of(np.zeros((1, 1, 3))), np.zeros((320, 320)))


class Voter:
    """A second network that sees clothes in the lower half of what it is shown."""

    @property
    def input_names(self) -> tuple[str, ...]:
        return ("input",)

    def run(self, feeds: Mapping[str, AnyArray]) -> list[AnyArray]:
        logits = np.zeros((1, 256, 256, 6), np.float32)
        logits[..., 0] = 6.0
        logits[:, 110:, 70:186, 4] = 12.0
        return [logits]


def test_white_trousers_are_added_by_the_second_networks_vote() -> None:
    mask = np.zeros((256, 256), np.float32)
    mask[20:120, 70:186] = 1
    mask[120:250, 60:72] = mask[120:250, 184:196] = 1  # the arms
    voted = add_voted_clothes(np.full((256, 256, 3), 235, np.uint8), mask, Voter())
    assert voted[200, 128] == 1.0 and voted[200, 20] == 0.0
    assert np.array_equal(voted[:100], mask[:100])


def test_a_boot_that_the_network_half_saw_is_kept_and_haze_is_not() -> None:
    mask = np.zeros((256, 256), np.float32)
    mask[20:180, 100:140] = 1
    mask[180:230, 100:140] = 0.3  # the boot
    mask[60:120, 140:143] = 0.3  # the soft rim of the outline
    mask[40:100, 180:230] = 0.3  # a thing behind
    mended = add_doubted_pieces(mask)
    assert mended[185:225, 105:135].min() == 1.0
    assert np.array_equal(mended[:170], mask[:170])


def test_doubt_about_white_trousers_is_settled_by_the_vote() -> None:
    mask = np.zeros((256, 256), np.float32)
    mask[20:250, 60:196] = 1
    mask[150:200, 100:160] = 0.6  # neither cloth nor wall to the first network
    mask[60:90, 100:160] = 0.6  # the second sees no clothes there
    settled = add_voted_clothes(np.full((256, 256, 3), 235, np.uint8), mask, Voter())
    assert settled[155:195, 105:155].min() == 1.0
    assert settled[75, 128] == np.float32(0.6)


def test_a_shadow_on_the_floor_is_no_clothes_whatever_the_vote() -> None:
    pixels = np.full((256, 256, 3), 240, np.uint8)
    mask = np.zeros((256, 256), np.float32)
    mask[20:40], mask[40:250, 60:70] = 1, 1  # arms held out, one leg
    shadow = np.zeros((256, 256), np.float32)
    shadow[110:250, 70:190] = 24
    dark = pixels - cv2.GaussianBlur(shadow, (0, 0), 8.0)[..., None]
    pixels = np.rint(dark).astype(np.uint8)
    backdrop = fit_backdrop(np.full((256, 256, 3), 240, np.uint8), mask)
    assert add_voted_clothes(pixels, mask, Voter())[180, 128] == 1.0
    assert add_voted_clothes(pixels, mask, Voter(), backdrop)[180, 128] == 0.0


def roughness(alpha: np.ndarray) -> float:
    """Length of the outline over that of the same outline smoothed."""

    def length(plane: np.ndarray) -> float:
        found, _ = cv2.findContours((plane > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        return float(max(cv2.arcLength(contour, closed=True) for contour in found))

    return length(alpha) / length(cv2.GaussianBlur(alpha, (0, 0), 6.0))


def test_pale_cloth_on_pale_paper_has_a_clean_outline_after_compression() -> None:
    """The edge lies where the cloth ends, not where compression's ringing does, and does not fray."""
    pixels, truth, printed = white_shirt()
    dark = cv2.morphologyEx(truth.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    pixels[dark & truth] = 225  # the cloth's own thin edge
    done, packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done
    packed_pixels = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    alpha = garment_run(packed_pixels, printed)
    clean = correct_contour(packed_pixels, alpha, EdgesParams(), Progress.silent()).alpha
    assert overlap(clean, truth) > 0.975
    assert roughness(clean) < 1.1


def test_the_white_trousers_of_a_real_photo_are_kept(shared: Path) -> None:
    from studio.media.decode import open_photo

    class Models(FakeModels):
        def is_installed(self, model_id: str) -> bool:
            return True

        def session(self, model_id: str) -> OnnxSession:
            return RealSession(shared / "models" / f"{model_id}.onnx")

    photo = open_photo(shared / "photos" / "pairs" / "00013_00_person.jpg")
    ctx = StageContext(Models(np.zeros((4, 4))), Progress.silent())  # type: ignore[arg-type]  # as above
    alpha = U2NETP.run(Inputs({"photo": photo}), CutoutParams(), ctx).alpha
    assert float((alpha[700:1000, 330:460] > 0.5).mean()) > 0.9
