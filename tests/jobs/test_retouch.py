"""A layer under correction, without a window: strokes, deltas, history, storing, renewing, the screen's pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.domain.artefacts import Cutout, ParseMap, PhotoRole, Pose, TryOn
from studio.domain.edits import (
    KeypointMove,
    MaskFill,
    MaskOp,
    MaskOpKind,
    MaskStroke,
    MaskTarget,
    ParseStroke,
    StrokeMode,
    StrokeShape,
)
from studio.domain.geometry import Box
from studio.jobs.retouch import (
    Layer,
    LayerSpec,
    RetouchSession,
    copy_corrections,
    copy_targets,
    edit_name,
    looks_of,
    open_layer,
    renew,
    stale_looks,
    subject_of,
)
from studio.jobs.retouch_layers import Delta, MaskLayer, ParseLayer, PointsLayer
from studio.jobs.retouch_view import Lens, Levels, Screen, Show, ViewMode
from studio.jobs.workspace import Workspace
from studio.library.records import Filter
from tests.fakes import Bench, FakeModels

SIZE = (96, 128)


def draw(file: Path, seed: int) -> Path:
    """A dark upright bar on white: the fake cut-out's figure."""
    pixels = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
    pixels[20:110, 30:60] = (60 + 10 * seed, 80, 120)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)
    return file


@pytest.fixture
def workspace(tmp_path: Path, bench: Bench) -> Iterator[Workspace]:
    for number in range(2):
        draw(tmp_path / "models" / f"m{number}.png", number)
        draw(tmp_path / "garments" / f"g{number}.png", 4 + number)
    made = Workspace.create(tmp_path / "project", models=FakeModels())
    made.import_photos([tmp_path / "models"], PhotoRole.MODEL)
    made.import_photos([tmp_path / "garments"], PhotoRole.GARMENT)
    yield made
    made.close()


def ids(workspace: Workspace, role: PhotoRole) -> list[str]:
    return workspace.library.photo_ids(Filter(role=role))


def opened(workspace: Workspace, target: str, layer: Layer) -> RetouchSession:
    spec = next(one for one in subject_of(workspace, target).layers if one.layer is layer)
    return open_layer(workspace, spec)


def dressed(workspace: Workspace) -> dict[str, str]:
    """Both models in the first garment; model id -> look id."""
    workspace.queue_all(ids(workspace, PhotoRole.MODEL), ids(workspace, PhotoRole.GARMENT)[:1])
    workspace.run_queue()
    return {look.model_id: look.id for look in workspace.library.looks(workspace.library.look_ids())}


def brush(session: RetouchSession, points: list[tuple[float, float]], mode: StrokeMode = StrokeMode.ADD) -> MaskStroke:
    """Paint as a canvas does and commit."""
    layer = session.layer
    assert isinstance(layer, MaskLayer)
    target = MaskTarget.EDIT if session.spec.layer is Layer.EDIT else MaskTarget.ALPHA
    stroke = MaskStroke(tuple(points), mode, radius=5, hardness=0.6, target=target)
    layer.begin(stroke)
    for point in points:
        layer.extend(*point)
    session.commit(stroke, layer.finish())
    return stroke


def pixels(session: RetouchSession) -> np.ndarray:
    assert isinstance(session.layer, MaskLayer | ParseLayer)
    return session.layer.pixels


# -- what can be corrected -------------------------------------------------------------------------------------------


def test_a_photo_offers_its_own_layers_and_a_look_all_of_its_inputs(workspace: Workspace) -> None:
    model, garment = ids(workspace, PhotoRole.MODEL)[0], ids(workspace, PhotoRole.GARMENT)[0]
    assert [one.layer for one in subject_of(workspace, model).layers] == [Layer.ALPHA, Layer.PARSE, Layer.POSE]
    assert [one.layer for one in subject_of(workspace, garment).layers] == [Layer.GARMENT_ALPHA, Layer.LANDMARKS]
    look = dressed(workspace)[model]
    owners = {one.layer: one.target_id for one in subject_of(workspace, look).layers}
    assert owners[Layer.EDIT] == look and owners[Layer.POSE] == model and owners[Layer.LANDMARKS] == garment


def test_layers_hold_what_the_stages_made(workspace: Workspace) -> None:
    model = ids(workspace, PhotoRole.MODEL)[0]
    alpha = workspace.artefact(model, "edges")
    assert isinstance(alpha, Cutout)
    assert np.array_equal(pixels(opened(workspace, model, Layer.ALPHA)), np.rint(alpha.alpha * 255))
    assert (pixels(opened(workspace, model, Layer.PARSE)) == 5).all()
    points = opened(workspace, model, Layer.POSE).layer
    assert isinstance(points, PointsLayer) and points.points["nose"] == (1.0, 1.0)
    assert points.points["left_thumb"] is None


# -- strokes ---------------------------------------------------------------------------------------------------------


def test_painting_gives_what_the_pipeline_gives(workspace: Workspace) -> None:
    session = opened(workspace, ids(workspace, PhotoRole.MODEL)[0], Layer.ALPHA)
    brush(session, [(10, 10), (25, 14), (20.5, 40.25)])
    brush(session, [(40, 60), (50, 64)], StrokeMode.SUBTRACT)
    session.flush()
    made = workspace.artefact(session.spec.target_id, "edges")
    assert isinstance(made, Cutout)
    assert np.abs(np.rint(made.alpha * 255) - pixels(session)).max() <= 1


def test_a_label_stroke_gives_what_the_pipeline_gives_and_spares_locked_labels(workspace: Workspace) -> None:
    session = opened(workspace, ids(workspace, PhotoRole.MODEL)[0], Layer.PARSE)
    layer = session.layer
    assert isinstance(layer, ParseLayer)
    for label, points, locked in ((2, [(20, 20), (40, 30)], ()), (13, [(30, 10), (30, 60)], (2,))):
        stroke = ParseStroke(tuple(points), label, radius=6, locked=locked)
        layer.begin(stroke)
        for x, y in points:
            layer.extend(x, y)
        session.commit(stroke, layer.finish())
    session.flush()
    made = workspace.artefact(session.spec.target_id, "parse")
    assert isinstance(made, ParseMap)
    assert np.array_equal(made.labels, layer.pixels)
    assert layer.pixels[25, 30] == 2 and layer.pixels[50, 30] == 13


@pytest.mark.parametrize(
    "edit",
    [
        MaskStroke(((5, 5), (25, 5), (15, 30)), StrokeMode.ADD, shape=StrokeShape.POLYGON),
        MaskStroke(((30, 40), (45, 40)), StrokeMode.REFINE, radius=8),
        MaskFill(45, 60, 10.0, StrokeMode.SUBTRACT),
        MaskOp(MaskOpKind.GROW, 3),
        MaskOp(MaskOpKind.INVERT),
    ],
    ids=lambda edit: edit_name(edit),
)
def test_computed_edits_equal_a_rebuild(workspace: Workspace, edit: MaskStroke | MaskFill | MaskOp) -> None:
    session = opened(workspace, ids(workspace, PhotoRole.MODEL)[0], Layer.ALPHA)
    delta = session.compute(edit)
    if delta is not None:
        session.show(delta)
    session.commit(edit, delta)
    shown = pixels(session).copy()
    session.adopt(session.rebuild())
    assert np.abs(shown.astype(int) - pixels(session)).max() <= 1
    assert delta is not None or edit_name(edit) == "retouch.refine"


def test_an_aborted_stroke_leaves_nothing(workspace: Workspace) -> None:
    for layer_kind in (Layer.ALPHA, Layer.PARSE):
        session = opened(workspace, ids(workspace, PhotoRole.MODEL)[0], layer_kind)
        before = pixels(session).copy()
        layer = session.layer
        if isinstance(layer, MaskLayer):
            layer.begin(MaskStroke((), StrokeMode.SUBTRACT, radius=9))
        else:
            assert isinstance(layer, ParseLayer)
            layer.begin(ParseStroke((), 7, radius=9))
        assert layer.extend(40, 50) is not None and layer.extend(48, 60) is not None
        assert not np.array_equal(pixels(session), before)
        assert layer.cancel() is not None
        assert np.array_equal(pixels(session), before) and layer.finish() is None


def test_an_edit_mask_cannot_grow_beyond_its_patch(workspace: Workspace) -> None:
    look = dressed(workspace)[ids(workspace, PhotoRole.MODEL)[0]]
    session = opened(workspace, look, Layer.EDIT)
    brush(session, [(2, 2)], StrokeMode.SUBTRACT)
    assert pixels(session)[2, 2] == 0
    brush(session, [(2, 2), (30, 30)])
    assert pixels(session)[1:5, 1:5].all() and pixels(session)[6:].max() == 0
    session.flush()
    renewed = workspace.nodes(workspace.library.look(look).pair_id)["tryon"]
    made = workspace.runner.get(renewed)
    assert isinstance(made, TryOn) and (made.patch.alpha > 0.99).all()


# -- history ---------------------------------------------------------------------------------------------------------


def test_undoing_everything_restores_the_mask_and_redo_brings_it_back(workspace: Workspace) -> None:
    session = opened(workspace, ids(workspace, PhotoRole.MODEL)[0], Layer.ALPHA)
    states = [pixels(session).copy()]
    for number in range(4):
        mode = StrokeMode.SUBTRACT if number % 2 else StrokeMode.ADD
        brush(session, [(20 + 8 * number, 30), (30 + 8 * number, 60)], mode)
        states.append(pixels(session).copy())
    for state in reversed(states[:-1]):
        moved = session.undo()
        assert moved is not None and moved.box is not None
        assert np.array_equal(pixels(session), state)
    assert session.undo() is None and session.undo_step is None
    for state in states[1:]:
        assert session.redo() is not None
        assert np.array_equal(pixels(session), state)
    session.flush()
    assert len(workspace.library.edits(session.spec.target_id)) == 4


def test_history_survives_a_restart(workspace: Workspace, tmp_path: Path) -> None:
    model = ids(workspace, PhotoRole.MODEL)[0]
    session = opened(workspace, model, Layer.ALPHA)
    before = pixels(session).copy()
    brush(session, [(10, 10), (20, 10)])
    one = pixels(session).copy()
    brush(session, [(10, 90), (20, 90)])
    two = pixels(session).copy()
    session.undo()
    session.flush()
    folder = workspace.library.folder
    workspace.close()
    with Workspace.open(folder, models=FakeModels()) as again:
        session = opened(again, model, Layer.ALPHA)
        assert np.abs(pixels(session).astype(int) - one).max() <= 1
        moved = session.redo()
        assert moved is not None and moved.box is None, "nobody knows the delta any more"
        session.adopt(session.rebuild())
        assert np.abs(pixels(session).astype(int) - two).max() <= 1
        session.undo()
        session.undo()
        session.adopt(session.rebuild())
        assert np.array_equal(pixels(session), before)
        session.flush()
        assert again.library.edits(model) == ()


def test_all_edits_of_a_layer_are_taken_back_and_come_again_one_by_one(workspace: Workspace) -> None:
    session = opened(workspace, ids(workspace, PhotoRole.MODEL)[0], Layer.POSE)
    layer = session.layer
    assert isinstance(layer, PointsLayer)
    session.commit(layer.edit("nose", (20.0, 30.0)))
    session.commit(layer.edit("left_wrist", None))
    session.adopt(session.rebuild())
    assert layer.points["nose"] == (20.0, 30.0) and layer.points["left_wrist"] is None
    session.reset()
    session.adopt(session.rebuild())
    assert layer.points["nose"] == (1.0, 1.0) and layer.points["left_wrist"] == (1.0, 1.0)
    session.redo()
    session.adopt(session.rebuild())
    assert layer.points["nose"] == (20.0, 30.0) and layer.points["left_wrist"] == (1.0, 1.0)
    session.flush()
    stored = workspace.library.edits(session.spec.target_id)
    assert stored == (KeypointMove("nose", 20.0, 30.0),)
    made = workspace.artefact(session.spec.target_id, "pose")
    assert isinstance(made, Pose) and tuple(made.keypoints[0][:2]) == (20.0, 30.0)


def test_a_delta_knows_only_what_changed() -> None:
    before, after = np.zeros((20, 30), np.uint8), np.zeros((20, 30), np.uint8)
    after[5:8, 10:12] = 9
    delta = Delta.between(Box(100, 200, 130, 220), before, after)
    assert delta is not None and delta.box == Box(110, 205, 112, 208) and delta.after.shape == (3, 2)
    assert Delta.between(Box(0, 0, 30, 20), before, before) is None


# -- storing and renewing --------------------------------------------------------------------------------------------


def test_only_what_depends_on_a_correction_is_made_again(workspace: Workspace, bench: Bench) -> None:
    looks = dressed(workspace)
    first, second = ids(workspace, PhotoRole.MODEL)
    session = opened(workspace, first, Layer.PARSE)
    layer = session.layer
    assert isinstance(layer, ParseLayer)
    edit = ParseStroke(((40, 40),), 9, radius=5)
    delta = session.compute(edit)
    assert delta is not None
    session.show(delta)
    session.commit(edit, delta)
    bench.counts.clear()
    assert len(renew(workspace, session).jobs) == 1
    assert workspace.queue.wait(20)
    assert bench.counts["tryon"] == 1 and bench.counts["agnostic"] == 1
    assert bench.counts["pose"] == 0 and bench.counts["cutout"] == 0 and bench.counts["garment"] == 0
    now = {look.model_id: look.id for look in workspace.library.looks(workspace.library.look_ids())}
    assert now[first] != looks[first] and now[second] == looks[second]
    assert stale_looks(workspace, session.spec) == [] and looks_of(workspace, session.spec) == [now[first]]


def test_a_correction_is_copied_to_photos_of_the_same_set_up(workspace: Workspace, tmp_path: Path) -> None:
    first, second = ids(workspace, PhotoRole.MODEL)
    Image.new("RGB", (50, 50), (9, 9, 9)).save(tmp_path / "other size.png")
    workspace.import_photos([tmp_path / "other size.png"], PhotoRole.MODEL)
    session = opened(workspace, first, Layer.ALPHA)
    stroke = brush(session, [(10, 10), (20, 10)])
    pose = opened(workspace, first, Layer.POSE)
    pose.commit(KeypointMove("nose", 3, 4))
    pose.flush()
    assert copy_targets(workspace, session.spec) == [second]
    copy_corrections(workspace, session, [second])
    assert workspace.library.edits(second) == (stroke,), "this layer's edits and no others"


def test_what_cannot_be_stored_stays_pending(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.domain.errors import StorageError

    session = opened(workspace, ids(workspace, PhotoRole.MODEL)[0], Layer.ALPHA)
    brush(session, [(10, 10)])
    brush(session, [(20, 20)])
    real = workspace.library.add_edit

    def full(*args: object) -> None:
        raise StorageError("storage.full", path="x")

    monkeypatch.setattr(workspace.library, "add_edit", full)
    with pytest.raises(StorageError):
        session.flush()
    assert session.has_pending
    monkeypatch.setattr(workspace.library, "add_edit", real)
    session.flush()
    assert not session.has_pending and len(workspace.library.edits(session.spec.target_id)) == 2


# -- the screen ------------------------------------------------------------------------------------------------------


def screen_of(session: RetouchSession, lens: Lens, show: Show) -> Screen:
    screen = Screen(session.layer.overlay, session.layer.photo.size)
    screen.look(lens, show)
    return screen


@pytest.mark.parametrize("mode", list(ViewMode))
@pytest.mark.parametrize("layer", [Layer.ALPHA, Layer.PARSE, Layer.POSE])
def test_a_patched_screen_equals_a_fresh_one(workspace: Workspace, layer: Layer, mode: ViewMode) -> None:
    session = opened(workspace, ids(workspace, PhotoRole.MODEL)[0], layer)
    lens, show = Lens(1.7, -20.3, 14.6, 150, 110), Show(mode)
    screen = screen_of(session, lens, show)
    if isinstance(session.layer, MaskLayer | ParseLayer):
        edit = (
            MaskStroke(((20, 20), (50, 40)), StrokeMode.ADD, radius=7)
            if layer is Layer.ALPHA
            else ParseStroke(((20, 20), (50, 40)), 9, radius=7)
        )
        delta = session.compute(edit)
        assert delta is not None
        screen.update(session.show(delta))
    fresh = screen_of(session, lens, show)
    assert np.array_equal(screen.pixels, fresh.pixels)


def test_modes_show_figure_and_ground_as_they_say(workspace: Workspace) -> None:
    session = opened(workspace, ids(workspace, PhotoRole.MODEL)[0], Layer.ALPHA)
    lens = Lens(1.0, 10.0, 0.0, 120, 128)
    inside, outside, canvas = (60, 45), (60, 100), (60, 3)
    figure = session.layer.photo.rgb8[60, 35]
    want = {
        ViewMode.BLACK: (figure, (0, 0, 0)),
        ViewMode.WHITE: (figure, (255, 255, 255)),
        ViewMode.MASK: ((255, 255, 255), (0, 0, 0)),
        ViewMode.OVERLAY: (figure, (255, 128, 128)),
    }
    for mode, (within, without) in want.items():
        shown = screen_of(session, lens, Show(mode, canvas=(7, 8, 9), tint=(255, 0, 0))).pixels
        assert np.abs(shown[inside][:3].astype(int) - within).max() <= 1, mode
        assert np.abs(shown[outside][:3].astype(int) - without).max() <= 1, mode
        assert tuple(shown[canvas][:3]) == (7, 8, 9)
    plain = screen_of(session, lens, Show(is_on=False)).pixels
    assert tuple(plain[outside][:3]) == (255, 255, 255)


def test_halves_follow_a_changed_box() -> None:
    mask = np.zeros((2100, 3001), np.uint8)
    levels = Levels(mask)
    assert [level.shape for level in levels.levels] == [(2100, 3001), (1050, 1500), (525, 750)]
    mask[701:963, 1399:2222] = 200
    levels.refresh(Box(1399, 701, 2222, 963))
    for kept, fresh in zip(levels.levels, Levels(mask).levels, strict=True):
        assert np.array_equal(kept, fresh)


def test_specs_are_values() -> None:
    assert LayerSpec(Layer.ALPHA, "a", "b") == LayerSpec(Layer.ALPHA, "a", "b")


def test_previews_take_each_others_place(workspace: Workspace) -> None:
    session = opened(workspace, ids(workspace, PhotoRole.MODEL)[0], Layer.ALPHA)
    layer = session.layer
    assert isinstance(layer, MaskLayer)
    before = layer.pixels.copy()
    fills = [MaskStroke(((5, 5), (5 + reach, 5), (5, 60 + reach)), StrokeMode.ADD, shape=StrokeShape.POLYGON)
             for reach in (20, 40, 30)]  # fmt: skip
    for fill in fills:
        layer.show_preview(layer.compute(fill))
        alone = before.copy()
        delta = layer.preview
        assert delta is not None
        delta.apply(alone, forward=True)
        assert np.array_equal(layer.pixels, alone)
    layer.show_preview(None)
    assert np.array_equal(layer.pixels, before)


def test_an_interrupted_job_goes_on_when_its_look_is_to_be_renewed(workspace: Workspace) -> None:
    from studio.library.records import JobState

    first = ids(workspace, PhotoRole.MODEL)[0]
    old = dressed(workspace)[first]
    pair = workspace.library.look(old).pair_id
    queued = workspace.queue.add([pair], workspace.default_recipe())
    workspace.library.move_to_state(list(queued.created), JobState.INTERRUPTED, [JobState.QUEUED])
    session = opened(workspace, first, Layer.ALPHA)
    brush(session, [(10, 10)])
    renew(workspace, session)
    assert workspace.queue.wait(20)
    assert stale_looks(workspace, session.spec) == [] and workspace.library.pair(pair).look_id != old
