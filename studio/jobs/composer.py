"""A scene being arranged: proxies of its looks, sprites for dragging, and previews by the renderer that exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from studio.compositing.placement import Stand, is_hit, measure_stand, person_outline, placement_matrix
from studio.compositing.scene import PlacedLook, Scene, View, render_scene
from studio.domain.arrays import F64, U8
from studio.domain.artefacts import Look, Photo, to_8_bit
from studio.domain.geometry import Placement
from studio.jobs.scenes import load_look, load_scene
from studio.library.records import SceneRow

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

PROXY_PX = 1600
"""Longer side of a canvas's proxies: about a screen."""
ONTO_GROUND, ONTO_GUIDE = 0.012, 0.008
"""Shares of the background within which a dragged look snaps to the ground line or a guide."""


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A look as it is dragged. pixels: uint8 `(h, w, 4)`, premultiplied sRGB, of the proxy."""

    look_id: str
    name: str
    pixels: U8
    stand: Stand


@dataclass(slots=True)
class Composer:
    """One open scene. Loading and rendering take a lane's time; everything else is immediate."""

    workspace: Workspace
    background: Photo | None
    canvas: tuple[int, int]
    looks: dict[str, Look] = field(default_factory=dict)
    sprites: dict[str, Sprite] = field(default_factory=dict)

    @classmethod
    def open(cls, workspace: Workspace, row: SceneRow) -> Composer:
        """Load a scene's proxies."""
        scene = load_scene(workspace, replace(row, items=()), PROXY_PX)
        made = cls(workspace, scene.background, scene.size)
        for item in row.items:
            made.add(item.look_id)
        return made

    def add(self, look_id: str) -> Sprite:
        """Load a look's proxy, once."""
        if look_id not in self.sprites:
            look = load_look(self.workspace, look_id, PROXY_PX)
            name = self.workspace.library.look(look_id).name
            self.looks[look_id] = look
            self.sprites[look_id] = Sprite(look_id, name, _premultiplied(look), measure_stand(look.cutout.alpha))
        return self.sprites[look_id]

    def scene(self, items: Sequence[tuple[str, Placement]]) -> Scene:
        """Return the scene of these looks at these places."""
        placed = tuple(PlacedLook(self.looks[look_id], placement, look_id) for look_id, placement in items)
        return Scene(self.background, placed, self.canvas, None if self.background else (255, 255, 255))

    def render(self, items: Sequence[tuple[str, Placement]]) -> U8:
        """Render the whole scene at the proxy's size, uint8 `(h, w, 3)`: what the export shows, smaller."""
        scene = self.scene(items)
        return to_8_bit(render_scene(scene, View.whole(scene)))

    def matrix(self, look_id: str, placement: Placement) -> F64:
        """Return the transform from a sprite's pixels to the proxy's."""
        return placement_matrix(self.sprites[look_id].stand, placement, self.canvas)

    def outline(self, look_id: str, placement: Placement) -> F64:
        """Return `(4, 2)` corners of the visible person on the proxy."""
        return person_outline(self.sprites[look_id].stand, placement, self.canvas)

    def hit(self, items: Sequence[tuple[str, Placement]], x: float, y: float) -> str:
        """Return the front-most look under a point of the proxy, "" where there is none."""
        for look_id, placement in sorted(items, key=lambda item: item[1].z, reverse=True):
            sprite = self.sprites[look_id]
            if is_hit(self.looks[look_id].cutout.alpha, sprite.stand, placement, self.canvas, x, y):
                return look_id
        return ""


def snap(placement: Placement, others: Sequence[Placement], guides_x: Sequence[float] = (0.5,)) -> Placement:
    """Return the placement pulled onto the ground line of other looks and onto vertical guides when it is near."""
    y = min((other.y for other in others), key=lambda line: abs(line - placement.y), default=placement.y)
    x = min(guides_x, key=lambda line: abs(line - placement.x), default=placement.x)
    snapped = replace(placement, y=y) if abs(y - placement.y) <= ONTO_GROUND else placement
    return replace(snapped, x=x) if abs(x - placement.x) <= ONTO_GUIDE else snapped


def align_to(placements: Sequence[Placement], reference: Placement) -> list[Placement]:
    """Return placements on the reference's ground line at the reference's height, where they stand sideways."""
    return [replace(one, y=reference.y, scale=reference.scale) for one in placements]


def _premultiplied(look: Look) -> U8:
    alpha = look.cutout.alpha[..., None]
    colour = look.cutout.foreground.astype(np.float32) * alpha
    pixels: U8 = np.concatenate([colour, alpha * 255], axis=2).round().astype(np.uint8)
    return pixels
