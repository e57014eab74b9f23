"""The drawing of a computational graph: it is panned and zoomed with mouse and keys, and its boxes can be chosen."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradflow.sim.lab.dag_layout import Placement, lay_out
from gradflow.sim.lab.label_places import Rectangle, place
from gradflow.ui.lab import dag_paint
from gradflow.ui.lab.cards import card_size, text_width
from gradflow.ui.lab.dag_scene import Look, Scene
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font

MARGIN, CLOSEST, FARTHEST, LARGEST_FIT = 16.0, 4.0, 0.004, 1.5
ZOOM_STEP, PAN_STEP = 1.25, 60.0

KEYS = {
    Qt.Key.Key_Left: (1, 0),
    Qt.Key.Key_Right: (-1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


class DagCanvas(QWidget):
    """The drawing. Arrow keys pan, + and − zoom, 0 fits everything; [ and ] choose the box before and after."""

    chosen = Signal(object)
    """A box that a person chose, or None."""

    hovered = Signal(object)
    """The edge under the mouse, or None."""

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setMinimumSize(80, 60)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Computational graph")
        self.theme = LIGHT
        self.scene = Scene()
        self.placed: Placement = lay_out([], [])
        self.zoom, self.shift, self.fitted = 1.0, np.zeros(2), True
        self._paths: list[QPainterPath] = []
        self._labels: list[tuple[Rectangle, str, int]] | None = None
        self._drag: QPointF | None = None
        self._pressed: QPointF | None = None

    # What is shown.

    def show_scene(self, scene: Scene) -> None:
        """Draw this; the boxes stay where they are as long as they have the same room and the same edges."""
        before = self.scene
        ends = [(wire.source, wire.target, wire.room) for wire in scene.wires]
        self.scene, self._labels = scene, None
        if scene.room != before.room or ends != [(wire.source, wire.target, wire.room) for wire in before.wires]:
            # In steps, so that another digit moves nothing.
            wide = [16.0 * math.ceil(text_width(words) / 16.0) for _, _, words in ends]
            self.placed = lay_out([card_size(card) for card in scene.room], [end[:2] for end in ends], wide)
            self._paths = [dag_paint.path_of(route) for route in self.placed.routes]
            self._refit()
        self.update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.update()

    # Where everything is, in pixels.

    def fit(self) -> None:
        """Show the whole graph, and keep doing so when the window's size changes."""
        self.fitted = True
        self._refit()

    def look_at(self, zoom: float, shift: tuple[float, float]) -> None:
        """Show a part of the graph."""
        self.fitted, self._labels = False, None
        self.zoom = min(max(zoom, FARTHEST), CLOSEST)
        # No further away than the graph itself: it must stay within reach.
        wide, high = self.placed.width * self.zoom, self.placed.height * self.zoom
        limits = ((MARGIN - wide, self.width() - MARGIN), (MARGIN - high, self.height() - MARGIN))
        self.shift = np.array([min(max(s, low), high) for s, (low, high) in zip(shift, limits, strict=True)])
        self.update()

    def centre(self) -> tuple[float, float]:
        """Return the point of the graph that is in the middle of the window."""
        x, y = ((np.array([self.width(), self.height()]) / 2 - self.shift) / self.zoom).tolist()
        return x, y

    def look_from(self, zoom: float, x: float, y: float) -> None:
        """Show the part of the graph around a point."""
        if not np.isfinite([zoom, x, y]).all():
            raise ValueError("not a place")
        zoom = min(max(zoom, FARTHEST), CLOSEST)
        self.look_at(zoom, (self.width() / 2 - x * zoom, self.height() / 2 - y * zoom))

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom, so that what is at a place stays there."""
        spot = around or QPointF(self.width() / 2, self.height() / 2)
        point = np.array([spot.x(), spot.y()])
        zoom = min(max(self.zoom * factor, FARTHEST), CLOSEST)
        shift = point - (point - self.shift) * (zoom / self.zoom)
        self.look_at(zoom, (float(shift[0]), float(shift[1])))

    def reveal(self, number: int) -> None:
        """Move the graph as little as needed to have a box in sight."""
        box = self.box(number)
        room = QRectF(self.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        if self.fitted or room.contains(box):
            return
        x = min(max(0.0, room.left() - box.left()), room.right() - box.right()) if box.right() > room.right() else 0.0
        x = room.left() - box.left() if box.left() < room.left() else x
        y = room.bottom() - box.bottom() if box.bottom() > room.bottom() else 0.0
        y = room.top() - box.top() if box.top() < room.top() else y
        self.look_at(self.zoom, (float(self.shift[0]) + x, float(self.shift[1]) + y))

    def box(self, number: int) -> QRectF:
        """Return a box in pixels."""
        left, top = (self.placed.corners[number] * self.zoom + self.shift).tolist()
        wide, high = (self.placed.sizes[number] * self.zoom).tolist()
        return QRectF(left, top, wide, high)

    def labels(self) -> list[tuple[Rectangle, str, int]]:
        """Return the labels that find a place: where, what, and of which edge."""
        if self._labels is None:
            self._labels = self._place_labels()
        return self._labels

    def box_at(self, spot: QPointF) -> int | None:
        """Return the box at a place, or None."""
        return next((i for i in range(len(self.scene.cards)) if self.box(i).contains(spot)), None)

    def wire_at(self, spot: QPointF) -> int | None:
        """Return the edge within a few pixels, or None."""
        x, y = (np.array([spot.x(), spot.y()]) - self.shift) / self.zoom
        near = 6.0 / self.zoom
        square = QRectF(x - near, y - near, 2 * near, 2 * near)
        near_ones = (i for i, path in enumerate(self._paths) if path.intersects(square))
        return next((i for i in near_ones if _crosses(self._paths[i], square)), None)

    def _refit(self) -> None:
        self._labels = None
        if self.fitted and self.placed.width:
            wide, high = max(self.width() - 2 * MARGIN, 1.0), max(self.height() - 2 * MARGIN, 1.0)
            self.zoom = max(min(wide / self.placed.width, high / self.placed.height, LARGEST_FIT), FARTHEST)
            size = np.array([self.placed.width, self.placed.height]) * self.zoom
            self.shift = (np.array([self.width(), self.height()]) - size) / 2

    def _place_labels(self) -> list[tuple[Rectangle, str, int]]:
        """Give the labels their places, those of the present step first."""
        wires = self.scene.wires
        routes, window = self.placed.routes, QRectF(self.rect())
        order = sorted((i for i, wire in enumerate(wires) if wire.labels), key=lambda i: wires[i].look is not Look.NOW)
        options = [dag_paint.label_candidates(routes[i], wires[i].labels, self.zoom, self.shift) for i in order]
        boxes = (self.box(i) for i in range(len(self.scene.cards)))
        taken = [(b.left(), b.top(), b.right(), b.bottom()) for b in boxes if b.intersects(window)]
        places = place(options, taken, (0.0, 0.0, float(self.width()), float(self.height())))
        return [
            (found[1], wires[i].labels[found[0] // len(dag_paint.ALONG)], i)
            for i, found in zip(order, places, strict=True)
            if found
        ]

    # What Qt asks.

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint edges, boxes and labels."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        scene, placed = self.scene, self.placed
        if scene.stale:
            painter.setOpacity(0.45)
        left, top = self.shift.tolist()
        painter.save()
        painter.setTransform(QTransform(self.zoom, 0.0, 0.0, self.zoom, left, top), True)
        seen = QRectF(-left / self.zoom, -top / self.zoom, self.width() / self.zoom, self.height() / self.zoom)
        # What happens now lies above the rest.
        for number in sorted(range(len(scene.wires)), key=lambda i: scene.wires[i].look in (Look.NOW, Look.LATE)):
            if self._paths[number].controlPointRect().adjusted(-9, -9, 9, 9).intersects(seen):
                wire = scene.wires[number]
                dag_paint.paint_wire(painter, self._paths[number], placed.routes[number], wire, self.theme)
        boxes = [QRectF(*box) for box in np.hstack([placed.corners, placed.sizes]).tolist()]
        shown = [i for i, box in enumerate(boxes) if box.intersects(seen)]
        for i in shown:
            dag_paint.paint_box(painter, boxes[i], i, scene, self.theme, self.zoom)
        painter.restore()
        if self.zoom < dag_paint.READABLE:
            for i in shown:
                dag_paint.paint_name(painter, self.box(i), i, scene, self.theme)
        painter.setFont(font(SMALL_SIZE))
        for where, words, number in self.labels():
            dag_paint.paint_label(painter, where, words, scene.wires[number], self.theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit anew, if the whole graph was in sight."""
        self._refit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the mouse."""
        self.zoom_by(ZOOM_STEP ** (event.angleDelta().y() / 120.0), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan, or to choose."""
        self._drag = self._pressed = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, or tell which edge is under the mouse."""
        if self._drag is None:
            on_box = self.box_at(event.position()) is not None
            self.hovered.emit(None if on_box else self.wire_at(event.position()))
            return
        moved, self._drag = event.position() - self._drag, event.position()
        if moved.manhattanLength():
            self.look_at(self.zoom, (float(self.shift[0]) + moved.x(), float(self.shift[1]) + moved.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose what is there, if the mouse did not move."""
        still = self._pressed is not None and (event.position() - self._pressed).manhattanLength() < 4.0
        self._drag = self._pressed = None
        if still and event.button() is Qt.MouseButton.LeftButton:
            self.chosen.emit(self.box_at(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fit everything."""
        self.fit()
        self.update()

    def event(self, event: QEvent) -> bool:
        """Keep the keys that move the drawing from the window's shortcuts."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._keeps(event):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pan, zoom, fit, choose."""
        if not self._keeps(event):
            super().keyPressEvent(event)
            return
        key, text = event.key(), event.text()
        if key in KEYS:
            x, y = KEYS[Qt.Key(key)]
            self.look_at(self.zoom, (float(self.shift[0]) + x * PAN_STEP, float(self.shift[1]) + y * PAN_STEP))
        elif text in "+=":
            self.zoom_by(ZOOM_STEP)
        elif text in "-−":
            self.zoom_by(1.0 / ZOOM_STEP)
        elif text == "0":
            self.fit()
            self.update()
        else:
            self._choose_next(1 if text == "]" else -1)

    def _keeps(self, event: QKeyEvent) -> bool:
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        text = event.text()
        return (plain and event.key() in KEYS) or (text != "" and text in "+=-−0[]")

    def _choose_next(self, direction: int) -> None:
        count = len(self.scene.cards)
        if count:
            start = self.scene.chosen if self.scene.chosen is not None else (-1 if direction > 0 else 0)
            self.chosen.emit((start + direction) % count)


def _crosses(path: QPainterPath, square: QRectF) -> bool:
    """Tell whether the line itself, not the area it encloses, meets a square."""
    at = path.percentAtLength
    length = path.length()
    steps = max(int(length / (square.width() / 2)), 1)
    return any(square.contains(path.pointAtPercent(at(length * i / steps))) for i in range(steps + 1))
