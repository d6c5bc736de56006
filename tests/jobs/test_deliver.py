"""Delivery: named, framed, proven, recorded; non-commercial results kept out; one failure stops nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from studio.compositing import preflight as preflight_module
from studio.compositing.export import DeliveryFormat, ExportPreset
from studio.domain.artefacts import PhotoRole
from studio.domain.errors import StorageError
from studio.domain.geometry import Placement
from studio.jobs import deliver as deliver_module
from studio.jobs.workspace import Workspace
from studio.library.records import Filter, LookState, SceneItem
from studio.media.decode import probe
from tests.fakes import Bench, FakeModels, draw_photo

PRESET = ExportPreset("Shop", DeliveryFormat.PNG, size=(120, 160), file_name="{model}_{garment}_{n:3}")


def make_workspace(folder: Path, *, commercial: bool = True) -> Workspace:
    for number, name in enumerate(("anna", "bea")):
        draw_photo(folder / "shelf" / f"{name}.png", number, size=(48, 64))
    draw_photo(folder / "shirt.png", 9)
    Image.new("RGB", (90, 60), (200, 210, 220)).save(folder / "room.png")
    made = Workspace.create(folder / "project", "Autumn", models=FakeModels(commercial=commercial))
    made.import_photos([folder / "shelf"], PhotoRole.MODEL)
    made.import_photos([folder / "shirt.png"], PhotoRole.GARMENT)
    made.import_photos([folder / "room.png"], PhotoRole.BACKGROUND)
    models = made.library.photo_ids(Filter(role=PhotoRole.MODEL))
    made.queue_all(models, made.library.photo_ids(Filter(role=PhotoRole.GARMENT)))
    made.run_queue()
    return made


@pytest.fixture
def workspace(tmp_path: Path, bench: Bench) -> Iterator[Workspace]:
    with make_workspace(tmp_path) as made:
        yield made


def test_looks_are_written_proven_and_recorded(workspace: Workspace, tmp_path: Path) -> None:
    library = workspace.library
    report = workspace.export_looks(library.look_ids(), PRESET, tmp_path / "out", subfolders="{project}/{garment}")
    assert report.passed, report
    folder = tmp_path / "out" / "Autumn" / "shirt"
    assert [item.file for item in report.delivered] == [folder / "anna_shirt_001.png", folder / "bea_shirt_002.png"]
    assert probe(report.delivered[0].file).size == (120, 160)
    rows = library.exports()
    assert {row.file for row in rows} == {item.file for item in report.delivered}
    assert rows[0].preset["name"] == "Shop"
    assert rows[0].report["passed"] is True
    assert [look.state for look in library.looks(library.look_ids())] == [LookState.EXPORTED] * 2
    assert report.changes.looks == set(library.look_ids())


def test_nothing_is_overwritten(workspace: Workspace, tmp_path: Path) -> None:
    look = workspace.library.look_ids()[:1]
    preset = replace(PRESET, file_name="{look}")
    first, second = (workspace.export_looks(look, preset, tmp_path / "out").delivered[0].file for _ in range(2))
    assert first != second
    assert first.read_bytes() == second.read_bytes()


def test_scenes_are_written_with_their_background(workspace: Workspace) -> None:
    library = workspace.library
    room = library.photo_ids(Filter(role=PhotoRole.BACKGROUND))[0]
    scene = library.create_scene("Shop", room, [SceneItem(library.look_ids()[0], Placement(scale=0.5))]).created[0]
    preset = ExportPreset("Native", DeliveryFormat.PNG, file_name="{scene}_{background}_{model}")
    report = workspace.export_scenes([scene], preset)
    assert report.passed, report
    file = report.delivered[0].file
    assert file == library.export_folder / "Shop_room_anna.png"
    assert probe(file).size == (90, 60)
    assert library.exports(scene_id=scene)[0].file == file


def test_non_commercial_results_are_kept_out_unless_allowed(tmp_path: Path, bench: Bench) -> None:
    with make_workspace(tmp_path, commercial=False) as workspace:
        library, looks = workspace.library, workspace.library.look_ids()
        report = workspace.export_looks(looks, PRESET)
        assert report.delivered == ()
        assert not report.passed
        assert [item.item_id for item in report.withheld] == looks
        assert report.withheld[0].reason.values == {"name": "anna – shirt", "models": "fake_cutout, fake_tryon"}
        scene = library.create_scene("Shop", items=[SceneItem(looks[0], Placement())]).created[0]
        assert workspace.export_scenes([scene], PRESET).withheld
        assert len(workspace.export_looks(looks, PRESET, allow_noncommercial=True).delivered) == 2
        library.update_info(commercial=False)
        assert len(workspace.export_looks(looks, PRESET).delivered) == 2


def test_one_failure_does_not_stop_the_others(workspace: Workspace, tmp_path: Path) -> None:
    looks = workspace.library.look_ids()
    report = workspace.export_looks(["gone", *looks], PRESET, tmp_path / "out")
    assert [item.reason.key for item in report.failed] == ["library.unknown_id"]
    assert len(report.delivered) == 2


def test_a_full_disk_stops_the_delivery(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **values: object) -> Path:
        raise StorageError("storage.full", path="out")

    monkeypatch.setattr(deliver_module, "export_scene", full)
    with pytest.raises(StorageError):
        workspace.export_looks(workspace.library.look_ids(), PRESET, tmp_path / "out")


def test_a_file_that_fails_its_preflight_does_not_count_as_exported(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *args: object, **values: object) -> preflight_module.PreflightReport:
        return preflight_module.PreflightReport(path, (preflight_module.Check("size", False, "1", "2"),))

    monkeypatch.setattr(deliver_module, "preflight", fail)
    look = workspace.library.look_ids()[0]
    report = workspace.export_looks([look], PRESET, tmp_path / "out")
    assert not report.passed
    assert workspace.library.look(look).state is LookState.DRESSED
    assert workspace.library.exports(look_id=look)[0].report["passed"] is False
