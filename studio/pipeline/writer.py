"""Artefacts are encoded and written on a thread of their own, while the next step computes."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from studio.domain.artefacts import Artefact
from studio.domain.keys import ArtefactKey, ArtefactRecord
from studio.pipeline.cache import ArtefactStore, size_of
from studio.pipeline.parallel import thread_count

WAITING_BYTES = 400 << 20
"""What may wait to be written; a step that makes more waits for the disk."""


class BehindStore:
    """A store as a runner sees it: what is on its way to the disk counts as made.

    Artefacts are written one after the other in the order they were made, whoever asked: what is on disk has all it
    was made from there too. After a failure nothing that still waits is written.
    """

    def __init__(self, store: ArtefactStore) -> None:
        self.store = store
        self._waiting: dict[ArtefactKey, tuple[Artefact, Future[None]]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._users = 0
        self._failure: Exception | None = None
        self._lock = threading.Lock()

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

    def put_behind(self, key: ArtefactKey, artefact: Artefact, record: ArtefactRecord, caller: Writer) -> Future[None]:
        """Write an artefact soon; only between `enter` and `leave`.

        Raises:
            StorageError: an earlier one of the caller's could not be written, and this may rest on it.
        """
        with self._lock:  # the thread takes it off the list only once it is on it
            if caller.failure is not None:
                raise caller.failure
            assert self._pool is not None
            future = self._pool.submit(self._write, key, artefact, record, caller)
            self._waiting[key] = (artefact, future)
        return future

    def enter(self) -> None:
        """Have a thread that writes: it lives as long as somebody may need it."""
        with self._lock:
            self._users += 1
            self._pool = self._pool or ThreadPoolExecutor(1, "write")

    def leave(self) -> None:
        """Need the thread no more; one's own writes must have ended."""
        with self._lock:
            self._users -= 1
            unused, self._pool = (None, self._pool) if self._users else (self._pool, None)
        if unused is not None:
            unused.shutdown(wait=True)

    def _write(self, key: ArtefactKey, artefact: Artefact, record: ArtefactRecord, caller: Writer) -> None:
        try:
            if self._failure is not None:
                raise self._failure
            self.store.put(key, artefact, record)
        except Exception as error:
            with self._lock:  # known before the list is empty: a future tells of its failure a moment later
                self._failure = caller.failure = error
            raise
        finally:
            with self._lock:
                self._waiting.pop(key, None)
                if not self._waiting:
                    self._failure = None


class Writer:
    """One caller's writes. Leaving it waits until all that was made is on disk, whatever else went wrong.

    Raises on leaving:
        StorageError: something could not be written; that comes before any other error.
    """

    def __init__(self, store: BehindStore) -> None:
        self._store = store
        self._is_behind = thread_count() > 1
        self._writes: list[Future[None]] = []
        self.failure: Exception | None = None

    def put(self, key: ArtefactKey, artefact: Artefact, record: ArtefactRecord) -> None:
        """Write an artefact soon.

        Raises:
            StorageError: this or an earlier one could not be written.
        """
        if not self._is_behind:
            self._store.store.put(key, artefact, record)
            return
        for write in self._writes:
            if write.done() or self._store.waiting_bytes() > WAITING_BYTES:
                write.result()
        self._writes.append(self._store.put_behind(key, artefact, record, self))

    def __enter__(self) -> Self:
        if self._is_behind:
            self._store.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_behind:
            return
        writes = [*self._writes, *self._store.waiting()]  # others' too: what we return may rest on them
        wait(writes)
        self._store.leave()
        for write in writes:
            write.result()
