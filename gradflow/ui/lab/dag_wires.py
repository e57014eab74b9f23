"""The edges of a drawn graph: a value's line is painted once, then the branch of each of its readers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from gradflow.sim.lab.dag_routes import Routes
from gradflow.ui.items import cosmetic
from gradflow.ui.lab.dag_paint import ALONG, on_bend, path_of
from gradflow.ui.lab.dag_scene import Look, Wire
from gradflow.ui.theme import Theme

HEAD, NEAR = 7.0, 6.0
ABOVE = (Look.NOW, Look.LATE)
"""What lies above the rest."""


class Wires:
    """The lines of one layout."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self.branches = [path_of(branch, bent=True) for branch in routes.branches]
        self._trunks: dict[tuple[int, int], QPainterPath] = {}

    def at(self, spot: QPointF, zoom: float) -> int | None:
        """Return the edge whose branch is within a few pixels, or None."""
        near = NEAR / zoom
        square = QRectF(spot.x() - near, spot.y() - near, 2 * near, 2 * near)
        around = (i for i, path in enumerate(self.branches) if path.controlPointRect().intersects(square))
        return next((i for i in around if _crosses(self.branches[i], square)), None)

    def paint(self, painter: QPainter, wires: Sequence[Wire], seen: QRectF, theme: Theme) -> None:
        """Paint the edges of which something is in sight."""
        farthest: dict[tuple[int, Look], int] = {}
        for number, wire in enumerate(wires):
            key = (wire.source, wire.look)
            farthest[key] = max(farthest.get(key, 0), self.routes.joins[number])
        for above in (False, True):
            for (source, look), joins in farthest.items():
                if (look in ABOVE) is above:
                    self._paint_trunk(painter, source, joins, pen_of(look, False, theme), seen)
            for number, wire in enumerate(wires):
                if (wire.look in ABOVE) is above:
                    self._paint_branch(painter, number, wire, seen, theme)

    def _paint_trunk(self, painter: QPainter, source: int, joins: int, pen: QPen, seen: QRectF) -> None:
        if (source, joins) not in self._trunks:
            self._trunks[source, joins] = path_of(self.routes.trunks[source][:joins])
        path = self._trunks[source, joins]
        if path.controlPointRect().adjusted(-HEAD, -HEAD, HEAD, HEAD).intersects(seen):
            painter.strokePath(path, pen)

    def _paint_branch(self, painter: QPainter, number: int, wire: Wire, seen: QRectF, theme: Theme) -> None:
        path, branch = self.branches[number], self.routes.branches[number]
        pen = pen_of(wire.look, wire.cut, theme)
        if wire.backwards:
            _paint_head(painter, self.routes.trunks[wire.source][0].tolist(), 1.0, pen.color())
        if not path.controlPointRect().adjusted(-HEAD, -HEAD, HEAD, HEAD).intersects(seen):
            return
        painter.strokePath(path, pen)
        if not wire.backwards:
            _paint_head(painter, branch[-1].tolist(), -1.0, pen.color())
        if wire.cut:
            painter.setPen(cosmetic(QColor(theme.error), 2.0))
            x, y = on_bend(branch, ALONG[0])
            painter.drawLine(QPointF(x - 1.0, y - 7.0), QPointF(x - 5.0, y + 7.0))
            painter.drawLine(QPointF(x + 4.0, y - 7.0), QPointF(x, y + 7.0))


def pen_of(look: Look, cut: bool, theme: Theme) -> QPen:
    """Return the pen of an edge."""
    color, width = {
        Look.WAITING: (theme.border, 1.0),
        Look.DONE: (theme.muted, 1.0),
        Look.NOW: (theme.curve_second, 3.0),
        Look.BACK: (theme.curve, 1.5),
        Look.OFF: (theme.border, 1.0),
        Look.LATE: (theme.error, 2.0),
    }[look]
    pen = cosmetic(QColor(color), width)
    if cut or look is Look.LATE:
        pen.setStyle(Qt.PenStyle.DashLine)
    return pen


def _paint_head(painter: QPainter, tip: list[float], inwards: float, color: QColor) -> None:
    """Paint the head of an arrow whose tip is at a point."""
    x, y = tip
    back = x + inwards * HEAD
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawPolygon([QPointF(x, y), QPointF(back, y - HEAD / 2), QPointF(back, y + HEAD / 2)])


def _crosses(path: QPainterPath, square: QRectF) -> bool:
    """Tell whether the line itself, not the area it encloses, meets a square."""
    length = path.length()
    steps = max(int(2 * length / square.width()), 1)
    points = (path.pointAtPercent(path.percentAtLength(length * i / steps)) for i in range(steps + 1))
    return any(map(square.contains, points))
