"""What the network computes: its decision over the plane of its inputs, with the data on it."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QLabel

from gradflow.sim.details import Surface, Want
from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Topology
from gradflow.ui.items import Polyline, cosmetic
from gradflow.ui.plot import Plot
from gradflow.ui.sheets import Overlay
from gradflow.ui.theme import Theme, rgb
from gradflow.ui.view import SLOW_MS, View, view


@view("boundary", "What has it learnt?")
class Boundary(View):
    """The network's decision (background, paler where it is unsure) and the training samples (dots).

    For data in the plane this is the decision boundary; for one input, the fitted curve. Inputs of more dimensions are
    cut by the plane of their first two principal components through the mean, and the samples are projected onto it:
    a dot may then lie on the wrong colour and still be classified right.
    """

    on_dashboard = True
    wants = frozenset({Want.SURFACE})
    interval_ms = SLOW_MS

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot()
        self.image = pg.ImageItem(axisOrder="row-major")
        self.curve = Polyline()
        self.dots = Dots()
        self.plot.add(self.image, self.dots, self.curve)
        self.legend = QLabel()
        self.legend.setObjectName("muted")
        self.legend.setWordWrap(True)
        self.box.addWidget(self.plot, 1)
        self.box.addWidget(self.legend)
        self.drawn: Surface | None = None

    def reset(self, topology: Topology) -> None:
        """Name the classes; the last picture stands until the new run is measured, so that a drag does not flicker."""
        self.classes = topology.classes

    def draw(self, frame: Frame) -> None:
        """Draw the latest surface."""
        surface = frame.details.surface
        if surface is None and frame.past:
            self._empty(f"Was not measured at step {frame.snapshot.step}.")
        if surface is None or surface is self.drawn:
            return
        self.drawn = surface
        if len(surface.y):
            self._draw_plane(surface)
        else:
            self._draw_line(surface)
        self.plot.name_axes(*surface.axes, self.theme)
        self.legend.setText(self._legend(surface))

    def retheme(self, theme: Theme) -> None:
        """Take new colours; the picture is painted anew with the next frame."""
        self.theme = theme
        self.plot.retheme(theme)
        self.curve.set_pen(cosmetic(QColor(theme.curve)))
        self.drawn = None

    def _empty(self, words: str) -> None:
        self.drawn = None
        self.image.clear()
        self.curve.set_data([], [])
        self.dots.set_dots([], [])
        self.legend.setText(words)

    def _draw_plane(self, surface: Surface) -> None:
        ground = np.array(rgb(self.theme.surface))
        if self.classes:
            inks = np.array([rgb(color) for color in self.theme.classes])
            ink = inks[surface.outputs.astype(int) % len(inks)]
            strength = np.asarray(0.12 + 0.5 * np.nan_to_num(surface.margin))[..., None]
        else:
            low, high = surface.labels.min(), surface.labels.max()
            place = np.clip((surface.outputs - low) / max(high - low, 1e-12), 0.0, 1.0)
            ink, strength = self.theme.heat_table()[(255 * np.nan_to_num(place)).astype(int)], np.array(0.75)
        picture = ground + (ink.astype(float) - ground) * strength
        self.image.setImage(picture.astype(np.uint8), autoLevels=False, levels=(0, 255))
        x, y = surface.x, surface.y
        # Grid values belong to the middles of the cells.
        dx, dy = (x[-1] - x[0]) / (len(x) - 1), (y[-1] - y[0]) / (len(y) - 1)
        rect = QRectF(x[0] - dx / 2, y[0] - dy / 2, x[-1] - x[0] + dx, y[-1] - y[0] + dy)
        self.image.setRect(rect)
        self.curve.set_data([], [])
        self.plot.fix(x=(rect.left(), rect.right()), y=(rect.top(), rect.bottom()))
        self._draw_points(surface)

    def _draw_line(self, surface: Surface) -> None:
        self.image.clear()
        self.curve.set_data(surface.x, surface.outputs)
        low, high = surface.points[:, 1].min(), surface.points[:, 1].max()
        room = 0.25 * max(high - low, 1.0)
        self.plot.fix(x=(float(surface.x[0]), float(surface.x[-1])), y=(float(low - room), float(high + room)))
        self.dots.set_dots([surface.points], [QColor(self.theme.muted)], QColor(self.theme.surface))

    def _draw_points(self, surface: Surface) -> None:
        if self.classes:
            groups = [surface.points[surface.labels == k] for k in range(len(self.classes))]
            colors = [QColor(self.theme.classes[k % len(self.theme.classes)]) for k in range(len(self.classes))]
        else:
            low, high = surface.labels.min(), surface.labels.max()
            level = np.digitize(surface.labels, np.linspace(low, high, 17)[1:-1])
            table = self.theme.heat_table()
            groups = [surface.points[level == k] for k in range(16)]
            colors = [QColor(*(int(c) for c in table[8 + 16 * k])) for k in range(16)]
        self.dots.set_dots(groups, colors, QColor(self.theme.surface))

    def _legend(self, surface: Surface) -> str:
        parts = []
        for k, name in enumerate(self.classes):
            color = self.theme.classes[k % len(self.theme.classes)]
            parts.append(f"<font color={color}>●</font> {name}")
        if not len(surface.y):
            parts.append("line: the network   dots: training samples")
        elif not self.classes:
            parts.append("colour: predicted value (background) and target (dots)")
        legend = " &nbsp;".join(parts)
        if surface.explained < 1.0:
            legend += f"<br>The plane shows {100 * surface.explained:.0f} % of the inputs’ variance."
        return legend


class Dots(Overlay):
    """Many small discs in a few colours, each with a thin rim so that it stands out from the background."""

    SIZE = 4.0

    def __init__(self) -> None:
        super().__init__()
        self._groups: list[tuple[list[QPointF], QColor]] = []
        self._rim = QColor("white")

    def set_dots(self, groups: list[np.ndarray], colors: list[QColor], rim: QColor | None = None) -> None:
        """Show each group of points (n, 2) in its colour."""
        self._groups = [([QPointF(x, y) for x, y in group], color) for group, color in zip(groups, colors, strict=True)]
        self._rim = rim or self._rim
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw rims first, then discs, as round points of a pen: far faster than ellipses."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        transform = painter.transform()
        # In pixels: Qt draws the points of a cosmetic pen wider than high.
        painter.resetTransform()
        placed = [([transform.map(point) for point in points], color) for points, color in self._groups]
        for width, fixed in ((self.SIZE + 2.0, self._rim), (self.SIZE, None)):
            for points, color in placed:
                pen = QPen(fixed or color, width)
                pen.setCapStyle(Qt.PenCapStyle.RoundCap)
                painter.setPen(pen)
                painter.drawPoints(points)
