"""The look of the window: neutral greys, because colour is judged here; one accent; light and dark.

Tokens come first, the palette and the style sheet are made from them, so that no widget names a colour itself.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from studio.media.resources import resource_path

FONT_FAMILY = "Pretendard"
BASE_POINT_SIZE = 10
SPACE = 8
"""The grid: margins and gaps are multiples of this many pixels."""


class Scheme(StrEnum):
    """What the operator chose; AUTO follows the desktop."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Named colours of one scheme. surface < panel < raised: how near a thing is to the viewer."""

    surface: str
    panel: str
    raised: str
    line: str
    line_strong: str
    text: str
    text_soft: str
    text_faint: str
    text_off: str
    accent: str
    accent_hover: str
    accent_soft: str
    on_accent: str
    hover: str
    canvas: str
    good: str
    warn: str
    bad: str


LIGHT = Tokens(
    surface="#f3f3f3",
    panel="#fafafa",
    raised="#ffffff",
    line="#dedede",
    line_strong="#bdbdbd",
    text="#1c1c1c",
    text_soft="#565656",
    text_faint="#767676",
    text_off="#a9a9a9",
    accent="#2a5fd0",
    accent_hover="#1f4fb5",
    accent_soft="#dfe8fb",
    on_accent="#ffffff",
    hover="#e9e9e9",
    canvas="#c9c9c9",
    good="#2c7a4b",
    warn="#a15c00",
    bad="#b3261e",
)
DARK = Tokens(
    surface="#1b1b1b",
    panel="#222222",
    raised="#2b2b2b",
    line="#383838",
    line_strong="#555555",
    text="#ededed",
    text_soft="#b4b4b4",
    text_faint="#8f8f8f",
    text_off="#666666",
    accent="#6f9cf5",
    accent_hover="#8bb0fa",
    accent_soft="#263654",
    on_accent="#10131a",
    hover="#333333",
    canvas="#4a4a4a",
    good="#6cc48d",
    warn="#e0a44a",
    bad="#f08a80",
)

_SHEET = Template("""
QWidget { color: $text; }
QMainWindow, QDialog, QWidget#page { background: $surface; }
QFrame#rail { background: $panel; border: 0; border-right: 1px solid $line; }
QFrame#panel, QFrame#bar { background: $panel; border: 0; }
QFrame#bar { border-bottom: 1px solid $line; }
QFrame#sidebar { background: $panel; border: 0; border-right: 1px solid $line; }
QFrame#inspector { background: $panel; border: 0; border-left: 1px solid $line; }
QFrame#card { background: $raised; border: 1px solid $line; border-radius: 8px; }
QFrame#banner { background: $raised; border: 1px solid $line_strong; border-radius: 8px; }
QLabel#title { font-size: 20px; font-weight: 600; }
QLabel#heading { font-size: 14px; font-weight: 600; }
QLabel#section { color: $text_soft; font-size: 12px; font-weight: 600; }
QLabel#soft { color: $text_soft; }
QLabel#faint { color: $text_faint; font-size: 12px; }
QLabel#bad { color: $bad; }
QLabel#good { color: $good; }
QLabel#warn { color: $warn; }
QLabel:disabled, QCheckBox:disabled { color: $text_faint; }
QToolTip { background: $raised; color: $text; border: 1px solid $line_strong; padding: 4px 6px; }
QPushButton { background: $raised; border: 1px solid $line_strong; border-radius: 6px; padding: 5px 14px;
              min-height: 20px; }
QPushButton:hover { background: $hover; }
QPushButton:focus, QToolButton:focus, QComboBox:focus, QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus,
QPlainTextEdit:focus, QListView:focus, TileView:focus, QTableView:focus, QTreeView:focus { border: 1px solid $accent; }
QPushButton:disabled { color: $text_faint; background: $panel; border-color: $line; }
QPushButton#primary { background: $accent; color: $on_accent; border: 1px solid $accent; font-weight: 600; }
QPushButton#primary:hover { background: $accent_hover; }
QPushButton#primary:focus { border: 1px solid $text; }
QPushButton#primary:disabled { background: $line; border-color: $line; color: $text_faint; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 4px 6px; }
QToolButton:hover { background: $hover; }
QToolButton:checked { background: $accent_soft; }
QToolButton:disabled { color: $text_faint; }
QToolButton::menu-indicator { image: none; }
QToolButton#mini { padding: 4px 3px; }
QToolButton#chip { background: $hover; border-radius: 12px; padding: 3px 8px; }
QToolButton#chip:hover { background: $line; }
QPushButton#field { padding: 4px 8px; text-align: left; }
QPushButton#field::menu-indicator { image: none; }
QFrame#rail QToolButton { padding: 8px 2px; font-size: 11px; color: $text_soft; border-radius: 8px; }
QFrame#rail QToolButton:checked { color: $text; font-weight: 600; }
QFrame#rail QToolButton:disabled { color: $text_off; }
QFrame#bar QToolButton:checked { color: $text; }
QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox, QPlainTextEdit { background: $raised; border: 1px solid $line_strong;
    border-radius: 6px; padding: 4px 8px; min-height: 20px; selection-background-color: $accent;
    selection-color: $on_accent; }
QComboBox::drop-down { border: 0; width: 22px; }
QComboBox::down-arrow { image: url("$arrows/arrow-down-$scheme.svg"); width: 12px; height: 12px; }
QComboBox::down-arrow:disabled { image: url("$arrows/arrow-down-$scheme-off.svg"); }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $line_strong; padding: 4px; outline: 0;
    selection-background-color: $accent_soft; selection-color: $text; }
QSpinBox, QDoubleSpinBox { padding: 4px 22px 4px 0; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { subcontrol-origin: border; border: 0; width: 20px;
    background: transparent; }
QAbstractSpinBox::up-button { subcontrol-position: top right; margin-top: 2px; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; margin-bottom: 2px; }
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: $hover; }
QAbstractSpinBox::up-arrow { image: url("$arrows/arrow-up-$scheme.svg"); width: 10px; height: 10px; }
QAbstractSpinBox::down-arrow { image: url("$arrows/arrow-down-$scheme.svg"); width: 10px; height: 10px; }
QAbstractSpinBox::up-arrow:disabled, QAbstractSpinBox::up-arrow:off { image: url("$arrows/arrow-up-$scheme-off.svg"); }
QAbstractSpinBox::down-arrow:disabled, QAbstractSpinBox::down-arrow:off {
    image: url("$arrows/arrow-down-$scheme-off.svg"); }
QLineEdit:disabled, QComboBox:disabled, QAbstractSpinBox:disabled { color: $text_faint; background: $panel;
    border-color: $line; }
QListView, TileView, QTableView, QTreeView, QScrollArea { background: $surface; border: 1px solid transparent;
    outline: 0; }
QTableView::item { padding: 0 8px; }
QListView::item:selected, QTableView::item:selected, QTreeView::item:selected { background: $accent_soft;
    color: $text; }
QTableCornerButton::section { background: $panel; border: 0; }
QHeaderView::section { background: $panel; color: $text_soft; border: 0; border-bottom: 1px solid $line;
    padding: 4px 8px; }
QMenuBar { background: $panel; border-bottom: 1px solid $line; }
QMenuBar::item { padding: 5px 10px; background: transparent; }
QMenuBar::item:selected, QMenu::item:selected { background: $accent_soft; }
QMenu { background: $raised; border: 1px solid $line_strong; padding: 4px; }
QMenu::item { padding: 5px 28px 5px 24px; border-radius: 4px; }
QMenu::item:disabled { color: $text_faint; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QStatusBar { background: $panel; border-top: 1px solid $line; }
QStatusBar::item { border: 0; }
QProgressBar { background: $line; border: 0; border-radius: 3px; max-height: 6px; min-height: 6px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }
QSplitter::handle { background: $line; }
QSplitter::handle:horizontal { width: 1px; }
QSplitter::handle:vertical { height: 1px; }
QTabBar::tab { padding: 6px 14px; border-bottom: 2px solid transparent; color: $text_soft; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabWidget::pane { border: 0; border-top: 1px solid $line; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $line; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal { width: 12px; height: 12px; margin: -5px 0; border-radius: 7px; background: $raised;
    border: 1px solid $text_soft; }
QSlider::handle:horizontal:hover { border-color: $accent; }
QSlider::handle:horizontal:focus { border: 2px solid $accent; width: 10px; height: 10px; }
QSlider::sub-page:horizontal:disabled { background: $line_strong; }
QSlider::handle:horizontal:disabled { background: $panel; border-color: $line_strong; }
QCheckBox { spacing: 8px; }
QCheckBox::indicator, QAbstractItemView::indicator { width: 14px; height: 14px; border: 1px solid $text_faint;
    border-radius: 3px; background: $raised; }
QCheckBox::indicator:hover { border-color: $accent; }
QCheckBox::indicator:focus { border: 2px solid $accent; width: 12px; height: 12px; }
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked { background: $accent; border-color: $accent;
    image: url("$arrows/tick-$scheme.svg"); }
QCheckBox::indicator:disabled { background: $panel; border-color: $line_strong; }
QCheckBox::indicator:checked:disabled { background: $line_strong; border-color: $line_strong; }
QTabBar { outline: 0; }
QTabBar::tab:selected:focus { color: $accent; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: $line_strong; border-radius: 4px; margin: 2px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: $text_faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
""")


def tokens(dark: bool) -> Tokens:
    """Return the colours of the light or the dark scheme."""
    return DARK if dark else LIGHT


def is_dark(scheme: Scheme) -> bool:
    """Tell whether a scheme is dark now; AUTO asks the desktop."""
    if scheme is Scheme.AUTO:
        return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
    return scheme is Scheme.DARK


def current_tokens() -> Tokens:
    """Return the tokens of the running application, for widgets that paint themselves."""
    app = QApplication.instance()
    return tokens(bool(app.property("dark")) if app is not None else False)


def load_fonts() -> None:
    """Make the bundled font known; Korean and Latin share it, so both languages align alike."""
    for name in ("Pretendard-Regular.otf", "Pretendard-SemiBold.otf"):
        QFontDatabase.addApplicationFont(str(resource_path("fonts", name)))


def _palette(colours: Tokens) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for target, value in (
        (role.Window, colours.surface),
        (role.Base, colours.raised),
        (role.AlternateBase, colours.panel),
        (role.Button, colours.raised),
        (role.Text, colours.text),
        (role.WindowText, colours.text),
        (role.ButtonText, colours.text),
        (role.PlaceholderText, colours.text_faint),
        (role.Highlight, colours.accent),
        (role.HighlightedText, colours.on_accent),
        (role.Link, colours.accent),
        (role.ToolTipBase, colours.raised),
        (role.ToolTipText, colours.text),
    ):
        palette.setColor(target, QColor(value))
    for target in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, target, QColor(colours.text_faint))
    return palette


def apply_theme(app: QApplication, scheme: Scheme) -> None:
    """Dress the whole application in a scheme, at any time."""
    dark = is_dark(scheme)
    colours = tokens(dark)
    app.setProperty("dark", dark)
    style = QStyleFactory.create("Fusion")
    app.setStyle(style)
    app.setFont(QFont(FONT_FAMILY, BASE_POINT_SIZE))
    app.setPalette(_palette(colours))
    app.setStyleSheet(_sheet(colours, "dark" if dark else "light"))


def _sheet(colours: Tokens, scheme: str) -> str:
    named = {field.name: str(getattr(colours, field.name)) for field in fields(colours)}
    return _SHEET.substitute(named, scheme=scheme, arrows=resource_path("ui").as_posix())
