"""A recipe: named, versioned settings for a whole run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from studio.domain.keys import Json, digest_json

DEFAULT_CHOICES: dict[str, str] = {
    "cutout": "u2netp",
    "edges": "contour",
    "pose": "blazepose",
    "framing": "catalogue",
    "parse": "fusion",
    "densepose": "geometric",
    "agnostic": "hr_viton",
    "garment": "template",
    "tryon": "drape",
    "look": "native_blend",
}
"""The embedded default of every stage: offline, commercial, on CPU."""


@dataclass(frozen=True, slots=True)
class StageChoice:
    """Which implementation of a stage runs, and the parameters that differ from its defaults."""

    implementation: str
    params: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Choices by stage name; a stage that is not named runs its embedded default.

    A choice for garments alone is named "garment.cutout" or "garment.edges".
    """

    name: str = "Standard"
    choices: Mapping[str, StageChoice] = field(default_factory=dict)

    def choice(self, stage: str, role: str = "model") -> StageChoice:
        """Return what runs for a stage; `role` "garment" looks for the garment's own choice first."""
        if role == "garment" and f"garment.{stage}" in self.choices:
            return self.choices[f"garment.{stage}"]
        return self.choices.get(stage, StageChoice(DEFAULT_CHOICES[stage]))

    @property
    def digest(self) -> str:
        """SHA-256 of the settings, whatever the name."""
        return digest_json(
            {stage: [choice.implementation, dict(choice.params)] for stage, choice in sorted(self.choices.items())}
        )
