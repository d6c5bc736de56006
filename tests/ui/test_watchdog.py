"""The watchdog hears a turn of the event loop that takes too long, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from studio.ui.watchdog import Watchdog


@pytest.fixture
def watchdog(qtbot: QtBot) -> Iterator[Watchdog]:
    made = Watchdog(limit_ms=200)
    yield made
    made.stop()


def busy(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def spend(seconds: float) -> None:
    """As `busy`, in processor time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_a_stall_is_measured(qtbot: QtBot, watchdog: Watchdog) -> None:
    QTimer.singleShot(10, lambda: busy(0.3))
    qtbot.waitUntil(lambda: bool(watchdog.stalls))
    assert watchdog.worst_ms >= 250
    watchdog.reset()
    assert watchdog.worst_ms == 0


def test_processor_time_tells_work_from_waiting(qtbot: QtBot, watchdog: Watchdog) -> None:
    if not watchdog.can_tell:
        pytest.skip("this system does not tell a thread's processor time to another thread")
    QTimer.singleShot(10, lambda: time.sleep(0.3))
    qtbot.waitUntil(lambda: bool(watchdog.stalls))
    assert watchdog.worst_burnt_ms == 0
    QTimer.singleShot(10, lambda: spend(0.3))
    qtbot.waitUntil(lambda: bool(watchdog.burnt))
    assert watchdog.worst_burnt_ms >= 250
