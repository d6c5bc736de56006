"""Small helpers around bpy: meshes from arrays, node materials, lights, camera, render."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any  # bpy ships no type hints

import bpy
import numpy as np

Colour = tuple[float, float, float]


def srgb(text: str) -> tuple[float, float, float, float]:
    """Return a linear RGBA colour from a hex string such as 'd8b29a'."""
    c = np.array([int(text[i : i + 2], 16) / 255 for i in (0, 2, 4)])
    lin = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return (float(lin[0]), float(lin[1]), float(lin[2]), 1.0)


def fresh_scene(size: tuple[int, int], samples: int, exposure: float = 0.0, look: str = "Standard") -> Any:
    """Empty Blender and set Cycles up for `size` pixels."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.adaptive_threshold = 0.02
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.max_bounces = 5
    scene.cycles.diffuse_bounces = 2
    scene.cycles.glossy_bounces = 2
    scene.cycles.transparent_max_bounces = 12
    scene.cycles.caustics_reflective = False
    scene.cycles.caustics_refractive = False
    scene.render.threads_mode = "FIXED"
    scene.render.threads = 2
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = look
    scene.view_settings.exposure = exposure
    world = bpy.data.worlds.new("world")
    scene.world = world
    world.use_nodes = True
    return scene


def set_world(scene: Any, colour: str, strength: float) -> None:
    node = scene.world.node_tree.nodes["Background"]
    node.inputs[0].default_value = srgb(colour)
    node.inputs[1].default_value = strength


def add_mesh(
    name: str,
    vertices: np.ndarray,
    faces: np.ndarray | Sequence[Sequence[int]],
    uv: np.ndarray | None = None,
    smooth: bool = True,
) -> Any:
    """Make a mesh object; `uv` is one pair for each face corner, in face order."""
    mesh = bpy.data.meshes.new(name)
    face_list = faces.tolist() if isinstance(faces, np.ndarray) else [list(f) for f in faces]
    mesh.from_pydata([tuple(v) for v in np.asarray(vertices, float)], [], face_list)
    if uv is not None:
        layer = mesh.uv_layers.new(name="UVMap")
        layer.data.foreach_set("uv", np.asarray(uv, np.float32).ravel())
    mesh.validate()
    mesh.update()
    if smooth:
        mesh.shade_smooth()
    ob = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(ob)
    return ob


def add_attribute(ob: Any, name: str, values: np.ndarray) -> None:
    """Store per-vertex floats or vectors for the shaders."""
    values = np.asarray(values, np.float32)
    kind, field = ("FLOAT", "value") if values.ndim == 1 else ("FLOAT_VECTOR", "vector")
    layer = ob.data.attributes.new(name, kind, "POINT")
    layer.data.foreach_set(field, values.ravel())


def subdivide(ob: Any, levels: int, simple: bool = False) -> Any:
    mod = ob.modifiers.new("subsurf", "SUBSURF")
    mod.levels = mod.render_levels = levels
    mod.boundary_smooth = "PRESERVE_CORNERS"
    if simple:
        mod.subdivision_type = "SIMPLE"
    return mod


def compact(mesh_vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertex indices a face group uses, and its faces renumbered."""
    used, inverse = np.unique(faces, return_inverse=True)
    return used, inverse.reshape(faces.shape)


class Nodes:
    """Terse building of one material's node tree."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.bsdf = self.tree.nodes["Principled BSDF"]
        self.output = self.tree.nodes["Material Output"]

    def node(self, kind: str, **settings: Any) -> Any:
        n = self.tree.nodes.new(kind)
        for key, value in settings.items():
            setattr(n, key, value)
        return n

    def link(self, a: Any, b: Any) -> None:
        self.tree.links.new(a, b)

    def put(self, target: Any, value: Any) -> None:
        """Connect a socket, or set a constant."""
        if isinstance(value, (int, float, tuple, list)):
            target.default_value = value
        else:
            self.link(value, target)

    def set(self, **inputs: Any) -> Nodes:
        for key, value in inputs.items():
            self.put(self.bsdf.inputs[key.replace("_", " ")], value)
        return self

    def attribute(self, name: str, output: str = "Fac") -> Any:
        n = self.node("ShaderNodeAttribute", attribute_name=name)
        return n.outputs[output]

    def math(self, op: str, a: Any, b: Any = 0.0, c: Any = 0.0, clamp: bool = False) -> Any:
        n = self.node("ShaderNodeMath", operation=op, use_clamp=clamp)
        for socket, value in zip(n.inputs, (a, b, c), strict=False):
            self.put(socket, value)
        return n.outputs[0]

    def vmath(self, op: str, a: Any, b: Any = (0.0, 0.0, 0.0), output: int = 0) -> Any:
        n = self.node("ShaderNodeVectorMath", operation=op)
        self.put(n.inputs[0], a)
        self.put(n.inputs[1], b)
        return n.outputs[output]

    def scale(self, vector: Any, factor: tuple[float, float, float]) -> Any:
        return self.vmath("MULTIPLY", vector, factor)

    def noise(self, vector: Any, scale: float, detail: float = 3.0, rough: float = 0.55) -> Any:
        n = self.node("ShaderNodeTexNoise")
        if vector is not None:
            self.link(vector, n.inputs["Vector"])
        n.inputs["Scale"].default_value = scale
        n.inputs["Detail"].default_value = detail
        n.inputs["Roughness"].default_value = rough
        return n.outputs["Fac"]

    def ramp(self, value: Any, lo: float, hi: float, out: tuple[float, float] = (0.0, 1.0), smooth: bool = True) -> Any:
        n = self.node("ShaderNodeMapRange", clamp=True)
        n.interpolation_type = "SMOOTHSTEP" if smooth else "LINEAR"
        for key, v in (("From Min", lo), ("From Max", hi), ("To Min", out[0]), ("To Max", out[1])):
            n.inputs[key].default_value = v
        self.put(n.inputs["Value"], value)
        return n.outputs[0]

    def mix(self, factor: Any, a: Any, b: Any, mode: str = "MIX") -> Any:
        n = self.node("ShaderNodeMix", data_type="RGBA", blend_type=mode)
        self.put(n.inputs[0], factor)
        self.put(n.inputs[6], a)
        self.put(n.inputs[7], b)
        return n.outputs[2]

    def image(self, path: Path | str, vector: Any = None, data: bool = True) -> Any:
        n = self.node("ShaderNodeTexImage")
        n.image = bpy.data.images.load(str(path), check_existing=True)
        if data:
            n.image.colorspace_settings.name = "Non-Color"
        n.interpolation = "Cubic"
        if vector is not None:
            self.link(vector, n.inputs["Vector"])
        return n.outputs

    def bump(self, height: Any, strength: float, distance: float, under: Any = None) -> Any:
        n = self.node("ShaderNodeBump")
        n.inputs["Strength"].default_value = strength
        n.inputs["Distance"].default_value = distance
        self.link(height, n.inputs["Height"])
        if under is not None:
            self.link(under, n.inputs["Normal"])
        return n.outputs[0]

    def coordinate(self, output: str = "Object") -> Any:
        return self.node("ShaderNodeTexCoord").outputs[output]


def add_area(
    name: str,
    location: Sequence[float],
    target: Sequence[float],
    size: tuple[float, float],
    power: float,
    colour: str = "ffffff",
) -> Any:
    """Add a soft box that looks at `target`."""
    from mathutils import Vector

    light = bpy.data.lights.new(name, "AREA")
    light.shape = "RECTANGLE"
    light.size, light.size_y = size
    light.energy = power
    light.color = srgb(colour)[:3]
    ob = bpy.data.objects.new(name, light)
    ob.location = location
    ob.rotation_euler = (Vector(target) - Vector(location)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(ob)
    return ob


def add_camera(location: Sequence[float], target: Sequence[float], focal_mm: float, shift_y: float = 0.0) -> Any:
    """Add the scene camera (36 mm on the longer side)."""
    from mathutils import Vector

    data = bpy.data.cameras.new("camera")
    data.lens = focal_mm
    data.shift_y = shift_y
    data.clip_start = 0.05
    ob = bpy.data.objects.new("camera", data)
    ob.location = location
    ob.rotation_euler = (Vector(target) - Vector(location)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(ob)
    bpy.context.scene.camera = ob
    return ob


def project(points: np.ndarray) -> np.ndarray:
    """Return pixel positions (x, y) of world points in the scene camera's picture."""
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    scene = bpy.context.scene
    bpy.context.view_layer.update()
    w, h = scene.render.resolution_x, scene.render.resolution_y
    out = [world_to_camera_view(scene, scene.camera, Vector(p)) for p in points]
    return np.array([[p.x * w, (1 - p.y) * h] for p in out])


def render(path: Path, percent: int = 100) -> None:
    scene = bpy.context.scene
    scene.render.resolution_percentage = percent
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def render_window(path: Path, box: tuple[int, int, int, int], samples: int) -> None:
    """Render the pixels (left, top, right, bottom) of the picture at `path` again with more samples, in place."""
    from PIL import Image

    scene = bpy.context.scene
    w, h = scene.render.resolution_x, scene.render.resolution_y
    r = scene.render
    r.use_border = r.use_crop_to_border = True
    r.border_min_x, r.border_max_x = box[0] / w, box[2] / w
    r.border_min_y, r.border_max_y = 1 - box[3] / h, 1 - box[1] / h
    before = scene.cycles.samples, scene.cycles.adaptive_threshold
    scene.cycles.samples, scene.cycles.adaptive_threshold = samples, 0.008
    window = path.with_name("window.png")
    render(window)
    scene.cycles.samples, scene.cycles.adaptive_threshold = before
    r.use_border = r.use_crop_to_border = False
    with Image.open(path) as whole, Image.open(window) as part:
        out = whole.convert("RGB")
        out.paste(part.convert("RGB"), (box[0], box[1]))
    out.save(path)
