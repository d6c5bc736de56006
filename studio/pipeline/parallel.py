"""Independent halves of one step at the same time: numpy, OpenCV and the networks let other threads run meanwhile.

Whatever the number of threads, results are the same to the byte: the halves share nothing that either writes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

MOST_THREADS = 4
"""More would not be kept busy: what is not numpy's or OpenCV's own work runs one thread at a time."""


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_threads = min(MOST_THREADS, _usable_cores())


def thread_count() -> int:
    """Return how many threads one step may use."""
    return _threads


@contextmanager
def limit_threads(threads: int) -> Iterator[None]:
    """Let steps use at most this many threads: for tests and measurements."""
    global _threads
    before, _threads = _threads, threads
    try:
        yield
    finally:
        _threads = before


def both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Return the results of two pieces of work that need nothing of each other; the first's error comes first."""
    if _threads == 1:
        return first(), second()
    with ThreadPoolExecutor(1, "half") as pool:
        other = pool.submit(second)
        return first(), other.result()


def each(work: Callable[[T], None], items: Iterable[T]) -> None:
    """Do the work on every item, on all threads; the first item's error comes first."""
    todo = list(items)
    if _threads == 1 or len(todo) < 2:
        for item in todo:
            work(item)
        return
    with ThreadPoolExecutor(min(_threads, len(todo)), "part") as pool:
        for _ in pool.map(work, todo):
            pass
