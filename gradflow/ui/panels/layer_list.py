"""The layer list as text: one row per line, checked as it is applied, with what is wrong said below it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from gradflow.errors import ConfigError
from gradflow.sim.archive import render_rows
from gradflow.sim.blueprint import written_rows
from gradflow.sim.config import Experiment, parse_value
from gradflow.sim.fields import Field, fields_of
from gradflow.sim.layer_rows import LayerRow

PATH = "network.layers"
MOST_NAMED = 7


class LayerList(QDialog):
    """Edits the hidden layers one by one; an empty text goes back to the sliders. It blocks nothing."""

    edited = Signal(str, object)
    """The path of the list and its new rows, checked."""

    def __init__(self, parent: QWidget, experiment: Experiment) -> None:
        super().__init__(parent)
        self.setWindowTitle("Layer list")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(640, 460)
        self.text = QPlainTextEdit("\n".join(render_rows(written_rows(experiment))))
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName("Layer list")
        self.text.setTabChangesFocus(True)
        self.message = QLabel()
        self.message.setObjectName("fieldError")
        self.message.setWordWrap(True)
        explained = QLabel(
            "One hidden layer per line, from the input. What is left out is the experiment's. "
            "An empty list goes back to depth and width."
        )
        explained.setWordWrap(True)
        keys = QLabel(_keys())
        keys.setObjectName("muted")
        keys.setWordWrap(True)
        buttons = QDialogButtonBox()
        apply = buttons.addButton("Apply", QDialogButtonBox.ButtonRole.ApplyRole)
        apply.setObjectName("primary")
        apply.clicked.connect(self._apply)
        buttons.addButton("Close", QDialogButtonBox.ButtonRole.RejectRole)
        buttons.rejected.connect(self.close)
        box = QVBoxLayout(self)
        for widget in (explained, self.text, self.message, keys, buttons):
            box.addWidget(widget, 1 if widget is self.text else 0)
        self.message.hide()

    def _apply(self) -> None:
        try:
            rows = parse_value(PATH, listed(self.text.toPlainText()))
        except ConfigError as error:
            self.say(f"{_place(error, self.text.toPlainText())}: {error.reason}")
            return
        self.say("")
        self.edited.emit(PATH, rows)

    def say(self, words: str) -> None:
        """Say what is wrong with the rows; "" takes the words away."""
        self.message.setText(words)
        self.message.setVisible(bool(words))


def edit_layers(
    parent: QWidget, experiment: Experiment, take: Callable[[str, object], None], said: SignalInstance
) -> None:
    """Open the list of an experiment beside the window; `take` gets what is applied, `said` tells what is wrong."""
    dialog = LayerList(parent, experiment)
    dialog.edited.connect(take)
    said.connect(dialog.say)
    dialog.show()


def listed(text: str) -> str:
    """Return the lines as one TOML list; a line may end in a comma, and blank lines do not count."""
    lines = [line.strip().rstrip(",") for line in text.splitlines()]
    return "[" + ", ".join(line for line in lines if line) + "]"


def _place(error: ConfigError, text: str) -> str:
    """Return where the mistake is: the field with its row, or the first line that is no table by itself."""
    if error.field != PATH:
        return error.field
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            parse_value(PATH, listed(line))
        except ConfigError:
            return f"line {number}"
    return PATH


def _keys() -> str:
    """Name all keys with what they take."""
    return ", ".join(f"{field.path} ({_taken(field)})" for field in fields_of(LayerRow))


def _taken(field: Field) -> str:
    if field.kind in (int, float):
        return " | ".join(("number", *field.says.words))
    if field.kind is bool:
        return "true | false"
    return " | ".join(field.choices) if len(field.choices) < MOST_NAMED else f"one of {len(field.choices)} names"
