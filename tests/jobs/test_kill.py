"""kill -9 at random moments of a batch, for real: no finished look is lost, no half-written file seen, it goes on."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from studio.domain.artefacts import PhotoRole
from studio.library.integrity import check_project
from studio.library.library import Library
from studio.library.records import JobState
from studio.library.sweep import unfinished_files
from tests.fakes import draw_photo

PROJECT = Path(__file__).resolve().parent.parent.parent
MODELS, GARMENTS = 3, 4

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX thing")


def make_project(folder: Path, shelf: Path) -> None:
    for number in range(MODELS):
        draw_photo(shelf / "models" / f"m{number}.png", number, size=(96, 128))
    for number in range(GARMENTS):
        draw_photo(shelf / "garments" / f"g{number}.png", 50 + number, size=(96, 128))
    with Library.create(folder) as library:
        library.import_photos([shelf / "models"], PhotoRole.MODEL)
        library.import_photos([shelf / "garments"], PhotoRole.GARMENT)


def run_batch(folder: Path, where: str, kill_after_s: float | None) -> tuple[list[str], bool]:
    """Run the batch and kill it; returns the looks it reported, and whether it came to its end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.batch", str(folder), where],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    if kill_after_s is not None:
        try:
            process.wait(kill_after_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    lines = process.communicate(timeout=120)[0].splitlines()
    return [line.split()[1] for line in lines if line.startswith("look ")], "done" in lines


def check_after_kill(folder: Path, finished: set[str]) -> None:
    with Library.open(folder) as library:
        assert list(unfinished_files(folder)) == []
        report = check_project(library)
        assert report.findings == (), report.findings
        assert finished <= set(library.look_ids())
        assert all(library.store.has(look.key) for look in library.looks(library.look_ids()))


@pytest.mark.parametrize(("where", "kills"), [("threads", 5), ("process", 3)])
def test_a_batch_survives_being_killed(tmp_path: Path, where: str, kills: int) -> None:
    folder = tmp_path / "project"
    make_project(folder, tmp_path / "shelf")
    moments = random.Random(7)
    finished: set[str] = set()
    for _ in range(kills):
        looks, is_done = run_batch(folder, where, kill_after_s=moments.uniform(0.02, 0.5))
        finished.update(looks)
        if is_done:
            break
        check_after_kill(folder, finished)
    looks, is_done = run_batch(folder, where, kill_after_s=None)
    assert is_done
    finished.update(looks)
    check_after_kill(folder, finished)
    with Library.open(folder) as library:
        states = [job.state for job in library.jobs(library.job_ids())]
        assert states == [JobState.SUCCEEDED] * (MODELS * GARMENTS)
        assert len(library.look_ids()) == MODELS * GARMENTS
        assert not library.crashed_before
