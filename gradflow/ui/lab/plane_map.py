"""The loss over a plane as a heat map with contours, on it the run's trajectory, its point and the next step."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gradflow.sim.lab.plane import Plane
from gradflow.sim.words import spell
from gradflow.ui.color_bar import ColorBar
from gradflow.ui.items import cosmetic, within
from gradflow.ui.lab.chip import Chip
from gradflow.ui.lab.line_plot import Signs
from gradflow.ui.plot import Plot
from gradflow.ui.sheets import Overlay
from gradflow.ui.theme import Theme, rgb

Array = NDArray[np.float64]

DOT, RING, PALE = 2.5, 6.0, 0.35


NO_NAMES = "first direction", "second direction"
"""What the axes are called as long as there is no plane."""


class PlaneMap(QWidget):
    """Colours and contours: the loss. Line: the trajectory. Ring: now. Diamond: the next step. Red: not finite.

    Both axes are lengths in the space of all parameters.
    """

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot(None, None, *NO_NAMES)
        self.image = pg.ImageItem(axisOrder="row-major")
        self.overlay = PlaneSigns()
        self.plot.add(self.image, self.overlay)
        self.bar = ColorBar()
        self.chip = Chip(self.plot)
        self.chip.say = self._say
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.plot, 1)
        box.addWidget(self.bar)
        self.plane: Plane | None = None
        self._theme: Theme | None = None
        self._log = True
        self._drawn: tuple[object, ...] = ()

    def show_plane(self, plane: Plane | None, log: bool, old: bool = False) -> None:
        """Paint a plane, or nothing; one of an old step is pale."""
        self.image.setOpacity(PALE if old else 1.0)
        self.overlay.opacity = PALE if old else 1.0
        if (plane, log, self._theme) == self._drawn:
            return
        self.plane, self._log, self._drawn = plane, log, (plane, log, self._theme)
        self.bar.setVisible(plane is not None)
        if plane is None or self._theme is None:
            self.image.clear()
            if self._theme is not None:
                self.plot.name_axes(*NO_NAMES, self._theme)
            self.overlay.show_signs(None, np.empty((0, 2, 2)))
            return
        axes = plane.axes
        values, low, high = plane.shown(log)
        table = self._theme.heat_table()
        level = np.clip(np.nan_to_num((values - low) / (high - low)), 0.0, 1.0)
        picture = table[np.rint(255.0 * level).astype(np.uint8)].copy()
        picture[plane.broken] = rgb(self._theme.error)
        a, b = (float(axis[1] - axis[0]) for axis in (axes.a, axes.b))
        self.image.setImage(picture, autoLevels=False, levels=(0, 255))
        # Losses belong to the middles of the cells.
        self.image.setRect(QRectF(axes.a[0] - a / 2, axes.b[0] - b / 2, np.ptp(axes.a) + a, np.ptp(axes.b) + b))
        self.plot.fix(
            x=(float(axes.a[0] - a / 2), float(axes.a[-1] + a / 2)),
            y=(float(axes.b[0] - b / 2), float(axes.b[-1] + b / 2)),
        )
        across, up = axes.titles
        self.plot.name_axes(across.lower(), up.lower(), self._theme)
        lost = ((self._theme.error, "∞, nan"),) if plane.broken.any() else ()
        self.bar.show_scale(table, plane.scale(log), lost)
        self.overlay.show_signs(plane, plane.contours(log))

    def signs(self, theme: Theme) -> Signs:
        """Return what stands on the colours: a sign, its colour and its name."""
        plane = self.plane
        if plane is None:
            return []
        moved = len(plane.axes.path) > 1
        found = [("○", theme.text, "step 0"), ("━", theme.text, "trajectory")] if moved else []
        found += [("◎", theme.text, f"step {plane.axes.step}")]
        a, b = plane.axes.next_step
        if plane.axes.a[0] <= a <= plane.axes.a[-1] and plane.axes.b[0] <= b <= plane.axes.b[-1]:
            found.append(("◆", theme.accent, "next step"))
        return found + ([("■", theme.error, "not finite")] if plane.broken.any() else [])

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self._theme = theme
        self.plot.retheme(theme)
        self.bar.text = QColor(theme.muted)
        self.overlay.retheme(theme)
        self.show_plane(self.plane, self._log)

    def _say(self, spot: QPointF) -> str:
        plane = self.plane
        if plane is None:
            return ""
        row = int(np.abs(plane.axes.b - spot.y()).argmin())
        column = int(np.abs(plane.axes.a - spot.x()).argmin())
        loss = spell(float(plane.losses[row, column])) if plane.done[row, column] else "not computed yet"
        return f"<b>{spell(float(plane.axes.a[column]))}, {spell(float(plane.axes.b[row]))}</b>: L = {loss}"


class PlaneSigns(Overlay):
    """What stands on the colours, on wider strokes of the ground's colour so that it is seen on all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.opacity = 1.0
        self._contours = QPainterPath()
        self._path: list[QPointF] = []
        self._step: QPointF | None = None
        self._shown = False
        self._ink = self._ground = self._accent = self._line = QColor("black")

    def show_signs(self, plane: Plane | None, contours: Array) -> None:
        """Show a plane's contours, trajectory and points, or nothing."""
        # One path: lines of their own would be brighter where they meet.
        self._contours = pg.arrayToQPath(*contours.reshape(-1, 2).T, connect="pairs")
        self._shown = plane is not None
        path = plane.axes.path if plane else np.empty((0, 2))
        self._path = [QPointF(x, y) for x, y in path.tolist() if np.isfinite(x + y)]
        step = plane.axes.next_step if plane else np.full(2, np.nan)
        self._step = QPointF(*step.tolist()) if np.isfinite(step).all() else None
        self.update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self._ink, self._ground, self._accent = QColor(theme.text), QColor(theme.surface), QColor(theme.accent)
        self._line = QColor("#ffffff")
        self._line.setAlphaF(0.35)
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw the contours, the trajectory, and the two points."""
        transform = painter.transform()
        if not self._shown or not transform.m11() or not transform.m22():
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(self.opacity)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(cosmetic(self._line))
        painter.drawPath(self._contours)
        # In pixels: marks are round whatever the axes are.
        painter.resetTransform()
        path = transform.map(self._seen_path())
        for pen in self._pens(1.6, self._ink):
            painter.setPen(pen)
            painter.drawPath(path)
        for i, point in enumerate(self._path[:-1]):
            if not self.view.contains(point):
                continue
            # The beginning is hollow.
            painter.setPen(Qt.PenStyle.NoPen if i else cosmetic(self._ink, 1.5))
            painter.setBrush(self._ink if i else self._ground)
            painter.drawEllipse(transform.map(point), DOT if i else 2 * DOT, DOT if i else 2 * DOT)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        now = transform.map(QPointF(0.0, 0.0))
        for pen in self._pens(2.0, self._ink):
            painter.setPen(pen)
            painter.drawEllipse(now, RING, RING)
        if self._step is not None and self.view.contains(self._step):
            at = transform.map(self._step)
            diamond = QPolygonF([at + QPointF(x, y) for x, y in ((-5, 0), (0, 5), (5, 0), (0, -5))])
            painter.setBrush(self._accent)
            painter.setPen(cosmetic(QColor("white"), 1.5))
            painter.drawPolygon(diamond)
        painter.setTransform(transform)

    def _seen_path(self) -> QPainterPath:
        """Return what of the trajectory lies within the plot."""
        x, y = np.array([point.toTuple() for point in self._path]).reshape(-1, 2).T
        x, y = within(x, y, self.view.top(), self.view.bottom())
        y, x = within(y, x, self.view.left(), self.view.right())
        return pg.arrayToQPath(x, y, connect="finite")

    def _pens(self, width: float, ink: QColor) -> tuple[QPen, QPen]:
        return cosmetic(self._ground, width + 2.0), cosmetic(ink, width)
