"""The network as a graph, coloured by a statistic, with the ways that the gradient takes back through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gradflow.sim.details import Want
from gradflow.sim.frame import Frame, State
from gradflow.sim.paths import Paths
from gradflow.sim.snapshot import Snapshot, Stat, Topology
from gradflow.sim.words import spell
from gradflow.ui.color_bar import ColorBar, decade_ticks
from gradflow.ui.network_canvas import Coloring, NetworkCanvas
from gradflow.ui.plot import DecadeRange
from gradflow.ui.slow_words import SlowWords
from gradflow.ui.theme import Theme
from gradflow.ui.view import SLOW_MS, View, view
from gradflow.ui.widgets import Button, Choice

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Shown:
    """A statistic that can colour the boxes: its meaning, its numbers, and whether it is a share between 0 and 1.

    Where it may not exist for a layer (`lacking`), nan says so.
    """

    meaning: str
    values: Callable[[Snapshot], Array]
    share: bool = False
    lacking: bool = False


def _of(stat: Stat, share: bool = False) -> Shown:
    return Shown(stat.meaning, lambda snapshot: snapshot.stat(stat), share, lacking=share)


STATISTICS = {
    **{s.symbol: _of(s) for s in (Stat.DELTA, Stat.WEIGHT_GRAD, Stat.BIAS_GRAD, Stat.ACTIVATION, Stat.WEIGHT)},
    "‖ΔW‖/‖W‖": Shown("The update's size beside the weights'.", lambda snapshot: snapshot.update_ratio, lacking=True),
    **{stat.symbol: _of(stat, share=True) for stat in (Stat.DEAD, Stat.SATURATED, Stat.UNDERFLOW)},
}


SHARES = ((0.0, "0%"), (0.5, "50%"), (1.0, "100%"))
"""The ticks of a share."""


@view("graph", "Where does the gradient flow?")
class GraphView(View):
    """The layers from input (left) to output (right), with skips, norms, pooling; colour is the chosen statistic.

    Lines are the ways of the gradient, which comes back from the right, and as wide as their share. Where a value feeds
    several layers, ∂L/∂x is the sum of what comes back over each way, and a share is the norm of one over the sum of
    the norms: for y = x + α·branch(x) the skip gives ∂L/∂y (blue, per cent above), the branch the rest (below). Boxes
    are the taller the more units they have. Grey is exactly zero, red not finite, an empty box has no such number.
    Hover a box for its numbers, click it to choose its layer. Single neurons stand in Paths, a view of the lab. Cost of
    the shares: one more backward pass.
    """

    wants = frozenset({Want.PATHS})
    interval_ms = SLOW_MS
    formula = ""

    def __init__(self) -> None:
        super().__init__()
        self.canvas, self.bar = NetworkCanvas(), ColorBar(flat=True)
        self.symbol, self.note = QLabel(), SlowWords()
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.symbol)
        row.addWidget(self.bar, 1)
        row.addStretch()
        row.addWidget(self.note)
        self.box.addWidget(self.canvas, 1)
        self.box.addLayout(row)
        self.list = Choice()
        for symbol, shown in STATISTICS.items():
            self.list.addItem(symbol)
            self.list.setItemData(self.list.count() - 1, shown.meaning, Qt.ItemDataRole.ToolTipRole)
        self.list.setAccessibleName("Statistic of the network graph")
        self.list.setToolTip("Which number colours the layers")
        self.list.currentIndexChanged.connect(self._redraw)
        self.choices = QWidget()
        both = QHBoxLayout(self.choices)
        both.setContentsMargins(0, 0, 0, 0)
        both.addWidget(self.list)
        both.addWidget(self._way_to_neurons())
        self.readout = QLabel(self.canvas)
        self.readout.setObjectName("chip")
        self.readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.readout.hide()
        self.range = DecadeRange(least=2.0, room=0.0)
        self.frame: Frame | None = None
        self.topology: Topology | None = None
        self.canvas.hovered.connect(self._read_out)
        self.canvas.clicked.connect(self._click)

    def controls(self) -> QWidget:
        """Choose the statistic."""
        return self.choices

    def _way_to_neurons(self) -> Button:
        button = Button("neurons …")
        button.setObjectName("small")
        button.setToolTip("Single neurons, ∂z/∂z on every edge between them, and all their paths: Paths, in the lab")
        button.clicked.connect(self._show_neurons)
        return button

    def _show_neurons(self) -> None:
        self.view_wanted.emit("paths")

    def choice(self) -> str:
        """Return the statistic."""
        return self.list.currentText()

    def choose(self, choice: str) -> None:
        """Show a statistic."""
        if choice in STATISTICS:
            self.list.setCurrentText(choice)

    def caption(self) -> str:
        """Name what is drawn."""
        return f"colour: {self.choice()}, lines: share of ‖∂L/∂x‖"

    def reset(self, topology: Topology) -> None:
        """Draw another network."""
        self.readout.hide()
        self.frame = None
        if self.topology is None or topology.graph != self.topology.graph:
            self.canvas.show_graph(topology.graph)
        self.topology = topology

    def draw(self, frame: Frame) -> None:
        """Colour the boxes and draw the flows."""
        self.frame = frame
        shown = STATISTICS[self.choice()]
        values = shown.values(frame.snapshot)
        other = shown.values(frame.other.snapshot) if frame.other else np.empty(0)
        low, high = (0.0, 1.0) if shown.share else self.range.include(_logs(np.concatenate([values, other])))
        self.canvas.show_colors(
            Coloring(
                self._colors(values, low, high, shown),
                self._colors(other, low, high, shown),
                frame.details.paths,
            )
        )
        self.bar.show_scale(self.theme.heat_table(), SHARES if shown.share else decade_ticks(low, high))
        self.symbol.setText(self.choice())
        self.note.tell(frame, self._note)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.canvas.retheme(theme)
        self.bar.text = QColor(theme.muted)
        self.bar.update()

    def select(self, layer: int | None) -> None:
        """Frame one layer."""
        self.canvas.emphasize(layer)

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the hovered box."""
        self.readout.hide()

    def _redraw(self) -> None:
        self.range.forget()
        if self.frame:
            self.draw(self.frame)

    def _colors(self, values: Array, low: float, high: float, shown: Shown) -> list[QColor]:
        table = self.theme.heat_table()
        places = np.nan_to_num(((values if shown.share else _logs(values)) - low) / (high - low) * 255.0)
        colors = [QColor(*row) for row in table[np.clip(places, 0, 255).astype(np.uint8)].tolist()]
        lacking = np.isnan(values) & shown.lacking
        for which, color in (
            ((values == 0.0) & (not shown.share), self.theme.border),
            (~np.isfinite(values) & ~lacking, self.theme.error),
            (lacking, self.theme.surface),
        ):
            for i in np.flatnonzero(which).tolist():
                colors[i] = QColor(color)
        return colors

    def _note(self, frame: Frame) -> str:
        """Say which way the gradient comes, of which step the shares are, and what the outlined row is."""
        step = frame.details.steps.get(Want.PATHS)
        old = frame.state is State.RUNNING and step not in (None, frame.snapshot.step)
        parts = [
            "← gradient",
            *([f"shares of step {step}"] if old else []),
            *(["row: other run"] if frame.other else []),
        ]
        return " · ".join(parts)

    def _click(self, box: int) -> None:
        layer = self.canvas.shape.boxes[box].layer
        if layer is not None:
            self.canvas.emphasize(layer)
            self.picked.emit(layer, None)

    def _read_out(self, box: int | None) -> None:
        """Show what a box is and what comes back to it."""
        if box is None or self.frame is None or self.topology is None or box >= len(self.topology.graph.boxes):
            self.readout.hide()
            return
        shape = self.topology.graph
        found = shape.boxes[box]
        name = f"layer {found.layer}" if found.layer is not None else found.parts[0]
        lines = [f"<b>{name}</b> · {' → '.join(found.parts)} · {' × '.join(map(str, found.shape))}"]
        if found.whole and found.layer is not None:
            shown = STATISTICS[self.choice()]
            value = float(shown.values(self.frame.snapshot)[found.layer - 1])
            told = "–" if np.isnan(value) and shown.lacking else f"{value:.1%}" if shown.share else spell(value)
            lines.append(f"{self.choice()} = {told}")
        if self.frame.details.paths is not None:
            lines += self._arrivals(box, self.frame.details.paths)
        self.readout.setText("<br>".join(lines))
        self.readout.adjustSize()
        rectangle = self.canvas.placed.rectangles[box]
        left = rectangle.right() + 8
        if left + self.readout.width() > self.canvas.width():
            left = max(0.0, rectangle.left() - 8 - self.readout.width())
        self.readout.move(int(left), 4)
        self.readout.show()

    def _arrivals(self, box: int, paths: Paths) -> list[str]:
        """Say what comes back to a box over each way out of it."""
        shape = self.canvas.shape
        out = [number for number, edge in enumerate(shape.edges) if edge.source == box]
        if not out or np.isnan(paths.total[out[0]]):
            return []
        lines = [f"‖∂L/∂x‖ here = {spell(float(paths.total[out[0]]))}"]
        if len(out) > 1:
            for number in out:
                edge = shape.edges[number]
                layer = shape.boxes[shape.skips[edge.skip].join if edge.skip >= 0 else edge.target].layer
                way = f"by the skip to the join of layer {layer}" if edge.skip >= 0 else f"through layer {layer}"
                lines.append(f"{way}: {spell(float(paths.norm[number]))} = {paths.share[number]:.0%}")
        return lines


def _logs(values: Array) -> Array:
    """Return log₁₀ of what has one, nan for the rest."""
    logs = np.full(len(values), np.nan)
    np.log10(values, out=logs, where=(values > 0.0) & np.isfinite(values))
    return logs
