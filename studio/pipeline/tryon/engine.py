"""What every try-on engine looks like to the rest of the house."""

from __future__ import annotations

from typing import Protocol

from studio.domain.artefacts import Confidence, GarmentArtefacts, PersonArtefacts, TryOn
from studio.domain.edits import LayerOrder
from studio.domain.keys import ModelUse
from studio.pipeline.stage import StageContext


class TryOnEngine(Protocol):
    """Dresses a person in a garment.

    id: names the engine in a `TryOn`. licences: what the engine's own models are licensed as; empty without models.
    """

    @property
    def id(self) -> str: ...
    @property
    def licences(self) -> tuple[ModelUse, ...]: ...

    def assess(self, person: PersonArtefacts, garment: GarmentArtefacts) -> Confidence:
        """Say how far a result could be trusted, before any time is spent on it."""
        ...

    def dress(
        self,
        person: PersonArtefacts,
        garment: GarmentArtefacts,
        ctx: StageContext,
        *,
        layers: LayerOrder,
        leak_free: bool = False,
    ) -> TryOn:
        """Dress the person.

        leak_free: look at nothing that the agnostic image hides: neither pixels nor outline of the old garment.
        """
        ...
