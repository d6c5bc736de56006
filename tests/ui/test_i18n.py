"""Every sentence of the window has a Korean translation, and placeholders survive it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from studio.ui.i18n import Language, load_catalogue
from studio.ui.settings import SETTINGS

UI = Path(__file__).resolve().parents[2] / "studio" / "ui"


def _sentences() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(set(UI.rglob("*.py")) - {UI / "i18n.py"}):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if name in ("tr", "translate") and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found[first.value] = path.name
    return found


def test_the_scan_finds_the_windows_sentences() -> None:
    assert "Fitting Studio" in _sentences()
    assert len(_sentences()) > 50


def test_every_sentence_is_translated() -> None:
    catalogue = load_catalogue(Language.KOREAN)
    missing = {text: file for text, file in _sentences().items() if not catalogue.get(text)}
    assert not missing


def test_no_sentence_is_translated_twice() -> None:
    """TOML refuses a file with a key twice, and then there is no Korean at all: say which sentence it is."""
    lines = (UI.parents[1] / "resources" / "i18n" / "ko.toml").read_text("utf-8").splitlines()
    keys = [found.group(1) for line in lines if (found := re.match(r'("(?:[^"\\]|\\.)*")\s*=', line))]
    assert len(keys) > 300
    assert not {key for key, count in Counter(keys).items() if count > 1}


def test_every_setting_is_translated() -> None:
    catalogue = load_catalogue(Language.KOREAN)
    texts = {text for one in SETTINGS for text in (one.group, one.label, one.note, *(t for _, t in one.choices))}
    assert not {text for text in texts if text and text not in catalogue}


def test_placeholders_survive_translation() -> None:
    for source, target in load_catalogue(Language.KOREAN).items():
        assert sorted(re.findall(r"%[n\d]", source)) == sorted(re.findall(r"%[n\d]", target)), source
