"""The graph is data: which stage feeds which, with which edits. Nothing runs here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.domain.artefacts import PhotoRole
from studio.domain.edits import Edit, GarmentOverride, LayerOrder, edit_digest, stage_of
from studio.domain.errors import PipelineError
from studio.domain.jsonable import decode, encode
from studio.domain.keys import ArtefactKey, ModelUse, digest_json
from studio.domain.recipe import Recipe
from studio.pipeline.registry import load_stage
from studio.pipeline.stage import ModelProvider, Stage

EDIT_VERSION = 1
"""Raise it when applying the same edit gives another result."""


@dataclass(frozen=True, slots=True)
class PhotoSpec:
    """A photo as the graph's source: its content hash, its name for messages, the edits made on it."""

    sha256: str
    name: str
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class PhotoNode:
    """The source of everything: a photo from the library."""

    sha256: str
    name: str

    @property
    def key(self) -> ArtefactKey:
        return ArtefactKey("photo", self.sha256)


@dataclass(frozen=True, slots=True, eq=False)
class StageNode:
    """One stage with its parameters, models and inputs."""

    stage: Stage
    params: Any  # Any: the stage's own params dataclass
    inputs: Mapping[str, Node]
    models: tuple[ModelUse, ...]
    key: ArtefactKey


@dataclass(frozen=True, slots=True, eq=False)
class EditNode:
    """A stage's output with the operator's corrections applied; `photo` is there for edits that look at pixels."""

    base: StageNode
    photo: PhotoNode
    edits: tuple[Edit, ...]
    key: ArtefactKey


Node = PhotoNode | StageNode | EditNode


def stage_node(stage: Stage, params: Any, inputs: Mapping[str, Node], provider: ModelProvider) -> StageNode:
    """Return a node whose key stands for the stage, its version, parameters, models and inputs.

    Raises:
        PipelineError: the graph does not feed a slot that the stage declares.
        ModelError: a model the stage needs is not installed.
    """
    missing = [slot for slot in stage.inputs if slot not in inputs]
    if missing:
        raise PipelineError("stage.slot", slot=", ".join(missing), want=stage.name, got="nothing")
    needed = {slot: inputs[slot] for slot in stage.inputs}
    models = tuple(provider.use(model_id) for model_id in stage.models(params, provider))
    digest = digest_json(
        {
            "stage": stage.name,
            "implementation": stage.implementation,
            "version": stage.version,
            "params": encode(params),
            "models": [model.sha256 for model in models],
            "inputs": {slot: str(node.key) for slot, node in needed.items()},
        }
    )
    return StageNode(stage, params, needed, models, ArtefactKey(stage.name, digest))


def edited(base: StageNode, photo: PhotoNode, edits: Sequence[Edit]) -> StageNode | EditNode:
    """Return the node with edits applied; the node itself where there are none."""
    if not edits:
        return base
    digest = digest_json(
        {"base": str(base.key), "version": EDIT_VERSION, "edits": [edit_digest(edit) for edit in edits]}
    )
    return EditNode(base, photo, tuple(edits), ArtefactKey(base.key.stage, digest))


def chosen_stage(recipe: Recipe, name: str, role: str = "model") -> tuple[Stage, Any]:  # Any: the stage's own params
    """Return the implementation that a recipe chooses for a stage, with its parameters.

    Raises:
        PipelineError: nobody registered it.
    """
    choice = recipe.choice(name, role)
    stage = load_stage(name, choice.implementation)
    params = decode(stage.params_type, dict(choice.params))
    return stage, replace(params, role=PhotoRole(role)) if hasattr(params, "role") else params


@dataclass(frozen=True, slots=True)
class GraphBuilder:
    """Builds the nodes of persons, garments and looks for one recipe."""

    recipe: Recipe
    provider: ModelProvider

    def person(self, spec: PhotoSpec) -> dict[str, Node]:
        """Return the nodes of a model photo by slot name, "photo" to "agnostic"."""
        photo = PhotoNode(spec.sha256, spec.name)
        nodes: dict[str, Node] = {"photo": photo}
        for name in ("cutout", "edges", "pose", "framing", "parse", "densepose", "agnostic"):
            nodes[name] = self._step(name, "model", nodes, photo, spec.edits)
        return nodes

    def garment(self, spec: PhotoSpec) -> dict[str, Node]:
        """Return the nodes of a garment photo by slot name: "photo", "cutout", "edges", "garment"."""
        photo = PhotoNode(spec.sha256, spec.name)
        nodes: dict[str, Node] = {"photo": photo}
        for name in ("cutout", "edges", "garment"):
            nodes[name] = self._step(name, "garment", nodes, photo, spec.edits)
        return nodes

    def look(self, model: PhotoSpec, garment: PhotoSpec, edits: Sequence[Edit] = ()) -> dict[str, Node]:
        """Return all nodes of a pair: the person's by slot name, the garment's as "garment_*", "tryon" and "look"."""
        nodes = self.person(model)
        worn = self.garment(garment)
        nodes |= {"garment_photo": worn["photo"], "garment_cutout": worn["cutout"], "garment_edges": worn["edges"]}
        nodes["garment"] = worn["garment"]
        photo = PhotoNode(model.sha256, model.name)
        nodes["tryon"] = self._step("tryon", "model", nodes, photo, tuple(edits))
        nodes["look"] = self._step("look", "model", nodes, photo, ())
        return nodes

    def _step(
        self, name: str, role: str, nodes: Mapping[str, Node], photo: PhotoNode, edits: tuple[Edit, ...]
    ) -> StageNode | EditNode:
        stage, params = chosen_stage(self.recipe, name, role)
        own = tuple(edit for edit in edits if stage_of(edit) == name)
        params, own = _absorb(params, own)
        return edited(stage_node(stage, params, nodes, self.provider), photo, own)


def _absorb(params: Any, edits: tuple[Edit, ...]) -> tuple[Any, tuple[Edit, ...]]:  # Any: a stage's params
    """Turn edits that steer a stage into parameters; the others stay corrections of its output."""
    rest = []
    for edit in edits:
        if isinstance(edit, LayerOrder) and hasattr(params, "layers"):
            params = replace(params, layers=edit)
        elif isinstance(edit, GarmentOverride) and hasattr(params, "override"):
            params = replace(params, override=edit)
        else:
            rest.append(edit)
    return params, tuple(rest)


def inputs_of(node: Node) -> Iterator[Node]:
    """Yield the nodes a node is made from."""
    if isinstance(node, StageNode):
        yield from node.inputs.values()
    elif isinstance(node, EditNode):
        yield node.base
        yield node.photo
