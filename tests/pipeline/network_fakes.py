"""A provider whose torch networks are given by the test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.domain.errors import ModelError
from studio.domain.keys import ModelUse
from studio.domain.progress import Progress
from studio.pipeline.stage import OnnxSession, StageContext


class GivenNetworks:
    """Networks by model id; nothing else is installed."""

    device = "cpu"

    def __init__(self, networks: Mapping[str, Any] | None = None) -> None:
        self._networks = dict(networks or {})

    def is_installed(self, model_id: str) -> bool:
        return model_id in self._networks

    def use(self, model_id: str) -> ModelUse:
        return ModelUse(model_id, "0" * 64, "test", False)

    def session(self, model_id: str) -> OnnxSession:
        raise ModelError("model.missing", model=model_id)

    def state_dict(self, model_id: str) -> Mapping[str, Any]:
        raise ModelError("model.missing", model=model_id)

    def module(self, model_id: str) -> Any:
        return self._networks[model_id]


def context(networks: Mapping[str, Any] | None = None) -> StageContext:
    return StageContext(GivenNetworks(networks), Progress.silent())
