"""From OpenPose maps to people: pre-processing, peaks, assembly along part affinity fields, drawing.

The numbers and their order of evaluation follow the published PyTorch conversions, so that keypoints of equal
maps are equal; where the conversions for COCO-18 and BODY_25 differ, `Skeleton` says how.

Source: Cao, Hidalgo, Simon, Wei, Sheikh, "OpenPose: Realtime Multi-Person 2D Pose Estimation using Part
Affinity Fields", TPAMI 2019, section 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from studio.domain.arrays import F32, F64, U8

BOX_HEIGHT = 368
"""Height of the network's training pictures; photos are brought to `scale * 368` pixels."""

SEARCH_SCALE = 0.5
STRIDE = 8
PAD_VALUE = 128

PEAK_SIGMA = 3.0
PEAK_THRESHOLD = 0.1
LIMB_SAMPLES = 10
LIMB_THRESHOLD = 0.05
LIMB_AGREEMENT = 0.8
"""A limb needs more than this share of its samples above the threshold."""

MIN_PARTS = 4
MIN_SCORE_PER_PART = 0.4


@dataclass(frozen=True, slots=True)
class Limb:
    """Two keypoints joined by a limb, and the pair of field channels (x, y) that points from start to end.

    starts_person: whether this limb alone may begin a new person.
    """

    start: int
    end: int
    channels: tuple[int, int]
    starts_person: bool = True


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A keypoint set with its limbs in the order of assembly.

    min_length: limbs are treated as at least this long; 0 skips coincident points instead of dividing by zero.
    """

    keypoints: tuple[str, ...]
    limbs: tuple[Limb, ...]
    min_length: float

    @property
    def keypoint_count(self) -> int:
        return len(self.keypoints)


def _limbs(pairs: str, first_channels: str, *, base: int = 0, sleeping: tuple[int, ...] = ()) -> tuple[Limb, ...]:
    """Read limbs "a-b ..." and the first of each one's two field channels."""
    limbs = []
    for number, (pair, channel) in enumerate(zip(pairs.split(), first_channels.split(), strict=True)):
        start, end = (int(text) - base for text in pair.split("-"))
        limbs.append(Limb(start, end, (int(channel), int(channel) + 1), number not in sleeping))
    return tuple(limbs)


_HEAD_AND_ARMS = ("nose", "neck", "r_shoulder", "r_elbow", "r_wrist", "l_shoulder", "l_elbow", "l_wrist")
_LEGS = ("r_hip", "r_knee", "r_ankle", "l_hip", "l_knee", "l_ankle")
_FACE = ("r_eye", "l_eye", "r_ear", "l_ear")
_FEET = ("l_bigtoe", "l_smalltoe", "l_heel", "r_bigtoe", "r_smalltoe", "r_heel")

COCO18 = Skeleton(
    keypoints=(*_HEAD_AND_ARMS, *_LEGS, *_FACE),
    limbs=_limbs(
        "2-3 2-6 3-4 4-5 6-7 7-8 2-9 9-10 10-11 2-12 12-13 13-14 2-1 1-15 15-17 1-16 16-18 3-17 6-18",
        "12 20 14 16 22 24 0 2 4 6 8 10 28 30 34 32 36 18 26",
        base=1,
        sleeping=(17, 18),
    ),
    min_length=0.001,
)
BODY25 = Skeleton(
    keypoints=(*_HEAD_AND_ARMS, "mid_hip", *_LEGS, *_FACE, *_FEET),
    limbs=_limbs(
        "1-0 1-2 2-3 3-4 1-5 5-6 6-7 1-8 8-9 9-10 10-11 8-12 12-13 13-14 0-15 0-16 15-17 16-18 "
        "11-24 11-22 14-21 14-19 22-23 19-20",
        "30 14 16 18 22 24 26 0 6 2 4 8 10 12 32 34 36 38 50 46 44 40 48 42",
    ),
    min_length=0.0,
)
DRAWN_LIMBS = 17
"""The ear-shoulder limbs help the assembly and are not drawn."""

COLOURS: tuple[tuple[int, int, int], ...] = (
    (0, 0, 255),
    (0, 85, 255),
    (0, 170, 255),
    (0, 255, 255),
    (0, 255, 170),
    (0, 255, 85),
    (0, 255, 0),
    (85, 255, 0),
    (170, 255, 0),
    (255, 255, 0),
    (255, 170, 0),
    (255, 85, 0),
    (255, 0, 0),
    (255, 0, 85),
    (255, 0, 170),
    (255, 0, 255),
    (170, 0, 255),
    (85, 0, 255),
)
"""RGB of keypoints and limbs, in order, as the published drawings look."""


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Assembled people.

    candidates: float64 `(N, 4)`: x, y, score, id of every peak, ordered by keypoint.
    subsets: float64 `(P, K + 2)`: per person the candidate ids (-1: missing), total score, number of parts.
    """

    candidates: F64
    subsets: F64

    def keypoints(self) -> F64:
        """Return float64 `(P, K, 3)`: x, y, score; zeros where a keypoint is missing."""
        ids = self.subsets[:, :-2].astype(np.int64)
        out = np.zeros((*ids.shape, 3))
        if len(self.candidates):
            found = ids >= 0
            out[found] = self.candidates[ids[found], :3]
        return out


@dataclass(frozen=True, slots=True)
class Padding:
    """What was added to a scaled photo below and to the right."""

    down: int
    right: int


def preprocess(photo: U8, *, scale: float = SEARCH_SCALE) -> tuple[F32, Padding]:
    """Return the network's input for an RGB photo, float32 `(3, H, W)` in BGR order, and its padding."""
    import cv2

    factor = scale * BOX_HEIGHT / photo.shape[0]
    bgr = np.ascontiguousarray(photo[..., ::-1])
    resized = cv2.resize(bgr, (0, 0), fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    padding = Padding(-resized.shape[0] % STRIDE, -resized.shape[1] % STRIDE)
    padded = np.pad(resized, ((0, padding.down), (0, padding.right), (0, 0)), constant_values=PAD_VALUE)
    scaled = padded.astype(np.float32) / 256 - 0.5
    return np.ascontiguousarray(scaled.transpose(2, 0, 1), dtype=np.float32), padding


def resize_maps(maps: F32, padding: Padding, size: tuple[int, int]) -> F32:
    """Bring network maps to the photo's size.

    Args:
        maps: float32 `(C, h, w)`, at an eighth of the padded input.
        padding: of the input.
        size: `(width, height)` of the photo.

    Returns:
        float32 `(height, width, C)`.
    """
    import cv2

    out = np.empty((size[1], size[0], len(maps)), np.float32)
    for channel, plane in enumerate(maps):  # cv2 handles few channels at once, and planes need less memory
        large = cv2.resize(plane, (0, 0), fx=STRIDE, fy=STRIDE, interpolation=cv2.INTER_CUBIC)
        inner = large[: large.shape[0] - padding.down, : large.shape[1] - padding.right]
        out[..., channel] = cv2.resize(inner, size, interpolation=cv2.INTER_CUBIC)
    return out


def smooth_heatmap(heatmap: F32) -> F64:
    """Return one keypoint's heat map smoothed for locating peaks, `(H, W)`."""
    from scipy import ndimage

    smoothed: F64 = ndimage.gaussian_filter(heatmap.astype(np.float64), sigma=PEAK_SIGMA)
    return smoothed


def find_peaks(heatmap: F32) -> F64:
    """Return the peaks of one heat map, float64 `(N, 3)`: x, y, score; row by row.

    A peak is no lower than its four neighbours in the smoothed map (zero outside the picture); its score is the
    unsmoothed value. A plateau gives several peaks.
    """
    smoothed = smooth_heatmap(heatmap)
    framed = np.pad(smoothed, 1)
    is_peak = smoothed > PEAK_THRESHOLD
    for neighbour in (framed[:-2, 1:-1], framed[2:, 1:-1], framed[1:-1, :-2], framed[1:-1, 2:]):
        is_peak &= smoothed >= neighbour
    ys, xs = np.nonzero(is_peak)
    return np.stack([xs, ys, heatmap[ys, xs]], axis=1).astype(np.float64)


def _numbered_peaks(heatmaps: F32, count: int) -> list[F64]:
    """Return per keypoint float64 `(N, 4)`: x, y, score and an id that runs over all keypoints."""
    peaks: list[F64] = []
    next_id = 0
    for keypoint in range(count):
        found = find_peaks(np.ascontiguousarray(heatmaps[..., keypoint]))
        ids = np.arange(next_id, next_id + len(found), dtype=np.float64)
        next_id += len(found)
        peaks.append(np.column_stack([found, ids]))
    return peaks


def _sample_positions(start: float, end: float) -> list[int]:
    """Return the pixel of each sample between two coordinates; halves go to the even pixel."""
    return [round(float(value)) for value in np.linspace(start, end, LIMB_SAMPLES)]


def _limb_score(start: F64, end: F64, field: F32, height: int, min_length: float) -> float | None:
    """Return how well the field supports a limb between two peaks, or None where it does not."""
    direction = end[:2] - start[:2]
    length = max(min_length, math.sqrt(float(direction[0] * direction[0] + direction[1] * direction[1])))
    if length == 0.0:
        return None
    direction = direction / length
    xs = _sample_positions(start[0], end[0])
    ys = _sample_positions(start[1], end[1])
    sampled = field[ys, xs].astype(np.float64)
    along = sampled[:, 0] * direction[0] + sampled[:, 1] * direction[1]
    score = float(along.sum()) / LIMB_SAMPLES + min(0.5 * height / length - 1, 0)
    agreeing = int((along > LIMB_THRESHOLD).sum())
    return score if agreeing > LIMB_AGREEMENT * LIMB_SAMPLES and score > 0 else None


def connect_limb(starts: F64, ends: F64, field: F32, height: int, min_length: float) -> list[tuple[int, int, float]]:
    """Pair the peaks of a limb's two keypoints, best first, each used once.

    Args:
        starts, ends: float64 `(N, 4)`: x, y, score, id.
        field: the limb's field, float32 `(H, W, 2)`.
        height: of the photo; limbs longer than half of it are penalised.

    Returns:
        Id of the start, id of the end, score.
    """
    pairs = []
    for i, start in enumerate(starts):
        for j, end in enumerate(ends):
            score = _limb_score(start, end, field, height, min_length)
            if score is not None:
                pairs.append((score, i, j))
    pairs.sort(key=lambda pair: -pair[0])
    free_starts, free_ends = set(range(len(starts))), set(range(len(ends)))
    chosen = []
    for score, i, j in pairs:
        if i in free_starts and j in free_ends:
            free_starts.remove(i)
            free_ends.remove(j)
            chosen.append((int(starts[i, 3]), int(ends[j, 3]), score))
    return chosen


class _Assembly:
    """People grown limb by limb; a row holds one candidate id per keypoint, the total score and the part count."""

    def __init__(self, keypoint_count: int, peak_scores: F64) -> None:
        self.rows: list[F64] = []
        self._keypoint_count = keypoint_count
        self._peak_scores = peak_scores

    def add(self, limb: Limb, start: int, end: int, score: float) -> None:
        """Take up one connection: extend the person it touches, join two people, or begin a new one."""
        touched = [row for row in self.rows if row[limb.start] == start or row[limb.end] == end][:2]
        if not touched:
            if limb.starts_person:
                self._begin(limb, start, end, score)
        elif len(touched) == 2 and self._are_disjoint(touched[0], touched[1]):
            self._join(touched[0], touched[1], score)
        elif len(touched) == 2 or touched[0][limb.end] != end:
            self._extend(touched[0], limb, end, score)

    def _begin(self, limb: Limb, start: int, end: int, score: float) -> None:
        row = np.full(self._keypoint_count + 2, -1.0)
        row[limb.start], row[limb.end] = start, end
        row[-2] = float(self._peak_scores[start] + self._peak_scores[end]) + score
        row[-1] = 2
        self.rows.append(row)

    def _extend(self, row: F64, limb: Limb, end: int, score: float) -> None:
        row[limb.end] = end
        row[-2] += self._peak_scores[end] + score
        row[-1] += 1

    def _are_disjoint(self, first: F64, second: F64) -> bool:
        return not np.any((first[:-2] >= 0) & (second[:-2] >= 0))

    def _join(self, first: F64, second: F64, score: float) -> None:
        first[:-2] += second[:-2] + 1  # missing is -1, so a sum with one missing side is the other side
        first[-2] += second[-2] + score
        first[-1] += second[-1]
        self.rows = [row for row in self.rows if row is not second]

    def people(self) -> F64:
        """Return the rows that hold enough parts with enough score each, `(P, K + 2)`."""
        kept = [row for row in self.rows if row[-1] >= MIN_PARTS and row[-2] / row[-1] >= MIN_SCORE_PER_PART]
        return np.stack(kept) if kept else np.empty((0, self._keypoint_count + 2))


def assemble(heatmaps: F32, paf: F32, skeleton: Skeleton) -> People:
    """Find people in maps at the photo's size.

    Args:
        heatmaps: float32 `(H, W, K + 1)`, background last.
        paf: float32 `(H, W, channels)`.
        skeleton: the keypoint set of the maps.
    """
    peaks = _numbered_peaks(heatmaps, skeleton.keypoint_count)
    candidates = np.concatenate(peaks)
    assembly = _Assembly(skeleton.keypoint_count, candidates[:, 2])
    for limb in skeleton.limbs:
        field = paf[..., list(limb.channels)]
        links = connect_limb(peaks[limb.start], peaks[limb.end], field, heatmaps.shape[0], skeleton.min_length)
        for start, end, score in links:
            assembly.add(limb, start, end, score)
    return People(candidates, assembly.people())


def decode(heatmaps: F32, paf: F32, padding: Padding, size: tuple[int, int], skeleton: Skeleton) -> People:
    """Find people in a network's output.

    Args:
        heatmaps: float32 `(K + 1, h, w)`.
        paf: float32 `(channels, h, w)`.
        padding: of the network's input.
        size: `(width, height)` of the photo the keypoints are wanted in.
        skeleton: the keypoint set of the network.
    """
    return assemble(resize_maps(heatmaps, padding, size), resize_maps(paf, padding, size), skeleton)


@dataclass(frozen=True, slots=True)
class HandBox:
    """A square around a hand, for the hand network."""

    x: int
    y: int
    side: int
    is_left: bool


HAND_REACH = 0.33
"""The hand's centre lies this share of the forearm beyond the wrist."""

HAND_SIDE = 1.5
UPPER_ARM_SHARE = 0.9
MIN_HAND_SIDE = 20


def find_hand_boxes(people: People, size: tuple[int, int]) -> list[HandBox]:
    """Return where hands should be by the COCO-18 arms, left before right for each person.

    Args:
        people: assembled with `COCO18`.
        size: `(width, height)` of the photo; boxes are cut to it, and small ones dropped.
    """
    return [box for keypoints in people.keypoints() for box in hand_boxes(keypoints, size)]


def hand_boxes(keypoints: F64, size: tuple[int, int]) -> list[HandBox]:
    """Return where one person's hands should be, left before right.

    Args:
        keypoints: float64 `(K, 3)`: x, y, score in COCO-18 or BODY_25, whose arms have the same numbers; score 0 is
            "not seen", and an arm needs all three joints.
        size: `(width, height)` of the photo.
    """
    boxes = []
    for is_left, arm in ((True, [5, 6, 7]), (False, [2, 3, 4])):
        if (keypoints[arm, 2] > 0).all():
            box = _hand_box(keypoints[arm, :2], size, is_left=is_left)
            if box.side >= MIN_HAND_SIDE:
                boxes.append(box)
    return boxes


def _hand_box(arm: F64, size: tuple[int, int], *, is_left: bool) -> HandBox:
    shoulder, elbow, wrist = arm
    forearm = float(np.hypot(*(wrist - elbow)))
    upper_arm = float(np.hypot(*(elbow - shoulder)))
    side = HAND_SIDE * max(forearm, UPPER_ARM_SHARE * upper_arm)
    corner = wrist + HAND_REACH * (wrist - elbow) - side / 2
    x, y = (max(0.0, float(value)) for value in corner)
    return HandBox(int(x), int(y), int(min(side, size[0] - x, size[1] - y)), is_left)


HAND_KEYPOINTS = 21
HAND_THRESHOLD = 0.05
"""A hand's keypoint counts when its smoothed heat exceeds this."""


def decode_hand(heatmaps: F32, padding: Padding, size: tuple[int, int]) -> F64:
    """Return a hand's keypoints, float64 `(21, 3)`: x, y, score in the crop; zeros where one is not seen.

    Wrist, then four points from the base to the tip of thumb, index, middle, ring and little finger.

    Args:
        heatmaps: float32 `(22, h, w)`, background last.
        padding: of the network's input.
        size: `(width, height)` of the crop around the hand.
    """
    maps = resize_maps(heatmaps[:HAND_KEYPOINTS], padding, size)
    keypoints = np.zeros((HAND_KEYPOINTS, 3))
    for number in range(HAND_KEYPOINTS):
        smoothed = smooth_heatmap(np.ascontiguousarray(maps[..., number]))
        y, x = np.unravel_index(int(smoothed.argmax()), smoothed.shape)
        if smoothed[y, x] > HAND_THRESHOLD:
            keypoints[number] = (x, y, maps[y, x, number])
    return keypoints


DOT_RADIUS = 4
HALF_STICK_WIDTH = 4
STICK_OPACITY = 0.6


def draw_people(canvas: U8, people: People) -> U8:
    """Draw COCO-18 people as the published stick figures: dots, then translucent ellipses along the limbs.

    Args:
        canvas: RGB uint8 `(H, W, 3)`; left as it is.
        people: assembled with `COCO18`.
    """
    import cv2

    drawn = canvas.copy()
    found = people.subsets[:, :-2].astype(np.int64)
    for keypoint in range(COCO18.keypoint_count):
        for index in found[:, keypoint]:
            if index >= 0:
                x, y = people.candidates[index, :2]
                cv2.circle(drawn, (int(x), int(y)), DOT_RADIUS, COLOURS[keypoint], thickness=-1)
    for limb, colour in zip(COCO18.limbs[:DRAWN_LIMBS], COLOURS, strict=False):
        for person in found:
            ends = person[[limb.start, limb.end]]
            if (ends >= 0).all():
                drawn = _draw_stick(drawn, people.candidates[ends, :2], colour)
    return drawn


def _draw_stick(canvas: U8, ends: F64, colour: tuple[int, int, int]) -> U8:
    """Return the canvas with one translucent ellipse from end to end."""
    import cv2

    middle = ends.mean(axis=0)
    backwards = ends[0] - ends[1]
    half_length = int(float(np.hypot(*backwards)) / 2)
    angle_deg = math.degrees(math.atan2(backwards[1], backwards[0]))
    centre = (int(middle[0]), int(middle[1]))
    outline = cv2.ellipse2Poly(centre, (half_length, HALF_STICK_WIDTH), int(angle_deg), 0, 360, 1)
    covered = cv2.fillConvexPoly(canvas.copy(), outline, colour)
    blended: U8 = cv2.addWeighted(canvas, 1 - STICK_OPACITY, covered, STICK_OPACITY, 0)
    return blended
