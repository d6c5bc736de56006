"""Artefacts are encoded and written on a thread of their own, while the next step computes."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from studio.domain.artefacts import Artefact
from studio.domain.keys import ArtefactKey, ArtefactRecord
from studio.pipeline.cache import ArtefactStore, size_of
from studio.pipeline.parallel import thread_count

WAITING_BYTES = 400 << 20
"""What may wait to be written; a step that makes more waits for the disk."""


@dataclass(slots=True)
class BehindStore:
    """A store as a runner sees it: what is on its way to the disk counts as made."""

    store: ArtefactStore
    _waiting: dict[ArtefactKey, tuple[Artefact, Future[None]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def has(self, key: ArtefactKey) -> bool:
        with self._lock:
            waits = key in self._waiting
        return waits or self.store.has(key)

    def get(self, key: ArtefactKey) -> Artefact | None:
        with self._lock:
            found = self._waiting.get(key)
        return found[0] if found else self.store.get(key)

    def waiting(self) -> list[Future[None]]:
        """Return the writes under way, whoever asked for them."""
        with self._lock:
            return [future for _, future in self._waiting.values()]

    def waiting_bytes(self) -> int:
        """Return the size of what waits to be written."""
        with self._lock:
            return sum(size_of(artefact) for artefact, _ in self._waiting.values())

    def put_behind(
        self, pool: ThreadPoolExecutor, key: ArtefactKey, artefact: Artefact, record: ArtefactRecord
    ) -> Future[None]:
        """Have the pool write an artefact."""
        with self._lock:  # the pool takes it off the list only once it is on it
            future = pool.submit(self._write, key, artefact, record)
            self._waiting[key] = (artefact, future)
        return future

    def _write(self, key: ArtefactKey, artefact: Artefact, record: ArtefactRecord) -> None:
        try:
            self.store.put(key, artefact, record)
        finally:
            with self._lock:
                self._waiting.pop(key, None)


class Writer:
    """One caller's writes. Leaving it waits until all that was made is on disk, whatever else went wrong.

    Raises on leaving:
        StorageError: something could not be written; that comes before any other error.
    """

    def __init__(self, store: BehindStore) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(1, "write") if thread_count() > 1 else None
        self._writes: list[Future[None]] = []

    def put(self, key: ArtefactKey, artefact: Artefact, record: ArtefactRecord) -> None:
        """Write an artefact soon.

        Raises:
            StorageError: this or an earlier one could not be written.
        """
        if self._pool is None:
            self._store.store.put(key, artefact, record)
            return
        for write in self._writes:
            if write.done() or self._store.waiting_bytes() > WAITING_BYTES:
                write.result()
        self._writes.append(self._store.put_behind(self._pool, key, artefact, record))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is None:
            return
        others = self._store.waiting()  # of other callers: what we return may rest on them
        self._pool.shutdown(wait=True)
        for write in self._writes:
            write.result()
        wait(others)
        for write in others:
            write.result()
