"""What the window relies on in Qt for Python."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import studio.ui
from PySide6.QtCore import QObject, Signal

class Sender(QObject):
    sent = Signal(int)

sender = Sender()
for number in range(40_000):
    sender.sent.emit(number)
    sender.setObjectName("")
print("alive")
"""


def test_many_thousand_signals_and_calls_do_not_end_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "alive", done.stderr[-500:]
