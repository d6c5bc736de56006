"""Artefacts to bytes and back: one self-describing container, lossless.

Layout: magic, header length (uint32 little endian), header (JSON), blobs. Arrays are deflated, pictures as PNG; a
picture that mostly repeats an earlier one of the same artefact is stored as its difference to it. The header
carries the artefact's record, so that a blob tells by itself how it was made.
"""

from __future__ import annotations

import dataclasses
import json
import struct
import typing
import zlib
from collections.abc import Mapping
from enum import Enum
from typing import Any, cast

import cv2
import numpy as np

from studio.domain import artefacts as kinds
from studio.domain.arrays import AnyArray
from studio.domain.artefacts import Artefact
from studio.domain.errors import StorageError
from studio.domain.geometry import Framing
from studio.domain.jsonable import decode, encode
from studio.domain.keys import ArtefactRecord, Json, Note

MAGIC = b"FSA1"
# Each row as its difference to the one above: half the time of letting libpng choose a filter row by row, and smaller.
# OpenCV 4.10 cannot choose; files of either kind are read by both.
_PNG_FILTER_UP = [cv2.IMWRITE_PNG_FILTER, 0x20] if hasattr(cv2, "IMWRITE_PNG_FILTER") else []
_PNG_OPTIONS = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, 0, *_PNG_FILTER_UP]
_REPEATED_SHARE = 0.5  # from here on a difference is smaller than a picture of its own
_SMALL = 4096  # bytes; nothing to gain below

_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        kinds.Photo,
        kinds.Cutout,
        Framing,
        kinds.Pose,
        kinds.ParseMap,
        kinds.DensePoseMap,
        kinds.Agnostic,
        kinds.Garment,
        kinds.GarmentMesh,
        kinds.NativePatch,
        kinds.Confidence,
        kinds.TryOn,
        kinds.Look,
        Note,
    )
}


@dataclasses.dataclass(slots=True)
class _Writer:
    """Collects blobs and the table that finds them again."""

    table: list[dict[str, Json]]
    blobs: list[bytes]
    seen: list[AnyArray | None]

    def add(self, data: bytes, entry: dict[str, Json], array: AnyArray | None) -> int:
        self.table.append({**entry, "bytes": len(data)})
        self.blobs.append(data)
        self.seen.append(array)
        return len(self.table) - 1

    def add_array(self, array: AnyArray) -> int:
        base = self._base_of(array)
        stored = np.bitwise_xor(array, cast(AnyArray, self.seen[base])) if base is not None else array
        packing, data = _pack(np.ascontiguousarray(stored))
        entry: dict[str, Json] = {"dtype": array.dtype.str, "shape": list(array.shape), "packing": packing}
        if base is not None:
            entry["base"] = base
        return self.add(data, entry, array)

    def _base_of(self, array: AnyArray) -> int | None:
        if array.dtype.kind != "u" or array.nbytes < _SMALL:
            return None
        probe = (slice(None, None, 7), slice(None, None, 5))
        for index, other in enumerate(self.seen):
            if other is None or other.shape != array.shape or other.dtype != array.dtype:
                continue
            if float(np.mean(other[probe] == array[probe])) > _REPEATED_SHARE:
                return index
        return None


def _pack(array: AnyArray) -> tuple[str, bytes]:
    if array.nbytes < _SMALL:
        return "raw", array.tobytes()
    is_picture = array.ndim == 3 and array.shape[2] == 3 and array.dtype.type in (np.uint8, np.uint16)
    if is_picture:
        done, data = cv2.imencode(".png", cv2.cvtColor(array, cv2.COLOR_RGB2BGR), _PNG_OPTIONS)
        if done:
            return "png", data.tobytes()
    return "zlib", zlib.compress(array.data, 1)


def _unpack(entry: dict[str, Any], data: bytes) -> AnyArray:  # Any: a parsed JSON header
    shape, dtype = tuple(entry["shape"]), np.dtype(entry["dtype"])
    if entry["packing"] == "png":
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is None:
            raise StorageError("artefact.damaged")
        turned: AnyArray = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        return turned
    raw = zlib.decompress(data) if entry["packing"] == "zlib" else data
    return np.frombuffer(raw, dtype).reshape(shape)


def _to_tree(value: object, writer: _Writer) -> Json:
    if isinstance(value, np.ndarray):
        return {"$array": writer.add_array(value)}
    if isinstance(value, bytes):
        return {"$bytes": writer.add(value, {"packing": "bytes"}, None)}
    if type(value).__name__ in _TYPES and dataclasses.is_dataclass(value):
        fields = {field.name: _to_tree(getattr(value, field.name), writer) for field in dataclasses.fields(value)}
        return {"$type": type(value).__name__, **fields}
    if isinstance(value, tuple):
        return [_to_tree(item, writer) for item in value]
    if isinstance(value, Mapping):
        return {"$map": {str(name): _to_tree(item, writer) for name, item in value.items()}}
    if isinstance(value, Enum):
        return cast(Json, value.value)
    return encode(value)


@dataclasses.dataclass(slots=True)
class _Reader:
    table: list[dict[str, Any]]  # Any: parsed JSON
    body: memoryview
    offsets: list[int]

    def array(self, index: int) -> AnyArray:
        entry = self.table[index]
        array = _unpack(entry, self.bytes(index))
        if "base" in entry:
            return np.bitwise_xor(array, self.array(int(entry["base"])))
        return array

    def bytes(self, index: int) -> bytes:
        start = self.offsets[index]
        return bytes(self.body[start : start + int(self.table[index]["bytes"])])


def _from_tree(tree: Any, hint: Any, reader: _Reader) -> Any:  # Any: a JSON tree and type hints of many kinds
    if isinstance(tree, dict) and "$array" in tree:
        return reader.array(tree["$array"])
    if isinstance(tree, dict) and "$bytes" in tree:
        return reader.bytes(tree["$bytes"])
    if isinstance(tree, dict) and "$type" in tree:
        kind = _TYPES[tree["$type"]]
        hints = typing.get_type_hints(kind)
        return kind(**{name: _from_tree(item, hints[name], reader) for name, item in tree.items() if name != "$type"})
    if isinstance(tree, dict) and "$map" in tree:
        item_hint = typing.get_args(hint)[1]
        return {name: _from_tree(item, item_hint, reader) for name, item in tree["$map"].items()}
    if isinstance(tree, list) and any(isinstance(item, dict) for item in tree):
        return tuple(_from_tree(item, None, reader) for item in tree)
    return decode(hint, tree)


def dump_artefact(artefact: Artefact, record: ArtefactRecord) -> bytes:
    """Return the container of an artefact with its record."""
    writer = _Writer([], [], [])
    tree = _to_tree(artefact, writer)
    header = json.dumps(
        {"artefact": tree, "record": encode(record), "blobs": writer.table}, separators=(",", ":")
    ).encode("utf-8")
    return b"".join([MAGIC, struct.pack("<I", len(header)), header, *writer.blobs])


def _header(data: bytes | memoryview) -> tuple[dict[str, Any], int]:  # Any: parsed JSON
    if bytes(data[:4]) != MAGIC or len(data) < 8:
        raise StorageError("artefact.damaged")
    (length,) = struct.unpack("<I", data[4:8])
    try:
        header = json.loads(bytes(data[8 : 8 + length]))
    except ValueError as error:
        raise StorageError("artefact.damaged") from error
    return header, 8 + length


def load_record(start: bytes) -> ArtefactRecord:
    """Return the record from a container's header; `start` must hold the whole header."""
    header, _ = _header(start)
    return decode(ArtefactRecord, header["record"])


def header_length(start: bytes) -> int:
    """Return how many bytes of a container its header takes, given at least its first eight."""
    if start[:4] != MAGIC or len(start) < 8:
        raise StorageError("artefact.damaged")
    return 8 + int(struct.unpack("<I", start[4:8])[0])


def load_artefact(data: bytes) -> Artefact:
    """Return the artefact of a container.

    Raises:
        StorageError: the container is damaged.
    """
    header, start = _header(data)
    sizes = [int(entry["bytes"]) for entry in header["blobs"]]
    if start + sum(sizes) != len(data):
        raise StorageError("artefact.damaged")
    offsets = [0, *np.cumsum(sizes).tolist()]
    reader = _Reader(header["blobs"], memoryview(data)[start:], offsets)
    try:
        return cast(Artefact, _from_tree(header["artefact"], None, reader))
    except (zlib.error, KeyError, ValueError) as error:
        raise StorageError("artefact.damaged") from error
