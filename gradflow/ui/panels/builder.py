"""The builder: what the network is, how it is drawn, and how it learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from gradflow.sim import config
from gradflow.sim.config import Experiment
from gradflow.ui.forms import Row, row

SCROLL_BAR = 10

GROUPS = {
    "NETWORK": (
        "data.name",
        "network.depth",
        "network.width",
        "network.activation",
        "network.negative_slope",
        "init.scheme",
        "init.mode",
        "init.scale",
        "network.skip_every",
    ),
    "TRAINING": (
        "training.learning_rate",
        "training.momentum",
        "training.batch_size",
        "seed",
        "training.loss",
        "training.steps",
    ),
    "DATA AND BIASES": (
        "data.noise",
        "data.samples",
        "data.validation_fraction",
        "init.bias_scale",
    ),
}

RELEVANT: dict[str, Callable[[Experiment], bool]] = {
    "network.negative_slope": lambda experiment: experiment.network.activation == "leaky-relu",
    "init.mode": lambda experiment: experiment.init.scheme.startswith(("he-", "lecun-")),
}
"""Fields that mean something only beside certain others; they are hidden while they mean nothing."""


class Builder(QScrollArea):
    """A column of rows, one per field, in groups."""

    edited = Signal(str, object)
    """The path and the new value of a field the user changed."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, Row] = {}
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QWidget()
        box = QVBoxLayout(column)
        box.setContentsMargins(12, 8, 12, 8)
        box.setSpacing(4)
        for group, paths in GROUPS.items():
            heading = QLabel(group)
            heading.setObjectName("heading")
            box.addSpacing(4)
            box.addWidget(heading)
            for path in paths:
                self.rows[path] = row(path)
                self.rows[path].edited.connect(self.edited)
                box.addWidget(self.rows[path])
        box.addStretch(1)
        self.setWidget(column)
        # Room for the scroll bar beside the boxes, not over them.
        self.setMinimumWidth(column.minimumSizeHint().width() + SCROLL_BAR)

    def show_experiment(self, experiment: Experiment) -> None:
        """Show every field's value, and only the fields that mean something."""
        for path, editor in self.rows.items():
            value: Any = config.get(experiment, path)
            editor.show_value(value)
            editor.setVisible(RELEVANT.get(path, lambda _: True)(experiment))

    def forget_edits(self) -> None:
        """Drop what was typed and said: another experiment is open."""
        for editor in self.rows.values():
            editor.forget_edit()

    def forget_errors(self) -> None:
        """Take away what was said at the fields, except where the box still holds what is wrong."""
        for editor in self.rows.values():
            if not editor.holds_mistake:
                editor.show_error("")

    def show_error(self, path: str, reason: str) -> bool:
        """Say at a field what is wrong with it; return whether that field is here."""
        if path not in self.rows:
            return False
        self.rows[path].show_error(reason)
        self.ensureWidgetVisible(self.rows[path])
        return True
