"""What a picture leaves out: whatever is there to be clicked. What a control says stands there as words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from PySide6.QtCore import Qt
from PySide6.QtGui import QRegion
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLayoutItem,
    QLineEdit,
    QScrollBar,
    QSplitterHandle,
    QTabBar,
    QWidget,
)

from gradflow.ui.theme import font

HINT = "hint"
"""The property of a label in which stands what of its words only says where to click."""

SAID = "said"
"""The object name of the words in a control's place."""


@runtime_checkable
class Worded(Protocol):
    """A widget with words, as all labels are."""

    def property(self, name: str) -> Any:
        """Return what was noted about it."""

    def text(self) -> str:
        """Return its words."""

    def setText(self, words: str) -> None:
        """Take other words."""


def without_controls(top: QWidget) -> None:
    """Put words in the place of all controls of a widget that is only to be painted from now on."""
    for area in top.findChildren(QAbstractScrollArea):
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    for tabs in top.findChildren(QTabBar):
        _head(tabs)
    for control in top.findChildren(QWidget):
        if _is_control(control) and not control.isHidden():
            _replace(control)
    for widget in top.findChildren(QWidget):
        if isinstance(widget, Worded) and (hint := widget.property(HINT)):
            widget.setText(widget.text().replace(hint, ""))
    for label in top.findChildren(QLabel):
        if label.buddy() and not _said(label.buddy()):
            # It names what is no longer there.
            label.hide()


def touch_up(top: QWidget) -> None:
    """Mend what shows only when everything has its place: words that are too long, handles between parts."""
    for label in top.findChildren(QLabel, SAID):
        if label.width() < label.sizeHint().width():
            label.setText(label.property("short"))
    for handle in top.findChildren(QSplitterHandle):
        # Were it hidden, it would be shown again.
        handle.setMask(QRegion(-1, -1, 1, 1))


def _head(tabs: QTabBar) -> None:
    """Let the name of the page in front stand above it like a heading."""
    for place in range(tabs.count()):
        tabs.setTabVisible(place, place == tabs.currentIndex())
    tabs.setExpanding(False)
    tabs.setDrawBase(False)
    tabs.setFont(font(bold=True))
    tabs.setStyleSheet("QTabBar::tab, QTabBar::tab:selected { border: none; background: transparent; padding: 2px 0; }")


def _is_control(widget: QWidget) -> bool:
    kinds = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
    inside = isinstance(widget.parentWidget(), QAbstractSpinBox | QComboBox | QTabBar)
    return isinstance(widget, kinds) and not isinstance(widget, QScrollBar) and not inside


def _said(control: QWidget) -> str:
    """Return what a control says; "" of one that says nothing of what is shown."""
    if isinstance(control, QComboBox):
        return control.currentText()
    if isinstance(control, QAbstractSpinBox | QLineEdit):
        return control.text()
    if isinstance(control, QAbstractButton) and control.isCheckable() and control.isChecked():
        # One of several is only in front of the others.
        return "" if control.group() else control.text()
    return ""


def _replace(control: QWidget) -> None:
    layout = next((found for found in _layouts(control.parentWidget()) if found.indexOf(control) >= 0), None)
    if layout is not None:
        if words := _said(control):
            name = "" if _is_named(control, layout, words) else control.accessibleName()
            label = QLabel(f"{name.lower()}: {words}" if name else words)
            label.setObjectName(SAID)
            label.setProperty("short", words)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setContentsMargins(0, 0, 8, 0)
            layout.replaceWidget(control, label)
            label.show()
        if isinstance(layout, QHBoxLayout) and not any(item.spacerItem() for item in _items(layout)):
            # What is left stands together.
            layout.addStretch(1000)
    control.hide()
    # Should its view show it again.
    control.setFixedSize(0, 0)


def _layouts(of: QWidget | QLayoutItem | None) -> Iterator[QLayout]:
    """Yield the layout of a widget, and all within it."""
    layout = of.layout() if of else None
    if layout is not None:
        yield layout
        for item in _items(layout):
            yield from _layouts(item)


def _items(layout: QLayout) -> list[QLayoutItem]:
    items = (layout.itemAt(place) for place in range(layout.count()))
    return [item for item in items if item is not None]


def _is_named(control: QWidget, layout: QLayout, words: str) -> bool:
    """Tell whether words need no name: a label stands before the control, or they have its name in them."""
    if isinstance(control, QAbstractButton) or set(control.accessibleName().lower().split()) & set(words.split()):
        return True
    if isinstance(layout, QFormLayout):
        return layout.labelForField(control) is not None
    place = layout.indexOf(control)
    before = _items(layout)[place - 1].widget() if place > 0 else None
    return isinstance(before, QLabel) and bool(before.text()) and before.objectName() != SAID
