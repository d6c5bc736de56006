"""The integrity check of a project: what SQLite says, what rows refer to, what lies on disk. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from studio.domain.errors import PhotoError, StudioError
from studio.domain.geometry import Placement
from studio.domain.keys import ArtefactKey, Note
from studio.domain.progress import Progress
from studio.domain.recipe import Recipe
from studio.library.blobs import hash_file
from studio.library.connection import Connection, Row
from studio.library.edits import load_edit
from studio.library.library import Library
from studio.library.looks import from_text
from studio.library.sweep import unfinished_files


class Severity(StrEnum):
    """How bad a finding is."""

    DAMAGE = "damage"  # something that was there is gone or wrong
    NOTICE = "notice"  # nothing is lost; repair tidies up


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. subject: the id, digest or file it is about."""

    severity: Severity
    note: Note
    subject: str = ""
    table: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found, and how much it looked at."""

    findings: tuple[Finding, ...]
    photos: int
    looks: int
    artefacts: int

    @property
    def is_sound(self) -> bool:
        """True when nothing is damaged."""
        return not any(finding.severity is Severity.DAMAGE for finding in self.findings)


def check_project(library: Library, *, deep: bool = True, progress: Progress | None = None) -> CheckReport:
    """Look at everything a project consists of.

    Args:
        deep: read every original and artefact to the last byte; otherwise only look whether they are there.

    Raises:
        Cancelled: the operator asked to stop.
    """
    told = progress or Progress.silent()
    connection = library.connection
    parts: list[tuple[float, Callable[[Progress], Iterator[Finding]]]] = [
        (0.05, lambda part: _check_database(connection, part)),
        (0.05, lambda part: _check_rows(connection, part)),
        (0.40, lambda part: _check_originals(library, part, deep=deep)),
        (0.10, lambda part: _check_looks(library, part)),
        (0.40, lambda part: _check_files(library, part, deep=deep)),
    ]
    findings: list[Finding] = []
    offset = 0.0
    for share, part in parts:
        findings.extend(part(told.part(offset, share)))
        offset += share
    told.report(1.0, "check")
    return CheckReport(
        tuple(findings),
        photos=_count(connection, "photo"),
        looks=_count(connection, "look"),
        artefacts=sum(1 for _ in library.store.keys_on_disk()),
    )


def _count(connection: Connection, table: str) -> int:
    row = connection.row(f"SELECT count(*) AS held FROM {table}")
    return 0 if row is None else int(row["held"])


def _damage(key: str, subject: str = "", table: str = "", **values: str) -> Finding:
    return Finding(Severity.DAMAGE, Note(key, {**values, "table": table}), subject, table)


def _notice(key: str, subject: str = "", table: str = "", **values: str) -> Finding:
    return Finding(Severity.NOTICE, Note(key, {**values, "table": table}), subject, table)


def _check_database(connection: Connection, progress: Progress) -> Iterator[Finding]:
    progress.report(0.0, "check")
    for verdict in connection.column("PRAGMA integrity_check"):
        if verdict != "ok":
            yield _damage("check.database", reason=verdict)
    for row in connection.rows("PRAGMA foreign_key_check"):
        yield _damage("check.dangling", str(row["rowid"]), row["table"], parent=row["parent"])


_STORED_JSON: tuple[tuple[str, str, Callable[[str], object]], ...] = (
    ("edit", "body", load_edit),
    ("look", "recipe", lambda text: from_text(Recipe, text)),
    ("look", "edits", json.loads),
    ("look", "reasons", json.loads),
    ("recipe", "body", lambda text: from_text(Recipe, text)),
    ("job", "recipe", lambda text: from_text(Recipe, text)),
    ("placement", "body", lambda text: from_text(Placement, text)),
)


def _check_rows(connection: Connection, progress: Progress) -> Iterator[Finding]:
    for number, (table, column, read) in enumerate(_STORED_JSON):
        progress.report(number / len(_STORED_JSON), "check")
        for row in connection.rows(f"SELECT id, {column} AS body FROM {table}"):
            if not _reads(read, row["body"]):
                yield _damage("check.row", row["id"], table, id=row["id"])
    strays = (
        "SELECT DISTINCT target_id FROM edit WHERE target_id NOT IN (SELECT id FROM photo UNION SELECT id FROM pair)"
    )
    for target in connection.column(strays):
        yield _damage("check.stray_edits", target, "edit", id=target)


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except (StudioError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


def _check_originals(library: Library, progress: Progress, *, deep: bool) -> Iterator[Finding]:
    ids = library.connection.column("SELECT id FROM photo ORDER BY id")
    rows = library.photos(ids)
    for number, photo in enumerate(rows):
        progress.report(number / len(rows), "check")
        values = {"file": str(photo.file), "name": photo.name}
        if not photo.file.is_file():
            # A file outside the project may be on a disk that is not plugged in: say so, but call it no damage.
            say = _notice if photo.is_referenced else _damage
            yield say("check.original_gone", photo.id, "photo", **values)
        elif deep and not _has_content(photo.file, photo.sha256):
            yield _damage("check.original_changed", photo.id, "photo", **values)
        elif photo.is_missing:
            yield _notice("check.original_back", photo.id, "photo", **values)


def _has_content(file: Path, sha256: str) -> bool:
    try:
        return hash_file(file) == sha256
    except PhotoError:
        return False


def _check_looks(library: Library, progress: Progress) -> Iterator[Finding]:
    rows = library.connection.rows("SELECT id, name, stage, digest, missing, current FROM look")
    for number, row in enumerate(rows):
        progress.report(number / len(rows), "check")
        yield from _check_look(library, row)


def _check_look(library: Library, row: Row) -> Iterator[Finding]:
    is_there = library.store.has(ArtefactKey(row["stage"], row["digest"]))
    values = {"name": row["name"]}
    if is_there and row["missing"]:
        yield _notice("check.look_back", row["id"], "look", **values)
    elif not is_there and not row["missing"]:
        yield _damage("check.look_gone", row["id"], "look", **values)


def _check_files(library: Library, progress: Progress, *, deep: bool) -> Iterator[Finding]:
    for file in unfinished_files(library.folder):
        yield _notice("check.unfinished", str(file), file=str(file))
    digests = list(library.store.keys_on_disk())
    for number, digest in enumerate(digests):
        progress.report(number / len(digests), "check")
        file = artefact_file(library, digest)
        if not is_readable(file, deep=deep):
            yield _damage("check.artefact", digest, file=str(file))


def artefact_file(library: Library, digest: str) -> Path:
    """Return where an artefact's file lies."""
    return library.store.path(ArtefactKey("", digest))


def is_readable(file: Path, *, deep: bool) -> bool:
    """True when an artefact's file can be read: its head, or `deep` all of it."""
    from studio.pipeline.codec import header_length, load_artefact, load_record

    try:
        with file.open("rb") as stream:
            start = stream.read(8)
            record = load_record(start + stream.read(header_length(start) - 8))
            if record.key.digest != file.stem:
                return False
            if deep:
                stream.seek(0)
                load_artefact(stream.read())
    except (StudioError, OSError, ValueError, KeyError):
        return False
    return True
