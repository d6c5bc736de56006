"""Languages of the window: English in the source, Korean in a catalogue, switched while it runs.

Sources are written with `self.tr("...")` (or `translate(context, "...")` outside QObjects). The catalogue is
`resources/i18n/<language>.toml`, English sentence to translation; a test fails on a missing entry.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator

from studio.media.resources import resource_path


class Language(StrEnum):
    """Languages that ship; AUTO follows the desktop."""

    AUTO = "auto"
    ENGLISH = "en"
    KOREAN = "ko"


def resolve(language: Language) -> Language:
    """Return the language that AUTO stands for here, or the language itself."""
    if language is not Language.AUTO:
        return language
    system = QLocale.system().language()
    return Language.KOREAN if system == QLocale.Language.Korean else Language.ENGLISH


def load_catalogue(language: Language) -> dict[str, str]:
    """Return source sentence -> translation; empty for English."""
    if language is Language.ENGLISH:
        return {}
    with resource_path("i18n", f"{language.value}.toml").open("rb") as file:
        return {str(source): str(target) for source, target in tomllib.load(file)["window"].items()}


class CatalogueTranslator(QTranslator):
    """Answers Qt's look-ups from a catalogue; a sentence means the same everywhere, so contexts are ignored."""

    def __init__(self, catalogue: dict[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._catalogue = catalogue

    def isEmpty(self) -> bool:
        return not self._catalogue

    def translate(self, context: str, source: str, disambiguation: str | None = None, n: int = -1) -> str | None:
        del context, disambiguation
        found = self._catalogue.get(source)
        if found is None:
            return None
        return found.replace("%n", str(n)) if n >= 0 else found


def install_language(language: Language, previous: QTranslator | None = None) -> QTranslator | None:
    """Switch the application's language; windows get a LanguageChange event and write their texts again."""
    if previous is not None:
        QCoreApplication.removeTranslator(previous)
    chosen = resolve(language)
    _install_qt_language(chosen)
    if chosen is Language.ENGLISH:
        return None
    translator = CatalogueTranslator(load_catalogue(chosen), QCoreApplication.instance())
    QCoreApplication.installTranslator(translator)
    return translator


_qt_translators: list[QTranslator] = []
"""Qt's own texts in the language that holds now: the buttons of its dialogs and the menus of its fields."""


def _install_qt_language(language: Language) -> None:
    while _qt_translators:
        QCoreApplication.removeTranslator(_qt_translators.pop())
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    translator = QTranslator(QCoreApplication.instance())
    if language is not Language.ENGLISH and translator.load(f"qtbase_{language.value}", folder):
        QCoreApplication.installTranslator(translator)
        _qt_translators.append(translator)


def translate(source: str) -> str:
    """Translate a sentence outside of a QObject."""
    return QCoreApplication.translate("window", source)
