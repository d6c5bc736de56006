"""The forerunner's placements: `backgrounds.txt` and its position files, read leniently and written back.

Each line of `backgrounds.txt` names a background picture and its position file; the position file holds x, y and size.
x and y are where the feet stand, size is the height of the person. Numbers up to 1 are shares of the picture, larger
ones pixels of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.domain.errors import CompositingError, StudioError
from studio.domain.geometry import Placement
from studio.domain.keys import Note
from studio.media.decode import probe
from studio.media.safe_io import write_atomic

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_LARGEST_FILE = 4 * 1024 * 1024
"""A list of placements is text of a few kilobytes; anything larger is another kind of file."""
_COMMENT = re.compile(r"""^((?:"[^"]*"|'[^']*'|(?<!\s)#(?!^)|[^#"'])*?)(?:(?:^|(?<=\s))#.*)?$""")
_QUOTED = re.compile(r'"([^"]*)"|\'([^\']*)\'')


@dataclass(frozen=True, slots=True)
class BackgroundEntry:
    """One background with the place that a look takes on it."""

    picture: Path
    placement: Placement
    positions: Path


@dataclass(frozen=True, slots=True)
class BackgroundList:
    """What a `backgrounds.txt` holds, and which of its lines could not be used, and why."""

    entries: tuple[BackgroundEntry, ...]
    problems: tuple[Note, ...] = ()


def read_backgrounds(path: Path, size_of: Callable[[Path], tuple[int, int]] | None = None) -> BackgroundList:
    """Read a `backgrounds.txt`; a bad line is reported and does not stop the others.

    Args:
        size_of: returns a picture's (width, height); reads the file's header when absent.

    Raises:
        CompositingError: the list itself cannot be read.
    """
    measure = size_of or _header_size
    entries, problems = [], []
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        text = _COMMENT.sub(r"\1", line).strip()
        if not text:
            continue
        try:
            entries.append(_read_line(text, path.parent, measure))
        except StudioError as error:
            values = {name: value for name, value in error.values.items() if name not in ("list", "line")}
            problems.append(Note(error.key, {**values, "list": path.name, "line": str(number)}))
    return BackgroundList(tuple(entries), tuple(problems))


def read_position(path: Path, size: tuple[int, int]) -> Placement:
    """Read a position file for a picture of (width, height).

    Raises:
        CompositingError: it cannot be read, or does not hold three numbers that make a place.
    """
    text = _read_text(path).replace(";", " ")
    numbers = [float(found) for found in _NUMBER.findall(_decimal_commas(text))]
    if len(numbers) < 3:
        raise CompositingError("backgrounds.position", file=str(path))
    x, y, height = numbers[0], numbers[1], numbers[3] if len(numbers) == 4 else numbers[2]
    if not 0 < height < 1e6:
        raise CompositingError("backgrounds.position", file=str(path))
    relative = 0 <= x <= 1 and 0 <= y <= 1
    return Placement(
        x=x if relative else x / size[0],
        y=y if relative else y / size[1],
        scale=height if height <= 1 else height / size[1],
    )


def write_backgrounds(
    path: Path, entries: Sequence[BackgroundEntry], size_of: Callable[[Path], tuple[int, int]] | None = None
) -> None:
    """Write `backgrounds.txt` and one position file per entry, in pixels, with paths relative where they can be.

    Raises:
        StorageError: the folder refuses.
    """
    measure = size_of or _header_size
    lines = []
    for entry in entries:
        width, height = measure(entry.picture)
        placement = entry.placement
        numbers = (round(placement.x * width), round(placement.y * height), round(placement.scale * height))
        # Pixels that would be read back as shares (a place at the very corner) are written as shares.
        in_pixels = numbers[2] > 1 and (max(numbers[:2]) > 1 or min(numbers[:2]) < 0)
        values = (
            [str(v) for v in numbers]
            if in_pixels
            else [repr(placement.x), repr(placement.y), _height(placement, height)]
        )
        write_atomic(entry.positions, (" ".join(values) + "\n").encode())
        lines.append(
            f"{_quote(_relative(entry.picture, path.parent))} {_quote(_relative(entry.positions, path.parent))}"
        )
    write_atomic(path, ("\n".join(lines) + "\n").encode("utf-8"))


def entry_beside(list_path: Path, picture: Path, placement: Placement) -> BackgroundEntry:
    """Return an entry whose position file lies beside the list, named after the picture."""
    return BackgroundEntry(picture, placement, list_path.parent / f"{picture.stem}_position.txt")


def _height(placement: Placement, height: int) -> str:
    return repr(placement.scale) if placement.scale <= 1 else str(round(placement.scale * height))


def _read_line(text: str, folder: Path, measure: Callable[[Path], tuple[int, int]]) -> BackgroundEntry:
    names = _split(text, folder)
    if len(names) != 2:
        raise CompositingError("backgrounds.line", text=text[:120])
    picture, positions = (_resolve(name, folder) for name in names)
    if not picture.is_file():
        raise CompositingError("backgrounds.missing", file=str(picture))
    return BackgroundEntry(picture, read_position(positions, measure(picture)), positions)


def _split(text: str, folder: Path) -> list[str]:
    quoted = [first or second for first, second in _QUOTED.findall(text)]
    if len(quoted) == 2:
        return quoted
    for separator in ("\t", ";", "|", ","):
        parts = [part.strip().strip("\"'") for part in text.split(separator) if part.strip()]
        if len(parts) == 2:
            return parts
    parts = text.split()
    # Names may hold spaces: the cut that names two existing files wins, else the first one.
    for cut in range(1, len(parts)):
        pair = [" ".join(parts[:cut]).strip("\"'"), " ".join(parts[cut:]).strip("\"'")]
        if all(_resolve(name, folder).is_file() for name in pair):
            return pair
    return parts


def _resolve(name: str, folder: Path) -> Path:
    plain = Path(name.replace("\\", "/")).expanduser()
    return plain if plain.is_absolute() else folder / plain


def _relative(path: Path, folder: Path) -> str:
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _quote(name: str) -> str:
    return f'"{name}"' if re.search(r"[\s,;|#]", name) else name


def _decimal_commas(text: str) -> str:
    """Read "0,5 0,95 0,8" as decimals, but "120, 640, 500" as a list."""
    values = text.split()
    if len(values) >= 3 and all(re.fullmatch(r"[-+]?\d+,\d+", value) for value in values):
        return text.replace(",", ".")
    return text


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise CompositingError("backgrounds.not_text", file=str(path))
        data = path.read_bytes()
    except OSError as error:
        raise CompositingError("backgrounds.missing", file=str(path)) from error
    for encoding in ("utf-8-sig", "utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", errors="replace")


def _header_size(path: Path) -> tuple[int, int]:
    return probe(path).size
