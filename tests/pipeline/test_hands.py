"""Hands before bare legs end where they are seen to end."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.arrays import U8
from studio.domain.labels import Cihp
from studio.pipeline.tryon.drape import _fit
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.fields import BodyFields, measure_fields
from studio.pipeline.tryon.draping.hands import part_hands
from tests.pipeline.tryon_figures import draw_person


def _from(point: npt.NDArray[np.intp], x: int, y: int) -> tuple[int, int]:
    return int(point[0]) + x, int(point[1]) + y


def _drawn() -> tuple[Body, BodyFields, npt.NDArray[np.intp]]:
    """Return the drawn person's body, its fields on a raster with room below the hands, and the right wrist."""
    person = draw_person()
    body = _fit(person, leak_free=False).body
    shape = (person.photo.size[1] + 120, person.photo.size[0])
    fields = measure_fields(body, shape)
    wrist = body.arms[0].points[2].astype(np.intp)
    return body, fields, wrist


def test_a_leg_below_the_fingers_is_not_the_hands() -> None:
    body, fields, wrist = _drawn()
    shape = fields.shape
    hand, leg = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    cv2.line(hand, body.arms[0].points[1].astype(int).tolist(), _from(wrist, 0, 30), 1, 22)
    cv2.rectangle(leg, _from(wrist, -8, 10), _from(wrist, 90, 130), 1, -1)
    rgb = np.full((*shape, 3), 225, np.uint8)
    rgb[leg > 0], rgb[hand > 0] = (140, 80, 55), (190, 125, 95)
    rgb = np.clip(rgb + np.random.default_rng(1).normal(0, 3, rgb.shape), 0, 255).astype(np.uint8)
    # The parse map gives all within a circle about the fingers to the hand.
    circle = np.zeros(shape, np.uint8)
    cv2.circle(circle, _from(wrist, 0, 20), 36, 1, -1)
    labels = np.zeros(shape, np.uint8)
    labels[leg > 0] = Cihp.RIGHT_LEG
    labels[(hand > 0) | ((circle > 0) & (leg > 0))] = Cihp.RIGHT_ARM
    parted = part_hands(labels, rgb, body, fields)
    assert ((parted == Cihp.RIGHT_ARM) != (hand > 0)).sum() < 60
    assert (parted[(leg > 0) & (hand == 0)] == Cihp.RIGHT_LEG).mean() > 0.99
    assert (labels[(leg > 0) & (hand == 0)] == Cihp.RIGHT_LEG).mean() < 0.9


def test_a_hand_away_from_legs_stays_as_it_is() -> None:
    person = draw_person()
    body = _fit(person, leak_free=False).body
    labels = person.parse.labels.copy()
    fields = measure_fields(body, (labels.shape[0], labels.shape[1]))
    labels[400:, 160:230] = Cihp.RIGHT_LEG  # a leg, but not beside the hand
    assert np.array_equal(part_hands(labels, person.photo.rgb8, body, fields), labels)


def test_a_hand_below_a_long_sleeve_is_no_leg_though_a_scrap_of_the_arm_is_seen_elsewhere() -> None:
    body, fields, wrist = _drawn()
    shape = fields.shape
    labels = np.zeros(shape, np.uint8)
    cv2.rectangle(labels, _from(wrist, -30, 10), _from(wrist, 90, 130), int(Cihp.RIGHT_LEG), -1)
    hand = np.zeros(shape, np.uint8)
    cv2.line(hand, _from(wrist, 0, 6), _from(wrist, 0, 36), 1, 22)
    labels[(hand > 0) & (fields.along[0] >= 1.96)] = Cihp.RIGHT_ARM
    elbow = body.arms[0].points[1].astype(int)
    labels[elbow[1] - 6 : elbow[1] + 6, elbow[0] - 6 : elbow[0] + 6] = Cihp.RIGHT_ARM
    rgb = np.full((*shape, 3), 225, np.uint8)
    rgb[labels == Cihp.RIGHT_LEG], rgb[labels == Cihp.RIGHT_ARM] = (140, 80, 55), (190, 125, 95)
    assert np.array_equal(part_hands(labels, rgb, body, fields), labels)


def _on_denim() -> tuple[Body, BodyFields, npt.NDArray[np.intp], U8, U8]:
    """Return the drawn person with its right hand on denim: body, fields, wrist, labels, RGB."""
    body, fields, wrist = _drawn()
    shape = fields.shape
    labels = np.zeros(shape, np.uint8)
    cv2.rectangle(labels, _from(wrist, -8, -40), _from(wrist, 90, 130), int(Cihp.TROUSERS), -1)
    cv2.line(labels, body.arms[0].points[1].astype(int).tolist(), wrist.tolist(), int(Cihp.RIGHT_ARM), 22)
    cv2.circle(labels, _from(wrist, 4, 26), 26, int(Cihp.RIGHT_ARM), -1)
    rgb = np.full((*shape, 3), 225, np.uint8)
    rgb[labels == Cihp.TROUSERS], rgb[labels == Cihp.RIGHT_ARM] = (70, 100, 160), (190, 125, 95)
    return body, fields, wrist, labels, rgb


def test_cloth_between_thumb_and_fingers_is_not_the_hands_though_threads_hang_across_it() -> None:
    body, fields, wrist, labels, rgb = _on_denim()
    gap, nail = np.zeros(labels.shape, np.uint8), np.zeros(labels.shape, np.uint8)
    cv2.ellipse(gap, _from(wrist, 2, 26), (7, 15), 0, 0, 360, 1, -1)
    cv2.ellipse(nail, _from(wrist, 20, 34), (4, 5), 0, 0, 360, 1, -1)
    rgb[gap > 0], rgb[nail > 0] = (12, 24, 46), (235, 236, 240)
    y = int(wrist[1]) + 26
    rgb[y - 1 : y + 2][gap[y - 1 : y + 2] > 0] = (150, 155, 165)  # a thread
    rgb = np.clip(rgb + np.random.default_rng(1).normal(0, 3, rgb.shape), 0, 255).astype(np.uint8)
    assert (labels[gap > 0] == Cihp.RIGHT_ARM).all()
    parted = part_hands(labels, rgb, body, fields)
    assert (parted[gap > 0] == Cihp.TROUSERS).mean() > 0.9
    assert (parted[gap == 0] == labels[gap == 0]).mean() > 0.999
    assert (parted[nail > 0] == Cihp.RIGHT_ARM).all()


def test_a_top_beside_an_arm_is_no_gap() -> None:
    body, fields, wrist = _drawn()
    shape = fields.shape
    labels = np.zeros(shape, np.uint8)
    cv2.rectangle(labels, _from(wrist, -8, 30), _from(wrist, 90, 130), int(Cihp.TROUSERS), -1)
    cv2.rectangle(labels, _from(wrist, 10, -40), _from(wrist, 90, 30), int(Cihp.UPPER), -1)
    cv2.line(labels, body.arms[0].points[1].astype(int).tolist(), wrist.tolist(), int(Cihp.RIGHT_ARM), 22)
    cv2.circle(labels, _from(wrist, 0, 24), 26, int(Cihp.RIGHT_ARM), -1)
    rgb = np.full((*shape, 3), 225, np.uint8)
    rgb[labels == Cihp.TROUSERS], rgb[labels == Cihp.RIGHT_ARM] = (70, 100, 160), (190, 125, 95)
    rgb[labels == Cihp.UPPER] = (26, 40, 70)
    shade = np.zeros(shape, np.uint8)
    cv2.rectangle(shade, _from(wrist, 10, 4), _from(wrist, 26, 26), 1, -1)
    rgb[(shade > 0) & (labels == Cihp.RIGHT_ARM)] = (26, 40, 70)
    assert np.array_equal(part_hands(labels, rgb, body, fields), labels)


def test_shade_between_fingers_without_any_cloths_hue_stays_the_hands() -> None:
    body, fields, wrist, labels, rgb = _on_denim()
    cv2.ellipse(rgb, _from(wrist, 2, 26), (7, 15), 0, 0, 360, (34, 20, 14), -1)
    assert np.array_equal(part_hands(labels, rgb, body, fields), labels)
