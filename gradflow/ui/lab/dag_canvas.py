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
from gradflow.sim.lab.label_places import Rectangle, place
from gradflow.ui.lab import dag_paint
from gradflow.ui.lab.camera import LEGIBLE, Camera, Mode
from gradflow.ui.lab.cards import card_size, text_width
from gradflow.ui.lab.dag_scene import Look, Scene
from gradflow.ui.lab.dag_wires import Wires
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font

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
        self.camera = Camera()
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
            # In steps, so that another digit moves nothing.
            wide = [16.0 * math.ceil(text_width(words) / 16.0) for _, _, words in ends]
            self.placed = lay_out([card_size(card) for card in scene.room], [end[:2] for end in ends], wide)
            self._wires = Wires(self.placed.routes)
            self._boxes = [QRectF(*box) for box in np.hstack([self.placed.corners, self.placed.sizes]).tolist()]
            self.camera.drawing = QSizeF(self.placed.width, self.placed.height)
        self._frame()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.update()

    # Where everything is, in pixels.

    def fit(self) -> None:
        """Show the whole graph, and keep doing so when the window's size changes."""
        self.camera.mode = Mode.WHOLE
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
        if number < len(self._boxes):
            self.camera.reveal(self._boxes[number])
            self._moved()

    def box(self, number: int) -> QRectF:
        """Return a box in pixels."""
        return self.camera.pixels(self._boxes[number])

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

    def _moved(self) -> None:
        self._labels = None
        self.update()

    def _place_labels(self) -> list[tuple[Rectangle, str, int]]:
        """Give the labels their places, those of the present step first."""
        wires = self.scene.wires
        branches, window = self.placed.routes.branches, QRectF(self.rect())
        order = sorted((i for i, wire in enumerate(wires) if wire.labels), key=lambda i: wires[i].look is not Look.NOW)
        camera = self.camera
        options = [dag_paint.label_candidates(branches[i], wires[i].labels, camera.zoom, camera.shift) for i in order]
        boxes = (self.box(i) for i in range(len(self.scene.cards)))
        taken = [(b.left(), b.top(), b.right(), b.bottom()) for b in boxes if b.intersects(window)]
        cuts = (dag_paint.label_candidates(branches[i], (" ",), camera.zoom, camera.shift) for i in self._cut())
        taken += [options_of_cut[0] for options_of_cut in cuts]
        places = place(options, taken, (0.0, 0.0, float(self.width()), float(self.height())))
        return [
            (found[1], wires[i].labels[found[0] // len(dag_paint.ALONG)], i)
            for i, found in zip(order, places, strict=True)
            if found
        ]

    def _cut(self) -> list[int]:
        return [i for i, wire in enumerate(self.scene.wires) if wire.cut]

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
            dag_paint.paint_label(painter, where, words, scene.wires[number], theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit anew, if the whole graph was in sight."""
        self.camera.resize(QSizeF(self.size()))
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
        else:
            self._choose_next(1 if text == "]" else -1)
        self._moved()

    def _keeps(self, event: QKeyEvent) -> bool:
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        text = event.text()
        return (plain and event.key() in KEYS) or (text != "" and text in "+=-−0[]")

    def _choose_next(self, direction: int) -> None:
        count = len(self.scene.cards)
        if count:
            start = self.scene.chosen if self.scene.chosen is not None else (-1 if direction > 0 else 0)
            self.chosen.emit((start + direction) % count)
