"""Open fronts: found in a product picture, built as two panels, worn over what the person has on."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import Category, Cutout, GarmentArtefacts, Neckline, ParseMap, PersonArtefacts, Photo
from studio.domain.edits import GarmentOverride, HemStyle, LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.blend import blend_look
from studio.pipeline.garment import analyse_garment
from studio.pipeline.garments.fronts import close_gap
from studio.pipeline.residue import Dressed, find_residue
from studio.pipeline.tryon.drape import DRAPE
from studio.pipeline.tryon.draping.fronts import inner_edges
from tests.pipeline.tryon_figures import (
    BACKDROP,
    LONG,
    NEW_TOP,
    OLD_TOP,
    SKIN,
    TEE,
    context,
    draw_garment,
    draw_person,
    dressed_garment,
    outline,
)

SIZE = (480, 640)
LINING = (60, 30, 90)
SLIM = (
    (-0.10, 0.0), (-0.24, 0.05), (-0.34, 0.45), (-0.37, 0.80), (-0.29, 0.80), (-0.265, 0.5), (-0.235, 0.28),
    (-0.235, 1.0),
)  # fmt: skip
"""A jacket as long as the person's own top."""


def draw_open(
    inner: float = 0.09, lower: float | None = None, lining: tuple[int, int, int] | None = LINING, back: float = 0.97
) -> tuple[Photo, Cutout]:
    """Return a jacket that stands open, with its exact cutout.

    inner, lower: half-width of the opening at the neck and at the hem. lining: None shows the backdrop below the neck.
    back: where the back ends, in shares of the height.
    """
    photo, cutout = draw_garment(SLIM, size=SIZE)
    rgb, alpha, foreground = photo.pixels.copy(), cutout.alpha.copy(), cutout.foreground.copy()
    height, middle = 0.8 * SIZE[1], SIZE[0] / 2
    top = (SIZE[1] - height) / 2
    lower = inner if lower is None else lower

    def between(first: float, last: float) -> np.ndarray:
        halves = [inner + (lower - inner) * share for share in (first, last)]
        points = [(-halves[0], first), (halves[0], first), (halves[1], last), (-halves[1], last)]
        area = np.zeros(alpha.shape, np.uint8)
        corners = np.array(points) * height + (middle, top)
        cv2.fillPoly(area, [np.round(corners).astype(np.int32)], 1)
        return area > 0

    shown = between(-0.02, back) & (alpha > 0)
    rgb[shown] = foreground[shown] = lining or LINING
    bare = between(back if lining else 0.2, 1.05)
    rgb[bare], alpha[bare] = BACKDROP, 0.0
    return Photo(rgb, "3" * 64, "jacket.png"), Cutout(alpha, foreground)


def _worn(person: PersonArtefacts, order: LayerOrder | None = None) -> tuple[np.ndarray, np.ndarray, Dressed]:
    """Return the look's pixels, the new garment's mask, and the look as the residue check sees it."""
    photo, cutout = draw_open()
    garment = GarmentArtefacts(photo, cutout, analyse_garment(photo, cutout))
    tryon = DRAPE.dress(person, garment, context(), layers=order or LayerOrder())
    look = blend_look(person.photo, person.cutout, tryon)
    return look.rgb8, look.garment_mask, Dressed.of(look)


@pytest.fixture(scope="module")
def person() -> PersonArtefacts:
    return draw_person()


@pytest.mark.parametrize(
    ("inner", "lower", "lining"),
    [(0.09, 0.09, LINING), (0.07, 0.14, LINING), (0.09, 0.05, (215, 190, 200)), (0.08, 0.08, None)],
    ids=["straight", "cut away", "pale lining", "backdrop between"],
)
def test_an_open_front_is_seen_and_traced(inner: float, lower: float, lining: tuple[int, int, int] | None) -> None:
    garment = analyse_garment(*draw_open(inner, lower, lining))
    assert (garment.category, garment.neckline) == (Category.OUTERWEAR, Neckline.OPEN)
    names = sorted(name for name in garment.landmarks if name.startswith("neckline_"))
    line = np.array([garment.landmarks[name] for name in names])
    half = len(line) // 2
    height, top = 0.8 * SIZE[1], 0.1 * SIZE[1]
    share = np.clip((line[:, 1] - top) / height, 0, 1)
    wanted = (inner + (lower - inner) * share) * height
    drawn = share < 0.95
    side = np.where(np.arange(len(line)) < half, -1, 1)
    assert np.abs(side * (line[:, 0] - SIZE[0] / 2) - wanted)[drawn].max() < 0.012 * height


def test_panels_are_two_grids_held_behind_the_neck() -> None:
    garment = analyse_garment(*draw_open())
    left, right = inner_edges(garment)
    mesh = garment.mesh
    assert (mesh.vertices[left, 0] < SIZE[0] / 2).all() and (mesh.vertices[right, 0] > SIZE[0] / 2).all()
    joined = {frozenset((int(a), int(b))) for face in mesh.faces for a, b in (face[:2], face[1:], face[::2])}
    low = {int(vertex) for vertex in left[8:]}, {int(vertex) for vertex in right[8:]}
    assert not any(len(edge & low[0]) and len(edge & low[1]) for edge in joined)


@pytest.mark.parametrize("half", [LONG, TEE], ids=["long", "tee"])
def test_a_plain_front_is_closed(half: tuple[tuple[float, float], ...]) -> None:
    garment = analyse_garment(*draw_garment(half))
    assert garment.neckline is not Neckline.OPEN and garment.category is Category.TOP


def test_a_placket_is_no_opening() -> None:
    garment = analyse_garment(*draw_open(0.018, 0.018, back=1.0))
    assert garment.neckline is not Neckline.OPEN


def test_a_front_of_two_colours_is_no_opening() -> None:
    """Its hem goes on across the middle, and nothing of the middle lies in shadow."""
    garment = analyse_garment(*draw_open(0.1, 0.1, lining=(235, 120, 140), back=1.0))
    assert garment.neckline is not Neckline.OPEN


def test_the_operator_says_whether_a_front_is_open() -> None:
    photo, cutout = draw_open()
    closed = analyse_garment(photo, cutout, GarmentOverride(neckline="crew"))
    assert closed.neckline is Neckline.CREW and not any(len(edge) == 0 for edge in inner_edges(closed))
    faint = draw_open(0.1, 0.1, lining=(235, 120, 140), back=1.0)
    assert analyse_garment(*faint, GarmentOverride(neckline="open")).neckline is Neckline.OPEN
    plain = analyse_garment(*draw_garment(SLIM), GarmentOverride(neckline="open"))
    assert "garment.front_unsure" in [note.key for note in plain.reasons]


def test_a_coat_under_a_coat_is_announced(person: PersonArtefacts) -> None:
    coat = np.where(person.parse.labels == Cihp.UPPER, np.uint8(Cihp.COAT), person.parse.labels).astype(np.uint8)
    wearer = replace(person, parse=ParseMap(coat))
    photo, cutout = draw_open()
    garment = GarmentArtefacts(photo, cutout, analyse_garment(photo, cutout))
    assert "tryon.over_coat" in [note.key for note in DRAPE.assess(wearer, garment).reasons]
    assert "tryon.over_coat" not in [note.key for note in DRAPE.assess(person, garment).reasons]


def test_trouser_legs_and_necklines_are_no_gap_between_panels() -> None:
    ring = outline(((-0.2, 0.0), (-0.3, 1.0)), SIZE, 0.8 * SIZE[1])
    alpha = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    cv2.fillPoly(alpha, [ring], 1)
    slit, neck = alpha.copy(), alpha.copy()
    slit[400:, 220:260] = 0
    neck[:260, 200:280] = 0
    for plane in (alpha, slit, neck):
        assert not close_gap(plane.astype(np.float32))[1].any()
    panels = alpha.copy()
    panels[200:, 220:260] = 0
    filled, gap = close_gap(panels.astype(np.float32))
    assert (filled[gap] == 1).all() and gap[300, 240] and not gap[150, 240]


def test_the_own_top_stays_between_the_panels_and_goes_beside_them(person: PersonArtefacts) -> None:
    pixels, worn, dressed = _worn(person)
    before = person.photo.rgb8
    assert (worn[200:300, 140:150] > 200).all() and (worn[200:300, 234:244] > 200).all()
    between = np.s_[180:300, 184:200]
    assert not worn[between].any()
    assert np.abs(pixels[between].astype(int) - before[between]).max() <= 4  # but for the panels' shadow
    bare = np.abs(pixels.astype(int) - SKIN).max(axis=2) < 30
    assert not bare[170:320, 150:234].any()
    old = np.abs(pixels.astype(int) - OLD_TOP).max(axis=2) < 25
    arms = np.zeros(old.shape, bool)
    arms[160:240, :125] = arms[160:240, 259:] = True
    assert not (old & arms).any()
    assert find_residue(before, dressed, person.parse, draw_open()[1], Category.OUTERWEAR).share < 0.002


def test_panels_keep_their_colour_and_the_lining_stays_behind(person: PersonArtefacts) -> None:
    pixels, worn, _ = _worn(person)
    shown = pixels[worn > 250].astype(int)
    assert np.abs(np.median(shown, axis=0) - NEW_TOP).max() < 12
    lining = np.abs(pixels.astype(int) - LINING).max(axis=2) < 20
    assert not lining[160:].any()


def test_outerwear_hangs_over_a_tucked_top_unless_somebody_says_otherwise(person: PersonArtefacts) -> None:
    _, hanging, _ = _worn(person)
    _, tucked, _ = _worn(person, LayerOrder(HemStyle.TUCKED))
    assert hanging[315:, 140:150].any() and tucked.sum() < hanging.sum()


def test_labels_say_what_is_worn_under_the_panels(person: PersonArtefacts) -> None:
    photo, cutout = draw_open()
    garment = GarmentArtefacts(photo, cutout, analyse_garment(photo, cutout))
    labels = DRAPE.dress(person, garment, context(), layers=LayerOrder()).labels
    assert set(np.unique(labels[400:600, 370:400])) == {int(Cihp.UPPER)}
    assert (labels[400:600, 285:295] == Cihp.COAT).all()


def test_the_leak_free_engine_keeps_nothing_of_the_old_top(person: PersonArtefacts) -> None:
    photo, cutout = draw_open()
    garment = GarmentArtefacts(photo, cutout, analyse_garment(photo, cutout))
    tryon = DRAPE.dress(person, garment, context(), layers=LayerOrder(), leak_free=True)
    pixels = blend_look(person.photo, person.cutout, tryon).rgb8
    old = np.abs(pixels.astype(int) - OLD_TOP).max(axis=2) < 25
    assert not old[180:300, 184:200].any()


def test_a_closed_top_still_replaces_what_was_worn(person: PersonArtefacts) -> None:
    tryon = DRAPE.dress(person, dressed_garment(TEE), context(), layers=LayerOrder())
    pixels = blend_look(person.photo, person.cutout, tryon).rgb8
    assert not (np.abs(pixels.astype(int) - OLD_TOP).max(axis=2) < 25)[180:300, 150:234].any()
