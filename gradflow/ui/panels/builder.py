"""The builder: what the network is, how it is drawn, and how it learns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, pairwise, takewhile
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from gradflow.sim import config
from gradflow.sim.config import FIELDS, Experiment
from gradflow.ui.forms import ListRow, Row, row
from gradflow.ui.widgets import Button

SCROLL_BAR = 10

GROUPS = {
    "NETWORK": (
        "data.name",
        "network.depth",
        "network.width",
        "network.activation",
        "network.negative_slope",
        "network.norm",
        "init.scheme",
        "init.mode",
        "init.path",
        "init.scale",
        "network.skip_every",
        "network.residual",
        "network.branch_scale",
        "network.layers",
    ),
    "TRAINING": (
        "training.learning_rate",
        "training.optimizer",
        "training.momentum",
        "training.beta1",
        "training.beta2",
        "training.epsilon",
        "training.batch_size",
        "seed",
        "training.loss",
        "training.huber_delta",
        "training.steps",
    ),
    "SCHEDULE": (
        "training.schedule",
        "training.warmup_steps",
        "training.schedule_every",
        "training.schedule_factor",
        "training.final_fraction",
        "training.plateau_patience",
    ),
    "REGULARISATION": (
        "training.weight_decay",
        "training.l1",
        "network.dropout",
        "training.label_smoothing",
        "data.label_noise",
        "training.patience",
    ),
    "CLIPPING AND PRECISION": (
        "training.clip_norm",
        "training.clip_value",
        "training.precision",
        "training.loss_scale",
    ),
    "DATA AND BIASES": (
        "data.noise",
        "data.samples",
        "data.validation_fraction",
        "init.bias_scale",
        "init.bias",
        "training.freeze",
    ),
}

OPEN_AT_FIRST = ("NETWORK", "TRAINING")


def _optimizer_has(number: str) -> Callable[[Experiment], bool]:
    """Return whether an experiment's optimiser has a number of its own of this name."""
    optimizers: Mapping[str, Any] = FIELDS["training.optimizer"].says.choices or {}
    return lambda experiment: not math.isnan(getattr(optimizers[experiment.training.optimizer].part, number))


def _scheduled(*names: str) -> Callable[[Experiment], bool]:
    return lambda experiment: experiment.training.schedule in names


def _by_sliders(experiment: Experiment) -> bool:
    return not experiment.network.layers


def _has_skips(experiment: Experiment) -> bool:
    return experiment.network.skip_every > 0 or bool(experiment.network.layers)


RELEVANT: dict[str, Callable[[Experiment], bool]] = {
    "network.depth": _by_sliders,
    "network.skip_every": _by_sliders,
    "network.residual": _has_skips,
    "network.branch_scale": _has_skips,
    "network.negative_slope": lambda e: e.network.activation.startswith(("leaky-relu", "prelu")),
    "init.mode": lambda e: e.init.scheme.startswith(("he-", "lecun-", "gain-")),
    "init.path": lambda e: e.init.scheme == "saved",
    "training.momentum": _optimizer_has("momentum"),
    "training.beta1": _optimizer_has("beta1"),
    "training.beta2": _optimizer_has("beta2"),
    "training.epsilon": _optimizer_has("epsilon"),
    "training.huber_delta": lambda e: e.training.loss == "huber",
    "training.schedule_every": _scheduled("step", "exponential"),
    "training.schedule_factor": _scheduled("step", "exponential", "reduce-on-plateau"),
    "training.final_fraction": _scheduled("cosine", "one-cycle"),
    "training.plateau_patience": _scheduled("reduce-on-plateau"),
    "training.loss_scale": lambda e: e.training.precision != "float64",
}
"""Fields that mean something only beside certain others; they are hidden while they mean nothing."""


class Rows(Mapping[str, Row]):
    """The rows of all fields by their paths; one is made when it is first asked for."""

    def __init__(self, make: Callable[[str], Row]) -> None:
        self.made: dict[str, Row] = {}
        self._make = make

    def __getitem__(self, path: str) -> Row:
        if path not in self.made and path in self:
            self.made[path] = self._make(path)
        return self.made[path]

    def __contains__(self, path: object) -> bool:
        return any(path in paths for paths in GROUPS.values())

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(GROUPS.values())

    def __len__(self) -> int:
        return sum(map(len, GROUPS.values()))


class Builder(QScrollArea):
    """A column of rows, one per field, in groups that fold."""

    edited = Signal(str, object)
    """The path and the new value of a field the user changed."""

    settled = Signal()
    """A drag has ended, or a text was taken: what comes next is another edit."""

    list_wanted = Signal(str)
    """The path of a list that the user wants to edit."""

    list_said = Signal(str)
    """What is wrong with that list, "" for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = Rows(self._row)
        self.headings: dict[str, Button] = {}
        self._open = set(OPEN_AT_FIRST)
        self._experiment = Experiment()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._column = QWidget()
        self._boxes: dict[str, QVBoxLayout] = {}
        box = QVBoxLayout(self._column)
        box.setContentsMargins(12, 8, 12, 8)
        box.setSpacing(4)
        for group in GROUPS:
            box.addSpacing(4)
            box.addWidget(self._heading(group))
            self._boxes[group] = rows = QVBoxLayout()
            box.addLayout(rows)
        box.addStretch(1)
        self.setWidget(self._column)

    def show_experiment(self, experiment: Experiment) -> None:
        """Show every field's value, and only the fields that mean something."""
        self._experiment = experiment
        for path, editor in self.rows.made.items():
            editor.show_value(config.get(experiment, path))
        self._fold()

    def forget_edits(self) -> None:
        """Drop what was typed and said: another experiment is open."""
        for editor in self.rows.made.values():
            editor.forget_edit()

    def forget_errors(self) -> None:
        """Take away what was said at the fields, except where the box still holds what is wrong."""
        for editor in self.rows.made.values():
            if not editor.holds_mistake:
                editor.show_error("")

    def show_error(self, path: str, reason: str) -> bool:
        """Say at a field what is wrong with it; return whether that field is here."""
        # A row of a list is named by its place: network.layers[3].kernel belongs to network.layers.
        field, place, name = path.partition("[")
        if field not in self.rows:
            return False
        self._open.update(group for group, paths in GROUPS.items() if field in paths)
        self._fold()
        self.rows[field].show_error(f"row {name.replace(']', '').replace('.', ', ')}: {reason}" if place else reason)
        self.ensureWidgetVisible(self.rows[field])
        return True

    def _heading(self, group: str) -> Button:
        heading = Button()
        heading.setObjectName("groupHeading")
        heading.setAccessibleName(f"{group.capitalize()}: fold or unfold")
        heading.clicked.connect(lambda: self._toggle(group))
        self.headings[group] = heading
        return heading

    def _row(self, path: str) -> Row:
        """Make a row and put it in its place."""
        made = row(path)
        made.edited.connect(self.edited)
        made.settled.connect(self.settled)
        if isinstance(made, ListRow):
            made.wanted.connect(self.list_wanted)
            made.said.connect(self.list_said)
        group = next(group for group, paths in GROUPS.items() if path in paths)
        before = takewhile(lambda other: other != path, GROUPS[group])
        made.hide()
        self._boxes[group].insertWidget(sum(other in self.rows.made for other in before), made)
        made.show_value(config.get(self._experiment, path))
        return made

    def _order_tabs(self) -> None:
        """Let the Tab key go from above to below, in whatever order the rows were made."""
        order: list[QWidget] = []
        for group, paths in GROUPS.items():
            order.append(self.headings[group])
            for path in paths:
                if path in self.rows.made:
                    order += self.rows[path].stops()
        for one, other in pairwise(order):
            self.setTabOrder(one, other)

    def _toggle(self, group: str) -> None:
        self._open ^= {group}
        self._fold()

    def _fold(self) -> None:
        """Show the rows of open groups that mean something; a closed group says how many fields are not as usual."""
        experiment, before = self._experiment, len(self.rows.made)
        for group, paths in GROUPS.items():
            shown = [path for path in paths if RELEVANT.get(path, lambda _: True)(experiment)]
            is_open = group in self._open
            for path in paths:
                if is_open and path in shown:
                    self.rows[path].show()
                elif path in self.rows.made:
                    self.rows[path].hide()
            changed = sum(config.get(experiment, path) != FIELDS[path].default for path in shown)
            note = f"  ·  {changed} set" if changed and not is_open else ""
            self.headings[group].setText(f"{'▾' if is_open else '▸'} {group}{note}")
        if len(self.rows.made) > before:
            self._order_tabs()
        # Room for the scroll bar beside the boxes, not over them.
        self.setMinimumWidth(max(self.minimumWidth(), self._column.minimumSizeHint().width() + SCROLL_BAR))
