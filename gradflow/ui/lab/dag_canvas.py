"""The drawing of a computational graph: it is panned and zoomed with mouse and keys, and its boxes can be chosen."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradflow.sim.lab.dag_layout import Placement, lay_out
from gradflow.sim.lab.label_places import Rectangle
from gradflow.ui.lab import dag_paint
from gradflow.ui.lab.camera import LEGIBLE, TOO_SMALL, Camera, Mode
from gradflow.ui.lab.cards import text_width
from gradflow.ui.lab.dag_labels import paint_label, place_labels
from gradflow.ui.lab.dag_rest import Rest
from gradflow.ui.lab.dag_scene import Look, Scene
from gradflow.ui.lab.dag_wires import Wires
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font
from gradflow.ui.weak import weakly

ZOOM_STEP, PAN_STEP = 1.25, 60.0

STEP = 8.0
"""Room for labels is made in such steps, so that a digit more moves nothing."""

KEYS = {
    Qt.Key.Key_Left: (1, 0),
    Qt.Key.Key_Right: (-1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


class DagCanvas(QWidget):
    """The drawing. Arrow keys pan, + and − zoom; 0 fits everything, 1 follows what happens, large enough to be read.

    [ and ] choose the box before and after.
    """

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
        self.camera = Camera()
        self.rest = Rest(self)
        self.rest.towards.connect(self._look_towards)
        self.rest.whole.connect(weakly(self, lambda self, whole: self.fit() if whole else self.follow()))
        self._boxes: list[QRectF] = []
        self._wires = Wires(self.placed.routes)
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
            self._lay_out()
        self._frame()

    def _lay_out(self) -> None:
        """Place the boxes, with as much room for labels as the window has."""
        scene = self.scene
        edges = [(wire.source, wire.target) for wire in scene.wires]
        labels = [[STEP * math.ceil(text_width(words) / STEP) for words in wire.room] for wire in scene.wires]
        self.placed = lay_out(scene.room, edges, labels, self.camera.room)
        self._wires = Wires(self.placed.routes)
        self._boxes = [QRectF(*box) for box in np.hstack([self.placed.corners, self.placed.sizes]).tolist()]
        self.camera.drawing = QSizeF(self.placed.width, self.placed.height)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.update()

    # Where everything is, in pixels.

    def fit(self) -> None:
        """Show the whole graph, and keep doing so when the window's size changes."""
        self.camera.mode = Mode.WHOLE
        self._frame()

    def follow(self) -> None:
        """Show the whole graph or, where that would be too small to read, the part in which something happens."""
        self.camera.mode = Mode.AUTO
        self._frame()

    def state(self) -> dict[str, list[float]]:
        """Return what is looked at, for `look`; nothing if the drawing follows what happens."""
        looks = {Mode.WHOLE: [], Mode.FREE: self.camera.state()}
        return {"look": looks[self.camera.mode]} if self.camera.mode in looks else {}

    def look(self, state: list[float]) -> None:
        """Look at what `camera.state` gave, or at the whole graph for nothing; raises ValueError for anything else."""
        if not state:
            self.fit()
            return
        zoom, x, y = state
        self.camera.restore(zoom, x, y)
        self._moved()

    def reveal(self, number: int) -> None:
        """Have a box in sight, if it is drawn."""
        if number < len(self._boxes) and self.camera.reveal(self._boxes[number]):
            self._moved()

    def box(self, number: int) -> QRectF:
        """Return a box in pixels."""
        return self.camera.pixels(self._boxes[number])

    def labels(self) -> list[tuple[Rectangle, str, int]]:
        """Return the labels that find a place: where, what, and of which edge."""
        if self._labels is None:
            boxes = [self.camera.pixels(box) for box in self._boxes]
            window, branches = QRectF(self.rect()), self.placed.routes.branches
            self._labels = place_labels(self.scene.wires, branches, self.camera, boxes, self.rest.taken(), window)
        return self._labels

    def box_at(self, spot: QPointF) -> int | None:
        """Return the box at a place, or None."""
        return next((i for i in range(len(self.scene.cards)) if self.box(i).contains(spot)), None)

    def wire_at(self, spot: QPointF) -> int | None:
        """Return the edge within a few pixels, or None."""
        return self._wires.at(self.camera.point(spot), self.camera.zoom)

    def _frame(self) -> None:
        self.camera.frame(self._focus())
        self._moved()

    def _focus(self) -> QRectF | None:
        """Return where something happens: the box and those that it sends to or takes from, if all can be seen."""
        now = self.scene.now()
        if not now:
            return None
        ends = {i for wire in self.scene.wires if wire.look is Look.NOW for i in (wire.source, wire.target)}
        whole = reduce(QRectF.united, (self._boxes[i] for i in ends), self._boxes[now[0]])
        fits = whole.width() * LEGIBLE <= self.width() and whole.height() * LEGIBLE <= self.height()
        return whole if fits else self._boxes[now[0]]

    def _look_towards(self, right: int, down: int) -> None:
        self.camera.turn_page(right, down)
        self._moved()

    def _moved(self) -> None:
        self._labels = None
        middles = self.placed.corners + self.placed.sizes / 2
        shift = (self.camera.shift.x(), self.camera.shift.y())
        self.rest.show_rest(middles * self.camera.zoom + shift, self.camera.zoom >= TOO_SMALL)
        self.update()

    # What Qt asks.

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint edges, boxes and labels."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        scene = self.scene
        theme = dag_paint.pale(self.theme) if scene.stale else self.theme
        zoom, shift = self.camera.zoom, self.camera.shift
        painter.save()
        painter.setTransform(QTransform(zoom, 0.0, 0.0, zoom, shift.x(), shift.y()), True)
        seen = QRectF(self.camera.point(QPointF(0.0, 0.0)), QSizeF(self.size()) / zoom)
        self._wires.paint(painter, scene.wires, seen, theme)
        shown = [i for i, box in enumerate(self._boxes) if box.intersects(seen)]
        for i in shown:
            dag_paint.paint_box(painter, self._boxes[i], i, scene, theme, zoom)
        painter.restore()
        if zoom < dag_paint.READABLE:
            for i in shown:
                dag_paint.paint_name(painter, self.box(i), i, scene, theme)
        painter.setFont(font(SMALL_SIZE))
        for where, words, number in self.labels():
            paint_label(painter, where, words, scene.wires[number], theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit anew, if the whole graph was in sight."""
        self.camera.resize(QSizeF(self.size()))
        if not self.placed.least <= self.camera.room < self.placed.most:
            self._lay_out()
        self._frame()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the mouse."""
        self.camera.zoom_by(ZOOM_STEP ** (event.angleDelta().y() / 120.0), event.position())
        self._moved()
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
            self.camera.move(moved)
            self._moved()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose what is there, if the mouse did not move."""
        still = self._pressed is not None and (event.position() - self._pressed).manhattanLength() < 4.0
        self._drag = self._pressed = None
        if still and event.button() is Qt.MouseButton.LeftButton:
            self.chosen.emit(self.box_at(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fit everything."""
        self.fit()

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
            self.camera.move(QPointF(*KEYS[Qt.Key(key)]) * PAN_STEP)
        elif text in "+=":
            self.camera.zoom_by(ZOOM_STEP)
        elif text in "-−":
            self.camera.zoom_by(1.0 / ZOOM_STEP)
        elif text == "0":
            self.fit()
        elif text == "1":
            self.follow()
        else:
            self._choose_next(1 if text == "]" else -1)
        self._moved()

    def _keeps(self, event: QKeyEvent) -> bool:
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        text = event.text()
        return (plain and event.key() in KEYS) or (text != "" and text in "+=-−01[]")

    def _choose_next(self, direction: int) -> None:
        count = len(self.scene.cards)
        if count:
            start = self.scene.chosen if self.scene.chosen is not None else (-1 if direction > 0 else 0)
            self.chosen.emit((start + direction) % count)
