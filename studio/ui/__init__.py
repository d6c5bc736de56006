"""Floor 7: the window; no image maths, no SQL."""

from __future__ import annotations

import ctypes
import sys


def _keep_bools_alive() -> None:
    """Make True and False immortal, as Python 3.12 does by itself.

    PySide6 6.12.0 gives a reference to True away with every emitted signal: on Python 3.11 the process is aborted
    ("bool_dealloc") after some 2,500 signals, which a minute of painting sends. 6.11.2 does not.
    """
    if sys.implementation.name == "cpython" and sys.version_info < (3, 12):
        for value in (True, False):  # the reference count is the first field of every object
            ctypes.c_ssize_t.from_address(id(value)).value += 1 << 40


_keep_bools_alive()
