"""What is to be expected of a pair before it is dressed: nobody should wait for a look that cannot come out well.

The photos' own steps are made for it; the run needs them anyway, so that nothing is done twice. Free of Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from studio.domain.artefacts import Artefact, Confidence, GarmentArtefacts, PersonArtefacts
from studio.domain.errors import StudioError
from studio.domain.keys import Note
from studio.domain.progress import Progress
from studio.library.records import JobState
from studio.library.source import LibraryPhotos
from studio.pipeline.graph import EditNode, GraphBuilder, Node, PhotoSpec
from studio.pipeline.stage import Inputs
from studio.pipeline.tryon.slots import GARMENT, PERSON, read_garment, read_person

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace
    from studio.pipeline.runner import Runner

WARM_BYTES = 256 << 20
"""The window has better uses for memory: one or two photos with all their steps, whatever their size."""


@runtime_checkable
class Assesses(Protocol):
    """A try-on stage that can say beforehand how far its result could be trusted."""

    def assess(self, person: PersonArtefacts, garment: GarmentArtefacts) -> Confidence:
        """Say how far a result could be trusted, before any time is spent on it."""
        ...


class Foreseer:
    """Looks at pairs of one project that are not dressed yet."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._runner: Runner | None = None

    def foresee(self, model_id: str, garment_id: str, progress: Progress) -> Confidence | None:
        """Return how far the pair's look could be trusted; None where nobody can tell now.

        While the queue dresses, only what is made already is looked at: the run comes first. What a step refuses, the
        run would refuse: then nothing can be trusted, and the reason is the step's own.

        Raises:
            Cancelled: the operator asked for something else.
        """
        try:
            nodes = self._nodes(model_id, garment_id)
            tryon = nodes["tryon"].base if isinstance(nodes["tryon"], EditNode) else nodes["tryon"]
            stage = getattr(tryon, "stage", None)
            if not isinstance(stage, Assesses) or not self._may_look(nodes):
                return None
            made = self._make(nodes, progress)
        except StudioError as error:
            return Confidence(0.0, (Note(error.key, dict(error.values)),))
        return stage.assess(read_person(Inputs(made)), read_garment(Inputs(made)))

    def _nodes(self, model_id: str, garment_id: str) -> dict[str, Node]:
        library = self._workspace.library
        specs = [
            PhotoSpec(photo.sha256, photo.name, library.edits(photo.id))
            for photo in (library.photo(model_id), library.photo(garment_id))
        ]
        return GraphBuilder(self._workspace.default_recipe(), self._workspace.models).look(specs[0], specs[1])

    def _may_look(self, nodes: dict[str, Node]) -> bool:
        library = self._workspace.library
        counts = library.job_counts()
        if not library.is_read_only and not counts[JobState.RUNNING] and not counts[JobState.QUEUED]:
            return True
        return not any(self.runner.plan(nodes[slot]) for slot in (*PERSON, *GARMENT))

    def _make(self, nodes: dict[str, Node], progress: Progress) -> dict[str, Artefact]:
        slots = (*PERSON, *GARMENT)
        made: dict[str, Artefact] = {}
        for number, slot in enumerate(slots):
            progress.report(number / len(slots), "foresee")
            made[slot] = self.runner.get(nodes[slot], progress.part(number / len(slots), 1 / len(slots)))
        return made

    @property
    def runner(self) -> Runner:
        """A runner of its own: what it looks at does not push out what the operator works on."""
        if self._runner is None:
            from studio.pipeline.cache import WarmCache
            from studio.pipeline.runner import Runner

            library = self._workspace.library
            self._runner = Runner(library.store, LibraryPhotos(library), self._workspace.models, WarmCache(WARM_BYTES))
        return self._runner
