"""Thumbnails on demand: asked for by id, decoded off the UI thread, newest request first, kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal
from PySide6.QtGui import QImage, QPixmap

from studio.domain.arrays import U8
from studio.domain.errors import StudioError

Fetch = Callable[[str, int], U8]
"""(id, longest side in pixels) -> uint8 `(h, w, 3)` or `(h, w, 4)`; runs off the UI thread."""

MEMORY_LIMIT_BYTES = 256_000_000
BACKLOG_LIMIT = 400
SIDES = (256, 384, 640, 1024)
"""Longest sides that are decoded: few, so that every small change of size does not decode everything again."""


def side_for(pixels: float) -> int:
    """Return the smallest side that is decoded and still enough for so many pixels."""
    return next((side for side in SIDES if side >= pixels), SIDES[-1])


def to_image(pixels: U8) -> QImage:
    """Return a QImage that owns a copy of uint8 `(h, w, 3)` or `(h, w, 4)` pixels."""
    kept = np.ascontiguousarray(pixels)
    height, width, channels = kept.shape
    form = QImage.Format.Format_RGB888 if channels == 3 else QImage.Format.Format_RGBA8888
    return QImage(kept.tobytes(), width, height, channels * width, form).copy()


def _bytes_of(pixmap: QPixmap) -> int:
    return 4 * pixmap.width() * pixmap.height()


class _Decode(QRunnable):
    def __init__(self, owner: Thumbnails, key: str) -> None:
        super().__init__()
        self._owner = owner
        self._key = key

    def run(self) -> None:
        self._owner.decode(self._key)


class Thumbnails(QObject):
    """Hands out pixmaps; `ready` names the id whose pixmap can be asked for now."""

    ready = Signal(str)
    _decoded = Signal(str, object, int)

    def __init__(self, fetch: Fetch, size: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._fetch = fetch
        self._size = size
        self._kept: OrderedDict[str, tuple[QPixmap, int]] = OrderedDict()
        self._bytes = 0
        self._broken: set[str] = set()
        self._wanted: OrderedDict[str, None] = OrderedDict()
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(2)
        self._is_closed = False
        self._decoded.connect(self._on_decoded)

    def get(self, key: str) -> QPixmap | None:
        """Return the pixmap if it is here, else ask for it and return None."""
        found, side = self._kept.get(key, (None, 0))
        if found is not None:
            self._kept.move_to_end(key)
        if side != self._size:  # of another size: good enough until the right one is here
            self._ask(key)
        return found

    def set_size(self, size: int) -> None:
        """Decode at another size from now on; what is here is shown until then."""
        self._size = size

    def _ask(self, key: str) -> None:
        if key and key not in self._wanted and key not in self._broken and not self._is_closed:
            self._wanted[key] = None
            if len(self._wanted) > BACKLOG_LIMIT:  # scrolled past: forget the oldest wish
                self._wanted.popitem(last=False)
            self._pool.start(_Decode(self, key))

    def is_broken(self, key: str) -> bool:
        """Tell whether the picture could not be decoded."""
        return key in self._broken

    def forget(self, key: str) -> None:
        """Drop a thumbnail whose picture changed."""
        gone = self._kept.pop(key, None)
        self._bytes -= _bytes_of(gone[0]) if gone is not None else 0
        self._broken.discard(key)

    def close(self) -> None:
        """Stop decoding and wait for what runs."""
        self._is_closed = True
        self._wanted.clear()
        self._pool.clear()
        self._pool.waitForDone()

    def decode(self, key: str) -> None:
        """Decode one thumbnail; called on a pool thread."""
        if self._is_closed or key not in self._wanted:
            return
        side = self._size
        try:
            self._decoded.emit(key, to_image(self._fetch(key, side)), side)
        except StudioError as error:
            self._decoded.emit(key, error, side)

    def _on_decoded(self, key: str, result: object, side: int) -> None:
        self._wanted.pop(key, None)
        if isinstance(result, QImage):
            self.forget(key)
            self._kept[key] = QPixmap.fromImage(result), side
            self._bytes += _bytes_of(self._kept[key][0])
            while self._bytes > MEMORY_LIMIT_BYTES and len(self._kept) > 1:
                self._bytes -= _bytes_of(self._kept.popitem(last=False)[1][0])
        else:
            self._broken.add(key)
        self.ready.emit(key)
