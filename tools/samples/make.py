"""Make the shipped samples: render, grade to JPEG, and write the truth for the tests.

python tools/samples/make.py BUILD_FOLDER [NAME ...]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SAMPLES = ROOT / "resources" / "samples"
TRUTH = ROOT / "tests" / "data" / "synthetic"
JPEG_QUALITY = 92
GRAIN = 1.1  # standard deviation in 8-bit levels

# name: script, Cycles samples a pixel (the denoiser does the rest), rendered share of the size in percent
RECIPES: dict[str, tuple[str, int, int]] = {
    "model_mira": ("people.py", 16, 100),
    "model_amara": ("people.py", 16, 100),
    "model_jonas": ("people.py", 16, 100),
    "tee_sunrise": ("garments.py", 16, 100),
    "breton_longsleeve": ("garments.py", 16, 100),
    "tank_satin": ("garments.py", 16, 100),
    "knit_jacquard": ("garments.py", 16, 100),
    "room_daylight": ("backgrounds.py", 16, 75),
    "studio_sweep": ("backgrounds.py", 16, 50),
}
FOLDERS = {"people.py": "models", "garments.py": "garments", "backgrounds.py": "backgrounds"}


def run(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, *map(str, arguments)], cwd=HERE, check=True)


def publish(build: Path, name: str) -> Path:
    """Save a render as the shipped JPEG."""
    folder = SAMPLES / FOLDERS[RECIPES[name][0]]
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.jpg"
    with Image.open(build / f"{name}.png") as image:
        if name == "studio_sweep":  # nothing but gradients: enlarged without loss
            image = image.resize((2400, 1800), Image.Resampling.BICUBIC)
        pixels = np.asarray(image.convert("RGB"), np.float32)
    # a denoised render is cleaner than any sensor: give back a trace of grain, the same in every run
    grain = np.random.default_rng(len(name)).normal(0, GRAIN, (*pixels.shape[:2], 1))
    graded = np.clip(pixels + grain, 0, 255).round().astype(np.uint8)
    Image.fromarray(graded).save(target, quality=JPEG_QUALITY, subsampling=0, optimize=True)
    return target


def main(build: Path, names: list[str]) -> None:
    build = build.resolve()
    build.mkdir(parents=True, exist_ok=True)
    if not (build / "mira_rig.npz").exists():
        run("body.py", build)
    for name in names:
        script, samples, percent = RECIPES[name]
        extra = [TRUTH] if script == "people.py" else []
        run(script, build, name, str(samples), str(percent), *extra)
        print(publish(build, name))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(RECIPES))
