"""Every key that the library and the jobs raise has its sentence, in both languages, with the values it gets."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from studio.media.messages import placeholders

PROJECT = Path(__file__).resolve().parent.parent.parent
MESSAGES = PROJECT / "resources" / "messages"
KEY = re.compile(r'"((?:library|check|repair|pairs|job|deliver|executor|undo|hot_folder)\.[a-z_]+)"')


def sentences() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for room in ("library", "jobs"):
        found |= tomllib.loads((MESSAGES / f"{room}.toml").read_text("utf-8"))
    return found


def raised() -> set[str]:
    sources = [file for room in ("library", "jobs") for file in (PROJECT / "studio" / room).glob("*.py")]
    keys = {key for file in sources for key in KEY.findall(file.read_text("utf-8"))}
    return keys | {"pairs.unknown_model", "pairs.unknown_garment"}


def test_every_key_that_is_raised_has_a_sentence() -> None:
    assert raised() - set(sentences()) == set()


def test_no_sentence_is_left_over() -> None:
    assert set(sentences()) - raised() == set()


@pytest.mark.parametrize("key", sorted(sentences()))
def test_both_languages_say_the_same(key: str) -> None:
    row = sentences()[key]
    assert set(row) == {"en", "ko"}
    assert placeholders(row["en"]) == placeholders(row["ko"])
    if not key.startswith("undo."):
        assert row["en"].endswith(".")
        assert row["ko"].endswith(".")
