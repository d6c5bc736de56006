"""Floor 7: the window; no image maths, no SQL."""

from __future__ import annotations

import ctypes
import sys


def _keep_singletons_alive() -> None:
    """Make None, True, False and NotImplemented immortal, as Python 3.12 does by itself.

    PySide6 6.12.0 counts on that: every Qt call that returns nothing gives a reference to None away, every emitted
    signal one to True. Python 3.11 aborts the process ("bool_dealloc") after some 2,500 signals: a minute of painting.
    6.11.2 does not.
    """
    if sys.implementation.name == "cpython" and sys.version_info < (3, 12):
        for value in (None, True, False, NotImplemented):  # the reference count is the first field of every object
            ctypes.c_ssize_t.from_address(id(value)).value += 1 << 40


_keep_singletons_alive()
