"""How the window behaves under load: few signals, quick cancelling, safe closing, honest messages."""

from __future__ import annotations

import threading
import time
from typing import cast

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.domain.progress import Progress
from studio.jobs.run import EventKind, RunEvent
from studio.jobs.workspace import Workspace
from studio.library.records import JobState
from studio.ui.context import StudioContext
from studio.ui.lanes import JobLane
from studio.ui.main_window import MainWindow
from studio.ui.queue_bridge import QueueBridge
from studio.ui.widgets.basics import EmptyState
from studio.ui.workspaces.dress import DressPage
from tests.fakes import FakeModels
from tests.ui.conftest import Dialogs

MOST_PER_SECOND = 30
LEFT = Qt.MouseButton.LeftButton


class Counter(QObject):
    """Counts what arrives on the UI thread."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def hear(self, *told: object) -> None:
        self.count += 1


@pytest.fixture
def dress(window: MainWindow) -> DressPage:
    window.go_to("dress")
    return cast(DressPage, window._pages["dress"])


def running(page: DressPage) -> int:
    return page.project.library.job_counts()[JobState.RUNNING]


def test_a_lane_tells_at_most_thirty_times_a_second(qtbot: QtBot) -> None:
    lane, heard = JobLane(1), Counter()
    lane.progressed.connect(heard.hear)
    spent: list[float] = []

    def work(progress: Progress) -> object:
        started = time.monotonic()
        while time.monotonic() - started < 0.5:
            progress.report(0.5, "import")
        spent.append(time.monotonic() - started)
        return None

    with qtbot.waitSignal(lane.succeeded):
        lane.submit("chatty", work)
    assert 1 <= heard.count <= 1 + MOST_PER_SECOND * spent[0]
    lane.close()


def test_the_queue_tells_at_most_thirty_times_a_second_but_every_end(qtbot: QtBot) -> None:
    bridge, heard = QueueBridge(), Counter()
    bridge.happened.connect(heard.hear)
    started = time.monotonic()
    sent = 0
    while time.monotonic() - started < 0.4:
        bridge.on_event(RunEvent(EventKind.PROGRESS, "job", fraction=0.5))
        sent += 1
    spent = time.monotonic() - started
    assert sent > MOST_PER_SECOND
    assert 1 <= heard.count <= 1 + MOST_PER_SECOND * spent
    before = heard.count
    for _ in range(50):
        bridge.on_event(RunEvent(EventKind.SUCCEEDED, "job"))
    assert heard.count == before + 50


def test_cancel_takes_effect_within_a_second(qtbot: QtBot, dress: DressPage, bench: object) -> None:
    bench.gate = threading.Event()  # type: ignore[attr-defined]  # the fake stages report and wait
    qtbot.mouseClick(dress.all_button, LEFT)
    qtbot.waitUntil(lambda: running(dress) == 1)
    qtbot.waitUntil(dress.queue.cancel_button.isEnabled)
    clock = time.process_time()
    qtbot.mouseClick(dress.queue.cancel_button, LEFT)
    qtbot.waitUntil(lambda: dress.project.library.job_counts()[JobState.CANCELLED] == 4)
    assert time.process_time() - clock < 1.0  # the process's own time: a busy machine is not the window's fault
    bench.gate.set()  # type: ignore[attr-defined]  # as above
    qtbot.waitUntil(lambda: not dress.context.is_busy)


def test_closing_while_pairs_are_dressed_asks_and_lets_them_go_on_next_time(
    qtbot: QtBot, window: MainWindow, dress: DressPage, dialogs: Dialogs, bench: object
) -> None:
    folder = dress.project.library.folder
    bench.gate = threading.Event()  # type: ignore[attr-defined]  # as above
    qtbot.mouseClick(dress.all_button, LEFT)
    qtbot.waitUntil(lambda: running(dress) == 1 and not window.context.is_busy)
    assert not window.close()
    assert window.isVisible() and running(dress) == 1
    dialogs.agrees = True
    assert window.close()
    assert dialogs.asked == ["Work is still running"] * 2
    bench.gate.set()  # type: ignore[attr-defined]  # as above
    with Workspace.open(folder, models=FakeModels()) as again:
        counts = again.library.job_counts()
        assert counts[JobState.RUNNING] == 0
        assert counts[JobState.INTERRUPTED] == 1 and counts[JobState.QUEUED] == 3
        again.queue.resume()
        again.run_queue()
        assert len(again.library.look_ids()) == 4


def test_pairs_that_were_interrupted_are_dressed_when_asked_for_again(qtbot: QtBot, dress: DressPage) -> None:
    project = dress.project
    pair = dress.model.pair_at(dress.model.index(1, 1))
    job = project.queue_pairs([pair]).created[0]
    project.library.move_to_state([job], JobState.INTERRUPTED, [JobState.QUEUED])
    dress.enter()
    assert dress.queue.pause_button.text() == "Resume"
    dress.board.setCurrentIndex(dress.model.index(1, 1))
    qtbot.mouseClick(dress.dress_button, LEFT)
    qtbot.waitUntil(lambda: len(project.library.look_ids()) == 1)
    qtbot.waitUntil(lambda: not dress.context.is_busy and not running(dress))
    qtbot.waitUntil(lambda: dress.queue.pause_button.text() == "Pause")


def test_nothing_chosen_is_not_everything_done(qtbot: QtBot, dress: DressPage) -> None:
    dress.board.setCurrentIndex(dress.model.index(-1, -1))
    dress.board.clearSelection()
    qtbot.mouseClick(dress.dress_button, LEFT)
    assert dress.banner.text.startswith("Choose pairs")
    qtbot.mouseClick(dress.all_button, LEFT)
    qtbot.waitUntil(lambda: len(dress.project.library.look_ids()) == 4)
    qtbot.waitUntil(lambda: not dress.context.is_busy and not running(dress))
    assert not dress.banner.isVisible()


def test_a_waiting_pair_can_be_called_to_the_front(qtbot: QtBot, dress: DressPage, bench: object) -> None:
    bench.gate = threading.Event()  # type: ignore[attr-defined]  # as above
    qtbot.mouseClick(dress.all_button, LEFT)
    qtbot.waitUntil(lambda: running(dress) == 1 and dress.queue.jobs.rowCount() == 4)
    wanted = dress.model.pair_at(dress.model.index(1, 1))
    dress.board.setCurrentIndex(dress.model.index(1, 1))
    qtbot.waitUntil(dress.first_action.isEnabled)
    qtbot.keyClick(dress.board, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    library = dress.project.library

    def next_pair() -> tuple[str, str]:
        job = library.jobs(library.job_ids([JobState.QUEUED])[:1])[0]
        return job.model_id, job.garment_id

    qtbot.waitUntil(lambda: next_pair() == wanted)
    bench.gate.set()  # type: ignore[attr-defined]  # as above
    qtbot.waitUntil(lambda: len(library.look_ids()) == 4)
    qtbot.waitUntil(lambda: not dress.context.is_busy and not running(dress))


def test_a_window_for_looking_only_says_so(
    qtbot: QtBot, context: StudioContext, window: MainWindow, project: Workspace
) -> None:
    assert "looking only" not in window.windowTitle()
    context.use_project(Workspace.open(project.library.folder, read_only=True, models=FakeModels()))
    assert "(for looking only)" in window.windowTitle()
    qtbot.waitUntil(lambda: not context.is_busy)


@pytest.mark.parametrize("words", [3, 12, 40])
def test_an_empty_state_shows_all_of_its_sentence(qtbot: QtBot, words: int) -> None:
    page = EmptyState("library", "", "")
    qtbot.addWidget(page)
    page.resize(900, 600)
    page.show()
    page.set_texts("Drop photos here", "whole folders " * words, "Choose")
    body = next(one for one in page.findChildren(QLabel) if one.wordWrap())
    assert body.height() >= body.heightForWidth(body.width()) > 0
