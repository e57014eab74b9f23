"""From a declared field to the row that edits it: label, box, slider, tooltip and message, all from `sim.config`.

One table says which kind of field gets which editor. A row never changes the experiment: it emits what was asked for.
"""

from __future__ import annotations

import bisect
import html
import math
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QWidget

from gradflow.errors import ConfigError
from gradflow.sim.config import FIELDS, parse_value
from gradflow.sim.fields import Field
from gradflow.ui.widgets import Choice, Slider

PER_DECADE = 40
LINEAR_STEPS = 100


class Row(QWidget):
    """One field: a label, an editor, a line for what is wrong with it."""

    edited = Signal(str, object)
    """The path and the new value, checked."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.field = FIELDS[path]
        self.label = QLabel(self.field.says.title)
        self.shown: Any = None
        self.message: QLabel | None = None
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(8)
        self.grid.setVerticalSpacing(0)
        self.grid.setColumnStretch(0, 1)
        self.grid.addWidget(self.label, 0, 0)
        self.setToolTip(tooltip(self.field))

    def show_value(self, value: Any) -> None:
        """Show a value without emitting anything; another value than before ends what was wrong with the last one."""
        if value != self.shown:
            self.shown = value
            self.show_error("")

    @property
    def holds_mistake(self) -> bool:
        """Whether the editor itself holds something invalid."""
        return False

    def forget_edit(self) -> None:
        """Drop what was typed but not taken."""
        self.show_error("")

    def show_error(self, reason: str) -> None:
        """Say under the field what is wrong with it; an empty reason takes the words away."""
        if self.message is None:
            if not reason:
                return
            # Most fields never need one.
            self.message = QLabel()
            self.message.setObjectName("fieldError")
            self.message.setWordWrap(True)
            self.grid.addWidget(self.message, 2, 0, 1, 2)
        self.message.setText(reason)
        self.message.setVisible(bool(reason))

    def named(self, editor: QWidget) -> None:
        """Tie the label to the editor, for the eye, the keyboard and the screen reader."""
        self.label.setBuddy(editor)
        editor.setAccessibleName(self.field.says.title)
        editor.setAccessibleDescription(self.field.says.doc)


class ChoiceRow(Row):
    """A name out of a list, with the documentation of each name as its tooltip."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.box = Choice()
        registry = dict(self.field.says.choices or {})
        for name in self.field.choices:
            entry = registry.get(name)
            self.box.addItem(entry.title if entry else name.replace("_", "-"), name)
            if entry:
                self.box.setItemData(self.box.count() - 1, rich(entry.doc), Qt.ItemDataRole.ToolTipRole)
        self.grid.addWidget(self.box, 0, 1)
        self.box.setFixedWidth(150)
        self.named(self.box)
        self.box.activated.connect(self._emit)

    def show_value(self, value: Any) -> None:
        """Select a name."""
        super().show_value(value)
        self.box.setCurrentIndex(self.box.findData(value))
        tip = self.box.itemData(self.box.currentIndex(), Qt.ItemDataRole.ToolTipRole)
        self.box.setToolTip((tip or "") + tooltip(self.field))

    def _emit(self) -> None:
        self.edited.emit(self.field.path, self.box.currentData())


class NumberRow(Row):
    """A number in a box, which also takes words such as "all"; with a slider below where a span is declared."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.box = QLineEdit()
        self.box.setFixedWidth(78)
        self.box.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.grid.addWidget(self.box, 0, 1)
        self.named(self.box)
        self.box.editingFinished.connect(self._take_text)
        # Enter gives the keys back to the window: Space plays again instead of being typed.
        self.box.returnPressed.connect(self.box.clearFocus)
        self.slider: FieldSlider | None = None
        if self.field.says.span:
            self.slider = FieldSlider(self.field)
            self.slider.setAccessibleName(f"{self.field.says.title} slider")
            self.slider.setToolTip(f"{tooltip(self.field)}<p>Shift-drag: fine. Double-click: back to the default.</p>")
            self.slider.moved.connect(self._take_slide)
            self.grid.addWidget(self.slider, 1, 0, 1, 2)

    def show_value(self, value: Any) -> None:
        """Show a number, unless another is just being typed."""
        typing = self.box.isModified() and (self.box.hasFocus() or self.box.property("invalid"))
        if not typing:
            super().show_value(value)
            self.box.setText(spelled(value))
        if self.slider:
            self.slider.show_value(value)

    def forget_edit(self) -> None:
        """Also put the last valid number back."""
        super().forget_edit()
        self.box.setText(spelled(self.shown))

    @property
    def holds_mistake(self) -> bool:
        """Whether the box holds text that is no valid number."""
        return bool(self.box.isModified() and self.box.property("invalid"))

    def show_error(self, reason: str) -> None:
        """Also mark the box."""
        super().show_error(reason)
        if bool(reason) != bool(self.box.property("invalid")):
            self.box.setProperty("invalid", bool(reason))
            # A style sheet looks at properties only when it is made to.
            self.box.style().unpolish(self.box)
            self.box.style().polish(self.box)

    def _take_text(self) -> None:
        if self.box.text() == spelled(self.shown):
            self.box.setModified(False)
            self.show_error("")
            return
        try:
            value = parse_value(self.field.path, self.box.text())
        except ConfigError as error:
            self.show_error(error.reason)
            return
        self.box.setModified(False)
        self.show_error("")
        self.edited.emit(self.field.path, value)

    def _take_slide(self, value: object) -> None:
        self.shown = value
        self.box.setText(spelled(value))
        self.show_error("")
        self.edited.emit(self.field.path, value)


class FieldSlider(Slider):
    """A slider over a field's span, linear or logarithmic; for whole numbers every position is another number.

    Shift-drag moves ten times finer; a double-click returns to the default.
    """

    moved = Signal(object)
    """The field's new value, by the user's hand."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field
        self._values = _positions(field)
        self.setRange(0, len(self._values) - 1)
        self.setPageStep(PER_DECADE if field.says.log and field.kind is float else max(1, len(self._values) // 20))
        self._showing = False
        self._fine_from: tuple[float, int] | None = None
        self.valueChanged.connect(self._emit)

    def show_value(self, value: Any) -> None:
        """Move to the nearest position without emitting; a word such as "all" is the far end."""
        self._showing = True
        try:
            self.setValue(self._nearest(value) if not isinstance(value, str) else self.maximum())
        finally:
            self._showing = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Return to the default, which may lie between two positions."""
        self.show_value(self.field.default)
        self.moved.emit(self.field.default)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Jump to the pointer and drag from there."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._fine_from = (event.position().x(), self.value())
            if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.setSliderDown(True)
                self.setValue(self._at(event.position().x()))
                self._fine_from = (event.position().x(), self.value())
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer, ten times slower with Shift."""
        if not event.buttons() & Qt.MouseButton.LeftButton or self._fine_from is None:
            return
        x = event.position().x()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            start, value = self._fine_from
            self.setValue(value + round((self._at(x) - self._at(start)) / 10))
        else:
            self.setValue(self._at(x))
            self._fine_from = (x, self.value())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag."""
        self.setSliderDown(False)
        self._fine_from = None

    def _at(self, x: float) -> int:
        """Return the position under a pointer at x; the handle is 14 pixels wide."""
        share = (x - 7.0) / max(self.width() - 14.0, 1.0)
        return round(self.minimum() + min(max(share, 0.0), 1.0) * (self.maximum() - self.minimum()))

    def _nearest(self, value: float) -> int:
        above = bisect.bisect_left(self._values, value)
        near = [i for i in (above - 1, above) if 0 <= i < len(self._values)]
        return min(near, key=lambda i: abs(self._values[i] - value))

    def _emit(self, position: int) -> None:
        if not self._showing:
            self.moved.emit(self._values[position])


EDITORS: dict[type, type[Row]] = {str: ChoiceRow, int: NumberRow, float: NumberRow}


def row(path: str) -> Row:
    """Return the row that edits the field at `path`."""
    return EDITORS[FIELDS[path].kind](path)


def tooltip(field: Field) -> str:
    """Return a field's tooltip: its explanation, its bounds, and its path in files."""
    expects = "" if field.kind is str else f"<p>{field.expects}</p>"
    return (
        f"<p><b>{html.escape(field.says.title)}</b></p>{rich(field.says.doc)}{expects}<p><code>{field.path}</code></p>"
    )


def rich(doc: str) -> str:
    """Return a docstring as rich text, which wraps."""
    paragraphs = html.escape(doc).replace("\n\n", "</p><p>").replace("\n", " ")
    return f"<p>{paragraphs}</p>"


def spelled(value: Any) -> str:
    """Return a value as its box shows it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _positions(field: Field) -> list[Any]:
    """Return the value at each position of the slider."""
    low, high = field.says.span or (0.0, 1.0)
    if field.kind is int and not field.says.log:
        return list(range(int(low), int(high) + 1))
    if not field.says.log:
        return [round(low + (high - low) * k / LINEAR_STEPS, 10) for k in range(LINEAR_STEPS + 1)]
    count = round(math.log10(high / low) * PER_DECADE)
    values = [low * (high / low) ** (k / count) for k in range(count + 1)]
    if field.kind is int:
        return sorted({round(value) for value in values})
    return [float(f"{value:.3g}") for value in values]
