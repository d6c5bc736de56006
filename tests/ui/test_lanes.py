"""Lanes: every job ends with one signal on the UI thread, and the newest request of an id wins."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from studio.domain.errors import PhotoError, UnexpectedError
from studio.domain.progress import Progress
from studio.ui.lanes import JobLane


@pytest.fixture
def lane(qtbot: QtBot) -> Iterator[JobLane]:
    made = JobLane()
    yield made
    made.close()


def hold(gate: threading.Event, progress: Progress) -> None:
    """Work that reports until the gate opens: a job to be cancelled."""
    while not gate.wait(0.005):
        progress.report(0.5, "held")


def test_success_arrives_on_the_ui_thread(qtbot: QtBot, lane: JobLane) -> None:
    here = QThread.currentThread()
    heard: list[tuple[object, bool]] = []
    with qtbot.waitSignal(lane.idle):
        lane.submit("a", lambda progress: 42, lambda result: heard.append((result, QThread.currentThread() is here)))
    assert heard == [(42, True)]
    assert not lane.is_busy


def test_an_expected_error_is_passed_on(qtbot: QtBot, lane: JobLane) -> None:
    def work(progress: Progress) -> object:
        raise PhotoError("photo.truncated", file="a.jpg")

    with qtbot.waitSignal(lane.failed) as caught:
        lane.submit("a", work)
    assert caught.args[0] == "a"
    assert caught.args[1].key == "photo.truncated"
    assert not lane.is_busy


def test_a_bug_becomes_an_unexpected_error_with_details(
    qtbot: QtBot, lane: JobLane, caplog: pytest.LogCaptureFixture
) -> None:
    with qtbot.waitSignal(lane.failed) as caught:
        lane.submit("a", lambda progress: 1 / 0)
    assert isinstance(caught.args[1], UnexpectedError)
    assert "ZeroDivisionError" in caught.args[1].values["details"]


def test_cancel_stops_at_the_next_report(qtbot: QtBot, lane: JobLane) -> None:
    gate = threading.Event()
    with qtbot.waitSignal(lane.progressed):
        lane.submit("a", lambda progress: hold(gate, progress))
    with qtbot.waitSignal(lane.cancelled) as caught:
        lane.cancel("a")
    assert caught.args == ["a"]
    assert not lane.is_busy


def test_work_that_never_reports_still_counts_as_cancelled(qtbot: QtBot, lane: JobLane) -> None:
    gate, entered = threading.Event(), threading.Event()

    def work(progress: Progress) -> object:
        entered.set()
        gate.wait(5)
        return "too late"

    lane.submit("a", work, lambda result: pytest.fail("a cancelled job has no result"))
    assert entered.wait(5)
    lane.cancel("a")
    with qtbot.waitSignal(lane.cancelled):
        gate.set()
    assert not lane.is_busy


def test_the_newest_request_wins(qtbot: QtBot, lane: JobLane) -> None:
    gate = threading.Event()
    heard: list[object] = []
    lane.cancelled.connect(heard.append)
    lane.submit("a", lambda progress: hold(gate, progress), lambda result: heard.append("old"))
    with qtbot.waitSignal(lane.idle):
        lane.submit("a", lambda progress: "new", heard.append)
    assert heard == ["new"]


def test_a_failure_of_the_replaced_job_does_not_lose_the_new_one(qtbot: QtBot, lane: JobLane) -> None:
    gate, entered = threading.Event(), threading.Event()

    def fail_late(progress: Progress) -> object:
        entered.set()
        gate.wait(5)
        raise PhotoError("photo.truncated", file="old.jpg")

    heard: list[object] = []
    lane.failed.connect(lambda job_id, error: heard.append(error))
    lane.submit("a", fail_late)
    assert entered.wait(5)
    lane.submit("a", lambda progress: "new", heard.append)
    with qtbot.waitSignal(lane.idle):
        gate.set()
    assert heard == ["new"]


def test_progress_is_throttled(qtbot: QtBot, lane: JobLane) -> None:
    heard: list[float] = []
    lane.progressed.connect(lambda job_id, fraction, stage: heard.append(fraction))

    def work(progress: Progress) -> object:
        for number in range(2000):
            progress.report(number / 2000, "count")
        return None

    with qtbot.waitSignal(lane.idle):
        lane.submit("a", work)
    assert 1 <= len(heard) <= 40


def test_close_stops_everything_and_the_lane_can_be_used_again(qtbot: QtBot, lane: JobLane) -> None:
    gate = threading.Event()
    with qtbot.waitSignal(lane.progressed):
        lane.submit("a", lambda progress: hold(gate, progress), lambda result: pytest.fail("closed"))
    lane.submit("b", lambda progress: "never", lambda result: pytest.fail("closed"))
    assert lane.close()
    assert not lane.is_busy
    with qtbot.waitSignal(lane.succeeded) as caught:
        lane.submit("c", lambda progress: 1)
    assert caught.args == ["c", 1]
