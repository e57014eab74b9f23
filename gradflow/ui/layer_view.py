"""What views over the layers share: the layer under the mouse and its numbers, the picked one, and words below."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QWidget

from gradflow.sim.details import Want
from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Topology
from gradflow.ui.layer_plot import LayerPlot
from gradflow.ui.slow_words import SlowWords
from gradflow.ui.theme import Theme
from gradflow.ui.view import View

FLAT = 2.6
"""From which width over height on two small plots stand side by side."""

WIDE = 640
"""From how many pixels of width on the words below a view need one line instead of two."""


class LayerView(View):
    """A view of plots over the layers with a line of words below.

    Subclasses `show_frame`, which is asked only for frames with something new in what they are `made_of`, `tell` in
    words what there is, and `describe` a layer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.frame: Frame | None = None
        self.layers = np.empty(0)
        self.colors: list[QColor] = []
        self.plots: list[LayerPlot] = []
        self.hovered: int | None = None
        self._made_of: tuple[object, ...] = ()
        self.small: QBoxLayout | None = None
        self.words = SlowWords()
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.readout = QLabel(self)
        self.readout.setObjectName("chip")
        self.readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.readout.hide()

    def arrange(self, left: QWidget, top: LayerPlot, bottom: LayerPlot) -> None:
        """Put a large plot at the left of two small ones, and the words below.

        The small ones stand one above the other, or in a flat view side by side.
        """
        row = QHBoxLayout()
        row.setSpacing(0)
        self.small = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self.small.setSpacing(0)
        self.small.addWidget(top, 10)
        self.small.addWidget(bottom, 12)
        self.top = top
        row.addWidget(left, 11)
        row.addLayout(self.small, 9)
        self.row = row
        self.box.addLayout(row, 1)
        self.box.addWidget(self.words)
        self.watch(*(plot for plot in (left, top, bottom) if isinstance(plot, LayerPlot)))

    def watch(self, *plots: LayerPlot) -> None:
        """Read out the layer that the mouse is at in any of these plots, and tell which one is clicked."""
        for plot in plots:
            self.plots.append(plot)
            plot.pointed.connect(self._point)
            plot.layer_clicked.connect(self._pick)

    def reset(self, topology: Topology) -> None:
        """Take one colour per layer; axes keep their range as long as it fits."""
        count = len(topology.layers)
        self.layers = np.arange(1.0, count + 1.0)
        self.colors = self.theme.layer_colors(count)
        self.frame, self._made_of = None, ()
        self._point(self.plots[0], None)

    def draw(self, frame: Frame) -> None:
        """Show a frame."""
        self.frame = frame
        parts = self.made_of(frame)
        if len(parts) != len(self._made_of) or any(a is not b for a, b in zip(parts, self._made_of, strict=True)):
            self._made_of = parts
            other = len(frame.other.topology.layers) if frame.other else 0
            for plot in self.plots:
                plot.count_layers(max(len(self.layers), other))
            self.show_frame(frame)
        self.show_step(frame)
        self.words.tell(frame, self.tell)
        if self.hovered is not None:
            self._fill_readout(self.hovered)

    def redraw(self) -> None:
        """Draw the frame again, as something else is to be seen of it."""
        self._made_of = ()
        if self.frame:
            self.draw(self.frame)

    def made_of(self, frame: Frame) -> tuple[object, ...]:
        """Return the parts of a frame that `show_frame` draws; as long as they are the same objects, it need not."""
        return (frame,)

    def tell(self, frame: Frame) -> str:
        """Return the words below the plots; those that stand, as long as there is nothing to say."""
        raise NotImplementedError

    def show_frame(self, frame: Frame) -> None:
        """Draw what is particular to this view."""
        raise NotImplementedError

    def show_step(self, frame: Frame) -> None:
        """Draw what is new with every frame beside that."""

    def describe(self, frame: Frame, index: int) -> list[str]:
        """Return the lines of numbers of a layer, counted from 0."""
        raise NotImplementedError

    def select(self, layer: int | None) -> None:
        """Give weight to one layer (from 1), or to none."""
        self._made_of = ()
        for plot in self.plots:
            plot.pick(layer)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.colors = theme.layer_colors(len(self.layers))
        for plot in self.plots:
            plot.retheme(theme)
        self._settle()

    def age(self, frame: Frame, want: Want) -> str:
        """Return of which step a dear measurement is, "" if it is of the one shown."""
        step = frame.details.steps.get(want)
        return "" if step in (None, frame.snapshot.step) else f" Measured at step {step}."

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep one or two lines for the words, whatever they are; where ticks stand depends on the size."""
        super().resizeEvent(event)
        self._made_of = ()
        self._settle()
        self.words.setFixedHeight((1 if self.width() >= WIDE else 2) * self.words.fontMetrics().lineSpacing() + 2)

    def _settle(self) -> None:
        """Put the small plots where there is room for them; of two in a column only the lower one names its axis."""
        if self.small is None:
            return
        flat = self.width() > FLAT * self.height()
        ways = QBoxLayout.Direction
        self.small.setDirection(ways.LeftToRight if flat else ways.TopToBottom)
        self.row.setStretch(1, 18 if flat else 9)
        self.top.axes["bottom"].showLabel(flat)

    def leaveEvent(self, event: object) -> None:
        """Forget the hovered layer."""
        self._point(self.plots[0], None)

    def _pick(self, layer: int) -> None:
        self.picked.emit(layer, None)

    def _point(self, plot: LayerPlot, index: int | None) -> None:
        self.hovered = index if index is not None and index < len(self.layers) else None
        for each in self.plots:
            each.point_at(self.hovered)
        if self.hovered is None or self.frame is None:
            self.readout.hide()
            return
        self._fill_readout(self.hovered)
        inside = plot.view_box.mapViewToScene(QPointF(self.hovered + 1.0, 0.0)).toPoint()
        x = self.mapFromGlobal(plot.viewport().mapToGlobal(QPoint(inside.x(), 0))).x()
        right = x + 12 + self.readout.width() <= self.width()
        self.readout.move(x + 12 if right else max(0, x - 12 - self.readout.width()), 4)
        self.readout.show()
        self.readout.raise_()

    def _fill_readout(self, index: int) -> None:
        if self.frame is None:
            return
        layer = self.frame.topology.layers[index]
        title = f"<b>layer {layer.number}</b> · {layer.name}"
        self.readout.setText("<br>".join([title, *self.describe(self.frame, index)]))
        self.readout.adjustSize()
