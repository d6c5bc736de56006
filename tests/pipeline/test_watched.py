"""A network reports layer by layer and stops where the run is cancelled."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn

from studio.domain.errors import Cancelled
from studio.domain.progress import Progress
from studio.pipeline.watched import watched


def test_every_layer_is_reported_and_the_hooks_go_away() -> None:
    heard: list[float] = []
    progress = Progress(threading.Event(), lambda fraction, stage: heard.append(fraction))
    network = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 1)))
    with watched(network, progress.part(0.5, 0.3), "parse"):
        network(torch.zeros(1, 2))
    network(torch.zeros(1, 2))
    assert heard == pytest.approx([0.5, 0.6, 0.7])


def test_a_cancelled_run_stops_at_the_next_layer() -> None:
    token = threading.Event()
    ran: list[str] = []
    first, second = nn.Identity(), nn.Identity()
    first.register_forward_hook(lambda *_: (ran.append("first"), token.set())[0])
    second.register_forward_hook(lambda *_: ran.append("second"))
    network = nn.Sequential(first, second)
    with pytest.raises(Cancelled), watched(network, Progress(token, lambda *_: None), "parse"):
        network(torch.zeros(1))
    assert ran == ["first"]
    assert not second._forward_pre_hooks
