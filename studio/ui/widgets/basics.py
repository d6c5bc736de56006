"""Labels, rows and empty states in the theme's own voice."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.ui import icons
from studio.ui.theme import SPACE, current_tokens

BODY_WIDTH = 440


class TextWidget(QWidget):
    """A widget with texts: `_write_texts` puts them on it, again whenever the language changes."""

    def _write_texts(self) -> None:
        raise NotImplementedError

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._write_texts()
        super().changeEvent(event)


def label(text: str, name: str = "", *, wrap: bool = False) -> QLabel:
    """Return a label; `name` picks its style: title, heading, section, soft, faint, good, warn, bad."""
    made = QLabel(text)
    made.setObjectName(name)
    made.setWordWrap(wrap)
    return made


def frame(name: str, layout: QLayout | None = None, margin: int = SPACE * 2) -> QFrame:
    """Return a styled frame: panel, bar, card, rail, sidebar, inspector."""
    made = QFrame()
    made.setObjectName(name)
    if layout is not None:
        layout.setContentsMargins(margin, margin, margin, margin)
        made.setLayout(layout)
    return made


def button(text: str, *, primary: bool = False, icon_name: str = "", tip: str = "") -> QPushButton:
    """Return a push button; one primary button a view."""
    made = QPushButton(text)
    if primary:
        made.setObjectName("primary")
    if icon_name:
        made.setIcon(icons.icon(icon_name))
    if tip:
        made.setToolTip(tip)
    return made


def add_action(page: QWidget, shortcut: str, slot: Callable[[], object], icon_name: str = "", *also: str) -> QAction:
    """Return an action of a page, with its keys, that holds while the page or something on it has the focus."""
    action = QAction(page)
    if icon_name:
        action.setIcon(icons.icon(icon_name))
    action.setShortcuts([QKeySequence(key) for key in (shortcut, *also) if key])
    action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    action.triggered.connect(slot)
    page.addAction(action)
    return action


def spin_box(minimum: int, maximum: int) -> QSpinBox:
    """Return a box for whole numbers; its text keeps the distance that other fields keep."""
    made = QSpinBox()
    made.setRange(minimum, maximum)
    made.lineEdit().setTextMargins(SPACE - 2, 0, 0, 0)  # the style sheet's padding does not reach it
    return made


class ActionButton(QToolButton):
    """The button of an action: what it is called follows the action through every change of language."""

    def __init__(self, action: QAction, size: int) -> None:
        super().__init__()
        self.setDefaultAction(action)
        self.setIconSize(QSize(size, size))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        action.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.setAccessibleName(self.defaultAction().text().replace("&", ""))


def tool_button(action: QAction, size: int = 20, *, with_text: bool = False) -> QToolButton:
    """Return the button of an action, an icon or with the action's short text beside it; its tip names the shortcut."""
    made = ActionButton(action, size)
    if with_text:
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return made


class TextDropper(QObject):
    """Takes the words off a bar's buttons while there is no room for them; icons and tooltips stay."""

    def __init__(self, bar: QWidget, buttons: Sequence[QToolButton]) -> None:
        super().__init__(bar)
        self._bar, self._buttons = bar, tuple(buttons)
        self._roomy = 0
        bar.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest, QEvent.Type.Show):
            self._follow()
        return super().eventFilter(watched, event)

    def _follow(self) -> None:
        layout = self._bar.layout()
        if layout is None:
            return
        has_words = self._buttons[0].toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        if has_words:
            self._roomy = layout.sizeHint().width()
        elif self._roomy:  # what the words would take: they may be another language's by now
            metrics = self._buttons[0].fontMetrics()
            words = sum(metrics.horizontalAdvance(one.defaultAction().iconText()) + SPACE for one in self._buttons)
            self._roomy = layout.sizeHint().width() + words
        fits = self._bar.width() >= self._roomy
        if fits != has_words:
            style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if fits else Qt.ToolButtonStyle.ToolButtonIconOnly
            for one in self._buttons:
                one.setToolButtonStyle(style)


def set_text(action: QAction, text: str, short: str = "") -> None:
    """Write an action's text and its tooltip with the shortcut; `short` is what a button with text says."""
    action.setText(text)
    if short:
        action.setIconText(short)
    action.setToolTip(shortcut_tip(text.replace("&", "").removesuffix("…"), action.shortcut()))


def shortcut_tip(text: str, shortcut: QKeySequence) -> str:
    """Return a tooltip with its shortcut in the desktop's own notation."""
    if shortcut.isEmpty():
        return text
    return f"{text}  ({shortcut.toString(QKeySequence.SequenceFormat.NativeText)})"


def row(*items: QWidget | int, spacing: int = SPACE) -> QHBoxLayout:
    """Return widgets side by side; an int is a stretch."""
    made = QHBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(spacing)
    for item in items:
        if isinstance(item, int):
            made.addStretch(item)
        else:
            made.addWidget(item)
    return made


def column(*items: QWidget | QLayout | int, spacing: int = SPACE) -> QVBoxLayout:
    """Return widgets and layouts one under the other; an int is a stretch."""
    made = QVBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(spacing)
    for item in items:
        if isinstance(item, int):
            made.addStretch(item)
        elif isinstance(item, QLayout):
            made.addLayout(item)
        else:
            made.addWidget(item)
    return made


class EmptyState(QWidget):
    """What a view shows when it has nothing: what this is, and the one thing to do first."""

    acted = Signal()

    def __init__(self, icon_name: str, heading: str, body: str, action: str = "") -> None:
        super().__init__()
        self._icon_name = icon_name
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._heading = label(heading, "heading")
        self._body = label(body, "soft", wrap=True)
        self._action = button(action, primary=True)
        self._action.setVisible(bool(action))
        self._action.clicked.connect(self.acted)
        for part in (self._heading, self._body):
            part.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inner = column(self._picture, self._heading, self._body, spacing=SPACE)
        inner.setAlignment(self._body, Qt.AlignmentFlag.AlignHCenter)
        inner.addSpacing(SPACE)
        inner.addWidget(self._action, 0, Qt.AlignmentFlag.AlignHCenter)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(inner)
        outer.addStretch(3)
        self._paint_icon()

    def set_texts(self, heading: str, body: str, action: str = "") -> None:
        """Change what is said: another language, or another reason for being empty."""
        self._heading.setText(heading)
        self._body.setText(body)
        self._action.setText(action)
        self._action.setVisible(bool(action))
        self._fit_body()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit_body()

    def _fit_body(self) -> None:
        """Give the wrapped sentence the height it takes (a centred layout asks for one line's only), in even lines."""
        height = self._body.heightForWidth(BODY_WIDTH)
        widths = range(BODY_WIDTH // 2, BODY_WIDTH, SPACE)
        fits = bisect_left(widths, True, key=lambda width: self._body.heightForWidth(width) <= height)
        self._body.setFixedSize(widths[fits] if fits < len(widths) else BODY_WIDTH, max(0, height))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._paint_icon()
            self._fit_body()
        super().changeEvent(event)

    def _paint_icon(self) -> None:
        colour = current_tokens().text_faint
        self._picture.setPixmap(icons.pixmap(self._icon_name, 40, colour, self.devicePixelRatioF()))


class Banner(QFrame):
    """An error or a note above a view: what happened, to which photo, what to do; stays until it is closed."""

    details_wanted = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self._is_bad = True
        self._icon = QLabel()
        self._text = label("", wrap=True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._details = button("")
        self._details.hide()
        self._details.clicked.connect(self.details_wanted)
        self._close = QToolButton()
        self._close.setIcon(icons.icon("close"))
        self._close.clicked.connect(self._dismiss)
        self._close.setAccessibleName(self.tr("Close this message"))
        inner = QHBoxLayout(self)
        inner.setContentsMargins(SPACE * 2, SPACE, SPACE, SPACE)
        inner.addWidget(self._icon)
        inner.addWidget(self._text, 1)
        inner.addWidget(self._details)
        inner.addWidget(self._close)
        self.hide()

    def show_message(self, text: str, *, bad: bool = True, details: str = "") -> None:
        """Show one sentence; `details` is the label of a second button, "" for none."""
        self._is_bad = bad
        self._paint_icon()
        self._text.setText(text)
        self._details.setText(details)
        self._details.setVisible(bool(details))
        self.show()

    @property
    def text(self) -> str:
        return self._text.text()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._close.setAccessibleName(self.tr("Close this message"))
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange) and not self.isHidden():
            self._paint_icon()
        super().changeEvent(event)

    def _paint_icon(self) -> None:
        colours = current_tokens()
        name, colour = ("warning", colours.bad) if self._is_bad else ("info", colours.accent)
        self._icon.setPixmap(icons.pixmap(name, 20, colour, self.devicePixelRatioF()))

    def _dismiss(self) -> None:
        self.hide()
        self.closed.emit()
