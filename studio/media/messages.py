"""Sentences for message keys, in the operator's language: one wording for the command line and the window."""

from __future__ import annotations

import logging
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from studio.domain.errors import StudioError
from studio.domain.keys import Note
from studio.media.resources import resource_path

log = logging.getLogger(__name__)

LANGUAGES = ("en", "ko")
_FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All sentences: key -> language -> template with `{names}`."""

    sentences: Mapping[str, Mapping[str, str]]

    def template(self, key: str, language: str) -> str | None:
        """Return the template of a key, in English where the language lacks it; None where the key is unknown."""
        row = self.sentences.get(key, {})
        return row.get(language) or row.get(_FALLBACK)


@cache
def shipped_catalogue() -> Catalogue:
    """Return the sentences of all rooms, `resources/messages/*.toml`."""
    sentences: dict[str, Mapping[str, str]] = {}
    for path in sorted(resource_path("messages").glob("*.toml")):
        for key, row in tomllib.loads(path.read_text("utf-8")).items():
            sentences[key] = {language: str(text) for language, text in row.items()}
    return Catalogue(sentences)


def placeholders(template: str) -> set[str]:
    """Return the names a template asks for."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def render(message: StudioError | Note, language: str = _FALLBACK) -> str:
    """Return the sentence of an error or a note; a key without one is shown as it is, with its values."""
    template = shipped_catalogue().template(message.key, language)
    if template is None:
        log.warning("no sentence for message key %s", message.key)
        values = ", ".join(f"{name}={value}" for name, value in message.values.items())
        return f"{message.key} ({values})" if values else message.key
    return template.format_map(_Shown(message.values))


class _Shown(dict[str, str]):
    """Values for a template; a missing one is shown as a dash rather than breaking the sentence."""

    def __missing__(self, name: str) -> str:
        log.warning("a message lacks its value %s", name)
        return "–"
