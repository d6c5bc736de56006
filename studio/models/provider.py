"""Warm models by id: what stages get as their `ModelProvider`."""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast

from studio.domain.arrays import AnyArray
from studio.domain.errors import ModelError
from studio.domain.keys import ModelUse, Note
from studio.models.device import CPU_PROVIDER, Device, onnx_providers, physical_cores, torch_device
from studio.models.manifest import ModelEntry, ModelFormat
from studio.models.store import REMBG_VARIABLE, ModelStore

log = logging.getLogger(__name__)

T = TypeVar("T")

DEFAULT_BUDGET_MB = 2048
"""What warm models may take together before the least recently used is let go."""

_LARGE_WORK_MB = 1000
"""A model that needs this much to run gives it back after each run; for smaller ones keeping it is worth the time."""


class WarmSession:
    """One onnxruntime session; `provider` is where it really runs."""

    __slots__ = ("_on_cpu", "_options", "_session", "input_names", "output_names", "provider")

    def __init__(self, session: Any, *, frees_memory: bool = False, on_cpu: Callable[[str], Any] | None = None) -> None:
        """Take a session (Any: onnxruntime is imported lazily and has no types).

        on_cpu: opens the model again on the processor, told why; asked once, when the first provider gives up.
        """
        self._session = session
        self._options = _freeing_options() if frees_memory else None
        self._on_cpu = on_cpu
        self.input_names: tuple[str, ...] = tuple(node.name for node in session.get_inputs())
        self.output_names: tuple[str, ...] = tuple(node.name for node in session.get_outputs())
        self.provider: str = session.get_providers()[0]

    def run(self, feeds: Mapping[str, AnyArray]) -> list[AnyArray]:
        """Return all outputs, in the model's order; a graphics processor that gives up is replaced by the CPU."""
        try:
            return self._run(feeds)
        except _session_errors() as error:
            if self._on_cpu is None or self.provider == CPU_PROVIDER:
                raise
            log.warning("%s gave up: %s", self.provider, error)
            self._session, self._on_cpu = self._on_cpu(self.provider), None
            self.provider = self._session.get_providers()[0]
            return self._run(feeds)

    def _run(self, feeds: Mapping[str, AnyArray]) -> list[AnyArray]:
        return cast("list[AnyArray]", self._session.run(None, dict(feeds), self._options))


@cache
def _share_arena() -> None:
    """Let all sessions work in one pool of memory that grows by what is asked for, not by doubling.

    Measured with u2netp, selfie_multiclass, blazepose and modnet warm: 0.46 GB instead of 0.88; u2net_cloth_seg at
    768 x 768: 2.4 GB instead of 4.2 and 40 % less time (fewer fresh pages), together with `enable_mem_pattern` off.
    """
    import onnxruntime

    kind, use = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, onnxruntime.OrtMemType.DEFAULT
    same_as_requested = {"max_mem": 0, "arena_extend_strategy": 1, "initial_chunk_size_bytes": -1}
    settings = onnxruntime.OrtArenaCfg(same_as_requested | {"max_dead_bytes_per_chunk": -1})
    onnxruntime.create_and_register_allocator(onnxruntime.OrtMemoryInfo("Cpu", kind, 0, use), settings)


def _freeing_options() -> Any:  # Any: as above
    """Return run options that give the pool's free memory back to the system after a run."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def _session_errors() -> tuple[type[Exception], ...]:
    """Return onnxruntime's exceptions: plain subclasses of Exception without a base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return (*kinds, RuntimeError, ValueError)


@dataclass(slots=True)
class _Warm:
    value: object
    memory_mb: float


class LocalModels:
    """Models of a store, loaded once, kept warm, the least recently used let go when memory runs short."""

    def __init__(
        self,
        store: ModelStore | None = None,
        *,
        device: Device = Device.AUTO,
        threads: int | None = None,
        budget_mb: int = DEFAULT_BUDGET_MB,
    ) -> None:
        self.store = store or ModelStore()
        os.environ[REMBG_VARIABLE] = str(self.store.root)  # so that rembg, wherever it is called, uses the same files
        self._device = device
        self._threads = threads or physical_cores()
        self._budget_mb = budget_mb
        self._warm: OrderedDict[tuple[str, str], _Warm] = OrderedDict()
        self._lock = threading.RLock()
        self._fallbacks: dict[str, Note] = {}

    @property
    def device(self) -> str:
        """The device that torch networks run on: "cpu" or "cuda"."""
        return torch_device(self._device)

    @property
    def fallbacks(self) -> list[Note]:
        """What was announced so far: models that run on less than was asked for."""
        return list(self._fallbacks.values())

    def fallbacks_of(self, model_ids: Iterable[str]) -> list[Note]:
        """Return what is to be told of these models, as they are warm now; a stage writes it into its record."""
        return [self._fallbacks[model_id] for model_id in model_ids if model_id in self._fallbacks]

    def _note_fallback(self, entry: ModelEntry, reason: str) -> None:
        self._fallbacks[entry.id] = Note("model.fell_back_to_cpu", {"title": entry.title, "reason": reason})

    def is_installed(self, model_id: str) -> bool:
        """Say whether a model is there to be used."""
        return self.store.is_installed(model_id)

    def use(self, model_id: str) -> ModelUse:
        """Return identity and licence of an installed model.

        Raises:
            ModelError: not installed (the message says how to get it) or damaged.
        """
        return self.store.use(model_id)

    def session(self, model_id: str) -> WarmSession:
        """Return the warm ONNX session of an installed model.

        Raises:
            ModelError: not installed, damaged, or not a model that onnxruntime can read.
        """
        return self._keep("session", model_id, lambda: self._open_session(model_id))

    def state_dict(self, model_id: str) -> Mapping[str, Any]:  # Any: torch tensors; torch is imported lazily
        """Return the weights of an installed torch checkpoint, on the CPU.

        Raises:
            ModelError: not installed or damaged.
        """
        from safetensors.torch import load_file

        entry = self.store.manifest.find(model_id)
        if entry.format is not ModelFormat.SAFETENSORS:
            raise ModelError("model.no_network", model=model_id, title=entry.title)
        return cast("Mapping[str, Any]", load_file(self.store.path(model_id)))

    def module(self, model_id: str) -> Any:  # Any: a torch.nn.Module; torch is imported lazily
        """Return the warm network of an installed torch checkpoint, in eval mode on `device`.

        Raises:
            ModelError: not installed, damaged, or not a network.
        """
        return self._keep("module", model_id, lambda: self._open_module(model_id))

    @property
    def warm(self) -> tuple[str, ...]:
        """Ids of the models in memory, the least recently used first."""
        with self._lock:
            return tuple(model_id for _, model_id in self._warm)

    def unload(self) -> None:
        """Let all warm models go."""
        with self._lock:
            self._warm.clear()

    def _open_session(self, model_id: str) -> WarmSession:
        import onnxruntime

        _share_arena()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3  # errors only: a fallback is reported by us, through `provider`
        options.enable_mem_pattern = False
        options.add_session_config_entry("session.use_env_allocators", "1")
        # Idle threads sleep instead of spinning: other libraries and the window need the same few cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        entry = self.store.manifest.find(model_id)
        path, wanted = self.store.path(model_id), onnx_providers(self._device)
        try:
            session = onnxruntime.InferenceSession(path, options, providers=wanted)
        except _session_errors() as error:
            if len(wanted) == 1:
                raise ModelError("model.unreadable", model=model_id, file=str(path), reason=str(error)) from error
            session = onnxruntime.InferenceSession(path, options, providers=wanted[-1:])

        def on_cpu(reason: str) -> Any:  # Any: as above
            self._note_fallback(entry, reason)
            return onnxruntime.InferenceSession(path, options, providers=[CPU_PROVIDER])

        warm = WarmSession(session, frees_memory=entry.work_mb >= _LARGE_WORK_MB, on_cpu=on_cpu)
        if warm.provider != wanted[0]:
            self._note_fallback(entry, wanted[0])
        else:
            self._fallbacks.pop(model_id, None)
        log.info("model %s is warm on %s, %d threads", model_id, warm.provider, self._threads)
        return warm

    def _open_module(self, model_id: str) -> Any:  # Any: as above
        entry = self.store.manifest.find(model_id)
        if not entry.network:
            raise ModelError("model.no_network", model=model_id, title=entry.title)
        from studio.networks.loading import load_network

        _, module = load_network(self.state_dict(model_id), source=entry.file, network=entry.network)
        return self._place(module, entry)

    def _place(self, module: Any, entry: ModelEntry) -> Any:  # Any: as above
        """Move a network to the device; a card too full even after all others left keeps it on the processor."""
        import torch

        self._fallbacks.pop(entry.id, None)
        try:
            return module.to(self.device)
        except torch.OutOfMemoryError:
            log.warning("the card is full: all warm models are let go for %s", entry.id)
        self._warm.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        try:
            return module.to(self.device)
        except torch.OutOfMemoryError:
            self._note_fallback(entry, self.device)
            return module.to("cpu")

    def _keep(self, kind: str, model_id: str, load: Callable[[], T]) -> T:
        with self._lock:
            key = (kind, model_id)
            if key not in self._warm:
                self._warm[key] = _Warm(load(), self._estimate_mb(model_id))
                self._let_go(keep=key)
            self._warm.move_to_end(key)
            return cast(T, self._warm[key].value)

    def _let_go(self, keep: tuple[str, str]) -> None:
        while sum(warm.memory_mb for warm in self._warm.values()) > self._budget_mb and len(self._warm) > 1:
            oldest = next(key for key in self._warm if key != keep)
            log.info("model %s is let go: warm models take more than %d MB", oldest[1], self._budget_mb)
            del self._warm[oldest]

    def _estimate_mb(self, model_id: str) -> float:
        entry = self.store.manifest.find(model_id)
        return entry.memory_mb or self.store.path(model_id).stat().st_size / 1e6
