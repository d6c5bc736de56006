"""Array aliases and the checks that every artefact makes on construction."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.domain.errors import ArtefactError

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
AnyArray = npt.NDArray[Any]  # Any: the dtype is what the caller is about to check


def freeze(
    name: str,
    array: AnyArray,
    *,
    ndim: int,
    dtypes: tuple[type[np.generic], ...],
    last: int | None = None,
) -> None:
    """Check an artefact's array and make it read-only.

    Raises:
        ArtefactError: wrong number of dimensions, dtype, or size of the last axis.
    """
    fits_last = last is None or array.shape[-1] == last
    if array.ndim != ndim or array.dtype.type not in dtypes or not fits_last:
        raise ArtefactError(
            "artefact.shape",
            name=name,
            got=f"{array.dtype}{list(array.shape)}",
            want=f"{'/'.join(d.__name__ for d in dtypes)}, {ndim} dimensions"
            + ("" if last is None else f", last {last}"),
        )
    array.setflags(write=False)


def same_size(name: str, first: AnyArray, second: AnyArray) -> None:
    """Raise ArtefactError unless both arrays have the same height and width."""
    if first.shape[:2] != second.shape[:2]:
        raise ArtefactError("artefact.size", name=name, first=str(first.shape[:2]), second=str(second.shape[:2]))
