"""Progress and cancellation inside a network's forward pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from studio.domain.progress import Progress

if TYPE_CHECKING:
    from torch import nn


@contextmanager
def watched(network: nn.Module, progress: Progress, stage: str) -> Iterator[None]:
    """Report before every layer while the block runs; a cancelled run stops at the next layer.

    A layer that runs several times is counted each time, so the last part may pass quicker or slower than the rest.

    Raises:
        Cancelled: from inside the forward pass.
    """
    layers = [module for module in network.modules() if next(module.children(), None) is None]
    started = 0

    def report(module: nn.Module, inputs: object) -> None:
        nonlocal started
        del module, inputs
        progress.report(started / len(layers), stage)
        started += 1

    hooks = [layer.register_forward_pre_hook(report) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
