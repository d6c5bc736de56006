"""Files are whole or absent; archives stay inside; the disk's refusals become sentences."""

from __future__ import annotations

import errno
import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import BinaryIO

import pytest

from studio.domain.errors import StorageError
from studio.media import safe_io
from studio.media.safe_io import atomic_writer, check_free_space, ensure_folder, extract, is_inside, write_atomic


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_writes_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_atomic(path, b"old")
    write_atomic(path, lambda stream: (stream.write(b"ne"), stream.write(b"w"))[0] and None)
    assert path.read_bytes() == b"new"
    assert _names(tmp_path) == ["a.bin"]


def test_a_failing_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_atomic(path, b"old")

    def fail(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, fail)
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize(
    ("number", "key"),
    [
        (errno.ENOSPC, "storage.full"),
        (errno.EDQUOT, "storage.full"),
        (errno.EROFS, "storage.read_only"),
        (errno.EACCES, "storage.read_only"),
        (errno.EIO, "storage.failed"),
    ],
)
def test_refusals_of_the_disk(tmp_path: Path, number: int, key: str) -> None:
    path = tmp_path / "a.bin"

    def refuse(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise OSError(number, os.strerror(number))

    with pytest.raises(StorageError) as caught:
        write_atomic(path, refuse)
    assert caught.value.key == key
    assert caught.value.values["path"] == str(path)
    assert _names(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_really_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = safe_io.tempfile.mkstemp

    def full(**options: object) -> tuple[int, str]:
        handle, name = real(**options)  # type: ignore[call-overload]
        os.close(handle)
        return os.open("/dev/full", os.O_WRONLY), name

    monkeypatch.setattr(safe_io.tempfile, "mkstemp", full)
    with pytest.raises(StorageError) as caught:
        write_atomic(tmp_path / "a.bin", b"x" * 100000)
    assert caught.value.key == "storage.full"
    assert _names(tmp_path) == []


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        write_atomic(tmp_path / "gone" / "a.bin", b"x")
    assert caught.value.key == "storage.gone"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError) as caught:
        ensure_folder(tmp_path)
    assert caught.value.key == "storage.read_only"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_refuses_new_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(**_: object) -> tuple[int, str]:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(safe_io.tempfile, "mkstemp", refuse)
    for attempt in (lambda: ensure_folder(tmp_path), lambda: write_atomic(tmp_path / "a.bin", b"x")):
        with pytest.raises(StorageError) as caught:
            attempt()
        assert caught.value.key == "storage.read_only"
        assert str(tmp_path) in caught.value.values["path"]


def test_new_files_get_the_umask_and_old_ones_keep_their_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    umask = os.umask(0o027)
    try:
        write_atomic(path, b"x")
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o640
    path.chmod(0o600)
    write_atomic(path, b"y")
    assert path.stat().st_mode & 0o777 == 0o600


def test_free_space(tmp_path: Path) -> None:
    check_free_space(tmp_path, 1)
    with pytest.raises(StorageError) as caught:
        check_free_space(tmp_path, 1 << 60)
    assert caught.value.key == "storage.no_room"


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def _tar(path: Path, rows: list[tarfile.TarInfo], data: bytes = b"") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for row in rows:
            archive.addfile(row, io.BytesIO(data) if row.isreg() else None)
    return path


def _row(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    row = tarfile.TarInfo(name)
    row.size, row.type, row.linkname = size, kind, "/etc/passwd"
    return row


def test_extracts_zip_and_tar(tmp_path: Path) -> None:
    _zip(tmp_path / "a.zip", {"x/y.txt": b"zip"})
    _tar(tmp_path / "a.tgz", [_row("x", kind=tarfile.DIRTYPE), _row("x/z.txt", 3)], b"tar")
    out = tmp_path / "out"
    extract(tmp_path / "a.zip", out, max_bytes=100)
    extract(tmp_path / "a.tgz", out, max_bytes=100)
    assert (out / "x/y.txt").read_bytes() == b"zip"
    assert (out / "x/z.txt").read_bytes() == b"tar"


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "C:\\evil", "..\\evil"])
def test_members_that_lead_outside_are_refused(tmp_path: Path, name: str) -> None:
    assert not is_inside(name)
    for archive in (_zip(tmp_path / "a.zip", {name: b"x"}), _tar(tmp_path / "a.tgz", [_row(name, 1)], b"x")):
        with pytest.raises(StorageError) as caught:
            extract(archive, tmp_path / "out", max_bytes=100)
        assert caught.value.key == "archive.unsafe"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(StorageError) as caught:
        extract(_tar(tmp_path / "a.tgz", [_row("x", kind=kind)]), tmp_path / "out", max_bytes=100)
    assert caught.value.key == "archive.unsafe"


def test_symlinks_of_a_zip_are_refused(tmp_path: Path) -> None:
    row = zipfile.ZipInfo("link")
    row.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(row, "/etc/passwd")
    with pytest.raises(StorageError) as caught:
        extract(tmp_path / "a.zip", tmp_path / "out", max_bytes=100)
    assert caught.value.key == "archive.unsafe"


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    bomb = _zip(tmp_path / "a.zip", {"a": bytes(5_000_000)})
    with pytest.raises(StorageError) as caught:
        extract(bomb, tmp_path / "out", max_bytes=1_000_000)
    assert caught.value.key == "archive.too_big"


def test_a_size_that_lies_is_found_out(tmp_path: Path) -> None:
    out = io.BytesIO()
    with pytest.raises(StorageError) as caught:
        safe_io._copy(io.BytesIO(bytes(3_000_000)), out, 1_000_000, tmp_path / "a.zip", 1_000_000)
    assert caught.value.key == "archive.too_big"


@pytest.mark.parametrize("data", [b"", b"not an archive", b"PK\x03\x04 cut"])
def test_damaged_archives(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(StorageError) as caught:
        extract(tmp_path / "a.zip", tmp_path / "out", max_bytes=100)
    assert caught.value.key == "archive.damaged"


def test_the_writer_can_be_used_as_a_block(tmp_path: Path) -> None:
    with atomic_writer(tmp_path / "a") as stream:
        stream.write(b"1")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_bytes() == b"1"
