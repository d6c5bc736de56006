"""Identities: what makes two artefacts the same artefact, and how one was made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def _canonical(value: Json) -> Json:
    """Write whole floats as integers: 7 and 7.0 are one setting and must be one key."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, dict):
        return {name: _canonical(item) for name, item in value.items()}
    return value


def digest_json(value: Json) -> str:
    """Return the SHA-256 of a JSON value in its canonical form (sorted keys, no spaces)."""
    text = json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True, order=True)
class ArtefactKey:
    """Identity of a stage's output: equal inputs, parameters, code version and models give an equal key."""

    stage: str
    digest: str

    def __str__(self) -> str:
        return f"{self.stage}/{self.digest}"

    @classmethod
    def parse(cls, text: str) -> ArtefactKey:
        """Read back what `str` wrote."""
        stage, _, digest = text.partition("/")
        return cls(stage, digest)


@dataclass(frozen=True, slots=True)
class ModelUse:
    """One model as a stage used it: enough to prove licence and identity later."""

    id: str
    sha256: str
    licence: str
    commercial: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A message key with its values: a fallback taken, a reason for low confidence."""

    key: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArtefactRecord:
    """How one artefact was made: enough to make it again bit for bit."""

    key: ArtefactKey
    implementation: str
    version: int
    params: Mapping[str, Json]
    inputs: Mapping[str, ArtefactKey]
    edits: tuple[str, ...] = ()
    models: tuple[ModelUse, ...] = ()
    fallbacks: tuple[Note, ...] = ()
    duration_s: float = 0.0
    created_at: str = ""
