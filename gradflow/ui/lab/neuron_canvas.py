"""The graph of neurons to look at and to choose in: by mouse, by keys, enlarged and moved at will."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradflow.ui.lab.edge_paint import paint_hovered
from gradflow.ui.lab.neuron_layout import FOOT, TOP, NeuronLayout, lay_out
from gradflow.ui.lab.neuron_paint import NeuronPainter
from gradflow.ui.lab.neuron_scene import Scene
from gradflow.ui.lab.readout import Readout
from gradflow.ui.theme import LIGHT, Theme

LARGEST_ZOOM = 12.0
ZOOM_STEP = 1.25
CLICK = 4.0
"""Moved less than this while pressed, the mouse has clicked."""

KEYS = {
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Plus,
    Qt.Key.Key_Equal,
    Qt.Key.Key_Minus,
    Qt.Key.Key_0,
    Qt.Key.Key_E,
    Qt.Key.Key_B,
    Qt.Key.Key_Escape,
    Qt.Key.Key_Return,
    Qt.Key.Key_Enter,
}


class NeuronCanvas(QWidget):
    """Draws a scene; tells what is chosen in it."""

    neuron_chosen = Signal(int)
    """A neuron that was clicked or moved to."""

    edge_chosen = Signal(int)
    """An edge that was clicked or moved to."""

    bias_chosen = Signal(int)
    """The neuron whose bias was clicked."""

    entered = Signal(int)
    """A neuron that was clicked, or the chosen one at the Enter key."""

    released = Signal()
    """Whatever is chosen besides a neuron is not wanted any more."""

    looked = Signal()
    """It was enlarged or moved."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(120, 80)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Graph of neurons")
        self.setAccessibleDescription(
            "Arrow keys move between neurons, E goes through the edges that enter the neuron, B chooses its bias, "
            "Escape lets go; plus, minus and 0 enlarge"
        )
        self.theme = LIGHT
        self.scene: Scene | None = None
        self.zoom, self.pan = 1.0, QPointF()
        self._layout: NeuronLayout | None = None
        self._drawing: QPixmap | None = None
        self._pressed: QPointF | None = None
        self._dragged = False
        self._hovered: int | None = None
        self.readout = Readout(self)

    def show_scene(self, scene: Scene | None) -> None:
        """Draw this from now on."""
        if scene is None or self.scene is None or scene.graph is not self.scene.graph:
            self._layout = None
            self._read_out(None)
        self.scene, self._drawing = scene, None
        self.update()

    def look(self, zoom: float, pan: QPointF) -> None:
        """Enlarge about the middle, and move."""
        self.zoom = min(max(zoom, 1.0), LARGEST_ZOOM)
        reach_x, reach_y = self.width() * self.zoom / 2, self.height() * self.zoom / 2
        self.pan = QPointF(min(max(pan.x(), -reach_x), reach_x), min(max(pan.y(), -reach_y), reach_y))
        if self.zoom == 1.0:
            self.pan = QPointF()
        self._layout = self._drawing = None
        self.update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme, self._drawing = theme, None
        self.update()

    @property
    def placed(self) -> NeuronLayout | None:
        """Where everything stands at this size."""
        if self._layout is None and self.scene is not None:
            self._layout = lay_out(self.scene.graph, self.width(), self.height(), self.zoom, self.pan)
        return self._layout

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the scene, and a frame while the keys are here."""
        with QPainter(self) as painter:
            if self.scene is None or self.placed is None:
                painter.setPen(QColor(self.theme.muted))
                painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "not measured yet")
                return
            if event.rect().contains(self.rect()):
                NeuronPainter(painter, self.scene, self.placed, self.theme).paint()
            else:
                # What the mouse passes over must not cost a new drawing each time.
                painter.drawPixmap(0, 0, self._drawn(self.scene, self.placed))
            if self._hovered is not None:
                paint_hovered(painter, self.placed, self._hovered, self.theme)

    def _drawn(self, scene: Scene, placed: NeuronLayout) -> QPixmap:
        """Return the whole drawing in pixels."""
        if self._drawing is None:
            ratio = self.devicePixelRatioF()
            self._drawing = QPixmap((QSizeF(self.size()) * ratio).toSize())
            self._drawing.setDevicePixelRatio(ratio)
            self._drawing.fill(QColor(self.theme.surface))
            with QPainter(self._drawing) as painter:
                NeuronPainter(painter, scene, placed, self.theme).paint()
        return self._drawing

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out anew."""
        self._layout = self._drawing = None

    # The mouse.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a move."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed, self._dragged = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the picture, or read out what is under the mouse."""
        if self._pressed is None:
            self._read_out(event.position())
            return
        moved = event.position() - self._pressed
        if self._dragged or moved.manhattanLength() > CLICK:
            self._dragged = True
            self._pressed = event.position()
            self.look(self.zoom, self.pan + moved)
            self.looked.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a move, or choose what was clicked."""
        if self._pressed is not None and not self._dragged:
            self._click(event.position())
        self._pressed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show all of it again where nothing is."""
        if self._under(event.position()) is None:
            self.look(1.0, QPointF())
            self.looked.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Enlarge about the mouse."""
        self._enlarge(ZOOM_STEP ** (event.angleDelta().y() / 120.0), event.position())
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget what was under the mouse."""
        self._read_out(None)

    def _enlarge(self, factor: float, about: QPointF) -> None:
        zoom = min(max(self.zoom * factor, 1.0), LARGEST_ZOOM)
        away = about - QPointF(self.width() / 2, self.height() / 2)
        self.look(zoom, away - (away - self.pan) * (zoom / self.zoom))
        self.looked.emit()

    def _under(self, spot: QPointF) -> tuple[str, int] | None:
        """Return what is under the mouse: a bias, a neuron or an edge."""
        if self.placed is None:
            return None
        for kind, found in (
            ("bias", self.placed.bias_at(spot)),
            ("neuron", self.placed.neuron_at(spot)),
            ("edge", self.placed.edge_at(spot)),
        ):
            if found is not None:
                return kind, found
        return None

    def _click(self, spot: QPointF) -> None:
        under = self._under(spot)
        if under is None:
            self.released.emit()
        else:
            {"bias": self.bias_chosen, "neuron": self.neuron_chosen, "edge": self.edge_chosen}[under[0]].emit(under[1])
            if under[0] == "neuron":
                self.entered.emit(under[1])

    def _read_out(self, spot: QPointF | None) -> None:
        """Say what is at a place, and mark it if it is an edge: in a crowd nobody would know which one is meant."""
        under = self._under(spot) if spot else None
        self._hover(under[1] if under and under[0] == "edge" else None)
        if spot is None or under is None or self.scene is None:
            self.readout.hide()
        else:
            self.readout.tell(self.scene.told(*under), spot)

    def _hover(self, edge: int | None) -> None:
        for each in {self._hovered, edge} - {None} if edge != self._hovered else ():
            if self.placed and each is not None:
                self.update(self.placed.edge_area(each).toAlignedRect())
        self._hovered = edge

    # The keys.

    def event(self, event: QEvent) -> bool:
        """Keep its own keys from the window's shortcuts; with a modifier they are the window's."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            modifiers = event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier)
            plus = event.key() == Qt.Key.Key_Plus
            if event.key() in KEYS and (modifiers == Qt.KeyboardModifier.NoModifier or plus):
                event.accept()
                return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move to a neighbour, go through edges, choose the bias, let go, enlarge."""
        middle = QPointF(self.width() / 2, self.height() / 2)
        steps = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        key = Qt.Key(event.key())
        if self.scene is None or key not in KEYS or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            super().keyPressEvent(event)
        elif key in steps:
            if self.placed:
                wanted = self.placed.neighbour(self.scene.chosen, *steps[key])
                self.neuron_chosen.emit(wanted)
                self._bring_into_sight(wanted)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self._enlarge(1.0 / ZOOM_STEP if key == Qt.Key.Key_Minus else ZOOM_STEP, middle)
        elif key == Qt.Key.Key_0:
            self.look(1.0, QPointF())
            self.looked.emit()
        elif key == Qt.Key.Key_Escape:
            self.released.emit()
        elif self.scene.chosen is not None:
            self._choose_of_neuron(key, self.scene.chosen)

    def _bring_into_sight(self, neuron: int) -> None:
        """Move an enlarged picture so that a neuron is in it."""
        if self.placed is None or self.zoom == 1.0:
            return
        box, area = self.placed.box(neuron), QRectF(self.rect()).adjusted(8.0, TOP, -8.0, -FOOT)
        across = max(area.left() - box.left(), 0.0) - max(box.right() - area.right(), 0.0)
        down = max(area.top() - box.top(), 0.0) - max(box.bottom() - area.bottom(), 0.0)
        if across or down:
            self.look(self.zoom, self.pan + QPointF(across, down))
            self.looked.emit()

    def _choose_of_neuron(self, key: Qt.Key, neuron: int) -> None:
        """Enter a neuron, or choose its bias or the next edge that enters it."""
        assert self.scene is not None
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit(neuron)
            return
        if key == Qt.Key.Key_B:
            self.bias_chosen.emit(neuron)
            return
        edges = self.scene.graph.incoming[neuron] or self.scene.graph.outgoing[neuron]
        if edges:
            now = self.scene.edge
            self.edge_chosen.emit(edges[(edges.index(now) + 1) % len(edges)] if now in edges else edges[0])
