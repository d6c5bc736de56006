"""Draw the prints of the sample garments: our own plain graphics, as transparent PNGs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SCALE = 4  # drawn larger, then reduced, for smooth edges

# A stroke alphabet of our own, so that no font travels with the pictures: polylines in a 4 x 6 box.
GLYPHS: dict[str, list[list[tuple[float, float]]]] = {
    "A": [[(0, 6), (2, 0), (4, 6)], [(0.8, 4), (3.2, 4)]],
    "D": [[(0, 0), (0, 6), (2.2, 6), (3.6, 5), (4, 3), (3.6, 1), (2.2, 0), (0, 0)]],
    "E": [[(4, 0), (0, 0), (0, 6), (4, 6)], [(0, 3), (3.2, 3)]],
    "F": [[(4, 0), (0, 0), (0, 6)], [(0, 3), (3.2, 3)]],
    "G": [[(4, 1), (3, 0), (1, 0), (0, 1.4), (0, 4.6), (1, 6), (3, 6), (4, 5), (4, 3.2), (2.4, 3.2)]],
    "I": [[(2, 0), (2, 6)]],
    "L": [[(0, 0), (0, 6), (3.8, 6)]],
    "N": [[(0, 6), (0, 0), (4, 6), (4, 0)]],
    "O": [[(1, 0), (3, 0), (4, 1.4), (4, 4.6), (3, 6), (1, 6), (0, 4.6), (0, 1.4), (1, 0)]],
    "R": [[(0, 6), (0, 0), (2.8, 0), (4, 0.9), (4, 2.3), (2.8, 3.2), (0, 3.2)], [(2, 3.2), (4, 6)]],
    "S": [[(4, 0.9), (3, 0), (1, 0), (0, 1), (0, 2.1), (1, 3), (3, 3), (4, 3.9), (4, 5), (3, 6), (1, 6), (0, 5.1)]],
    "T": [[(0, 0), (4, 0)], [(2, 0), (2, 6)]],
    "U": [[(0, 0), (0, 4.6), (1, 6), (3, 6), (4, 4.6), (4, 0)]],
    "H": [[(0, 0), (0, 6)], [(4, 0), (4, 6)], [(0, 3), (4, 3)]],
}


def draw_word(
    draw: ImageDraw.ImageDraw, word: str, centre: tuple[float, float], height: float, colour: str, weight: float
) -> None:
    """Draw a word in the stroke alphabet, centred."""
    unit = height / 6
    pitch = 5.9 * unit
    x = centre[0] - (len(word) * pitch - 1.9 * unit) / 2
    width = max(1, round(weight * unit))
    for letter in word:
        for line in GLYPHS.get(letter, []):
            points = [(x + px * unit, centre[1] - height / 2 + py * unit) for px, py in line]
            draw.line(points, fill=colour, width=width, joint="curve")
            for px, py in points:
                r = width / 2
                draw.ellipse((px - r, py - r, px + r, py + r), fill=colour)
        x += pitch


def sunrise(path: Path, size: int = 1024) -> None:
    """A sun over three hills in a circle, with a word below."""
    s = size * SCALE // 2
    image = Image.new("RGBA", (s, s), (0, 0, 0, 0))
    disc = Image.new("L", (s, s), 0)
    r, cx, cy = s * 0.37, s * 0.5, s * 0.40
    ImageDraw.Draw(disc).ellipse((cx - r, cy - r, cx + r, cy + r), fill=255)
    art = Image.new("RGBA", (s, s), "#f3e3c3")
    draw = ImageDraw.Draw(art)
    sun = s * 0.15
    for k in range(24):
        a = np.pi * 2 * k / 24
        p0 = (cx + np.cos(a) * sun * 1.22, cy + s * 0.02 + np.sin(a) * sun * 1.22)
        p1 = (cx + np.cos(a) * sun * 1.62, cy + s * 0.02 + np.sin(a) * sun * 1.62)
        draw.line([p0, p1], fill="#e0803f", width=s // 110)
    draw.ellipse((cx - sun, cy + s * 0.02 - sun, cx + sun, cy + s * 0.02 + sun), fill="#e0803f")
    x = np.linspace(0, s, 400)
    for colour, base, amp, freq, phase in (
        ("#d8a24a", 0.50, 0.035, 1.6, 0.3),
        ("#b8533a", 0.575, 0.030, 2.1, 2.2),
        ("#6d2f34", 0.655, 0.026, 1.4, 4.0),
    ):
        y = s * (base + amp * np.sin(2 * np.pi * freq * x / s + phase))
        draw.polygon([(0, s), *zip(x, y, strict=True), (s, s)], fill=colour)
    image.paste(art, (0, 0), disc)
    draw_word(ImageDraw.Draw(image), "GOLDEN", (cx, s * 0.865), s * 0.075, "#f3e3c3", 0.95)
    draw_word(ImageDraw.Draw(image), "HOUR", (cx, s * 0.955), s * 0.036, "#e0803f", 0.9)
    image.resize((size, size), Image.Resampling.LANCZOS).save(path)


def jacquard(path: Path, size: int = 1024) -> None:
    """Knitted diamonds in bands, on a grid of stitches as a knitting machine would place them."""
    cells = 128
    grid = np.zeros((cells, cells), np.uint8)
    y, x = np.mgrid[0:cells, 0:cells]
    for row, period, radius in ((24, 16, 7), (64, 16, 7), (104, 16, 7)):
        dx = np.abs((x + period // 2) % period - period // 2)
        ring = dx + np.abs(y - row)
        grid[(ring == radius) | (ring == radius - 1) | (ring <= 2)] = 1
    for row in (12, 13, 36, 37, 52, 53, 76, 77, 92, 93, 116, 117):
        grid[row] = np.where((x[row] // 2) % 2 == 0, 2, grid[row])
    colours = {1: (243, 236, 222, 255), 2: (196, 108, 72, 255)}
    rgba = np.zeros((cells, cells, 4), np.uint8)
    for key, colour in colours.items():
        rgba[grid == key] = colour
    Image.fromarray(rgba).resize((size, size), Image.Resampling.NEAREST).save(path)


def label(path: Path) -> None:
    """The woven neck label."""
    w, h = 480 * 2, 200 * 2
    image = Image.new("RGBA", (w, h), "#f4f1ea")
    draw = ImageDraw.Draw(image)
    draw_word(draw, "FITTING", (w / 2, h * 0.36), h * 0.26, "#23262b", 0.9)
    draw_word(draw, "STUDIO", (w / 2, h * 0.72), h * 0.15, "#23262b", 0.8)
    image.resize((w // 2, h // 2), Image.Resampling.LANCZOS).save(path)


def draw_all(folder: Path) -> None:
    sunrise(folder / "print_sunrise.png")
    jacquard(folder / "print_jacquard.png")
    label(folder / "print_label.png")
