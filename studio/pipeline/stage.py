"""The one shape every step of the pipeline has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from studio.domain.arrays import AnyArray
from studio.domain.artefacts import Artefact
from studio.domain.errors import PipelineError
from studio.domain.keys import ArtefactKey, ModelUse, Note, digest_json
from studio.domain.progress import Progress

T = TypeVar("T")


class OnnxSession(Protocol):
    """A warm ONNX model: names to arrays in, arrays out in the model's output order."""

    @property
    def input_names(self) -> tuple[str, ...]: ...

    def run(self, feeds: Mapping[str, AnyArray]) -> list[AnyArray]: ...


class ModelProvider(Protocol):
    """Warm models by id, on a device already chosen. `studio.models` implements it."""

    def is_installed(self, model_id: str) -> bool: ...

    def use(self, model_id: str) -> ModelUse:
        """Return identity and licence of an installed model.

        Raises:
            ModelError: the model is not installed; the message says how to get it.
        """
        ...

    def session(self, model_id: str) -> OnnxSession:
        """Return the warm ONNX session of an installed model."""
        ...

    def state_dict(self, model_id: str) -> Mapping[str, Any]:  # Any: torch tensors; torch is imported lazily
        """Return the weights of an installed torch checkpoint (safetensors or weights-only load)."""
        ...

    def module(self, model_id: str) -> Any:  # Any: a torch.nn.Module; torch is imported lazily
        """Return the warm network of an installed torch checkpoint, in eval mode on `device`."""
        ...

    @property
    def device(self) -> str:
        """The device that torch networks run on: "cpu", "cuda", ..."""
        ...


@runtime_checkable
class TellsFallbacks(Protocol):
    """A provider that knows which of its models run on less than was asked for."""

    def fallbacks_of(self, model_ids: Iterable[str]) -> list[Note]:
        """Return what is to be told of these models, as they are warm now."""
        ...


class Memory(Protocol):
    """What stages worked out on the way, kept in memory from run to run within a budget; never a result by itself."""

    def get(self, key: ArtefactKey) -> Any | None: ...  # Any: whatever the stage keeps

    def put(self, key: ArtefactKey, value: Any) -> None: ...  # Any: as above


@dataclass(frozen=True, slots=True)
class StageContext:
    """What a running stage may use. `notes` collects fallbacks taken; they are written into the artefact's record.

    memory, keys: for `once`. keys: of the stage's inputs, by slot.
    """

    models: ModelProvider
    progress: Progress
    notes: list[Note] = field(default_factory=list)
    memory: Memory | None = None
    keys: Mapping[str, ArtefactKey] = field(default_factory=dict)

    def note_fallback(self, key: str, **values: str) -> None:
        """Record that something less than the best was done, to be shown to the operator."""
        self.notes.append(Note(key, values))

    def once(self, slots: Sequence[str], what: str, make: Callable[[], T]) -> T:
        """Return what `make` makes of the inputs in these slots and of nothing else but `what` names.

        It is kept for the next run with the same inputs, and is therefore frozen: its arrays cannot be written to.
        """
        if self.memory is None or not all(slot in self.keys for slot in slots):
            return freeze(make())
        key = ArtefactKey("kept", digest_json({"what": what, "inputs": [str(self.keys[slot]) for slot in slots]}))
        found: T | None = self.memory.get(key)
        if found is None:
            found = freeze(make())
            self.memory.put(key, found)
        return found


def freeze(value: T) -> T:
    """Make all arrays of nested dataclasses and tuples read-only, in place."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    elif isinstance(value, tuple):
        for item in value:
            freeze(item)
    elif is_dataclass(value):
        for part in fields(value):
            freeze(getattr(value, part.name))
    return value


@dataclass(frozen=True, slots=True)
class Inputs:
    """The artefacts a stage asked for, by slot name."""

    slots: Mapping[str, Artefact]

    def take(self, slot: str, kind: type[T]) -> T:
        """Return the artefact in a slot.

        Raises:
            PipelineError: nothing there, or another kind of artefact: a bug in the graph.
        """
        value = self.slots.get(slot)
        if not isinstance(value, kind):
            raise PipelineError("stage.slot", slot=slot, want=kind.__name__, got=type(value).__name__)
        return value


@dataclass(frozen=True, slots=True)
class NoParams:
    """For stages without settings."""


class Stage(Protocol):
    """One step: a pure function of its inputs, params, version and models.

    name: the stage ("parse"); implementation: which of its interchangeable ones ("fusion").
    version: raise it when the output changes. params_type: a frozen dataclass, every field with a default.
    inputs: the slots it needs (names of upstream stages, or "photo"). output: the artefact type it returns.
    models(params, provider): ids of the models it will use, given what is installed; they are part of the key.
    unavailable(provider): a note saying how to get what is missing, or None when it can run.
    """

    @property
    def name(self) -> str: ...
    @property
    def implementation(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def params_type(self) -> type[Any]: ...  # Any: each stage has its own dataclass
    @property
    def inputs(self) -> tuple[str, ...]: ...
    @property
    def output(self) -> type[Any]: ...  # Any: one of the artefact types

    def models(self, params: Any, provider: ModelProvider) -> tuple[str, ...]: ...  # Any: this stage's params_type

    def unavailable(self, provider: ModelProvider) -> Note | None: ...

    def run(self, inputs: Inputs, params: Any, ctx: StageContext) -> Artefact: ...  # Any: as above


@runtime_checkable
class BatchStage(Protocol):
    """A stage that does several at once in less time than one after the other, where the device has the memory."""

    @property
    def shared(self) -> tuple[str, ...]:
        """The slots that must hold the same artefacts in all of a batch."""
        ...

    def most_at_once(self, params: Any, provider: ModelProvider) -> int:  # Any: this stage's params_type
        """Return how many the device's free memory takes at once, by estimate; 1 where nothing is gained."""
        ...

    def run_many(self, inputs: Sequence[Inputs], params: Any, contexts: Sequence[StageContext]) -> Sequence[Artefact]:
        """Return what `run` would for each; notes and progress go to each one's own context."""
        ...
