"""Ids and times as the library writes them: UUIDs as text, UTC in ISO 8601."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime

_DIGITS = re.compile(r"\d+")


def new_id() -> str:
    """Return a fresh id."""
    return str(uuid.uuid4())


def now() -> str:
    """Return the present moment; texts of this form sort as the moments do."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def sort_key(name: str) -> str:
    """Return a text that sorts names as people read them: IMG_2 before IMG_10, whatever the case."""
    return _DIGITS.sub(lambda digits: digits.group().zfill(12), name.casefold())
