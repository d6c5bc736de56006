"""Every message key that the code can raise has its sentence, in both languages, with the right values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from studio.domain import errors
from studio.domain.errors import PhotoError, StudioError
from studio.domain.keys import Note
from studio.media.messages import LANGUAGES, placeholders, render, shipped_catalogue
from studio.media.resources import resource_path

STUDIO = Path(errors.__file__).resolve().parent.parent
_ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, StudioError)}
_CALLS = _ERRORS | {"Note", "note_fallback"}


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a message is made. values: None where they are not written out there."""

    key: str
    where: str
    values: frozenset[str] | None


def _uses() -> Iterator[Use]:
    for path in sorted(STUDIO.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        local = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and any(_name(base) in _ERRORS for base in node.bases)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in _CALLS | local and node.args:
                where = f"{path.relative_to(STUDIO.parent)}:{node.lineno}"
                for key in _constants(node.args[0]):
                    yield Use(key, where, _values(node))


def _constants(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _values(node: ast.Call) -> frozenset[str] | None:
    if len(node.args) > 1:  # Note("key", {"name": ...})
        given = node.args[1]
        if not isinstance(given, ast.Dict) or not all(isinstance(key, ast.Constant) for key in given.keys):
            return None
        return frozenset(str(key.value) for key in given.keys if isinstance(key, ast.Constant))
    if any(keyword.arg is None or keyword.arg == "values" for keyword in node.keywords):  # **values
        return None
    return frozenset(keyword.arg for keyword in node.keywords if keyword.arg)


USES = tuple(_uses())


def test_the_scan_sees_what_is_there() -> None:
    assert any(use.key == "photo.gone" for use in USES)
    assert any(use.key == "photo.note.flattened" for use in USES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_has_a_sentence(language: str) -> None:
    sentences = shipped_catalogue().sentences
    missing = sorted({f"{use.key} ({use.where})" for use in USES if not sentences.get(use.key, {}).get(language)})
    assert missing == []


def test_sentences_ask_only_for_values_that_are_given() -> None:
    wrong = []
    for use in USES:
        for language, template in shipped_catalogue().sentences.get(use.key, {}).items():
            if use.values is not None and not placeholders(template) <= use.values:
                wrong.append(f"{use.key} {language}: {sorted(placeholders(template) - use.values)} ({use.where})")
    assert wrong == []


def test_both_languages_name_the_same_values() -> None:
    rows = shipped_catalogue().sentences.items()
    assert [key for key, row in rows if len({frozenset(placeholders(text)) for text in row.values()}) > 1] == []


def test_korean_keeps_to_the_glossary_s_register() -> None:
    rows = shipped_catalogue().sentences.items()
    assert [key for key, row in rows if "세요" in row.get("ko", "")] == []


def test_no_key_is_written_twice() -> None:
    import tomllib

    seen: dict[str, str] = {}
    for path in resource_path("messages").glob("*.toml"):
        for key in tomllib.loads(path.read_text("utf-8")):
            assert seen.setdefault(key, path.name) == path.name, key


def test_sentences_are_shown_in_the_language_asked_for() -> None:
    error = PhotoError("photo.empty", file="a.jpg")
    assert render(error).startswith("a.jpg is empty")
    assert render(error, "ko").startswith("a.jpg 파일이 비어")
    assert render(error, "fr") == render(error, "en")


def test_unknown_keys_and_missing_values_still_show_something() -> None:
    assert render(Note("no.such.key", {"a": "1"})) == "no.such.key (a=1)"
    assert "–" in render(PhotoError("photo.empty"))
