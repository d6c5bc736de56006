"""Scenes of a project as the compositing room renders them: on the canvas small, for delivery at native size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from studio.domain.arrays import U8, U16
from studio.domain.artefacts import Look, Photo
from studio.domain.errors import JobError
from studio.domain.geometry import Placement
from studio.domain.progress import Progress
from studio.library.records import Changes, SceneItem, SceneRow

if TYPE_CHECKING:
    from studio.compositing.scene import Scene
    from studio.jobs.workspace import Workspace

_GATHERING = 0.5
"""Share of the progress for fetching looks; rendering has the rest."""


def load_look(workspace: Workspace, look_id: str, longest: int = 0, progress: Progress | None = None) -> Look:
    """Return a look's artefact, reduced to `longest` pixels for a canvas; 0 = native."""
    look = workspace.artefact(look_id, "look", progress=progress)
    if not isinstance(look, Look):
        raise JobError("job.no_picture", id=look_id)
    if not longest:
        return look
    from studio.compositing.layers import proxy_look

    return proxy_look(look, longest)


def load_scene(workspace: Workspace, scene: SceneRow, longest: int = 0, progress: Progress | None = None) -> Scene:
    """Return a scene ready to render. longest: reduce photos and looks to it, for a canvas; 0 = native."""
    from studio.compositing.layers import proxy_photo
    from studio.compositing.scene import PlacedLook, Scene

    told = progress or Progress.silent()
    items = [item for item in scene.items if item.is_visible]
    looks = []
    for number, item in enumerate(items):
        told.report(number / len(items), "compose")
        name = workspace.library.look(item.look_id).name
        looks.append(PlacedLook(load_look(workspace, item.look_id, longest), item.placement, name))
    background: Photo | None = None
    if scene.background_id:
        background = workspace.runner.photos.load(workspace.library.photo(scene.background_id).sha256)
        background = proxy_photo(background, longest) if longest else background
    canvas = scene.canvas
    if background is None and min(canvas) < 1:
        first = looks[0].look.edit_mask.shape if looks else (1, 1)
        canvas = (first[1], first[0])
    return Scene(background, tuple(looks), canvas, scene.colour)


def compose(
    workspace: Workspace,
    scene_id: str,
    *,
    size: tuple[int, int] | None = None,
    transparent: bool = False,
    progress: Progress | None = None,
) -> U8 | U16:
    """Render a scene.

    Args:
        size: (width, height); the background's own where absent. What another aspect leaves over is cut.
        transparent: looks and shadows alone, straight-alpha RGBA.

    Raises:
        LibraryError: there is no such scene.
        CompositingError: a look is empty, or the size is impossible.
    """
    from studio.compositing.scene import View, render_scene

    told = progress or Progress.silent()
    scene = load_scene(workspace, workspace.library.scene(scene_id), progress=told.part(0.0, _GATHERING))
    view = None if size is None else View.fit(scene, size)
    return render_scene(scene, view, transparent=transparent, progress=told.part(_GATHERING, 1 - _GATHERING))


def place_batch(
    workspace: Workspace, look_ids: Sequence[str], background_id: str, placement: Placement | str
) -> Changes:
    """Make one scene for each look, all standing at the same place of a background.

    Args:
        placement: a placement, or the name of one that the background keeps.

    Raises:
        JobError: the background keeps no placement of that name.
    """
    library = workspace.library
    where = _named(workspace, background_id, placement) if isinstance(placement, str) else placement
    room = PurePath(library.photo(background_id).name).stem
    changes = Changes()
    for look in library.looks(look_ids):
        changes |= library.create_scene(f"{look.name} – {room}", background_id, [SceneItem(look.id, where)])
    return replace(changes, undo="")


def _named(workspace: Workspace, background_id: str, name: str) -> Placement:
    kept = {row.name: row.placement for row in workspace.library.placements(background_id)}
    if name not in kept:
        background = workspace.library.photo(background_id).name
        raise JobError("job.no_placement", name=name, background=background, known=", ".join(kept) or "–")
    return kept[name]
