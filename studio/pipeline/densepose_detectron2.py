"""DensePose: detectron2's R50-FPN from its public checkpoint, on the working canvas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.domain.arrays import F32, U8
from studio.domain.artefacts import Cutout, DensePoseMap, Photo
from studio.domain.errors import PipelineError
from studio.domain.geometry import Framing
from studio.domain.keys import Note
from studio.networks.detectron2_tree import TREE_VARIABLE, is_detectron2_there
from studio.pipeline.framing import canvas_alpha, warp_to_canvas
from studio.pipeline.on_device import run_network
from studio.pipeline.stage import Inputs, ModelProvider, StageContext

if TYPE_CHECKING:
    from studio.networks.densepose import Charts

MODEL = "densepose_r50_fpn"


@dataclass(frozen=True, slots=True)
class DensePoseParams:
    """Settings of the detectron2 stage. min_score: people below it are passed over."""

    min_score: float = 0.5


@dataclass(frozen=True, slots=True)
class DensePoseDetectron2:
    """The detectron2 DensePose stage."""

    name: str = "densepose"
    implementation: str = "detectron2_r50_fpn"
    version: int = 1
    params_type: type[DensePoseParams] = DensePoseParams
    inputs: tuple[str, ...] = ("photo", "edges", "framing")
    output: type[DensePoseMap] = DensePoseMap

    def models(self, params: DensePoseParams, provider: ModelProvider) -> tuple[str, ...]:
        del params, provider
        return (MODEL,)

    def unavailable(self, provider: ModelProvider) -> Note | None:
        if not provider.is_installed(MODEL):
            return Note("alternative.checkpoint_missing", {"model": MODEL, "title": "DensePose R50-FPN (detectron2)"})
        if not is_detectron2_there():
            return Note("densepose.no_detectron2", {"reason": "detectron2, densepose", "variable": TREE_VARIABLE})
        return None

    def run(self, inputs: Inputs, params: DensePoseParams, ctx: StageContext) -> DensePoseMap:
        """Return the body surface of the person in the cutout.

        Raises:
            PipelineError: `pose.no_person`.
            ModelError: `densepose.no_detectron2`.
        """
        photo, framing = inputs.take("photo", Photo), inputs.take("framing", Framing)
        canvas: U8 = warp_to_canvas(photo.rgb8, framing)
        alpha = canvas_alpha(inputs.take("edges", Cutout), framing)
        ctx.progress.report(0.1, self.name)
        people = _detect(canvas, params, photo.name, ctx)
        ctx.progress.report(0.9, self.name)
        if not people:
            raise PipelineError("pose.no_person", file=photo.name)
        if len(people) > 1:
            ctx.note_fallback("pose.several", file=photo.name, people=str(len(people)))
        from studio.networks.densepose import paint_charts

        chosen = max(people, key=lambda person: _alpha_in(person.box, alpha))
        return DensePoseMap(*paint_charts(chosen, framing.canvas_size))


DETECTRON2 = DensePoseDetectron2()


def _detect(canvas: U8, params: DensePoseParams, file: str, ctx: StageContext) -> list[Charts]:
    """Return everybody that the network finds on the canvas."""
    from studio.networks.densepose import preprocess

    size = {"height": canvas.shape[0], "width": canvas.shape[1]}

    def detect(network: Any, device: str) -> Any:  # Any: a torch network, detectron2's list of results
        return network([{"image": preprocess(canvas).to(device), **size}])

    found = run_network(ctx, MODEL, file, DETECTRON2.name, ctx.progress.part(0.1, 0.8), detect)
    return _read_people(found[0]["instances"], params.min_score)


def _read_people(instances: Any, min_score: float) -> list[Charts]:  # Any: detectron2's Instances
    from studio.networks.densepose import Charts

    if not len(instances):
        return []
    output = instances.pred_densepose
    people = []
    for number, score in enumerate(instances.scores.tolist()):
        if score >= min_score:
            x0, y0, x1, y1 = instances.pred_boxes.tensor[number].tolist()
            coarse, fine, u, v = (
                getattr(output, name)[number].float().cpu() for name in ("coarse_segm", "fine_segm", "u", "v")
            )
            people.append(Charts(coarse, fine, u, v, (x0, y0, x1, y1)))
    return people


def _alpha_in(box: tuple[float, float, float, float], alpha: F32) -> float:
    """Return how much of the cutout lies in a box, less what of the box is not cutout."""
    x0, y0 = (max(0, int(value)) for value in box[:2])
    inside = alpha[y0 : max(y0, int(box[3])), x0 : max(x0, int(box[2]))]
    return float(inside.sum() - 0.5 * (1.0 - inside).sum())
