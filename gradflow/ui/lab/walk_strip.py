"""The network as a strip, with where the walk is: what the way forward has reached, and the way back."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy

from gradflow.sim.graph_shape import Box, GraphShape
from gradflow.sim.lab.station import Kind
from gradflow.ui.items import cosmetic
from gradflow.ui.network_canvas import NetworkCanvas
from gradflow.ui.theme import Theme

PALE = 0.3
"""How strong the colour is of what lies behind."""
LEAST_ARROW = 16.0


def phase_color(theme: Theme, kind: Kind) -> QColor:
    """Return the colour of the way forward, of the way back, of the update."""
    return QColor({Kind.BACKWARD: theme.curve_second, Kind.UPDATE: theme.good}.get(kind, theme.curve))


class WalkStrip(NetworkCanvas):
    """The drawing of the network; boxes that were passed have the colour of the direction."""

    with_shares = False

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("The network, and where the walk is")
        self.setToolTip("Click a box to go there")
        self._passed: Mapping[int, Kind] = {}
        self._current: tuple[int, Kind] | None = None
        self._place: dict[int, int] = {}
        self._pale = {kind: _pale(self.theme, kind) for kind in Kind}

    def sizeHint(self) -> QSize:
        """Be taller where there are skips."""
        levels = max((skip.level for skip in self.shape.skips), default=0)
        return QSize(400, 72 + (2 + 12 * min(levels, 3) if levels else 0))

    def minimumSizeHint(self) -> QSize:
        """Be content with little."""
        return QSize(60, 40)

    def show_graph(self, shape: GraphShape) -> None:
        """Draw another network."""
        super().show_graph(shape)
        self._place = {id(box): i for i, box in enumerate(shape.boxes)}
        self._current = None
        self.updateGeometry()

    def show_way(self, passed: Mapping[int, Kind], current: tuple[int, Kind]) -> None:
        """Show which boxes were passed last in which direction, and where the walk is."""
        self._passed, self._current = passed, current
        self.update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        super().retheme(theme)
        self._pale = {kind: _pale(theme, kind) for kind in Kind}

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the network, and a frame and an arrow where the walk is."""
        super().paintEvent(event)
        if self._current is None:
            return
        box, kind = self._current
        rectangle, color = self.placed.rectangles[box], phase_color(self.theme, kind)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(cosmetic(color, 2.0))
            inside = QRectF(self.rect()).adjusted(1.0, 1.0, -1.0, -1.0)
            painter.drawRoundedRect(rectangle.adjusted(-2.0, -2.0, 2.0, 2.0).intersected(inside), 4.0, 4.0)
            if rectangle.width() < LEAST_ARROW:
                # The numbers of the layers stand there.
                return
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawPolygon(
                _arrow(rectangle.center().x(), min(rectangle.bottom() + 9.0, self.height() - 6.0), kind)
            )

    def _color(self, box: Box) -> QColor | None:
        """Return the colour of a box that was passed."""
        place = self._place.get(id(box))
        kind = self._passed.get(place) if place is not None else None
        return self._pale[kind] if kind else QColor(self.theme.raised)


def _pale(theme: Theme, kind: Kind) -> QColor:
    strong, ground = phase_color(theme, kind), QColor(theme.surface)
    pairs = ((strong.red(), ground.red()), (strong.green(), ground.green()), (strong.blue(), ground.blue()))
    return QColor(*(round(PALE * a + (1.0 - PALE) * b) for a, b in pairs))


def _arrow(x: float, y: float, kind: Kind) -> QPolygonF:
    """Return an arrow to the right, to the left, or up into the box."""
    if kind is Kind.UPDATE:
        return QPolygonF([QPointF(x, y - 5), QPointF(x - 6, y + 5), QPointF(x + 6, y + 5)])
    tip = -7.0 if kind is Kind.BACKWARD else 7.0
    return QPolygonF([QPointF(x + tip, y), QPointF(x - tip, y - 5), QPointF(x - tip, y + 5)])
