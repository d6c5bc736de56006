"""What an operator points at when an object is to be found: clicks and the corners of a box."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class PromptRole(IntEnum):
    """What a point says, numbered as segmenting networks expect it."""

    NOT_THIS = 0
    THIS = 1
    BOX_START = 2
    BOX_END = 3


@dataclass(frozen=True, slots=True)
class Prompt:
    """One point, in pixels of the photo."""

    x: float
    y: float
    role: PromptRole
