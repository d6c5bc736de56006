"""Frozen dataclasses to JSON and back, by their type hints: parameters, edits, placements, recipes."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, cast

from studio.domain.errors import ArtefactError
from studio.domain.keys import Json

T = TypeVar("T")


def encode(value: object) -> Json:
    """Return the JSON of a dataclass, enum, tuple, mapping or plain value.

    Raises:
        ArtefactError: a value JSON cannot carry.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return cast(Json, value.value)
    if isinstance(value, Mapping):
        return {str(name): encode(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ArtefactError("json.type", got=type(value).__name__)


def decode(kind: type[T], value: Json) -> T:
    """Build a value of `kind` from what `encode` returned; absent fields take their defaults.

    Raises:
        ArtefactError: the JSON does not fit the type.
    """
    return cast(T, _decode(kind, value))


def _decode(kind: Any, value: Json) -> Any:  # Any: type hints are values of many kinds
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _decode_fields(kind, value)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(kind, value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if origin is tuple and isinstance(value, list):
        return _decode_tuple(typing.get_args(kind), value)
    if origin is not None and issubclass(origin, Mapping) and isinstance(value, dict):
        item_kind = typing.get_args(kind)[1]
        return {name: _decode(item_kind, item) for name, item in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and isinstance(value, kind):
        return value
    raise ArtefactError("json.mismatch", want=str(kind), got=type(value).__name__)


def _decode_fields(kind: type, value: Json) -> Any:  # Any: the caller casts
    if not isinstance(value, dict):
        raise ArtefactError("json.mismatch", want=kind.__name__, got=type(value).__name__)
    hints = typing.get_type_hints(kind)
    unknown = set(value) - set(hints)
    if unknown:
        raise ArtefactError("json.unknown_field", kind=kind.__name__, field=", ".join(sorted(unknown)))
    return kind(**{name: _decode(hints[name], item) for name, item in value.items()})


def _decode_union(kind: Any, value: Json) -> Any:  # Any: as above
    if any(typing.get_origin(option) is dict for option in typing.get_args(kind)):
        return value  # the free `Json` type
    for option in typing.get_args(kind):
        if option is types.NoneType:
            if value is None:
                return None
            continue
        try:
            return _decode(option, value)
        except (ArtefactError, ValueError):
            continue
    raise ArtefactError("json.mismatch", want=str(kind), got=type(value).__name__)


def _decode_tuple(kinds: tuple[Any, ...], value: list[Json]) -> tuple[Any, ...]:  # Any: as above
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_decode(kinds[0], item) for item in value)
    if len(kinds) != len(value):
        raise ArtefactError("json.mismatch", want=f"{len(kinds)} items", got=str(len(value)))
    return tuple(_decode(item_kind, item) for item_kind, item in zip(kinds, value, strict=True))
