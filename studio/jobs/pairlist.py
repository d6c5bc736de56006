"""Pair lists: `test_pairs.txt` ("person.jpg garment.jpg" on every line) and CSV with a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.domain.artefacts import PhotoRole
from studio.domain.errors import JobError, StudioError
from studio.library.library import Library

MODEL_HEADERS = frozenset(["model", "person", "image", "model_photo", "모델"])
GARMENT_HEADERS = frozenset(["garment", "cloth", "clothes", "product", "garment_photo", "의류"])
MAX_BYTES = 16 << 20
"""Of a pair list: a million lines; anything larger is not one."""


@dataclass(frozen=True, slots=True)
class PairList:
    """What a list asks for. pairs: (model id, garment id), each once. problems: one for each line not understood."""

    pairs: tuple[tuple[str, str], ...]
    problems: tuple[StudioError, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    model: str
    garment: str


def read_pair_list(file: Path, library: Library) -> PairList:
    """Match a list's names with the imported photos.

    Raises:
        JobError: the file cannot be read, or is not a pair list at all.
    """
    text = _read_text(file)
    lines = _csv_lines(text, file) if file.suffix.lower() in (".csv", ".tsv") else _text_lines(text, file)
    pairs: dict[tuple[str, str], None] = {}
    problems: list[StudioError] = []
    for line in lines:
        if isinstance(line, StudioError):
            problems.append(line)
            continue
        try:
            model = _match(library, line, line.model, PhotoRole.MODEL, file)
            garment = _match(library, line, line.garment, PhotoRole.GARMENT, file)
        except JobError as error:
            problems.append(error)
        else:
            pairs[model, garment] = None
    return PairList(tuple(pairs), tuple(problems))


def _read_text(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise JobError("pairs.not_text", file=str(file))
        data = file.read_bytes()
    except OSError as error:
        raise JobError("pairs.unreadable", file=str(file), reason=error.strerror or str(error)) from error
    for encoding in ("utf-8-sig", "cp949"):  # what Korean Excel writes where it does not write UTF-8
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise JobError("pairs.not_text", file=str(file))


def _text_lines(text: str, file: Path) -> Iterator[_Line | StudioError]:
    for number, line in enumerate(text.splitlines(), start=1):
        clean = line.strip()
        if not clean or clean.startswith("#"):
            continue
        parts = clean.split("\t") if "\t" in clean else clean.split()
        if len(parts) == 2:
            yield _Line(number, *parts)
        else:
            yield JobError("pairs.line", file=file.name, line=str(number), text=clean[:80])


def _csv_lines(text: str, file: Path) -> Iterator[_Line | StudioError]:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    header = [name.strip().casefold() for name in next(rows, [])]
    model = next((at for at, name in enumerate(header) if name in MODEL_HEADERS), None)
    garment = next((at for at, name in enumerate(header) if name in GARMENT_HEADERS), None)
    if model is None or garment is None:
        raise JobError("pairs.header", file=file.name, found=", ".join(header))
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) > max(model, garment) and row[model].strip() and row[garment].strip():
            yield _Line(rows.line_num, row[model].strip(), row[garment].strip())
        else:
            yield JobError("pairs.line", file=file.name, line=str(rows.line_num), text=delimiter.join(row)[:80])


def _match(library: Library, line: _Line, name: str, role: PhotoRole, file: Path) -> str:
    bare = name.replace("\\", "/").rpartition("/")[2]  # lists of other tools carry folders
    found = library.photos_named(bare, role)
    values = {"file": file.name, "line": str(line.number), "name": name}
    if not found:
        raise JobError(f"pairs.unknown_{role.value}", **values)
    if len(found) > 1:
        raise JobError("pairs.ambiguous", count=str(len(found)), **values)
    return found[0].id
