"""The line on which an upper garment ends before a lower one, found as a line: one row for each column.

Votes smoothed over regions end where stitches, belts and worn denim end them. Just above and below the line both
garments show what they look like there, so the best line between those colours is found exactly, by dynamic
programming over the columns.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, median_filter

from studio.domain.arrays import F32, F64, U8, Bool
from studio.pipeline.parse_colour import colour_codes, colour_ratio

REACH = 0.16
"""How far from where the votes put it the line is looked for, in shoulder widths."""
BESIDE = (1.0, 4.0)
"""Between these distances from it, in reaches, each garment shows its colours: the nearer, the more they say."""
FINE = 0.015
"""Half-width, in shoulder widths, of what is too fine to say what colour cloth has: stitches, letters."""
OWN = 5e-3
"""Share of what is seen of a garment from which a colour is its own: a print on the chest is rarer."""
RARE = 0.02
"""Share of that from which a colour says something: a flower print has many that are rare, and none on the trousers.
"""
UNSEEN = -0.4
"""What other colours say: a belt's are the trousers', a hem's stitches and shadow the top's."""
TELLS = 0.9
"""Share of the pixels they were read from that the colours must tell rightly to be believed at the border."""
STEP = 3.0
"""What a row of difference between neighbouring columns costs, against a log likelihood ratio's up to 3 a pixel."""
EDGE, SHARP = 2.0, 12.0
"""What lying on an edge of the photo is worth, and how sharp (CIELAB of 8 bits) an edge of full worth is."""
AS_VOTED = 0.2
"""What a pixel is worth that stays what it was."""
TOUCH = 3
"""Rows that may lie between both garments."""
FEWEST = 16
"""Columns of a line worth finding."""

Int = npt.NDArray[np.intp]


def settle_hem(image: U8, upper: Bool, lower: Bool, size: float) -> tuple[Bool, Bool]:
    """Return upper and lower garment with the border between them where the photo shows it.

    size: a shoulder width in pixels. Garments of like colours stay as they are.
    """
    reach = max(4, round(REACH * size))
    columns, rows = _find_line(upper, lower, reach)
    if len(columns) < FEWEST:
        return upper, lower
    away = np.arange(image.shape[0])[:, None] - np.interp(np.arange(image.shape[1]), columns, rows)[None]
    near = (BESIDE[1] * reach - np.abs(away)) / ((BESIDE[1] - BESIDE[0]) * reach)
    near = np.where((near > 0) & (near < 1), near**2, 0)
    ours, theirs = (near * (upper & (away < 0))).astype(np.float32), (near * (lower & (away > 0))).astype(np.float32)
    ratio, _ = colour_ratio(
        colour_codes(cv2.medianBlur(image, 2 * round(FINE * size) + 1)), ours, theirs, OWN, unseen=UNSEEN, rare=RARE
    )
    told = [
        float((weight * (wanted > 0)).sum() / max(weight.sum(), 1.0))
        for weight, wanted in ((ours, ratio), (theirs, -ratio))
    ]
    if min(told) < TELLS:
        return upper, lower
    gain = np.where(upper | lower, ratio, 0) + AS_VOTED * (upper.astype(np.float32) - lower)
    line = _best_line(gain, _steps_down(image), columns, (rows - reach, rows + reach))
    settled = upper.copy()
    for column, row, middle in zip(columns, line, rows, strict=True):
        settled[max(0, middle - reach) : row, column] = True
        settled[row : middle + reach, column] = False
    settled &= upper | lower
    return settled, (upper | lower) & ~settled


def _find_line(upper: Bool, lower: Bool, reach: int) -> tuple[Int, Int]:
    """Return the columns in which the garments touch, and the row there: a smooth curve, for open fronts have none."""
    wrong = np.cumsum(lower.astype(np.int32) - upper, axis=0)
    row = np.argmin(wrong, axis=0)
    columns = np.flatnonzero(upper.any(axis=0) & lower.any(axis=0))
    above = np.stack([upper[np.maximum(row[columns] - step, 0), columns] for step in range(TOUCH)]).any(axis=0)
    height = upper.shape[0] - 1
    below = np.stack([lower[np.minimum(row[columns] + 1 + step, height), columns] for step in range(TOUCH)]).any(axis=0)
    columns = columns[above & below]
    if len(columns) < FEWEST:
        return columns, columns
    seen = row[columns] + 1
    smooth = gaussian_filter1d(median_filter(seen.astype(np.float64), 2 * reach + 1, mode="nearest"), reach / 4)
    near = np.abs(seen - smooth) < reach
    return columns[near], np.round(smooth[near]).astype(np.intp)


def _steps_down(image: U8) -> F32:
    """Return how sharp an edge lies above each pixel, 0 .. 1."""
    lab = cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 1.0), cv2.COLOR_RGB2LAB).astype(np.float32)
    step = np.zeros(image.shape[:2], np.float32)
    step[1:-1] = np.sqrt(((lab[2:] - lab[:-2]) ** 2).sum(axis=-1))
    sharp: F32 = np.clip(step / SHARP, 0.0, 1.0).astype(np.float32)
    return sharp


def _best_line(gain: F32, edges: F32, columns: Int, window: tuple[Int, Int]) -> Int:
    """Return, for each column, the row that parts what gains as upper (above) from what does not, exactly."""
    first, last = int(window[0].min()), int(window[1].max()) + 1
    rows = np.arange(first, last)
    inside = np.clip(rows, 0, gain.shape[0] - 1)
    score = np.where(rows[:, None] == inside[:, None], gain[inside][:, columns], 0.0)
    cost = -np.concatenate([np.zeros((1, len(columns))), np.cumsum(score, axis=0)[:-1]]) * 2.0
    cost -= EDGE * edges[inside][:, columns]
    cost[(rows[:, None] < window[0][None]) | (rows[:, None] > window[1][None])] = np.inf
    slope = STEP * np.arange(len(rows))
    best: list[F64] = [cost[:, 0]]
    for place in range(1, len(columns)):
        down = np.minimum.accumulate(best[-1] - slope) + slope
        up = np.minimum.accumulate((best[-1] + slope)[::-1])[::-1] - slope
        best.append(np.minimum(down, up) + cost[:, place])
    line = np.zeros(len(columns), np.intp)
    line[-1] = int(np.argmin(best[-1]))
    for place in range(len(columns) - 2, -1, -1):
        line[place] = int(np.argmin(best[place] + STEP * np.abs(np.arange(len(rows)) - line[place + 1])))
    return np.clip(line + first, 0, gain.shape[0])
