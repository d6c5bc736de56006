"""Running one network for one photo: on the device that was chosen, and on the processor when its memory is full."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from studio.domain.progress import Progress
from studio.pipeline.stage import StageContext
from studio.pipeline.watched import watched

Out = TypeVar("Out")

Call = Callable[[Any, str], Out]
"""Takes the network (a torch.nn.Module; torch is imported lazily) and the device its inputs belong on."""


def run_network(ctx: StageContext, model_id: str, file: str, stage: str, progress: Progress, call: Call[Out]) -> Out:
    """Run a network in inference mode, reporting from inside; what does not fit the card runs on the processor.

    Args:
        file: the photo's name, for the note that is left when the processor had to do it.

    Raises:
        torch.OutOfMemoryError: not even the processor has the memory.
        Cancelled: the operator asked to stop.
    """
    import torch

    network = ctx.models.module(model_id)
    device = _device_of(network, ctx.models.device)
    try:
        return _run(network, device, stage, progress, call)
    except torch.OutOfMemoryError:
        if device == "cpu":
            raise
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    ctx.note_fallback("runtime.to_cpu", file=file)
    try:
        return _run(network.to("cpu"), "cpu", stage, progress, call)
    finally:
        with suppress(torch.OutOfMemoryError):  # then it stays where it is, and is asked for its device next time
            network.to(device)


def _run(network: Any, device: str, stage: str, progress: Progress, call: Call[Out]) -> Out:  # Any: as above
    import torch

    with torch.inference_mode(), watched(network, progress, stage):
        return call(network, device)


def _device_of(network: Any, usual: str) -> str:  # Any: as above
    """Return where a network's weights lie: a full card may have kept it on the processor."""
    first = next(network.parameters(), None)
    return usual if first is None else str(first.device)
