"""From a declared field to the row that edits it: label, box, slider, tooltip and message, all from `sim.config`.

The kind of a field decides which editor it gets. A row never changes the experiment: it emits what was asked for.
"""

from __future__ import annotations

import html
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from gradflow.errors import ConfigError
from gradflow.sim.config import FIELDS, parse_value
from gradflow.sim.fields import Field
from gradflow.sim.words import spelled
from gradflow.ui.field_slider import FieldSlider
from gradflow.ui.widgets import Button, Choice, TextBox


class Row(QWidget):
    """One field: a label, an editor, a line for what is wrong with it."""

    edited = Signal(str, object)
    """The path and the new value, checked."""

    settled = Signal()
    """A drag has ended, or a text was taken: what comes next is another edit."""

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

    def stops(self) -> list[QWidget]:
        """Return the editors that the Tab key reaches, from above to below."""
        direct = self.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
        return [widget for widget in direct if widget.focusPolicy() & Qt.FocusPolicy.TabFocus]

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
        self.box = TextBox()
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
            self.slider.let_go.connect(self.settled)
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
        self.settled.emit()
        self.edited.emit(self.field.path, value)
        self.settled.emit()

    def _take_slide(self, value: object) -> None:
        self.shown = value
        self.box.setText(spelled(value))
        self.show_error("")
        self.edited.emit(self.field.path, value)


class TextRow(Row):
    """A free text in a box as wide as the form."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.box = TextBox()
        self.grid.addWidget(self.box, 1, 0, 1, 2)
        self.named(self.box)
        self.box.editingFinished.connect(self._take_text)
        self.box.returnPressed.connect(self.box.clearFocus)

    def show_value(self, value: Any) -> None:
        """Show a text, unless another is just being typed."""
        super().show_value(value)
        if not (self.box.isModified() and self.box.hasFocus()):
            self.box.setText(value)

    def forget_edit(self) -> None:
        """Also put the last text back."""
        super().forget_edit()
        self.box.setText(self.shown)

    def _take_text(self) -> None:
        self.box.setModified(False)
        if self.box.text() != self.shown:
            self.edited.emit(self.field.path, self.box.text())


class ListRow(Row):
    """A list of tables: how long it is, and a button to edit it."""

    wanted = Signal(str)
    """The path of the list that somebody wants to edit."""
    said = Signal(str)
    """What is wrong with the list, "" for nothing."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.box = Button()
        self.box.setFixedWidth(150)
        self.grid.addWidget(self.box, 0, 1)
        self.named(self.box)
        self.box.clicked.connect(lambda: self.wanted.emit(path))

    def show_error(self, reason: str) -> None:
        """Say what is wrong with the list, also to whoever edits it."""
        super().show_error(reason)
        self.said.emit(reason)

    def show_value(self, value: Any) -> None:
        """Say how many rows there are."""
        super().show_value(value)
        rows = "row" if len(value) == 1 else "rows"
        self.box.setText(f"{len(value)} {rows} …" if value else "none …")


def row(path: str) -> Row:
    """Return the row that edits the field at `path`."""
    field = FIELDS[path]
    if field.kind is tuple:
        return ListRow(path)
    if field.kind is str:
        return TextRow(path) if field.says.free else ChoiceRow(path)
    return NumberRow(path)


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
